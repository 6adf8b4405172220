"""What workers write to standard error: kept in a file that does not grow for ever, the end of it at hand."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

LIMIT = 1 << 20
"""Bytes of a log; then it becomes ``NAME.1``, and the ``NAME.1`` before it is gone."""

_TAIL = 4000


class WorkerLog:
    """The log of one worker; several workers may write to one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tail = b""

    def write(self, data: bytes) -> None:
        """Add to the file; a full disk must not stop the worker."""
        self._tail = (self._tail + data)[-_TAIL:]
        with contextlib.suppress(OSError):
            with os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0) as file:
                file.write(data[-LIMIT:])
                full = file.tell() > LIMIT
            if full:
                self._path.replace(self._path.with_name(f"{self._path.name}.1"))

    def tail(self) -> str:
        """The end of what this worker wrote, for people."""
        return self._tail.decode(errors="replace").strip()
