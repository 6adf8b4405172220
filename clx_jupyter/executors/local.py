"""Workers as child processes of the supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import platform
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import psutil

from clx_jupyter.executors.base import Owner, Usage
from clx_jupyter.executors.logs import WorkerLog
from clx_jupyter.executors.pipes import Pipes
from clx_jupyter.executors.watch import Watch
from clx_jupyter.sweeping import VARIABLE, mark_of_holder, mark_of_root, sweep, sweep_scratch
from clx_jupyter_workers.protocol import Frame, encode

_NUMBERS = itertools.count(1)
Closed = Callable[[], Awaitable[None]]


class LocalWorker:
    """A worker program with its pipes."""

    def __init__(self, transport: asyncio.SubprocessTransport, pipes: Pipes, mark: str = "", closed: Closed | None = None) -> None:
        self._transport, self._pipes, self._mark, self._closed = transport, pipes, mark, closed
        self.pid: int | None = transport.get_pid()
        self.host = platform.node()

    @classmethod
    async def run(
        cls, command: Sequence[str], log: Path, environment: Mapping[str, str], mark: str = "", closed: Closed | None = None,
        folder: Path | None = None,
    ) -> Self:  # fmt: skip
        """Start a program, in a session of its own: a Ctrl-C in a terminal is meant for us. Raises ``OSError`` where it cannot."""
        transport, pipes = await asyncio.get_running_loop().subprocess_exec(
            lambda: Pipes(WorkerLog(log)), *command, env=dict(environment), cwd=folder, start_new_session=True
        )
        return cls(transport, pipes, mark, closed)

    def send(self, header: dict[str, Any], body: bytes = b"") -> None:
        """Queue a frame; a dead worker shows at :meth:`receive`, not here."""
        self._pipes.send(encode(header, body))

    async def drain(self) -> None:
        """Wait for the pipe to take more."""
        await self._pipes.drain()

    def receive(self) -> Awaitable[Frame | None]:
        """The next frame; ``None`` at the end of the stream."""
        return self._pipes.receive()

    def kill(self) -> None:
        """End the whole tree. Kernels lead process groups of their own, so it is walked before its root dies."""
        if self._pipes.exited.is_set():  # its number may be another's by now
            return
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(self.pid)
            for process in [*root.children(recursive=True), root]:
                with contextlib.suppress(psutil.Error):  # gone, or another user's: code may call sudo
                    process.kill()

    async def close(self, grace: float) -> int | None:
        """Close its input, which tells it to end; kill the tree after *grace* seconds; then end what left the tree."""
        self._pipes.end_input()
        try:
            await asyncio.wait_for(self._pipes.exited.wait(), grace)
        except TimeoutError:
            self.kill()
            await self._pipes.exited.wait()
        if self._mark:
            await asyncio.to_thread(sweep, self._mark)
        with contextlib.suppress(TimeoutError):  # whatever it started may hold that pipe
            await asyncio.wait_for(self._pipes.silent.wait(), 1)
        # Closed here, on a living loop, and not by the garbage collector.
        self._transport.close()
        if self._closed is not None:
            closed, self._closed = self._closed, None
            await closed()
        return self._transport.get_returncode()

    async def usage(self) -> Usage | None:
        """Memory and processor time of the tree."""
        # In a thread: it reads the whole list of processes.
        return await asyncio.to_thread(usage_of, self._transport.get_pid())

    def last_words(self) -> str:
        """The end of what it wrote to standard error."""
        return self._pipes.log.tail()


def usage_of(pid: int) -> Usage | None:
    """What a process and all it started take; ``None`` where it is gone."""
    try:
        root = psutil.Process(pid)
        return _sum([root, *root.children(recursive=True)])
    except psutil.Error:
        return None


def _sum(tree: list[psutil.Process]) -> Usage:
    memory, cpu = 0, 0.0
    for process in tree:
        with contextlib.suppress(psutil.Error), process.oneshot():
            times = process.cpu_times()
            memory += process.memory_info().rss
            # What has ended counts with whoever waited for it.
            cpu += times.user + times.system + getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return Usage(memory, cpu)


class LocalExecutor:
    """Starts workers on this machine; while there are any, a watch that outlives this process cleans up after it."""

    name = "local"
    shares_files = True

    def __init__(self) -> None:
        self.owner = Owner()
        self._watch = Watch()

    async def sweep(self) -> None:
        """End what earlier holders of the owner's root left running, and remove their temporary files."""
        if self.owner.root:
            await asyncio.to_thread(sweep, mark_of_root(self.owner))
            await asyncio.to_thread(sweep_scratch, mark_of_root(self.owner))

    async def start(self, type: str, log: Path) -> LocalWorker:
        """Start ``python -P -m clx_jupyter_workers.<type>``; ``-P`` keeps course files from shadowing modules."""
        mark = f"{mark_of_holder(self.owner)}{next(_NUMBERS)}-"
        command = (sys.executable, "-P", "-m", f"clx_jupyter_workers.{type}")
        await self._watch.enter("clx_jupyter.sweeping", mark_of_holder(self.owner))
        try:
            return await LocalWorker.run(command, log, {**os.environ, VARIABLE: mark}, mark, self._watch.leave)
        except BaseException:
            await self._watch.leave()
            raise
