"""What becomes of a job and of its worker when an attempt is over."""

from __future__ import annotations

import random

from clx_jupyter.attempts import Account, Attempt
from clx_jupyter.deadlines import Limits
from clx_jupyter.errors import Problem
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.jobs import Job, JobState
from clx_jupyter.pools import Pools, Slot

RETRIES = 3


class Settling:
    """Decides over attempts that are over."""

    def __init__(self, pools: Pools, queue: JobQueue, account: Account) -> None:
        self._pools, self._queue, self._account = pools, queue, account

    async def settle(self, attempt: Attempt, slot: Slot) -> None:
        """Decide what becomes of the job, and of the worker."""
        failed = attempt.status in ("failed", "lost", "infrastructure") or bool(attempt.missing)
        if attempt.status == "lost":
            await self._lost(attempt, slot)
        else:
            self._pools.proved(slot)
            if not attempt.stopped:  # while closing, its end is being recorded
                self._pools.give_back(slot)
                await self._queue.set_worker(slot.id, "idle", done=not failed, failed=failed)
            await self._after_done(attempt)

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
        job, words = attempt.job, slot.worker.last_words()
        status = await self._pools.retire(slot)
        signal = -status if status is not None and status < 0 else None
        if attempt.cancelled:
            await self._cancelled(attempt)
        elif attempt.limit:
            await self._too_slow(attempt)
        else:
            if slot.words == 0:
                self._pools.start_failed(slot.type, words)
            deaths = (*job.deaths, attempt.progress.get("source_cell"))
            if slot.words and await self._is_hopeless(attempt, deaths, signal):
                return
            await self._queue.retry(job, "lost", deaths=deaths if slot.words else job.deaths, signal=signal)

    async def _is_hopeless(self, attempt: Attempt, deaths: tuple[int | None, ...], signal: int | None) -> bool:
        job = attempt.job
        dead = Job(**{name: getattr(job, name) for name in job.__slots__} | {"deaths": deaths})
        if not dead.hopeless:
            return False
        cell, how = deaths[-1], f" (signal {signal})" if signal else ""
        problem = Problem(
            "kernel-died", f"the worker was lost {len(deaths)} times while it built this notebook{how}",
            "the code at this place ends processes or uses up the memory: run it alone in JupyterLab", path=job.path, cell=cell,
        )  # fmt: skip
        await self._account.accept(attempt.end_with("dead", problem))
        return True

    async def _too_slow(self, attempt: Attempt) -> None:
        """The worker had to be killed at a limit: the next attempt takes the execution as failed and makes the rest."""
        job, cell = attempt.job, attempt.progress.get("source_cell")
        limits = Limits(attempt)
        seconds = limits.of_cell(attempt.progress) if attempt.limit == "cell" else limits.notebook_seconds
        problem = Problem(
            "timeout", f"the {attempt.limit} ran longer than {seconds:g} s and did not stop when asked",
            "raise the limit (--timeout) or make the code faster", path=job.path, cell=cell,
        )  # fmt: skip
        if key := attempt.progress.get("key"):
            failed = job.spec["execute"].get("failed", {}) | {key: problem.to_json()}
            await self._queue.retry(job, "timeout", spec={**job.spec, "execute": {**job.spec["execute"], "failed": failed}})
        else:
            await self._account.accept(attempt.end_with("failed", problem))


def _back_off(attempt: int) -> float:
    """Half a second, doubled with each attempt, give or take a quarter."""
    return float(0.5 * 2 ** (attempt - 1) * random.uniform(0.75, 1.25))
