"""Hands jobs to workers, watches both, and sees that nothing is lost when one of them dies."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import time
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any

from clx_jupyter.attempts import GRACE, Account, Attempt, internal
from clx_jupyter.clock import steady
from clx_jupyter.errors import Problem, QueueError
from clx_jupyter.executors.base import Executors, Owner
from clx_jupyter.gate import unwritten
from clx_jupyter.job_changes import Claimed
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.jobs import JOB_TYPES, Job, JobState
from clx_jupyter.listening import listen
from clx_jupyter.offers import OfferError
from clx_jupyter.pools import PoolLimits, Pools
from clx_jupyter.settling import Settling
from clx_jupyter.slots import Slot
from clx_jupyter.sweeping import make_scratch, remove_tree
from clx_jupyter.transfer import Transfers
from clx_jupyter_workers.volumes import is_full

PATIENCE = 60.0
"""Seconds for which the least urgent jobs stand back; then one of them has a turn."""

STOP_GRACE = 2.0
"""Seconds in which workers end by themselves when everything stops; all of it may take five."""


class Supervisor:
    """The pools of workers of one root."""

    def __init__(self, folder: Path, queue: JobQueue, executors: Executors, account: Account, *, owner: Owner, limits: PoolLimits) -> None:
        self._folder, self._queue, self._account, self._epoch = folder, queue, account, owner.epoch
        self._stages = folder / "stage"
        self._owner, self._scratch = owner, Path()
        self._wake = asyncio.Event()
        #: By type, since when less urgent jobs have stood back, on the monotonic clock.
        self._overtaken: dict[str, float] = {}
        self._pools = Pools(folder, queue, executors, limits, self.wake)
        self._running: dict[int, tuple[Attempt, Slot]] = {}
        self._transfers = Transfers()
        self._settling = Settling(self._pools, queue, account, self.wake)
        # Strong references: the loop keeps only weak ones, and a collected reader would hang its pool.
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing: asyncio.Task[None] | None = None
        self._loop_task = asyncio.create_task(self._loop(), name="clx supervisor")

    def wake(self) -> None:
        """Look for work now."""
        self._wake.set()

    async def close(self) -> None:
        """Stop: running jobs go back to the queue, every worker ends. Whoever calls it again waits for the same end, though the first gave up waiting."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="clx supervisor's end")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._loop_task.cancel()
        await asyncio.gather(self._loop_task, return_exceptions=True)
        for attempt, slot in self._running.values():
            attempt.cancelled = attempt.stopped = True
            slot.worker.send({"t": "cancel", "job": attempt.job.id, "attempt": attempt.job.attempt})
        await self._pools.close(STOP_GRACE)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(_remove, self._scratch)

    def hurry(self) -> None:
        """End all workers at once: whoever stops us has no more patience."""
        for slot in self._pools:
            slot.worker.kill()

    async def cancel(self, jobs: list[int]) -> None:
        """End running jobs; workers that do not listen are killed."""
        for id in jobs:
            if found := self._running.get(id):
                attempt, slot = found
                attempt.cancelled = True
                slot.worker.send({"t": "cancel", "job": id, "attempt": attempt.job.attempt})
                asyncio.get_running_loop().call_later(GRACE, self._kill_if_still, attempt, slot)

    def _kill_if_still(self, attempt: Attempt, slot: Slot) -> None:
        if self._running.get(attempt.job.id) == (attempt, slot):
            slot.worker.kill()

    # --- handing out --------------------------------------------------------

    async def _loop(self) -> None:
        later: float | None = None
        while True:
            timeout = None if later is None else max(0.01, later - steady())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):  # wait_for of Python 3.11 loses a cancel that comes just then
                    await self._wake.wait()
            self._wake.clear()
            starts = [await self._hand_out_guarded(type) for type in JOB_TYPES]
            later = min((start for start in starts if start is not None), default=None)

    async def _hand_out_guarded(self, type: str) -> float | None:
        try:
            if broken := self._pools.broken(type):
                return await self._fail_unstarted(type, broken)
            return await self._hand_out(type)
        except QueueError:  # the whole build ends with that; the workers are not to blame
            return None
        except Exception as error:  # the border of the supervisor: its jobs must end, whatever is wrong here
            self._pools.give_up(type, internal(error))
            self.wake()
            return None

    async def _hand_out(self, type: str) -> float | None:
        """Give each idle worker a job, and ask for more workers where there are more jobs; gives when the next job's time comes."""
        idle = self._pools.idle(type)
        if self._is_alone() or not (idle or self._pools.room(type)):
            return None  # whoever gets free looks again
        workers = [(slot.id, slot.worker.pid) for slot in idle]
        starved = time.monotonic() - self._overtaken.get(type, math.inf) > PATIENCE
        claiming = self._queue.claim_next(
            type, workers, self._epoch, busy=bool(self._running), starved=starved, count=self._pools.lacks(type)
        )
        try:
            claimed = await asyncio.shield(claiming)
        except asyncio.CancelledError:  # everything stops, and these are being claimed all the same
            await self._put_back((await claiming).jobs)
            raise
        await self._put_back([job for job, slot in zip(claimed.jobs, idle, strict=False) if not self._begin(job, slot)])
        self._note_overtaken(type, claimed, starved)
        self._pools.ask(type, 0 if self._is_alone() else claimed.more)
        return claimed.later

    def _note_overtaken(self, type: str, claimed: Claimed, starved: bool) -> None:
        """Keep since when less urgent jobs have been standing back without a turn."""
        if claimed.jobs and (starved or not claimed.overtook):
            self._overtaken.pop(type, None)
        if claimed.overtook:
            self._overtaken.setdefault(type, time.monotonic())

    def _is_alone(self) -> bool:
        """Whether a suspect runs, beside which nothing may."""
        return any(attempt.job.alone for attempt, _ in self._running.values())

    def _begin(self, job: Job, slot: Slot) -> bool:
        if not self._pools.take(slot):
            return False
        attempt = Attempt(job)
        self._running[job.id] = (attempt, slot)
        self._spawn(self._work(attempt, slot))
        return True

    async def _put_back(self, jobs: Iterable[Job]) -> None:
        """Queue jobs again that no worker has heard of."""
        for job in jobs:
            await self._queue.retry(job, "lost")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_unless_broken(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fail_unstarted(self, type: str, problem: Problem) -> float | None:
        """End the jobs of a type whose workers do not start."""
        claimed = await self._queue.claim_next(type, [(0, None)] * 32, self._epoch, busy=False)
        for job in claimed.jobs:
            await self._give_up(Attempt(job, "failed", problems=[problem.with_(path=job.path)]))
            self._account.moved(job, None)
        if claimed.jobs:
            self.wake()  # there may be more, and others may have waited for these
        return claimed.later

    # --- one attempt --------------------------------------------------------

    async def _work(self, attempt: Attempt, slot: Slot) -> None:
        """One try at a job, from its frame to its end; whatever happens, the job gets an end or goes back."""
        # The worker makes both folders where it needs them.
        attempt.stage = self._stages / f"{attempt.job.id}-{attempt.job.attempt}"
        scratch = ""
        try:
            scratch = f"{self._scratch_folder()}{os.sep}{attempt.stage.name}"
            await self._converse(attempt, slot, await self._frame(attempt, scratch))
            await self._pools.sampler.account(attempt.job, slot)
            await self._settling.settle(attempt, slot)
        except Exception as error:  # the border of the supervisor: the job gets an end, its worker is not trusted again
            if attempt.status == "lost":  # else it has ended this job, and may do another one by now
                await self._pools.retire(slot)
            if not await self._settling.try_later(attempt, error):
                await self._give_up(attempt.end_with("failed", self._wrong(error).with_(path=attempt.job.path)))
        finally:
            self._running.pop(attempt.job.id, None)
            self._account.moved(attempt.job, None)
            self.wake()
            if left := [folder for folder in (str(attempt.stage), scratch) if os.path.lexists(folder)]:
                await asyncio.to_thread(_remove, *map(Path, left))

    def _wrong(self, error: Exception) -> Problem:
        return unwritten(error, self._folder) if isinstance(error, OSError) and is_full(error) else internal(error)

    def _scratch_folder(self) -> Path:
        if not self._scratch.name:
            self._scratch = make_scratch(self._owner)
        return self._scratch

    async def _frame(self, attempt: Attempt, scratch: str) -> dict[str, Any]:
        job = attempt.job
        frame = await self._account.frame(job)
        return {
            **frame,
            "t": "job",
            "job": job.id,
            "attempt": job.attempt,
            "stage": str(attempt.stage),
            "scratch": f"{scratch}{os.sep}course",
        }

    async def _converse(self, attempt: Attempt, slot: Slot, frame: dict[str, Any]) -> None:
        """Give the job to its worker, with the way of its files if that sees none here, and listen until it is done."""
        if not slot.shares_files:
            try:
                attempt.transfer, frame = await self._transfers.begin(slot.worker, frame)
            except OfferError as error:
                attempt.end_with("failed", error.problem)
                return
        try:
            slot.worker.send(frame)
            if attempt.cancelled:  # that came before the job, and meant nothing to the worker
                slot.worker.send({"t": "cancel", "job": attempt.job.id, "attempt": attempt.job.attempt})
            await listen(attempt, slot, self._account, self._queue)
        finally:
            if attempt.transfer is not None:
                await attempt.transfer.close()

    async def _give_up(self, attempt: Attempt) -> None:
        """End a job that went wrong on this side; where even that cannot be accepted, its state alone is recorded."""
        try:
            await self._account.accept(attempt)
        except Exception as error:  # the border of the supervisor
            attempt.problems.append(internal(error).with_(path=attempt.job.path))
            with contextlib.suppress(QueueError):  # the whole build ends with that
                await self._queue.finish(attempt.job, JobState.FAILED, "failed", problems=attempt.problems)

    def close_breaker(self, type: str) -> None:
        """Try again to start workers of this type: what was wrong has been mended."""
        self._pools.close_breaker(type)

    def workers(self) -> list[tuple[str, int | None]]:
        """(type, pid) of the living workers."""
        return [(slot.type, slot.worker.pid) for slot in self._pools]


async def _unless_broken(work: Coroutine[Any, Any, None]) -> None:
    """Do *work*, up to where the database can be used no more: every build ends with that, and says why."""
    with contextlib.suppress(QueueError):
        await work


def _remove(*folders: Path) -> None:
    for folder in folders:
        if folder.name:
            remove_tree(folder)
