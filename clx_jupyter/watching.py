"""Seeing which files of a course change, by looking at times and sizes.

No file system events: they do not arrive from network disks, mounted folders and other hosts, where many courses lie. A
look at 10,000 files takes 0.05 s, and looks are so far apart that they take a twentieth of one processor (``docs/why.md``).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import stat
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from clx_jupyter.course.folder import NEVER_SCANNED, OUTPUT_MARKS
from clx_jupyter.course.load import Place

DEBOUNCE = 0.3
"""Seconds without a further change after which a change is taken as whole."""

_EVERY = 0.5
_SHARE = 20
_ENV = ".env"
_PASSING = re.compile(r"\..*|~\$.*|.*~|#.*#|.*\.(?:sw[a-z]|tmp|temp|part|crdownload|bak|bkp|pyc)|4913|__pycache__|.*___jb_\w+___")
"""Names of files that editors and programs leave for a moment, and of what is no content; also all hidden ones."""

_NO_CONTENT = OUTPUT_MARKS | {"pyvenv.cfg"}

Look = dict[str, tuple[int, int, int]]
"""Time, size and inode of every file, by absolute path."""


class Watched:
    """The files of a course that matter to a build: all of its root but outputs, hidden and passing files.

    *also* are files elsewhere, *left_out* files that builds write themselves, such as a report; all paths are absolute. What
    this process prints into a file is left out as well.
    """

    def __init__(self, place: Place, also: Collection[Path] = (), left_out: Collection[Path] = ()) -> None:
        self._root = place.root
        self._single = bool(place.single)
        self._also = tuple(map(str, also))
        self._left_out = frozenset(map(str, left_out))
        self._printed = frozenset(_printed())
        #: The course file may lie outside the root, with templates and settings of its own beside it.
        spec = place.root / place.file
        self._beside = spec.parent if place.file and not spec.is_relative_to(place.root) else None

    def look(self) -> Look:
        """All of them as they are now."""
        found: Look = {}
        folders = [(str(self._root), not self._single)]
        if self._beside:
            folders += [(str(self._beside), False), (str(self._beside / "templates"), True)]
        for folder, deep in folders:
            for entry in _files(folder, deep):
                if entry.path not in self._left_out:
                    self._note(found, entry.path, entry)
        for path in self._also:
            self._note(found, path, Path(path))
        return found

    def _note(self, found: Look, path: str, file: os.DirEntry[str] | Path) -> None:
        with contextlib.suppress(OSError):  # gone since
            status = file.stat()
            if (status.st_dev, status.st_ino) not in self._printed:
                found[path] = (status.st_mtime_ns, status.st_size, status.st_ino)

    def names(self, paths: Iterable[str]) -> list[str]:
        """Paths as people know them."""
        return [os.path.relpath(path, self._root) for path in paths]

    async def changed(self, since: Look) -> tuple[list[str], Look]:
        """Wait until something differs from *since* and then stays as it is for a moment; gives what, and the new look."""
        while True:
            started = time.monotonic()
            now = await asyncio.to_thread(self.look)
            took = time.monotonic() - started
            if now != since:
                await asyncio.sleep(DEBOUNCE)
                while (later := await asyncio.to_thread(self.look)) != now:
                    now = later
                    await asyncio.sleep(DEBOUNCE)
                if differs := sorted(path for path in {*since, *now} if since.get(path) != now.get(path)):
                    return differs, now
            await asyncio.sleep(max(_EVERY, _SHARE * took))


def _printed() -> Iterator[tuple[int, int]]:
    """The files that standard output and error go to."""
    for number in (1, 2):
        with contextlib.suppress(OSError):
            status = os.fstat(number)
            if stat.S_ISREG(status.st_mode):
                yield status.st_dev, status.st_ino


def _files(folder: str, deep: bool) -> Iterator[os.DirEntry[str]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:  # gone, or not ours to read
        return
    if any(entry.name in _NO_CONTENT for entry in entries):
        return
    for entry in entries:
        if entry.name != _ENV and (entry.name in NEVER_SCANNED or _PASSING.fullmatch(entry.name)):
            continue
        if entry.is_dir(follow_symlinks=False):
            if deep:
                yield from _files(entry.path, deep)
        else:
            yield entry
