"""A started worker, as its pool and the attempts know it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from clx_jupyter.executors.base import RunningWorker, Usage

Frame = tuple[dict[str, Any], bytes]


@dataclass(slots=True, eq=False)
class Slot:
    """A worker that said it is ready, or is about to."""

    type: str
    id: int
    worker: RunningWorker
    #: It sees this machine's files.
    shares_files: bool = True
    ready: bool = False
    jobs: int = 0
    #: Since when it has had nothing to do, on the monotonic clock.
    idle_since: float = 0.0
    #: At the last look, while it was busy.
    usage: Usage | None = None
    #: When that look was, and when its job began, on the monotonic clock.
    looked: float = 0.0
    since: float = 0.0
    #: What it took at the first look since its job began; ``None`` while that is not known.
    before: Usage | None = None
    #: Most bytes since its job began.
    peak: int = 0
    #: It was killed because it held more than is allowed.
    too_big: bool = False
    _reading: asyncio.Future[Frame | None] | None = field(default=None, repr=False)

    def reading(self) -> asyncio.Future[Frame | None]:
        """The read that goes on: one at a time, and never cancelled, for half a frame could be lost.

        It goes on while the worker is idle too, so that its end shows at once; whoever gives it a job waits for the same read.
        """
        if self._reading is None:
            self._reading = asyncio.ensure_future(self.worker.receive())
        return self._reading

    def frame(self) -> Frame | None:
        """What was read; the next read may begin. Raises ``FrameError`` where the stream is spoilt."""
        assert self._reading is not None
        reading, self._reading = self._reading, None
        return reading.result()

    async def next(self) -> Frame | None:
        """Wait for the next frame; nobody may cancel whoever waits here. Raises as :meth:`frame`."""
        if not (reading := self.reading()).done():
            await asyncio.wait((reading,))
        return self.frame()

    async def end(self, grace: float) -> int | None:
        """Let it end, kill it if it does not; gives its exit status."""
        status = await self.worker.close(grace)
        if self._reading is not None:  # it ends with the stream
            await asyncio.wait({self._reading}, timeout=1.0)
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        return status

    def begin(self) -> None:
        """It gets a job."""
        self.jobs += 1
        self.before, self.peak, self.since = None, 0, time.monotonic()

    def rest(self) -> None:
        """Its job is over."""
        self.idle_since = time.monotonic()

    def saw(self, usage: Usage) -> None:
        """Take a look at it into account."""
        self.before = self.before or usage
        self.usage, self.peak, self.looked = usage, max(self.peak, usage.memory), time.monotonic()
