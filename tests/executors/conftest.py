"""The places where workers run, and a supervisor's end of one worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from clx_jupyter.executors.base import Executor, Owner, RunningWorker
from clx_jupyter.executors.containers import ContainerExecutor
from clx_jupyter.executors.engine import Engine
from clx_jupyter.executors.local import LocalExecutor
from clx_jupyter.transfer import Transfer, Transfers
from clx_jupyter_workers.protocol import Frame
from tests.executors.images import Image, notebook_image
from tests.workers.conftest import Course

WAIT = 60.0
"""A ceiling for whatever a test waits for."""
OWNER = Owner("1234567890abcdef", 1)


class Talk:
    """A started worker with all that came from it."""

    def __init__(self, executor: Executor, worker: RunningWorker, log: Path) -> None:
        self.worker, self.log = worker, log
        self.seen: list[dict[str, Any]] = []
        self._executor = executor
        self._transfer: Transfer | None = None
        self._transfers = Transfers()
        self._name: dict[str, int] = {}

    async def begin(self, job: dict[str, Any]) -> None:
        """Give it a job, with its files where it sees none here."""
        Path(job["stage"]).mkdir(exist_ok=True)
        Path(job["scratch"]).mkdir(exist_ok=True)
        await self._end_transfer()
        self._name = {"job": job["job"], "attempt": job["attempt"]}
        job = {**job, "shelf": str(self.log.parent / "shelf")}
        if not self._executor.shares_files:
            self._transfer, job = await self._transfers.begin(self.worker, job)
        self.worker.send(job)

    async def do(self, job: dict[str, Any]) -> dict[str, Any]:
        """Do a job; gives its ``done``."""
        await self.begin(job)
        return await self.until(t="done")

    async def until(self, **fields: Any) -> dict[str, Any]:
        """The next frame with these fields; kept executions there are none."""
        while (frame := await self.next()) is not None:
            header, _ = frame
            if all(header.get(key) == value for key, value in fields.items()):
                return header
        raise AssertionError(f"the worker ended; seen: {self.seen[-5:]}; it said: {self.worker.last_words()}")

    async def next(self) -> Frame | None:
        """The next frame that is not about files."""
        while (frame := await asyncio.wait_for(self.worker.receive(), WAIT)) is not None:
            if self._transfer is not None and await self._transfer.hear(*frame):
                continue
            self.seen.append(frame[0])
            if frame[0]["t"] == "execution":
                self.worker.send({"t": "execution", **self._name, "key": frame[0]["key"], "found": False})
            return frame
        return None

    async def end(self) -> None:
        """Read what is left until its stream ends."""
        while await self.next() is not None:
            pass

    async def close(self, grace: float = 10) -> int | None:
        await self._end_transfer()
        return await self.worker.close(grace)

    async def _end_transfer(self) -> None:
        if self._transfer is not None:
            await self._transfer.close()
            self._transfer = None

    @property
    def problems(self) -> list[dict[str, Any]]:
        return [header["problem"] for header in self.seen if header["t"] == "problem"]

    async def processes(self) -> list[psutil.Process]:
        """All that belongs to it on this machine, kernels and the engine's helpers included."""
        pids = [self.worker.pid]
        if isinstance(self._executor, ContainerExecutor):
            _, inside = await Engine(self._executor.command).identity(self.worker.host)
            pids += [inside, psutil.Process(inside).ppid()]
        return [process for pid in pids if pid for root in [psutil.Process(pid)] for process in (root, *root.children(recursive=True))]


class Place:
    """One executor, and workers that it started."""

    def __init__(self, executor: Executor, folder: Path, image: Image | None) -> None:
        self.executor, self.folder, self.image = executor, folder, image
        self.talks: list[Talk] = []

    async def start(self, type: str = "notebook") -> Talk:
        """A worker that was greeted."""
        log = self.folder / f"worker-{len(self.talks)}.log"
        talk = Talk(self.executor, await self.executor.start(type, log), log)
        self.talks.append(talk)
        talk.worker.send({"t": "hello", "nice": 1})
        return talk

    async def ready(self) -> Talk:
        """A worker that is ready."""
        talk = await self.start()
        await talk.until(t="ready")
        return talk

    def left(self) -> set[str]:
        """Containers of these workers, if there are any."""
        names = self.image.containers() if self.image else set()
        return names & {talk.worker.host for talk in self.talks}


def executor(kind: str) -> tuple[Executor, Image | None]:
    if kind == "local":
        return LocalExecutor(), None
    image = notebook_image()
    return ContainerExecutor(image.command, {"notebook": image.name}, image.arguments, memory=1024), image


@pytest.fixture
async def open_place(tmp_path: Path) -> AsyncIterator[Callable[[str], Place]]:
    """Makes places; all their workers are killed at the end of the test."""
    places: list[Place] = []

    def make(kind: str) -> Place:
        made, image = executor(kind)
        made.owner = OWNER
        places.append(Place(made, tmp_path, image))
        return places[-1]

    yield make
    for place in places:
        for talk in place.talks:
            talk.worker.kill()
            await talk.close()
        assert place.left() == set()


@pytest.fixture(params=["local", "containers"])
def place(request: pytest.FixtureRequest, open_place: Callable[[str], Place]) -> Place:
    return open_place(request.param)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(tmp_path / "course", tmp_path)


def gone(processes: list[psutil.Process]) -> bool:
    """Whether these end within 5 seconds; nothing tells of the end of a process that is not our child."""
    _, alive = psutil.wait_procs(processes, timeout=5)
    return not [process for process in alive if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
