"""What a kernel's process writes by itself: never more than the end of it is kept, however much it is."""

from __future__ import annotations

import contextlib
import os
import threading

_TAIL = 2_000


class Words:
    """A pipe for a process's standard output and error, read by a thread until all who write to it are gone."""

    def __init__(self) -> None:
        self._read_end, self.write_end = os.pipe()
        self._tail = b""
        self._reader = threading.Thread(target=self._read, name="kernel's words", daemon=True)
        self._reader.start()

    def started(self) -> None:
        """The process has its own handle: with ours open, the end would never come."""
        if self.write_end >= 0:
            os.close(self.write_end)
            self.write_end = -1

    def tail(self, wait: float = 0.0) -> str:
        """The end of what was written, for people; of a process that ended, all is there after a short *wait*."""
        self._reader.join(wait)
        return self._tail.decode("utf-8", "replace").strip()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(self._read_end, 1 << 16):
                self._tail = (self._tail + data)[-_TAIL:]
        os.close(self._read_end)
