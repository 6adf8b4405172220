"""Which files were put in place below a folder, as the kernel tells it: nothing that happens between two looks is missed."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

_MOVED_FROM, _MOVED_TO, _NONBLOCK = 0x40, 0x80, os.O_NONBLOCK
# The kernel takes two equal events in a row for one. That each file also leaves its temporary name keeps them apart.
_BOTH = _MOVED_FROM | _MOVED_TO
_EVENT = struct.Struct("iIII")


class Renames:
    """Counts the renames into *folders*, which must be there already, by the path that was named (Linux: inotify)."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(_NONBLOCK)
        assert self._fd >= 0, os.strerror(ctypes.get_errno())
        self._folders = {self._watch(folder): folder for folder in folders}
        self.counts: Counter[Path] = Counter()

    def _watch(self, folder: Path) -> int:
        watch: int = self._libc.inotify_add_watch(self._fd, os.fsencode(folder), _BOTH)
        assert watch >= 0, f"{folder}: {os.strerror(ctypes.get_errno())}"
        return watch

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._fd)

    def read(self) -> Counter[Path]:
        """What came so far."""
        while True:
            try:
                data = os.read(self._fd, 1 << 16)
            except BlockingIOError:
                return self.counts
            while data:
                watch, mask, _, length = _EVENT.unpack_from(data)
                assert watch in self._folders, f"the kernel lost events ({mask:#x})"
                name = data[_EVENT.size : _EVENT.size + length].rstrip(b"\0")
                if mask & _MOVED_TO:
                    self.counts[self._folders[watch] / os.fsdecode(name)] += 1
                data = data[_EVENT.size + length :]

    def until(self, number: int, counted: Callable[[str], bool], going_on: Callable[[], bool], seconds: float = 120) -> bool:
        """Wait for so many renames to paths that are *counted*; ``False`` where it no longer goes on before."""
        end = time.monotonic() + seconds
        while sum(times for path, times in self.read().items() if counted(path.name)) < number:
            if not going_on():
                return False
            assert time.monotonic() < end, f"{number} never came: {self.counts}"
            select.select([self._fd], [], [], 0.1)
        return True
