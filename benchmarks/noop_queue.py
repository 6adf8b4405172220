"""Our queue under jobs that do nothing: the real queue, supervisor, frames and worker processes, and an account that only records."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.queue_contenders import PAYLOAD
from clx_jupyter.attempts import Account, Attempt
from clx_jupyter.executors.base import Owner
from clx_jupyter.executors.local import LocalExecutor, LocalWorker
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.job_reader import DATABASE
from clx_jupyter.jobs import INTERACTIVE, BuildState, Job, JobState
from clx_jupyter.pools import PoolLimits
from clx_jupyter.state import create_state_folder
from clx_jupyter.supervisor import Supervisor

_SPEC = {"payload": PAYLOAD, "execute": {"cell_timeout": 300.0, "timeout": 1800.0}}
ROOT = Path(__file__).parent.parent


class NoopExecutor(LocalExecutor):
    """Starts :mod:`benchmarks.noop_worker` as a local worker."""

    async def start(self, type: str, log: Path) -> LocalWorker:
        """Start it, with this folder to import from."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        return await LocalWorker.run((sys.executable, "-m", "benchmarks.noop_worker"), log, environment)


class NoopQueue(Account):
    """A queue with its supervisor; ``done`` counts the jobs whose end is committed."""

    def __init__(self, folder: Path, queue: JobQueue, size: int) -> None:
        self.folder, self.queue = folder, queue
        self.done = 0
        self.last = 0.0
        self._wanted = 0
        self._all_done = asyncio.Event()
        self._builds = 0
        self.supervisor = Supervisor(folder, queue, {"notebook": NoopExecutor()}, self, owner=Owner(epoch=1), limits=PoolLimits(size))

    async def frame(self, job: Job) -> dict[str, Any]:
        return dict(job.spec)

    async def kept(self, key: str) -> bytes | None:
        return None

    async def keep(self, key: str, body: bytes) -> None: ...

    async def hand_on(self, stage: Path, hashes: list[str]) -> None: ...

    async def changed(self, job: Job) -> dict[str, Any] | None:
        return None

    def moved(self, job: Job, progress: dict[str, Any] | None) -> None: ...

    async def accept(self, attempt: Attempt) -> None:
        assert attempt.status == "ok", attempt.problems
        assert await self.queue.finish(attempt.job, JobState.DONE, "ok")
        self.done += 1
        self.last = time.perf_counter()
        if self.done >= self._wanted:
            self._all_done.set()

    async def add(self, jobs: int, priority: int = 0) -> None:
        """Queue a build of so many jobs; the supervisor does not hear of it yet."""
        self._builds += 1
        build = f"b{self._builds}"
        await self.queue.add_build(build, "", {}, BuildState.RUNNING)
        rows = [("notebook", f"0:{self._builds}-{n}", f"{n}.py", priority, {**_SPEC, "n": n}, "new") for n in range(jobs)]
        await self.queue.enqueue(build, rows)

    async def work_off(self, jobs: int) -> float:
        """Let the supervisor work until so many more jobs are done; gives the seconds."""
        self._wanted = self.done + jobs
        self._all_done.clear()
        started = time.perf_counter()
        self.supervisor.wake()
        await self._all_done.wait()
        return self.last - started

    async def once(self) -> float:
        """Seconds from the submission of one job, urgent as a right click, to its recorded result."""
        started = time.perf_counter()
        await self.add(1, INTERACTIVE)
        await self.work_off(1)
        return self.last - started


@asynccontextmanager
async def noop_queue(folder: Path, size: int) -> AsyncIterator[NoopQueue]:
    """An open queue whose *size* workers are started and have each done a job."""
    create_state_folder(folder, folder)
    queue = await JobQueue.open(folder / DATABASE)
    noop = NoopQueue(folder, queue, size)
    try:
        await noop.add(size * 50)
        await noop.work_off(size * 50)
        yield noop
    finally:
        await noop.supervisor.close()
        await queue.close()
