"""Files that a worker asks its supervisor for, written to disk as their parts arrive."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

from clx_jupyter_workers.protocol import FrameError, Header, Link


class _Part:
    """A file that is on its way."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream: BinaryIO = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        self._digest = hashlib.sha256()
        self._size = 0

    def add(self, offset: int, body: bytes) -> None:
        if offset != self._size:
            raise FrameError(f"a part of a file begins at byte {offset}, not at {self._size}")
        self._stream.write(body)
        self._digest.update(body)
        self._size += len(body)

    def end(self) -> str:
        """The hash of what came."""
        self._stream.close()
        return self._digest.hexdigest()


class Fetching:
    """The files of one job.

    Parts are written by the thread that reads frames: what the disk cannot take yet waits in the pipe and not in memory, and a
    cancel behind them is heard whatever the job is doing.
    """

    def __init__(self, link: Link, folder: Path) -> None:
        self._link, self._folder = link, folder
        self._parts: dict[str, _Part] = {}
        self._came: SimpleQueue[tuple[str, str] | OSError | None] = SimpleQueue()
        self._there: SimpleQueue[bool | None] = SimpleQueue()
        link.courier = self.hear

    def close(self) -> None:
        """Take nothing more."""
        self._link.courier = None

    def fetch(self, wanted: Iterable[tuple[str, str]]) -> tuple[dict[str, Path], set[str]]:
        """Ask for files (path and hash; no path: a file that was handed on).

        Gives those that came, by hash, and the hashes of those that changed under way; the others are gone.

        :raises Cancelled: the job was cancelled meanwhile
        :raises OSError: the disk is full
        """
        files = {sha256: path for path, sha256 in wanted}
        self._link.check()
        if files:
            self._link.send("fetch", **self._link.name, files=[[path, sha256] for sha256, path in files.items()])
        states: dict[str, str] = {}
        while len(states) < len(files):
            came = self._came.get()
            self._link.check()
            if isinstance(came, OSError):
                raise came
            if came is not None:
                states[came[0]] = came[1]
        found = {sha256: self._folder / sha256 for sha256, state in states.items() if state == "there"}
        return found, {sha256 for sha256, state in states.items() if state == "changed"}

    def are_shelved(self, hashes: Iterable[str]) -> bool:
        """Whether all these files that were handed on are still kept."""
        self._link.check()
        self._link.send("shelved", **self._link.name, files=sorted(hashes))
        there = self._there.get()
        self._link.check()
        return bool(there)

    def hear(self, header: Header, body: bytes) -> None:
        """A frame for this job, in the thread that reads frames."""
        if header["t"] == "shelved":
            self._there.put(bool(header["there"]))
        elif header["t"] == "chunk":
            self._take(header, body)
        else:  # a cancel: whoever waits looks again
            self._there.put(None)
            self._came.put(None)

    def _take(self, header: Header, body: bytes) -> None:
        sha256, state = str(header["sha256"]), header.get("state", "there")
        try:
            if state != "missing":
                self._part(sha256).add(header["offset"], body)
            if header["last"]:
                part = self._parts.pop(sha256, None)
                whole = part is not None and part.end() == sha256
                self._came.put((sha256, state if whole or state != "there" else "changed"))
        except OSError as error:
            self.close()
            self._came.put(error)

    def _part(self, sha256: str) -> _Part:
        if sha256 not in self._parts:
            self._parts[sha256] = _Part(self._folder / sha256)
        return self._parts[sha256]
