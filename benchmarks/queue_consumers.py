"""Our queue alone, worked off by consumers that take a job, do nothing, and say that it is done.

In this process they show what the queue itself costs. As processes, joined to it by socket pairs over which the job goes
and its end comes back, they are what the peers' consumers are: four programs that get the payload and answer for it.
Neither has the supervisor's part: worker programs, time limits, progress, what remains of a job.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.queue_contenders import PAYLOAD
from clx_jupyter.executors.pipes import Frames
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.job_reader import DATABASE
from clx_jupyter.jobs import BuildState, Job, JobState
from clx_jupyter_workers.protocol import encode, read_frame

Do = Callable[[Job], Awaitable[Any]]


async def filled(folder: Path, jobs: int) -> JobQueue:
    """A queue with a build of so many jobs."""
    queue = await JobQueue.open(folder / DATABASE)
    await queue.add_build("b", "", {}, BuildState.RUNNING)
    await queue.enqueue("b", [("notebook", f"0:{n}", f"{n}.py", 0, {"payload": PAYLOAD, "n": n}, "new") for n in range(jobs)])
    return queue


async def queue_rate(folder: Path, jobs: int, consumers: int, *, processes: bool) -> float:
    """Jobs a second, from the first claim to the last recorded end."""
    queue = await filled(folder, jobs)
    async with AsyncExitStack() as stack:
        workers = [await queue.add_worker("notebook", "none", "here", None) for _ in range(consumers)]
        dos = [await stack.enter_async_context(_process()) if processes else _nothing for _ in workers]
        started = time.perf_counter()
        done = await asyncio.gather(*(_consume(queue, worker, do) for worker, do in zip(workers, dos, strict=True)))
        seconds = time.perf_counter() - started
    assert sum(done) == jobs
    await queue.close()
    return jobs / seconds


async def _consume(queue: JobQueue, worker: int, do: Do) -> int:
    """As the supervisor does for each worker: the end of a job and the claim of the next one go into one transaction."""
    done, claimed = 0, await queue.claim_next("notebook", [(worker, None)], 1, busy=True)
    while claimed.jobs:
        (job,) = claimed.jobs
        await do(job)
        ended, claiming = queue.finish(job, JobState.DONE, "ok"), queue.claim_next("notebook", [(worker, None)], 1, busy=True)
        done += len(await ended)
        claimed = await claiming
    return done


async def _nothing(job: Job) -> None:
    pass


class _Answers(asyncio.Protocol):
    def __init__(self) -> None:
        self.frames = Frames()

    def data_received(self, data: bytes) -> None:
        self.frames.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.frames.end()


@asynccontextmanager
async def _process() -> AsyncIterator[Do]:
    """A consumer that has started."""
    ours, theirs = socket.socketpair()
    process = get_context("spawn").Process(target=answer, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    ours.setblocking(False)
    transport, answers = await asyncio.get_running_loop().create_connection(_Answers, sock=ours)

    async def do(job: Job) -> None:
        transport.write(encode({"t": "job", "job": job.id, "attempt": job.attempt, **job.spec}))
        frame = await answers.frames.receive()
        assert frame and (frame[0]["job"], frame[0]["attempt"]) == (job.id, job.attempt)

    try:
        assert await answers.frames.receive()  # it is ready
        yield do
    finally:
        transport.close()
        await asyncio.to_thread(process.join)


def answer(connection: socket.socket) -> None:
    """A consumer: say ``done`` for each job until there is no more."""
    with connection, connection.makefile("rb") as stream, contextlib.suppress(ConnectionError):
        connection.sendall(encode({"t": "ready"}))
        while frame := read_frame(stream):
            connection.sendall(encode({"t": "done", "job": frame[0]["job"], "attempt": frame[0]["attempt"]}))
