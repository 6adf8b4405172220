"""Files by their hash, kept from one job to the next: a course that many jobs need is sent once."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

LIMIT = 1_000_000_000
"""Bytes that a worker keeps between jobs."""

Look = tuple[int, int, int]


def look(path: Path) -> Look:
    """By this a file that was written to is told from one that was not."""
    status = path.lstat()
    return status.st_mtime_ns, status.st_size, status.st_ino


class Blobs:
    """A folder of such files. What is taken out belongs to the taker; what is kept longest without use goes first."""

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self._folder, self._limit = folder, limit
        self._sizes: OrderedDict[str, int] = OrderedDict()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._sizes

    @property
    def size(self) -> int:
        """Bytes in it."""
        return sum(self._sizes.values())

    def take(self, sha256: str, target: Path) -> None:
        """Move a file out, to *target*."""
        del self._sizes[sha256]
        (self._folder / sha256).replace(target)

    def give(self, sha256: str, file: Path) -> None:
        """Move *file*, whose bytes have this hash, in; it replaces an equal one."""
        size = file.lstat().st_size
        file.replace(self._folder / sha256)
        self._sizes[sha256] = size
        self._sizes.move_to_end(sha256)

    def shrink(self) -> None:
        """Drop files until the rest is within the limit."""
        total = self.size
        while total > self._limit:
            sha256, size = self._sizes.popitem(last=False)
            (self._folder / sha256).unlink(missing_ok=True)
            total -= size
