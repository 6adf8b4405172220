"""What becomes of a job and of its worker when an attempt is over."""

from __future__ import annotations

import asyncio
import errno
import random
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from clx_jupyter.attempts import Account, Attempt
from clx_jupyter.deadlines import SILENCE, Limits
from clx_jupyter.errors import Problem
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.jobs import Job, JobState
from clx_jupyter.pools import Pools
from clx_jupyter.slots import Slot

RETRIES = 3
"""So many times a job is tried again for a fault of the machine. An error of a cell is a result, and is not."""

_LACKING = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM)


class Settling:
    """Decides over attempts that are over; *wake* has the supervisor look for a job for a worker that is free."""

    def __init__(self, pools: Pools, queue: JobQueue, account: Account, wake: Callable[[], None]) -> None:
        self._pools, self._queue, self._account, self._wake = pools, queue, account, wake

    async def settle(self, attempt: Attempt, slot: Slot) -> None:
        """Decide what becomes of the job, and of the worker."""
        if attempt.status == "cancelled" and not attempt.cancelled:
            attempt.status = "lost"  # somebody else told the worker to end: SIGTERM by a person, or by the machine
        failed = attempt.status in ("failed", "lost", "infrastructure") or bool(attempt.missing)
        if attempt.status == "lost":
            await self._lost(attempt, slot)
        else:
            if not attempt.stopped:  # while closing, its end is being recorded
                # Not waited for: it goes into one transaction with the end of this job, and with the next one for this worker.
                self._queue.set_worker(slot.id, "idle", done=not failed, failed=failed).add_done_callback(_whatever)
                self._pools.give_back(slot)
                self._wake()
            await self._after_done(attempt)

    async def try_later(self, attempt: Attempt, error: Exception) -> bool:
        """Queue a job again that this machine could not serve for want of space or handles; ``False``: it was another error, or too often."""
        if not isinstance(error, OSError) or error.errno not in _LACKING or attempt.job.attempt > RETRIES:
            return False
        return await self._queue.retry(attempt.job, "infrastructure", delay=_back_off(attempt.job.attempt))

    async def _after_done(self, attempt: Attempt) -> None:
        job = attempt.job
        if attempt.status in ("ok", "failed") and await self._account.superseded(job):
            attempt.status = "changed"  # what it made shows neither the old nor the new
        if attempt.cancelled or attempt.status == "cancelled":
            await self._cancelled(attempt)
        elif attempt.status == "changed":
            spec = await self._account.changed(job)
            if spec is None or job.attempt > 10:
                gone = Problem("bad-source", f"{job.path} changed or vanished while it was being built", "build again", path=job.path)
                await self._account.accept(attempt.end_with("failed", gone))
            else:
                await self._queue.retry(job, "changed", spec=spec)
        elif attempt.status == "infrastructure" and job.attempt <= RETRIES:
            await self._queue.retry(job, "infrastructure", delay=_back_off(job.attempt))
        else:
            await self._account.accept(attempt)

    async def _cancelled(self, attempt: Attempt) -> None:
        """A job of a cancelled build ends; at a stop of the whole service it goes back to the queue."""
        if attempt.stopped:
            await self._queue.retry(attempt.job, "cancelled")
        else:
            await self._queue.finish(attempt.job, JobState.CANCELLED, "cancelled")

    async def _lost(self, attempt: Attempt, slot: Slot) -> None:
        """The worker died, or was killed for a reason that is known here."""
        status = await self._pools.retire(slot)
        attempt.signal = -status if status is not None and status < 0 else None
        if attempt.cancelled:
            await self._cancelled(attempt)
        elif attempt.overdue:
            await self._too_slow(attempt)
        elif self._pools.ran_out(slot, attempt.signal):
            await self._out_of_memory(attempt, slot.peak)
        elif attempt.words == 0 and attempt.job.attempt <= RETRIES:
            # It died while it had nothing to do: that is not the job's fault.
            await self._queue.retry(attempt.job, "lost", signal=attempt.signal)
        else:
            await self._died(attempt)

    async def _died(self, attempt: Attempt) -> None:
        """The job is tried again, the first time at once; where workers die of it again and again, it is given up."""
        job, outcome = attempt.job, "hung" if attempt.hung else "lost"
        deaths = (*job.deaths, attempt.progress.get("source_cell"))
        if replace(job, deaths=deaths).hopeless:
            await self._account.accept(attempt.end_with("dead", _deadly(attempt, deaths)))
        else:
            delay = _back_off(len(deaths) - 1) if len(deaths) > 1 else 0.0
            await self._queue.retry(job, outcome, delay=delay, deaths=deaths, signal=attempt.signal)

    async def _out_of_memory(self, attempt: Attempt, peak: int) -> None:
        """The job gets one more try, alone; if that ends the same way, the next one takes the execution as failed and makes the rest."""
        job, cell = attempt.job, attempt.progress.get("source_cell")
        problem = Problem(
            "out-of-memory", f"the worker ran out of memory: it and its kernel held {peak / 1e6:.0f} MB",
            "make the code use less memory, or raise `memory_limit` in the settings", path=job.path, cell=cell,
        )  # fmt: skip
        if not job.alone:
            await self._queue.retry(job, "lost", deaths=(*job.deaths, cell, cell), signal=attempt.signal)
        elif key := attempt.progress.get("key"):
            await self._queue.retry(job, "lost", spec=_with_failed(job, key, problem), signal=attempt.signal)
        else:
            await self._account.accept(attempt.end_with("dead", problem))

    async def _too_slow(self, attempt: Attempt) -> None:
        """The worker had to be killed at a limit: the next attempt takes the execution as failed and makes the rest."""
        job, problem = attempt.job, _timeout(attempt)
        if (key := attempt.progress.get("key")) and attempt.limit != "conversion":
            await self._queue.retry(job, "timeout", spec=_with_failed(job, key, problem))
        elif job.attempt <= RETRIES:
            await self._queue.retry(job, "timeout", delay=_back_off(job.attempt))
        else:
            await self._account.accept(attempt.end_with("failed", problem))


def _whatever(recorded: asyncio.Future[list[int]]) -> None:
    """Nothing depends on it: where it cannot be written, the end of the job cannot either, and that is told."""
    recorded.cancelled() or recorded.exception()


def _with_failed(job: Job, key: str, problem: Problem) -> dict[str, Any]:
    """The spec of the next attempt, which takes this execution as failed."""
    failed = job.spec["execute"].get("failed", {}) | {key: problem.to_json()}
    return {**job.spec, "execute": {**job.spec["execute"], "failed": failed}}


def _deadly(attempt: Attempt, deaths: Sequence[int | None]) -> Problem:
    """What to say of a job at which workers die."""
    text = f"the worker was lost {len(deaths)} times while it built this notebook"
    hint = "the code at this place ends processes or uses up the memory: run it alone in JupyterLab"
    if attempt.hung:
        text += f", the last time because it did not answer for {SILENCE:g} s"
        hint = "the code at this place stops processes or the machine is far too busy: run it alone in JupyterLab"
    elif attempt.signal:
        text += f", the last time by {signal_name(attempt.signal)}"
    return Problem("kernel-died", text, hint, path=attempt.job.path, cell=deaths[-1])


def _timeout(attempt: Attempt) -> Problem:
    limits, cell = Limits(attempt), attempt.progress.get("source_cell")
    seconds = limits.of_cell(attempt.progress) if attempt.limit == "cell" else limits.notebook_seconds
    if attempt.limit == "conversion":
        text, hint = f"reading or writing this notebook took longer than {seconds:g} s", "raise the limit (--timeout) or make it smaller"
    else:
        text = f"the {attempt.limit} ran longer than {seconds:g} s and did not stop when asked"
        hint = "raise the limit (--timeout) or make the code faster"
    return Problem("timeout", text, hint, path=attempt.job.path, cell=cell)


def signal_name(number: int) -> str:
    """``signal 9 (SIGKILL)``."""
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"


def _back_off(attempt: int) -> float:
    """Half a second, doubled with each attempt, give or take a quarter."""
    return float(0.5 * 2 ** (attempt - 1) * random.uniform(0.75, 1.25))
