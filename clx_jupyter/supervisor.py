"""Hands jobs to workers, watches both, and sees that nothing is lost when one of them dies."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from clx_jupyter.attempts import GRACE, Account, Attempt, Limits, internal
from clx_jupyter.errors import Problem
from clx_jupyter.executors.base import Executor
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.jobs import JOB_TYPES, Job, JobState
from clx_jupyter.pools import Pools, Slot
from clx_jupyter_workers.protocol import FrameError

RETRIES = 3
_PERSIST = 1.0


class Supervisor:
    """The pools of workers of one root. ``size`` is the number of workers for each type."""

    def __init__(self, folder: Path, queue: JobQueue, executor: Executor, account: Account, *, epoch: int, size: int) -> None:
        self._folder, self._queue, self._account, self._epoch = folder, queue, account, epoch
        self._pools = Pools(folder, queue, executor, size)
        self._running: dict[int, tuple[Attempt, Slot]] = {}
        self._wake = asyncio.Event()
        self._closing = False
        # Strong references: the loop keeps only weak ones, and a collected reader would hang its pool.
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop_task = asyncio.create_task(self._loop(), name="clx supervisor")

    def wake(self) -> None:
        """Look for work now."""
        self._wake.set()

    async def close(self) -> None:
        """Stop: running jobs go back to the queue, every worker ends."""
        self._closing = True
        self._loop_task.cancel()
        for attempt, slot in self._running.values():
            attempt.cancelled = True
            slot.worker.send({"t": "cancel", "job": attempt.job.id, "attempt": attempt.job.attempt})
        closing = [self._pools.retire(slot) for slot in self._pools]
        await asyncio.gather(self._loop_task, *closing, return_exceptions=True)
        await asyncio.gather(*self._tasks, return_exceptions=True)

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
        looked = 0.0
        while True:
            # Jobs whose time came before the last look wait for a free worker, not for the clock.
            next_start = await self._queue.next_start(looked)
            timeout = None if next_start is None else max(0.01, next_start - time.time())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), timeout)
            self._wake.clear()
            looked = time.time()
            for type in JOB_TYPES:
                try:
                    await self._hand_out(type, looked)
                except Exception as error:  # the border of the supervisor: its jobs must end, whatever is wrong here
                    self._pools.give_up(type, internal(error))
                    self.wake()

    async def _hand_out(self, type: str, now: float) -> None:
        for job in await self._queue.ready(type, now):
            if job.id in self._running:
                continue
            if broken := self._pools.broken(type):
                await self._fail_unstarted(job, broken)
            elif job.alone and self._running:
                continue
            elif any(attempt.job.alone for attempt, _ in self._running.values()) or not await self._start_job(job):
                return

    async def _start_job(self, job: Job) -> bool:
        """Give a job to an idle worker, or to a new one; ``False`` where there is no room."""
        room = self._pools.has_room(job.type)
        slot = await self._pools.take(job.type)
        if slot is None:
            if room:  # it did not start
                self.wake()
            return room
        claimed = await self._queue.claim(job, slot.id, slot.worker.pid, self._epoch)
        if claimed is None:
            self._pools.give_back(slot)
            return True
        attempt = Attempt(claimed)
        self._running[job.id] = (attempt, slot)
        self._spawn(self._work(attempt, slot))
        return True

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fail_unstarted(self, job: Job, problem: Problem) -> None:
        claimed = await self._queue.claim(job, 0, None, self._epoch)
        if claimed is not None:
            await self._account.accept(Attempt(claimed, "failed", problems=[problem.with_(path=job.path)]))
            self._account.moved(claimed, None)
            self.wake()  # others may have waited for it

    # --- one attempt --------------------------------------------------------

    async def _work(self, attempt: Attempt, slot: Slot) -> None:
        """One try at a job, from its frame to its end; whatever happens, the job gets an end or goes back."""
        attempt.stage = self._folder / "stage" / f"{attempt.job.id}-{attempt.job.attempt}"
        attempt.stage.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = Path(tempfile.mkdtemp(prefix=f"clx-{attempt.job.id}-"))
        try:
            frame = await self._account.frame(attempt.job)
            frame |= {
                "t": "job",
                "job": attempt.job.id,
                "attempt": attempt.job.attempt,
                "stage": str(attempt.stage),
                "scratch": str(scratch),
            }
            slot.worker.send(frame)
            await self._listen(attempt, slot)
            await self._settle(attempt, slot)
        except Exception as error:  # the border of the supervisor: the job ends as failed, its worker is not trusted again
            await self._pools.retire(slot)
            await self._give_up(attempt.end_with("failed", internal(error).with_(path=attempt.job.path)))
        finally:
            self._running.pop(attempt.job.id, None)
            self._account.moved(attempt.job, None)
            self.wake()
            await asyncio.to_thread(_remove, attempt.stage, scratch)

    async def _give_up(self, attempt: Attempt) -> None:
        """End a job that went wrong on this side; where even that cannot be accepted, its state alone is recorded."""
        try:
            await self._account.accept(attempt)
        except Exception as error:  # the border of the supervisor
            attempt.problems.append(internal(error).with_(path=attempt.job.path))
            await self._queue.finish(attempt.job, JobState.FAILED, "failed", problems=attempt.problems)

    async def _listen(self, attempt: Attempt, slot: Slot) -> None:
        """Read frames until ``done`` or the worker's end, with an eye on the clock."""
        limits = Limits(attempt)
        saved = 0.0
        while True:
            # One read at a time and never cancelled: a cancelled one could lose half a frame.
            reading = asyncio.ensure_future(slot.worker.receive())
            while not (await asyncio.wait({reading}, timeout=limits.wait()))[0]:
                limits.act(slot.worker)
            try:
                frame = reading.result()
            except FrameError as error:
                slot.worker.kill()
                attempt.problems.append(Problem("internal", f"the worker's answer could not be read: {error}", path=attempt.job.path))
                return
            if frame is None:
                return
            slot.words += 1
            header, body = frame
            if header["t"] == "progress":
                attempt.progress = header
                limits.moved(header)
                self._account.moved(attempt.job, header)
                if time.monotonic() - saved > _PERSIST:
                    saved = time.monotonic()
                    await self._queue.progress(attempt.job, header)
            elif await self._hear(attempt, slot, header, body):
                return

    async def _hear(self, attempt: Attempt, slot: Slot, header: dict[str, Any], body: bytes) -> bool:
        """Take one frame into account; ``True`` if it was the job's last."""
        match header["t"]:
            case "output":
                attempt.outputs[header["variant"]] = header
            case "missing":
                attempt.missing[header["variant"]] = header
            case "problem":
                attempt.problems.append(Problem.from_json(header["problem"]))
            case "keep":
                await self._account.keep(header["key"], body)
            case "written":
                await self._account.hand_on(attempt.stage, header["files"])
            case "execution":
                found = await self._account.kept(header["key"])
                answer = {
                    "t": "execution",
                    "key": header["key"],
                    "found": found is not None,
                    "job": attempt.job.id,
                    "attempt": attempt.job.attempt,
                }
                slot.worker.send(answer, found or b"")
            case "done" if header.get("job") == attempt.job.id:
                attempt.status = header["status"]
                attempt.executions, attempt.kernels = header.get("executions", 0), header.get("kernels", 0)
                attempt.runs = header.get("runs", {})
                return True
        return False

    async def _settle(self, attempt: Attempt, slot: Slot) -> None:
        """Decide what becomes of the job, and of the worker."""
        failed = attempt.status in ("failed", "lost", "infrastructure") or bool(attempt.missing)
        if attempt.status == "lost":
            await self._lost(attempt, slot)
        else:
            self._pools.proved(slot)
            if not self._closing:  # while closing, its end is being recorded
                self._pools.give_back(slot)
                await self._queue.set_worker(slot.id, "idle", done=not failed, failed=failed)
            await self._after_done(attempt)

    async def _after_done(self, attempt: Attempt) -> None:
        job = attempt.job
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
        if self._closing:
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

    def workers(self) -> list[tuple[str, int | None]]:
        """(type, pid) of the living workers."""
        return [(slot.type, slot.worker.pid) for slot in self._pools]


def _back_off(attempt: int) -> float:
    """Half a second, doubled with each attempt, give or take a quarter."""
    return float(0.5 * 2 ** (attempt - 1) * random.uniform(0.75, 1.25))


def _remove(*folders: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
