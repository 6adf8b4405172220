"""The worker processes of one root: started when there is work, and given up when they are of no use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clx_jupyter.attempts import GRACE
from clx_jupyter.errors import Problem
from clx_jupyter.executors.base import Executor, RunningWorker
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.jobs import JOB_TYPES

STARTS = 3
"""So many workers of a type may die before their first word until its jobs fail with the reason."""


@dataclass(slots=True, eq=False)
class Slot:
    """A started worker."""

    type: str
    id: int
    worker: RunningWorker
    words: int = 0


class Pools:
    """The workers, by type. ``size`` is the number of workers for each type."""

    def __init__(self, folder: Path, queue: JobQueue, executor: Executor, size: int) -> None:
        self._folder, self._queue, self._executor, self.size = folder, queue, executor, size
        self._idle: list[Slot] = []
        self._slots: set[Slot] = set()
        self._starts: dict[str, int] = dict.fromkeys(JOB_TYPES, 0)
        self._broken: dict[str, Problem] = {}

    def __iter__(self) -> Iterator[Slot]:
        return iter(tuple(self._slots))

    def broken(self, type: str) -> Problem | None:
        """Why workers of this type do not start."""
        return self._broken.get(type)

    def give_up(self, type: str, problem: Problem) -> None:
        """Start no worker of this type any more."""
        self._broken[type] = problem

    async def take(self, type: str) -> Slot | None:
        """An idle worker, or a new one; ``None`` where there is no room, or where it did not start (:meth:`has_room` tells)."""
        slot = next((idle for idle in self._idle if idle.type == type), None)
        if slot is None:
            return await self._start(type) if self.has_room(type) else None
        self._idle.remove(slot)
        return slot

    def has_room(self, type: str) -> bool:
        """Whether one more worker of this type may be started."""
        return sum(1 for slot in self._slots if slot.type == type) < self.size

    def give_back(self, slot: Slot) -> None:
        """This worker can do another job."""
        self._idle.append(slot)

    def proved(self, slot: Slot) -> None:
        """A worker of this type finished a job: its program works."""
        self._starts[slot.type] = 0

    async def _start(self, type: str) -> Slot | None:
        log = self._folder / "logs" / f"{type}-worker.log"
        try:
            worker = await self._executor.start(type, log)
        except OSError as error:
            self.start_failed(type, str(error))
            return None
        id = await self._queue.add_worker(type, self._executor.name, worker.host, worker.pid)
        slot = Slot(type, id, worker)
        self._slots.add(slot)
        worker.send({"t": "hello", "nice": 10})
        return slot

    def start_failed(self, type: str, words: str) -> None:
        """A worker died before its first word; after some the type is given up."""
        self._starts[type] += 1
        if self._starts[type] >= STARTS:
            tail = words.strip().splitlines()[-1] if words.strip() else "it said nothing"
            self._broken[type] = Problem(
                "internal",
                f"the {type} worker does not start: {tail}",
                "`clx doctor` shows what is missing; the log is in .clx/logs",
                traceback=words,
            )

    async def retire(self, slot: Slot, grace: float | None = None) -> int | None:
        """Let a worker end, kill it if it does not within *grace* seconds (:data:`GRACE`); gives its exit status."""
        self._slots.discard(slot)
        if slot in self._idle:
            self._idle.remove(slot)
        status = await slot.worker.close(GRACE if grace is None else grace)
        await self._queue.set_worker(slot.id, "gone")
        return status
