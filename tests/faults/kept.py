"""A real worker that outlives the service that uses it, for tests that open many."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from clx_jupyter.builds import Builds
from clx_jupyter.executors.base import Usage
from clx_jupyter.executors.local import LocalExecutor, LocalWorker
from clx_jupyter.requests import Request


class _Lent:
    """The kept worker, for one service: its end is only noted."""

    def __init__(self, worker: LocalWorker, ready: tuple[dict[str, Any], bytes]) -> None:
        self._worker = worker
        #: Its frames. Not read from the worker: a reader that an ended service left would take the next one's.
        self.frames: asyncio.Queue[tuple[dict[str, Any], bytes] | None] = asyncio.Queue()
        self.frames.put_nowait(ready)
        self.pid, self.host = worker.pid, worker.host
        self.spoilt = False

    def send(self, header: dict[str, Any], body: bytes = b"") -> None:
        if header["t"] != "hello":
            self._worker.send(header, body)

    async def drain(self) -> None:
        await self._worker.drain()

    async def receive(self) -> tuple[dict[str, Any], bytes] | None:
        return await self.frames.get()

    def kill(self) -> None:
        self.spoilt = True
        self._worker.kill()
        self.frames.put_nowait(None)

    async def close(self, grace: float) -> int | None:
        self.frames.put_nowait(None)
        return await self._worker.close(grace) if self.spoilt else 0

    def last_words(self) -> str:
        return self._worker.last_words()

    async def usage(self) -> Usage | None:
        return await self._worker.usage()


class Kept(LocalExecutor):
    """Lends out the same worker again and again; one service at a time, one worker each."""

    def __init__(self, log: Path) -> None:
        super().__init__()
        self._log = log
        self._worker: LocalWorker | None = None
        self._lent: _Lent | None = None
        self._ready: tuple[dict[str, Any], bytes] = ({}, b"")
        self._pump: asyncio.Task[None]

    async def start(self, type: str, log: Path) -> Any:
        # Another process that builds in the same root ends it, as that of a holder who died.
        if self._worker is None or self._lent is None or self._lent.spoilt or self._pump.done():
            if self._worker is not None:
                await self._worker.close(0)
            self._worker = await super().start(type, self._log)
            ready = await self._worker.receive()
            assert ready is not None, self._worker.last_words()
            self._ready = ready
            self._pump = asyncio.create_task(self._read(self._worker))
        self._lent = _Lent(self._worker, self._ready)
        return self._lent

    async def _read(self, worker: LocalWorker) -> None:
        frame: tuple[dict[str, Any], bytes] | None = ({}, b"")
        while frame is not None:
            frame = await worker.receive()
            if self._lent is not None and worker is self._worker:
                self._lent.frames.put_nowait(frame)

    async def sweep(self) -> None:
        """Nobody who died left workers here."""

    async def end(self) -> None:
        if self._worker is not None:
            await self._worker.close(5)


async def built(root: Path, kept: Kept, *, folder: Path | None = None, **asked: Any) -> dict[str, Any]:
    """The report of a build of ``course.yaml`` that runs nothing, by a service that is opened for it."""
    builds = await Builds.open(root, folder=folder, size=1, executor=kept, resume=False)
    assert builds is not None
    try:
        return await builds.wait(await builds.start(Request(str(root), file="course.yaml", execute=False, **asked)))
    finally:
        await builds.close()
