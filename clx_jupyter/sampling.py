"""Looks at what busy workers take of the machine. While none is busy nothing looks, and nothing wakes up."""

from __future__ import annotations

import asyncio
import time

from clx_jupyter.executors.base import Usage
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.jobs import Job
from clx_jupyter.slots import Slot

FIRST = 0.25
"""Seconds after which a worker with a new job is looked at first: what is over by then is not worth a look."""

EVERY = 2.0
"""Seconds between two looks at a worker."""


class Sampler:
    """Samples busy workers into the table of workers; kills one that holds more than *most* bytes (0: no limit)."""

    def __init__(self, queue: JobQueue, most: int) -> None:
        self._queue, self._most = queue, most
        #: When each busy worker is due for a look, on the monotonic clock.
        self._due: dict[Slot, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._looks: set[asyncio.Task[None]] = set()

    def watch(self, slot: Slot) -> None:
        """This worker has a job now."""
        self._due[slot] = time.monotonic() + FIRST
        self._plan()

    def leave(self, slot: Slot) -> None:
        """This worker has none any more."""
        self._due.pop(slot, None)
        if not self._due and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def account(self, job: Job, slot: Slot) -> None:
        """Record what a job took, as far as it was long enough to be looked at."""
        self.leave(slot)
        if slot.before is None or slot.usage is None:
            return
        if time.monotonic() - slot.since > EVERY and (last := await slot.worker.usage()):
            slot.saw(last)
        took = self._queue.took(job, slot.peak, max(0.0, slot.usage.cpu - slot.before.cpu))
        await asyncio.gather(took, return_exceptions=True)  # the job's end does not depend on it

    async def close(self) -> None:
        """Stop looking."""
        for slot in tuple(self._due):
            self.leave(slot)
        await asyncio.gather(*self._looks, return_exceptions=True)

    def _plan(self) -> None:
        if self._timer is None and self._due:
            seconds = min(self._due.values()) - time.monotonic()
            # In steps: one that comes meanwhile may be due earlier.
            self._timer = asyncio.get_running_loop().call_later(min(FIRST, max(0.0, seconds)), self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = time.monotonic()
        due = [slot for slot, when in self._due.items() if when <= now]
        for slot in due:
            self._due[slot] = now + EVERY
        if due:
            look = asyncio.create_task(self._look(due))
            self._looks.add(look)
            look.add_done_callback(self._looks.discard)
        self._plan()

    async def _look(self, slots: list[Slot]) -> None:
        usages = await asyncio.gather(*(slot.worker.usage() for slot in slots))
        seen = [(slot, usage) for slot, usage in zip(slots, usages, strict=True) if usage is not None and slot in self._due]
        rows = [(slot.id, self._percent(slot, usage), usage.memory) for slot, usage in seen]
        for slot, usage in seen:
            slot.saw(usage)
            if self._most and usage.memory > self._most:
                slot.too_big = True
                slot.worker.kill()
        if rows:
            # Nothing depends on it: where it cannot be written, the next one may.
            await asyncio.gather(self._queue.saw_workers(rows), return_exceptions=True)

    @staticmethod
    def _percent(slot: Slot, usage: Usage) -> float | None:
        """Of one processor, since the last look."""
        seconds = time.monotonic() - slot.looked
        return 100 * max(0.0, usage.cpu - slot.usage.cpu) / seconds if slot.before and slot.usage and seconds > 0 else None
