"""Files to and from a worker that shares none with this machine, for one try at a job.

A worker is trusted with its job and with nothing else: it gets the files of the job's offer, and what it sends counts only under
the hash of its bytes. Whoever asks for more, or sends something else, speaks no protocol of ours: its connection is dropped.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import posixpath
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from clx_jupyter.executors.base import RunningWorker
from clx_jupyter.fingerprint import FileHashes
from clx_jupyter.offers import Offer, inside, offer
from clx_jupyter_workers.assets import PREFIX
from clx_jupyter_workers.protocol import CHUNK, FrameError

MAX_RECEIVED = 5_000_000_000
"""Bytes that a worker may send for one job; one that keeps the rules stops earlier, and says so."""

_HASH = re.compile(r"[0-9a-f]{64}")
_LOCAL = ("root", "stage", "scratch", "shelf", "browser")


class Transfers:
    """Makes the transfers of one root, and remembers the hashes of its files."""

    def __init__(self) -> None:
        self._hashes: FileHashes | None = None

    async def begin(self, worker: RunningWorker, job: dict[str, Any]) -> tuple[Transfer, dict[str, Any]]:
        """The transfer for the frame of a job, and the frame as the worker gets it: without any path of this machine.

        :raises OfferError: the job needs more than can be sent
        """
        hashes = self._hashes = self._hashes or FileHashes(Path(job["root"]))
        offered = await asyncio.to_thread(offer, job, hashes)
        frame = {name: value for name, value in job.items() if name not in _LOCAL}
        return Transfer(worker, job, offered, self._forget), {**frame, "remote": True, "course": offered.to_json()}

    def _forget(self) -> None:
        """A file was not what its hash said: look at all of them anew."""
        self._hashes = None


class Transfer:
    """What goes to and fro while a worker does one job."""

    def __init__(self, worker: RunningWorker, job: dict[str, Any], offered: Offer, forget: Callable[[], None]) -> None:
        self._worker, self._offer, self._forget = worker, offered, forget
        self._name = {"job": job["job"], "attempt": job["attempt"]}
        self._folder = posixpath.dirname(job["source"]["path"])
        self._stage = Incoming(Path(job["stage"]))
        self._wanted: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._asked: set[str] = set()
        # It sends while the supervisor goes on to read: were both sides only to write, neither would come to an end.
        self._sending = asyncio.create_task(self._send_all())

    async def close(self) -> None:
        """Send nothing more."""
        self._sending.cancel()
        await asyncio.gather(self._sending, return_exceptions=True)
        await asyncio.to_thread(self._stage.close)

    async def hear(self, header: dict[str, Any], body: bytes) -> bool:
        """Take a frame into account; ``True`` if it is nobody else's business.

        :raises FrameError: the worker asks for what is not its job's, or sends what it must not
        """
        match header["t"]:
            case "fetch":
                for path, sha256 in _pairs(header.get("files")):
                    self._wanted.put_nowait(self._allowed(path, sha256))
            case "shelved":
                there = await asyncio.to_thread(self._are_shelved, _hashes(header.get("files")))
                self._worker.send({"t": "shelved", **self._name, "there": there})
            case "file":
                await asyncio.to_thread(self._stage.take, header, body)
            case "output":
                self._stage.check(_hashes([header.get("sha256")]), header.get("size"))
                header["assets"] = [name for name in header.get("assets") or () if self._may_lie_beside(name)]
                return False
            case "written":
                self._stage.check(_hashes(header.get("files")))
                return False
            case _:
                return False
        return True

    def _allowed(self, path: str, sha256: str) -> tuple[str, str]:
        listed = self._offer.files.get(path) or self._offer.beside.get(path)
        if not ((listed is not None and listed.sha256 == sha256) or (not path and sha256 in self._offer.shelved)):
            raise FrameError(f"it asks for a file that its job does not name: {path[:200]!r}")
        if sha256 in self._asked:
            raise FrameError(f"it asks twice for a file: {path[:200]!r}")
        self._asked.add(sha256)
        return path, sha256

    def _may_lie_beside(self, name: Any) -> bool:
        """Whether a file that an output names may be published with it: it cannot show what its worker was not to see."""
        path = posixpath.normpath(posixpath.join(self._folder, str(name)))
        return str(name).startswith(PREFIX) or path in self._offer.files or path in self._offer.beside

    def _are_shelved(self, hashes: list[str]) -> bool:
        return all((self._offer.shelf / sha256[:2] / sha256).is_file() for sha256 in hashes)

    async def _send_all(self) -> None:
        try:
            while True:
                await self._send(*await self._wanted.get())
        except Exception:  # a border: whoever waits for a file must not wait for ever
            self._worker.kill()
            raise

    async def _send(self, path: str, sha256: str) -> None:
        parts = self._parts(path, sha256)
        while (part := await asyncio.to_thread(next, parts, None)) is not None:
            header, body = part
            self._worker.send(header, body)
            await self._worker.drain()
            if header.get("state") == "changed":
                self._forget()

    def _parts(self, path: str, sha256: str) -> Iterator[tuple[dict[str, Any], bytes]]:
        """The frames that carry one file; the last one says what became of it."""
        name = {"t": "chunk", **self._name, "sha256": sha256}
        digest, offset = hashlib.sha256(), 0
        try:
            with self._opened(path, sha256) as stream:
                body = stream.read(CHUNK)
                while after := stream.read(CHUNK):
                    digest.update(body)
                    yield {**name, "offset": offset, "last": False}, body
                    offset, body = offset + len(body), after
                digest.update(body)
        except OSError:  # gone, or no longer to be read
            yield {**name, "offset": offset, "last": True, "state": "changed" if offset else "missing"}, b""
        else:
            yield {**name, "offset": offset, "last": True, "state": "there" if digest.hexdigest() == sha256 else "changed"}, body

    def _opened(self, path: str, sha256: str) -> BinaryIO:
        return open_inside(self._offer.root, path) if path else (self._offer.shelf / sha256[:2] / sha256).open("rb")


def open_inside(root: Path, path: str) -> BinaryIO:
    """Open a regular file below *root*: links may lead to it, but not out of *root*, not even while it is being opened.

    :raises OSError: it is gone, or no such file
    """
    real = inside(root, path)
    if real is None:
        raise FileNotFoundError(path)
    if os.open not in os.supports_dir_fd:
        return real.open("rb")
    here = os.path.realpath(root)
    parts = real.relative_to(here).parts
    folder = os.open(here, os.O_RDONLY)
    try:
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        file = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise FileNotFoundError(path)
    return os.fdopen(file, "rb")


class Incoming:
    """Files that a worker sends, one after the other, into a stage folder under their hashes."""

    def __init__(self, stage: Path, limit: int = MAX_RECEIVED) -> None:
        self._stage, self._room = stage, limit
        self._sizes: dict[str, int] = {}
        self._sha256, self._size = "", 0
        self._stream: BinaryIO | None = None
        self._digest = hashlib.sha256()

    @property
    def _part(self) -> Path:
        return self._stage / ".part-received"

    def take(self, header: dict[str, Any], body: bytes) -> None:
        """A part of a file."""
        (sha256,) = _hashes([header.get("sha256")])
        if self._stream is None:
            self._begin(sha256)
        if self._stream is None or sha256 != self._sha256 or header.get("offset") != self._size or len(body) > CHUNK:
            raise FrameError("the parts of a file are not in order")
        self._room -= len(body)
        if self._room < 0:
            raise FrameError(f"the files of one job take more than {MAX_RECEIVED / 1e9:.0f} GB")
        self._stream.write(body)
        self._digest.update(body)
        self._size += len(body)
        if header.get("last") is True:
            self._end()

    def _begin(self, sha256: str) -> None:
        self._stage.mkdir(mode=0o700, exist_ok=True)
        self._stream = self._part.open("wb")
        self._sha256, self._size, self._digest = sha256, 0, hashlib.sha256()

    def _end(self) -> None:
        self.close()
        if self._digest.hexdigest() != self._sha256:
            raise FrameError("the bytes of a file do not have its hash")
        self._part.replace(self._stage / self._sha256)
        self._sizes[self._sha256] = self._size

    def close(self) -> None:
        """Take nothing more of a file that is not whole."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def check(self, hashes: list[str], size: Any = None) -> None:
        """Raise :class:`FrameError` where one of these did not come, or not with this size."""
        if any(sha256 not in self._sizes or size not in (None, self._sizes[sha256]) for sha256 in hashes):
            raise FrameError("it names a file that it did not send")


def _pairs(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(each, str) for each in pair) for pair in value
    ):
        return [(path, sha256) for path, sha256 in value]
    raise FrameError("it asks for something that is no list of files")


def _hashes(value: Any) -> list[str]:
    if isinstance(value, list) and all(isinstance(each, str) and _HASH.fullmatch(each) for each in value):
        return value
    raise FrameError("it names something that is no hash")
