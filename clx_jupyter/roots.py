"""The roots that a server builds in. Each is opened when it is first built, and held until the server stops."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from clx_jupyter.builds import Builds
from clx_jupyter.course.discover import folders_below
from clx_jupyter.errors import ClxError, HeldError
from clx_jupyter.job_reader import Reader
from clx_jupyter.jobs import BUILD_ENDED
from clx_jupyter.live import Live
from clx_jupyter.requests import Request, new_id, post
from clx_jupyter.settings import BuildSettings
from clx_jupyter.state import FOLDER, has_state, living_holder, private_states, state_folder

_TAKEN_WITHIN = 10.0
_LOOK = 0.05
_OPENED_WITHIN = 2.0


class Roots:
    """One :class:`Builds` per root. Where another process of this host holds a root, requests are handed to it.

    *watcher* is called whenever a build of this process changes.
    """

    def __init__(self, watcher: Callable[[Live], None], settings: BuildSettings | None = None) -> None:
        self._watcher = watcher
        self._settings = settings
        self._open: dict[Path, Builds] = {}
        self._opening: dict[Path, asyncio.Lock] = {}
        self._closed = False

    async def start(self, request: Request) -> str:
        """Start a build, here or where the root is held; gives its id. Raises :class:`HeldError`."""
        root = Path(request.root)
        folder = state_folder(root, private=bool(request.single))
        while True:
            id = new_id()  # of each try: whoever died before may have recorded the last one
            builds = await self._builds(root, folder)
            if builds is not None:
                return await builds.start(request, id)
            if await _handed_over(folder, id, request):
                return id

    async def cancel(self, root: Path, folder: Path, id: str) -> None:
        """Cancel a build, whoever works on it; one that nobody works on is ended as cancelled."""
        builds = await self._builds(root, folder)
        if builds is not None:
            await builds.cancel(id)
        else:
            post(folder, {"do": "cancel", "build": id})

    def live(self, folder: Path, id: str) -> Live | None:
        """A build that this process works on, or did."""
        builds = self._open.get(folder)
        return builds.live(id) if builds else None

    async def resume(self, below: Path) -> None:
        """Go on with the builds below a folder that a process which died left open."""
        for root, folder in await asyncio.to_thread(lambda: list(_left_open(below))):
            with contextlib.suppress(ClxError, OSError):  # a build says so when somebody asks for one
                await self._builds(root, folder)

    async def close(self) -> None:
        """Stop; builds that go on stay open in their databases, and the next holder resumes them."""
        self._closed = True
        # What is being opened just now closes itself again; a database that another program holds may take longer.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_OPENED_WITHIN):
                for opening in tuple(self._opening.values()):
                    async with opening:
                        pass
        await asyncio.gather(*(builds.close() for builds in self._open.values()), return_exceptions=True)
        self._open.clear()

    async def _builds(self, root: Path, folder: Path) -> Builds | None:
        """The builds of a root that this process holds or can hold; ``None`` where another one does."""
        async with self._opening.setdefault(folder, asyncio.Lock()):
            self._check_open()
            builds = self._open.get(folder)
            if builds is None or not builds.held:
                await self._leave_lost()
                builds = await Builds.open(root, folder=folder, settings=self._settings, server=True)
                if builds is not None:
                    if self._closed:
                        await builds.close()
                    self._check_open()
                    builds.watch(self._watcher)
                    self._open[folder] = builds
            return builds

    def _check_open(self) -> None:
        if self._closed:
            raise ClxError("the server is stopping", "try again when it runs")

    async def _leave_lost(self) -> None:
        """Close what leads nowhere: the state folder was deleted or moved, or taken over. One that was moved is still locked, wherever it is now."""
        lost = [self._open.pop(folder) for folder, builds in tuple(self._open.items()) if not builds.held]
        await asyncio.gather(*(builds.close() for builds in lost), return_exceptions=True)


async def _handed_over(folder: Path, id: str, request: Request) -> bool:
    """Hand a request to the holder; ``False`` where it ended before it took it."""
    message = post(folder, {"do": "build", "build": id, "request": request.to_json()})
    reader, deadline = Reader(folder), time.monotonic() + _TAKEN_WITHIN
    while time.monotonic() < deadline:
        if await asyncio.to_thread(reader.build, id) is not None:
            return True
        if message.exists() and await asyncio.to_thread(living_holder, folder) is None:
            break
        await asyncio.sleep(_LOOK)
    message.unlink(missing_ok=True)
    if await asyncio.to_thread(living_holder, folder) is not None:
        raise HeldError("the process that builds here does not answer", "end it, then build again: `clx status` names it")
    return False


def _left_open(below: Path) -> Iterator[tuple[Path, Path]]:
    """(root, state folder) wherever builds have no end and nobody works on them."""
    inside = [(root, root / FOLDER) for root, _ in folders_below(below) if has_state(root)]
    elsewhere = [(root, folder) for root, folder in private_states() if root.is_relative_to(below)]
    for root, folder in [*inside, *elsewhere]:
        with contextlib.suppress(ClxError, OSError):
            if any(build["state"] not in BUILD_ENDED for build in Reader(folder).builds()) and living_holder(folder) is None:
                yield root, folder
