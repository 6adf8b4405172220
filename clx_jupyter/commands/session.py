"""Builds of one root as a command runs them: here, where this process can hold the root, else by the process that does."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import Any

from clx_jupyter.builds import Builds
from clx_jupyter.commands.progress import Progress
from clx_jupyter.errors import RequestError
from clx_jupyter.follow import follow
from clx_jupyter.requests import Request, new_id, post
from clx_jupyter.settings import BuildSettings
from clx_jupyter.state import read_holder


class Session:
    """Runs one request after the other, and stays the holder of the root between them.

    The first interrupt cancels the build that goes on here, or ends :meth:`idle`; the second one ends the process at once.
    SIGTERM leaves the build open: what waits or runs is back in the queue.
    """

    def __init__(
        self, folder: Path, progress: Progress, *, settings: BuildSettings, size: int | None = None, take_over: bool = False
    ) -> None:
        self._folder, self.progress = folder, progress
        self._settings, self._size, self._take_over = settings, size, take_over
        self._builds: Builds | None = None
        self._here = ""
        self._stopping = asyncio.Event()
        self._cancelling: list[asyncio.Task[None]] = []
        self._leaving = asyncio.Event()
        self._follows = False
        #: An interrupt cancelled a build.
        self.interrupted = False

    async def __aenter__(self) -> Session:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(signal.SIGINT, self._interrupt)
            loop.add_signal_handler(signal.SIGTERM, self._terminate)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._builds is not None:
            await self._builds.close()

    def _interrupt(self) -> None:
        if self._again():
            return
        if self._here:
            self.interrupted = True
            self.progress.note("cancelling; finished outputs stay")
            if self._builds is not None:
                self._cancelling.append(asyncio.get_running_loop().create_task(self._builds.cancel(self._here)))

    def _terminate(self) -> None:
        if self._again():
            return
        if self._here:
            self.interrupted = True
            self.progress.note("stopping; what is finished stays, the rest is built the next time")
        self._leaving.set()

    def _again(self) -> bool:
        """Whether this signal is not the first: then everything ends at once, and the next one ends even that."""
        if self._stopping.is_set() and self._builds is not None:
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().remove_signal_handler(number)
                signal.signal(number, signal.SIG_DFL)
            self._builds.hurry()
            self._leaving.set()
            return True
        if self._stopping.is_set() or self._follows:  # what another process builds goes on there
            raise KeyboardInterrupt
        self._stopping.set()
        return False

    async def run(self, request: Request) -> dict[str, Any]:
        """The report of a request, once it is carried out."""
        while True:
            id = self._here = new_id()  # of each try: whoever died before may have recorded the last one
            builds = await self._holding(Path(request.root))
            if builds is not None:
                return await self._run_here(builds, request, id)
            holder = read_holder(self._folder)
            who = f"process {holder.pid}" if holder else "another process"
            self.progress.note(f"{who} builds here already; it takes this request")
            message = post(self._folder, {"do": "build", "build": id, "request": request.to_json()})
            self._follows = True
            report = await follow(self._folder, id, self.progress.show_row)
            self._follows = False
            if report is not None:
                self._here = ""
                return report
            # The holder ended before it had carried the request out: this process is next.
            message.unlink(missing_ok=True)

    async def _holding(self, root: Path) -> Builds | None:
        """The builds of the root, if this process holds it or can. Raises :class:`RequestError` where it is gone: nothing may make it again."""
        if not root.is_dir():
            raise RequestError(f"there is no folder {root} any more", "build the course where it is now")
        if self._builds is not None and not self._builds.held:  # somebody deleted the state or took the root over
            await self._builds.close()
            self._builds = None
        if self._builds is None:
            self._builds = await Builds.open(
                root, folder=self._folder, settings=self._settings, size=self._size, take_over=self._take_over, resume=False
            )
            if self._builds is not None:
                self._builds.watch(lambda live: self.progress.show(live) if live.id == self._here else None)
        return self._builds

    async def _run_here(self, builds: Builds, request: Request, id: str) -> dict[str, Any]:
        await builds.start(request, id)
        if self.interrupted and not self._leaving.is_set():  # before there was anything to cancel
            await builds.cancel(id)
        ended, leaving = asyncio.create_task(builds.wait(id)), asyncio.create_task(self._leaving.wait())
        await asyncio.wait({ended, leaving}, return_when=asyncio.FIRST_COMPLETED)
        report = ended.result() if ended.done() else await builds.leave(id)
        for task in (ended, leaving):
            task.cancel()
        self._here = ""
        if self.interrupted:
            report["interrupted"] = True
        return report

    async def idle(self, work: asyncio.Task[Any]) -> bool:
        """Wait for *work*; ``False`` where an interrupt comes before it is done."""
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (work, stopping):
            task.cancel()
        return not self._stopping.is_set()

    async def finish(self) -> None:
        """Carry out what other processes asked for meanwhile."""
        if self._builds is not None and not self._leaving.is_set():
            self._builds.look()
            while self._builds.busy and not self._leaving.is_set():
                await asyncio.sleep(0.2)
