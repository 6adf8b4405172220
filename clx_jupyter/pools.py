"""The worker processes of one root, by type: started when there is work, ended when they have none or are of no use."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clx_jupyter.attempts import GRACE
from clx_jupyter.breakers import Breaker, no_room
from clx_jupyter.capacity import memory_for, share_of_this_process, workers_for
from clx_jupyter.errors import Problem, QueueError
from clx_jupyter.executors.base import Executors, RunningWorker
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.jobs import JOB_TYPES
from clx_jupyter.sampling import Sampler
from clx_jupyter.settings import BuildSettings
from clx_jupyter.slots import Slot
from clx_jupyter_workers import VERSION
from clx_jupyter_workers.protocol import PROTOCOL, FrameError

SIGKILL = 9
"""What the system sends to a process when there is no memory left."""

NICE = 10
"""Workers, and the kernels they start, are so much nicer to other programs: JupyterLab and the notebooks in it go first."""

SPARE_AFTER = 10.0
"""Seconds for which all workers have been busy, and jobs have waited, before a spare is started: a build that is over sooner is not worth one."""

START_SECONDS = 120.0
"""A worker that has not said a word for so long does not start."""


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How many workers there may be, and when one is replaced."""

    size: int
    #: By type, where that differs from ``size``.
    sizes: Mapping[str, int] = field(default_factory=dict)
    #: Of each type, so many more stand by in a long build: whoever is lost or replaced is followed by one of them at once.
    spares: int = 0
    #: A worker that has had nothing to do for so many seconds ends.
    idle_seconds: float = 300.0
    #: Replaced after so many jobs; 0: never.
    jobs: int = 0
    #: Bytes: a worker that holds more is replaced after its job, and killed at twice as much; 0: no limit.
    memory: int = 0

    @classmethod
    def of(cls, settings: BuildSettings, size: int | None = None, *, server: bool = False) -> PoolLimits:
        """What the settings say; *size*, from the command line, goes before the numbers of workers in them."""
        share = share_of_this_process()
        sizes = {} if size else dict(settings.pool_sizes)
        size = size or settings.workers or workers_for(share, server=server)
        all_workers = sum(sizes.get(type, size) for type in JOB_TYPES)
        memory = settings.memory_limit * 1_000_000 or memory_for(share, all_workers)
        return cls(size, sizes, settings.spare_workers, settings.idle_seconds, settings.jobs_per_worker, memory)

    def size_of(self, type: str) -> int:
        """The number of workers of a type."""
        return self.sizes.get(type, self.size)


class Pools:
    """The workers. *changed* is called when a job that waits should be looked at again."""

    def __init__(self, folder: Path, queue: JobQueue, executors: Executors, limits: PoolLimits, changed: Callable[[], None]) -> None:
        self._folder, self._queue, self._executors, self.limits, self._changed = folder, queue, executors, limits, changed
        self._slots: set[Slot] = set()
        self._idle: list[Slot] = []
        self._breakers = {type: Breaker(type) for type in JOB_TYPES}
        self._starting: dict[asyncio.Task[None], str] = {}
        #: By type, since when all workers have been busy while jobs waited, on the monotonic clock.
        self._full_since: dict[str, float] = {}
        #: Of these, what has no worker to show yet.
        self._launching: set[asyncio.Task[RunningWorker]] = set()
        # Strong references: the loop keeps only weak ones.
        self._tasks: set[asyncio.Task[Any]] = set()
        self._idle_timer: asyncio.TimerHandle | None = None
        self._again: dict[str, asyncio.TimerHandle] = {}
        self._closing = False
        self.sampler = Sampler(queue, 2 * limits.memory)

    def __iter__(self) -> Iterator[Slot]:
        return iter(tuple(self._slots))

    # --- what the supervisor asks -------------------------------------------

    def broken(self, type: str) -> Problem | None:
        """Why jobs of this type fail at once, for now."""
        return self._breakers[type].reason(time.monotonic())

    def give_up(self, type: str, problem: Problem) -> None:
        """Let jobs of this type fail for a while."""
        self._breakers[type].open(problem, time.monotonic())

    def close_breaker(self, type: str) -> None:
        """Try again to start workers of this type: what was wrong has been mended."""
        self._breakers[type].close()
        self._changed()

    def idle(self, type: str) -> list[Slot]:
        """The workers that may get a job, the one that was busy last first, so that the others can end."""
        waiting = [
            slot for slot in reversed(self._idle) if slot.type == type and not slot.reading().done()
        ]  # else it died this very moment
        return waiting[: max(0, self.limits.size_of(type) - self._busy(type))]

    def take(self, slot: Slot) -> bool:
        """An idle worker gets a job; ``False`` where it is gone by now."""
        if slot not in self._idle:
            return False
        self._idle.remove(slot)
        slot.begin()
        self.sampler.watch(slot)
        return True

    def room(self, type: str) -> int:
        """How many more workers of a type may work; those that are starting are not there yet."""
        return max(0, self.limits.size_of(type) - self._ready(type))

    def lacks(self, type: str) -> int:
        """How many more workers of a type there may be, spares included."""
        return max(0, self.limits.size_of(type) + self.limits.spares - self._ready(type))

    def ask(self, type: str, waiting: int) -> None:
        """So many jobs wait: start workers for them as far as there is room; *changed* is called when one is ready, or none can be."""
        breaker, now = self._breakers[type], time.monotonic()
        starting = sum(1 for each in self._starting.values() if each == type)
        more = self._wanted(type, waiting, now) - starting
        for _ in range(min(more, breaker.may_start(starting, now))):
            task = asyncio.create_task(self._start(type), name=f"clx start of a {type} worker")
            self._starting[task] = type
            task.add_done_callback(self._started)
        if more > 0 and (seconds := breaker.wait(now)) is not None and type not in self._again:
            self._again[type] = asyncio.get_running_loop().call_later(seconds, self._try_again, type)

    def _wanted(self, type: str, waiting: int, now: float) -> int:
        room = self.room(type)
        if room or not waiting:
            self._full_since.pop(type, None)
            return min(waiting, room)
        return self.lacks(type) if now - self._full_since.setdefault(type, now) >= SPARE_AFTER else 0

    def _ready(self, type: str) -> int:
        return sum(1 for slot in self._slots if slot.type == type and slot.ready)

    def _busy(self, type: str) -> int:
        return self._ready(type) - sum(1 for slot in self._idle if slot.type == type)

    def give_back(self, slot: Slot) -> None:
        """A job is over: its worker can do another one, or is replaced."""
        slot.rest()
        self.sampler.leave(slot)
        if self._closing:
            return
        if self.limits.jobs and slot.jobs >= self.limits.jobs:
            self._spawn(self.retire(slot))
        elif self._is_big(slot):
            self._spawn(self._replace_if_big(slot))
        else:
            self._wait_for_work(slot)

    def ran_out(self, slot: Slot, signal: int | None) -> bool:
        """Whether a worker was lost for its memory: ended here, or by the system when it held more than it should."""
        return slot.too_big or bool(signal == SIGKILL and self.limits.memory and slot.peak > self.limits.memory)

    async def retire(self, slot: Slot, grace: float | None = None) -> int | None:
        """Let a worker end, kill it if it does not within *grace* seconds (:data:`GRACE`); gives its exit status."""
        self._slots.discard(slot)
        self.sampler.leave(slot)
        if slot in self._idle:
            self._idle.remove(slot)
        status = await slot.end(GRACE if grace is None else grace)
        with contextlib.suppress(QueueError):  # whoever opens the database next takes nobody in it for alive
            await self._queue.set_worker(slot.id, "gone")
        return status

    async def close(self, grace: float) -> None:
        """End all workers, those killed that do not end within *grace* seconds; when it returns, none is left."""
        self._closing = True
        for timer in (self._idle_timer, *self._again.values()):
            if timer is not None:
                timer.cancel()
        for launching in self._launching:  # a container engine that hangs would take minutes
            launching.cancel()
        while self._slots or self._starting or self._tasks:
            ending = [self.retire(slot, grace) for slot in self]
            await asyncio.gather(*ending, *self._starting, *self._tasks, return_exceptions=True)
        await self.sampler.close()

    # --- starting -----------------------------------------------------------

    def _try_again(self, type: str) -> None:
        self._again.pop(type, None)
        self._changed()

    def _started(self, task: asyncio.Task[None]) -> None:
        type = self._starting.pop(task)
        if not task.cancelled() and (error := task.exception()):
            self._breakers[type].failed(f"{error.__class__.__name__}: {error}", time.monotonic())
        self._changed()

    async def _start(self, type: str) -> None:
        log = self._folder / "logs" / f"{type}-worker.log"
        breaker, executor = self._breakers[type], self._executors[type]
        try:
            worker = await self._launch(executor.start(type, log))
        except OSError as error:
            if no_room(error):
                breaker.full(error, any(slot.type == type for slot in self._slots), time.monotonic())
            else:
                breaker.failed(str(error), time.monotonic())
            return
        worker.send({"t": "hello", "nice": NICE})
        try:
            id = await self._queue.add_worker(type, executor.name, worker.host, worker.pid)
        except BaseException:
            await worker.close(0.0)
            raise
        slot = Slot(type, id, worker, executor.shares_files)
        self._slots.add(slot)
        if self._closing:
            return
        said = await self._first_word(slot)
        problem = _other_program(said, type) if said else None
        if said is None or problem:
            words = worker.last_words()
            await self.retire(slot)
            if problem:
                breaker.open(problem, time.monotonic())
            elif not self._closing:
                breaker.failed(words, time.monotonic())
        elif not self._closing:
            slot.ready = True
            breaker.ready()
            slot.rest()
            self._wait_for_work(slot)
            await self._queue.set_worker(slot.id, "idle")

    async def _launch(self, work: Coroutine[Any, Any, RunningWorker]) -> RunningWorker:
        launching = asyncio.create_task(work)
        self._launching.add(launching)
        launching.add_done_callback(self._launching.discard)
        return await launching

    async def _first_word(self, slot: Slot) -> dict[str, Any] | None:
        """The frame that says it is ready; ``None`` where it died, or says nothing at all."""
        end = time.monotonic() + START_SECONDS
        while True:
            if not (await asyncio.wait({slot.reading()}, timeout=max(0.0, end - time.monotonic())))[0]:
                slot.worker.kill()
            await asyncio.wait({slot.reading()})
            try:
                frame = slot.frame()
            except FrameError:
                slot.worker.kill()
                return None
            if frame is None or frame[0]["t"] == "ready":
                return frame and frame[0]

    # --- while they have nothing to do --------------------------------------

    def _wait_for_work(self, slot: Slot) -> None:
        """It is idle now: somebody listens for its end, and it ends itself after a while."""
        self._idle.append(slot)
        slot.reading().add_done_callback(lambda _: self._heard_idle(slot))
        if self._idle_timer is None:
            self._idle_timer = asyncio.get_running_loop().call_later(self.limits.idle_seconds, self._end_idle)

    def _heard_idle(self, slot: Slot) -> None:
        """Something came of a worker; if it has a job by now, whoever listens to that takes it."""
        if slot not in self._idle or self._closing or not slot.reading().done():  # a job that failed before it was sent had been told, too
            return
        try:
            frame = slot.frame()
        except FrameError:
            frame = None
            slot.worker.kill()
        if frame is None:  # it died; it had no job, so none is suspected
            self._idle.remove(slot)
            self._slots.discard(slot)
            self._spawn(self.retire(slot))
            self._changed()  # there is room for another one
        else:  # a late word
            slot.reading().add_done_callback(lambda _: self._heard_idle(slot))

    def _end_idle(self) -> None:
        """End whoever has been idle for long enough; nothing wakes up any more when none is left."""
        self._idle_timer = None
        now = time.monotonic()
        for slot in self._idle:
            if self._busy(slot.type) >= self.limits.size_of(slot.type):  # it stands by
                slot.rest()
        for slot in [each for each in self._idle if now - each.idle_since >= self.limits.idle_seconds]:
            self._idle.remove(slot)
            self._slots.discard(slot)  # at once: a job that comes this very moment finds room for another one
            self._spawn(self.retire(slot))
        if self._idle:
            next_end = min(slot.idle_since for slot in self._idle) + self.limits.idle_seconds
            self._idle_timer = asyncio.get_running_loop().call_later(max(0.0, next_end - now) + 0.01, self._end_idle)

    # --- replacing ----------------------------------------------------------

    def _is_big(self, slot: Slot) -> bool:
        return bool(self.limits.memory and slot.usage and slot.usage.memory > self.limits.memory)

    async def _replace_if_big(self, slot: Slot) -> None:
        """It was too big while its kernel lived; look once more whether it still is."""
        slot.usage = await slot.worker.usage()
        if self._closing:
            return
        if slot.usage is None or self._is_big(slot):
            await self.retire(slot)
        else:
            self._wait_for_work(slot)
        self._changed()

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _other_program(said: dict[str, Any], type: str) -> Problem | None:
    """What is wrong with a worker that said this as its first word."""
    if said.get("type") != type:
        return Problem(
            "internal", f"a {said.get('type')} worker answered where a {type} worker was started", "see `executors` in the settings"
        )
    if (said.get("version"), said.get("protocol")) != (VERSION, PROTOCOL):
        words = (
            f"the {type} worker has version {said.get('version')} and speaks version {said.get('protocol')} of the frames; "
            f"{VERSION} and {PROTOCOL} are needed"
        )
        return Problem("internal", words, "build its image again, or install the same version of clx-jupyter in both places")
    return None
