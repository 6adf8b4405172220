"""Files that code wrote in its scratch copy: found after the run, kept for the notebooks that come after, laid into their copies."""

from __future__ import annotations

import os
import posixpath
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from clx_jupyter_workers import stage
from clx_jupyter_workers.notebook import scratch

MAX_FILES = 500
"""More files of one run are neither remembered nor handed on."""

MAX_BYTES = 1024 * 1024 * 1024
"""Files of one run that together are larger are not handed on."""

_NOT_RESULTS = frozenset({"__pycache__", ".ipynb_checkpoints", ".git"})

Looks = Mapping[str, tuple[int, int, int]]
"""Time, size and inode of each regular file below a folder, by its path there."""


def looks(place: Path) -> dict[str, tuple[int, int, int]]:
    """How the files of a scratch copy look now; links, and what lies behind them, are not part of it."""
    return dict(_files(place))


def _files(place: Path) -> Iterator[tuple[str, tuple[int, int, int]]]:
    for folder, folders, names in os.walk(place):
        folders[:] = sorted(name for name in folders if name not in _NOT_RESULTS)
        for name in sorted(names):
            path = Path(folder, name)
            try:
                status = path.lstat()
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode):
                yield path.relative_to(place).as_posix(), (status.st_mtime_ns, status.st_size, status.st_ino)


def written(place: Path, before: Looks) -> list[str]:
    """Files that are new or were written since *before*."""
    return [name for name, look in _files(place) if before.get(name) != look and _is_text(name)]


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def hand_on(place: Path, names: list[str], folder: Path) -> dict[str, str]:
    """Copies of files of the scratch copy in *folder*, under their hashes. Gives the hashes, ``""`` for what was too large."""
    found, room = dict.fromkeys(names, ""), MAX_BYTES
    for name in names:
        size = (place / name).stat().st_size
        if size <= room:
            room -= size
            found[name] = stage.put_file(folder, place / name)
    return found


def on_shelf(shelf: Path, sha256: str) -> Path:
    """Where a file that was handed on lies."""
    return shelf / sha256[:2] / sha256


def lay(place: Path, files: Mapping[str, str], shelf: Path) -> None:
    """Lay files that were handed on into the scratch copy at *place*, over what the course has there.

    :raises FileNotFoundError: one of them is no longer kept
    """
    for name, sha256 in files.items():
        if not sha256 or posixpath.isabs(name) or ".." in name.split("/"):
            continue
        target = place / name
        scratch.own(place, [posixpath.dirname(name)] if "/" in name else [])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copyfile(on_shelf(shelf, sha256), target)
