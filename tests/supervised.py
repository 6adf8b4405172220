"""A supervisor with a small worker program that can succeed, fail, hang and die."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clx_jupyter.attempts import Account, Attempt
from clx_jupyter.executors.base import Owner
from clx_jupyter.executors.local import LocalWorker
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.job_reader import Reader
from clx_jupyter.jobs import Job, JobState
from clx_jupyter.pools import PoolLimits
from clx_jupyter.supervisor import Supervisor
from clx_jupyter_workers import VERSION

WORKER = """
import os, sys, threading, time
from clx_jupyter_workers.protocol import PROTOCOL, encode, read_frame
def send(header, body=b""):
    sys.stdout.buffer.write(encode(header, body)); sys.stdout.buffer.flush()
def listen():
    frame, _ = read_frame(sys.stdin.buffer) or ({"t": "end"}, b"")
    return os._exit(0) if frame["t"] == "end" else frame
if os.environ.get("CLX_TEST_START") == "exit":
    sys.exit("first line of the trouble\\nno module named trouble")
send({"t": "ready", "type": "notebook", "version": int(os.environ["CLX_TEST_VERSION"]), "protocol": PROTOCOL})
while True:
    job = listen()
    if job["t"] != "job": continue
    name, do = {"job": job["job"], "attempt": job["attempt"]}, job["do"]
    def progress(**fields): send({"t": "progress", **name, "phase": "run", **fields})
    status = "ok"
    if do == "retry": status = "infrastructure" if job["attempt"] == 1 else "ok"
    elif do == "changed": status = "changed"
    elif do in ("fail", "hopeless"):
        status = "failed" if do == "fail" else "infrastructure"
        send({"t": "problem", "problem": {"class": "cell-error", "message": "it went wrong"}})
    elif do == "ask":
        send({"t": "keep", "key": "k"}, b"body")
        send({"t": "execution", "key": "k"})
        status = "ok" if read_frame(sys.stdin.buffer)[1] == b"body" else "failed"
    elif do == "chatter":
        for n in range(1500): send({"t": "problem", "problem": {"class": "tag", "message": f"problem {n}", "severity": "warning"}})
    elif do == "greedy":
        send({"t": "keep", "key": "k"}, b"x" * 1_000_000)
        for _ in range(100): send({"t": "execution", "key": "k"})
        time.sleep(0.5)
        for _ in range(100): read_frame(sys.stdin.buffer)
    elif do == "die twice":
        progress(source_cell=4)
        if job["attempt"] < 3: os._exit(3)
        time.sleep(1)  # others would have time to begin beside it
    elif do == "die": progress(source_cell=job["cell"]); os._exit(3)
    elif do == "die once" and job["attempt"] == 1: progress(source_cell=1); os.kill(os.getpid(), 9)
    elif do == "garbage" and job["attempt"] == 1:
        sys.stdout.buffer.write(b"\\xff" * 64); sys.stdout.buffer.flush()
        time.sleep(600)
    elif do == "cut" and job["attempt"] == 1:
        sys.stdout.buffer.write(b"\\x00\\x00\\x00\\x40\\x00\\x00\\x00\\x00{"); sys.stdout.buffer.flush(); os._exit(0)
    elif do == "huge" and job["attempt"] == 1:
        sys.stdout.buffer.write(b"\\x00\\x00\\x00\\x02\\x7f\\xff\\xff\\xff{}"); sys.stdout.buffer.flush(); time.sleep(600)
    elif do == "no fields" and job["attempt"] == 1: send({"t": "output"}); time.sleep(600)
    elif do == "no problem" and job["attempt"] == 1: send({"t": "problem", "problem": {"class": 1}}); time.sleep(600)
    elif do == "odd end" and job["attempt"] == 1:
        send({"t": "done", **name, "status": "ok", "runs": {"en": {"handed_on": True, "written": {"x": "no hash"}}}}); time.sleep(600)
    elif do == "told to end" and job["attempt"] == 1:
        progress(source_cell=1); send({"t": "done", **name, "status": "cancelled"}); os._exit(0)
    elif do == "leave" and job["attempt"] == 1: progress(source_cell=1); os._exit(0)
    elif do == "crash" and job["attempt"] == 1: progress(source_cell=1); os.kill(os.getpid(), 11)
    elif do == "stop" and job["attempt"] == 1: progress(source_cell=1); os.kill(os.getpid(), 19)
    elif do == "silent": progress(source_cell=1, key="key"); [listen() for _ in range(3)]
    elif do == "shout":
        for _ in range(200): os.write(2, b"x" * 65535 + b"\\n"); print("not a frame", file=sys.stderr)
    elif do == "read": send({"t": "progress", **name, "phase": "read"}); time.sleep(600)
    elif do == "grow": hoard = globals().get("hoard", b"") + b"x" * 80_000_000; time.sleep(0.6)
    elif do == "hoard" and "key" not in job["execute"].get("failed", {}):
        progress(source_cell=3, key="key"); hoard = b"x" * job["cell"]; progress(source_cell=4, key="key"); time.sleep(600)
    elif do == "hang": progress(source_cell=2); time.sleep(600)
    elif do == "listen":
        progress(source_cell=2)
        status = "cancelled" if listen()["t"] == "cancel" else "failed"
    elif do == "limited" and "key" not in job["execute"].get("failed", {}):
        progress(source_cell=5, key="key", limit=0.2); time.sleep(600)
    elif do == "stubborn" and "key" not in job["execute"].get("failed", {}):
        progress(source_cell=5, key="key"); time.sleep(600)
    send({"t": "done", **name, "status": status, "executions": 1, "kernels": 1})
"""


class ProgramExecutor:
    """Starts the program above."""

    name = "test"
    shares_files = True

    def __init__(self, program: Path) -> None:
        self.owner = Owner()
        self.program = program
        self.start_mode = ""
        self.version = VERSION
        self.started: list[LocalWorker] = []

    async def start(self, type: str, log: Path) -> LocalWorker:
        environment = {**os.environ, "CLX_TEST_START": self.start_mode, "CLX_TEST_VERSION": str(self.version)}
        worker = await LocalWorker.run([sys.executable, str(self.program)], log, environment)
        self.started.append(worker)
        return worker


class World(Account):
    """A supervisor with its queue, and what it accounts for."""

    def __init__(self, folder: Path, queue: JobQueue, limits: PoolLimits | int) -> None:
        self.folder, self.queue = folder, queue
        (folder / "worker.py").write_text(WORKER)
        self.executor = ProgramExecutor(folder / "worker.py")
        self.accepted: list[Attempt] = []
        self.kept_bodies: dict[str, bytes] = {}
        self.unsent = 0
        self.most = 0
        self.together: list[set[str]] = []
        self.running: dict[int, str] = {}
        self.new_spec: dict[str, Any] | None = None
        self.refusals = 0
        self._moved = asyncio.Event()
        self.supervisor = Supervisor(
            folder,
            queue,
            {"notebook": self.executor},
            self,
            owner=Owner(epoch=1),
            limits=PoolLimits(limits) if isinstance(limits, int) else limits,
        )

    async def frame(self, job: Job) -> dict[str, Any]:
        return {"do": job.spec["do"], "cell": job.spec.get("cell"), "execute": job.spec["execute"]}

    async def kept(self, key: str) -> bytes | None:
        stdin: Any = self.executor.started[0]._transport.get_pipe_transport(0)
        self.unsent = max(self.unsent, stdin.get_write_buffer_size())
        return self.kept_bodies.get(key)

    async def keep(self, key: str, body: bytes) -> None:
        self.kept_bodies[key] = body

    async def accept(self, attempt: Attempt) -> None:
        if self.refusals:
            self.refusals -= 1
            raise OSError("the disk is full")
        self.accepted.append(attempt)
        state = {"ok": JobState.DONE, "dead": JobState.DEAD}.get(attempt.status, JobState.FAILED)
        assert await self.queue.finish(attempt.job, state, attempt.status, problems=attempt.problems)

    async def changed(self, job: Job) -> dict[str, Any] | None:
        return self.new_spec

    def moved(self, job: Job, progress: dict[str, Any] | None) -> None:
        if progress is None:
            self.running.pop(job.id, None)
        else:
            self.running[job.id] = job.path
            self.together.append(set(self.running.values()))
        self._moved.set()

    async def add(
        self, *what: str, cell: int | None = 4, cell_timeout: float = 300.0, timeout: float = 300.0, own_limits: bool = True
    ) -> list[int]:
        execute = {"cell_timeout": cell_timeout, "timeout": timeout, "own_limits": own_limits}
        jobs = [("notebook", f"0:{do}", do, 0, {"do": do, "cell": cell, "execute": execute}, "new") for do in what]
        await self.queue.enqueue("b", jobs)
        self.supervisor.wake()
        return [job.id for job in await self.queue.jobs_of("b")][-len(what) :]

    async def until(self, true: Callable[[], bool]) -> None:
        async def wait() -> None:
            while not true():
                self._moved.clear()
                await self._moved.wait()

        await asyncio.wait_for(wait(), 20)

    async def ended(self, *what: str, **fields: Any) -> list[Job]:
        """The jobs once they have an end."""
        ids = await self.add(*what, **fields)

        async def wait() -> None:
            while not await self.queue.is_over("b"):
                self._moved.clear()
                if not await self.queue.is_over("b"):
                    await self._moved.wait()

        await asyncio.wait_for(wait(), 20)
        return [job for job in await self.queue.jobs_of("b") if job.id in ids]

    def attempts(self, job: int) -> list[tuple[str, int | None]]:
        rows = Reader(self.folder).rows("SELECT outcome, signal FROM attempts WHERE job = ? ORDER BY attempt", (job,))
        return [(row["outcome"], row["signal"]) for row in rows]
