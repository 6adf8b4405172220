"""What of a root's state is kept, and for how long; the rest goes in small steps that hold up no build.

Nothing here touches outputs: what is forgotten costs time at most, when a build needs it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from clx_jupyter.damage import asides
from clx_jupyter.database import Database
from clx_jupyter.job_rows import Statement, quoted, row_json
from clx_jupyter.jobs import BUILD_ENDED
from clx_jupyter.manifest import TEMPORARY
from clx_jupyter.settings import BuildSettings

_MB = 1_000_000
_DAY = 86_400.0
_STEP = 200
"""Jobs that are forgotten in one transaction."""

_FILES_EVERY = 3600.0
"""Seconds after which files are looked through again."""

_WORKERS, _ASIDES = 50, 3
_FREE_PAGES = 2000


@dataclass(frozen=True, slots=True)
class Freed:
    """What went: builds with their jobs and reports, files, and their bytes."""

    builds: int = 0
    files: int = 0
    size: int = 0

    def __add__(self, other: Freed) -> Freed:
        return Freed(self.builds + other.builds, self.files + other.files, self.size + other.size)


class Retention:
    """The limits of the settings, applied to one state folder; only its holder may."""

    def __init__(self, folder: Path, database: Database, settings: BuildSettings) -> None:
        self._folder, self._database, self._settings = folder, database, settings

    async def apply(self, *, at_once: bool = False) -> Freed:
        """Let go what is beyond the limits: files at most once an hour, unless *at_once*."""
        freed = await self._builds()
        if at_once or await asyncio.to_thread(self._is_time):
            freed += await self._files()
        if freed.builds:
            await self._database.shrink(_FREE_PAGES if not at_once else 2**31 - 1)
        await self._database.rest()
        return freed

    # --- rows -------------------------------------------------------------------

    async def _builds(self) -> Freed:
        ended = quoted(BUILD_ENDED)
        rows = await self._database.all(
            f"SELECT id FROM builds WHERE state IN ({ended}) AND (finished < ? OR id NOT IN"
            f" (SELECT id FROM builds WHERE state IN ({ended}) ORDER BY created DESC LIMIT ?))",
            (time.time() - self._settings.keep_days * _DAY, self._settings.keep_builds),
        )
        size = 0
        for (id,) in rows:
            await self._forget(id)
            size += await asyncio.to_thread(_remove, [self._folder / "builds" / f"{id}.json"])
        await self._database.write(
            ("DELETE FROM workers WHERE state = 'gone' AND id NOT IN (SELECT id FROM workers ORDER BY id DESC LIMIT ?)", (_WORKERS,))
        )
        return Freed(len(rows), len(rows), size)

    async def _forget(self, build: str) -> None:
        """Delete a build and its jobs, some at a time: whoever builds meanwhile waits for one step at most."""
        some = f"(SELECT id FROM jobs WHERE build = ? ORDER BY id LIMIT {_STEP})"
        steps: list[Statement] = [
            (f"DELETE FROM attempts WHERE job IN {some}", (build,)),
            (f"DELETE FROM needs WHERE job IN {some}", (build,)),
            (f"DELETE FROM needs WHERE needs IN {some}", (build,)),
            (f"DELETE FROM specs WHERE job IN {some}", (build,)),
            (f"DELETE FROM jobs WHERE id IN {some}", (build,)),
        ]
        while (await self._database.write(*steps))[-1]:
            await asyncio.sleep(0)
        await self._database.write(("DELETE FROM builds WHERE id = ?", (build,)))

    # --- files --------------------------------------------------------------------

    def _is_time(self) -> bool:
        stamp = self._folder / "tidied"
        try:
            if 0 <= time.time() - stamp.stat().st_mtime < _FILES_EVERY:
                return False
        except OSError:
            pass
        stamp.touch(mode=0o600)
        return True

    async def _files(self) -> Freed:
        rows = await self._database.all("SELECT runs FROM sources", ())
        needed = {
            sha256
            for (runs,) in rows
            for run in row_json(runs, {}).values()
            for part in ("given", "written")
            for sha256 in (run.get(part) or {}).values()
        }
        known = {id for (id,) in await self._database.all("SELECT id FROM builds", ())}
        return await asyncio.to_thread(self._remove_files, needed, known)

    def _remove_files(self, needed: set[str], known: set[str]) -> Freed:
        before = time.time() - self._settings.keep_days * _DAY
        gone = [
            *_older(self._folder / "logs", before),
            *_older(self._folder / "requests", before),
            *(file for file in _older(self._folder / "builds", before) if file.stem not in known),
            *self._asides(before),
            *self._executions(needed),
        ]
        return Freed(0, len(gone), _remove(gone))

    def _asides(self, before: float) -> Iterator[Path]:
        """Files of databases that were set aside: old ones, and all but the last few."""
        for number, group in enumerate(asides(self._database.path)):
            if number >= _ASIDES or all(_changed(file) < before for file in group):
                yield from group

    def _executions(self, needed: set[str]) -> Iterator[Path]:
        """Kept results of code beyond their limit, those that were not used for longest; not files that a source's last run wrote."""
        found = list(_kept(self._folder / "executions"))
        excess = sum(look.st_size for _, look in found) - self._settings.keep_executions * _MB
        for file, look in sorted(found, key=lambda each: each[1].st_mtime):
            if excess <= 0:
                return
            if file.name not in needed:
                excess -= look.st_size
                yield file


def _kept(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """The kept files and how they look; not those that are being written, which get their names, or are gone, at any moment."""
    for file in folder.rglob("*"):
        with contextlib.suppress(OSError):
            look = file.stat()
            if stat.S_ISREG(look.st_mode) and not file.name.startswith(TEMPORARY):
                yield file, look


def _changed(file: Path) -> float:
    try:
        return file.lstat().st_mtime
    except OSError:
        return 0.0


def _older(folder: Path, before: float) -> Iterator[Path]:
    if folder.is_dir():
        yield from (file for file in folder.iterdir() if file.is_file() and _changed(file) < before)


def _remove(files: Iterable[Path]) -> int:
    """Remove files; gives how many bytes they held."""
    size = 0
    for file in files:
        try:
            length = file.lstat().st_size
            file.unlink()
            size += length
        except OSError:
            continue  # it went already, or was a folder that stood in the place of a database
    return size
