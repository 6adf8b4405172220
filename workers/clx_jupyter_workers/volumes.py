"""Which disk is full: the one thing that "No space left on device" does not say."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
"""No space, or none in a quota."""


def is_full(error: OSError) -> bool:
    """Whether an error says that a disk has no room."""
    return error.errno in FULL


def unwritten_file(error: OSError) -> Path | None:
    """The file that could not be written, where the error names one: that of a copy names the source first."""
    named = error.filename2 or error.filename
    return Path(str(named)) if named else None


def mount_point(path: Path) -> Path:
    """Where the file system begins that *path* lies on, or would lie on."""
    folder = path.resolve()  # a link may lead to another disk
    while not os.path.ismount(folder):
        folder = folder.parent
    return folder


def room(path: Path) -> str:
    """The disk of *path* in words: ``/mnt/course (12 kB of 4.2 MB free)``."""
    place = mount_point(path)
    usage = shutil.disk_usage(place)
    files = os.statvfs(place) if hasattr(os, "statvfs") else None
    lacks_files = files and files.f_files and not files.f_favail
    return f"{place} ({_size(usage.free)} of {_size(usage.total)} free{', no room for more files' if lacks_files else ''})"


def fullest(paths: Iterable[Path]) -> Path:
    """The one of these on the disk with the least room."""
    return min(paths, key=lambda path: shutil.disk_usage(mount_point(path)).free)


def _size(count: float) -> str:
    units = ["B", "kB", "MB", "GB", "TB"]
    while count >= 1000 and len(units) > 1:
        count, units = count / 1000, units[1:]
    return f"{count:.0f} {units[0]}" if units[0] == "B" or count >= 10 else f"{count:.1f} {units[0]}"
