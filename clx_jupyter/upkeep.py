"""What the holder of a root does for its job database beside using it: it looks whether it is whole, tells of one that was not, and tidies up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from clx_jupyter.damage import BackgroundCheck
from clx_jupyter.database import Database
from clx_jupyter.database_journal import WAL
from clx_jupyter.errors import Problem, QueueError
from clx_jupyter.retention import Retention
from clx_jupyter.settings import BuildSettings


class Upkeep:
    """Looks after an open database."""

    def __init__(self, folder: Path, database: Database, settings: BuildSettings) -> None:
        self._database = database
        self._retention = Retention(folder, database, settings)
        self._one = asyncio.Lock()
        self._check = BackgroundCheck(database.path)
        self._untold = database.aside

    async def look_through(self) -> None:
        """Look through a large database that was opened without; one that is damaged is used no more.

        Not with a rollback journal: there a reader holds up the writer.
        """
        if self._database.checked or self._database.journal.mode != WAL:
            return
        if found := await asyncio.to_thread(self._check.run):
            self._database.break_as_damaged(found)

    async def tidy(self, *, at_once: bool = False) -> None:
        """Let go what is beyond the limits, and empty the log; then nothing is done until somebody builds."""
        async with self._one:
            with contextlib.suppress(QueueError, OSError):  # nothing depends on it: the next build does it
                await self._retention.apply(at_once=at_once)

    def stop(self) -> None:
        """End what goes on."""
        self._check.stop()

    async def while_whole(self, work: Coroutine[Any, Any, None]) -> None:
        """Do *work*. Raises :class:`QueueError` as soon as the database cannot be used any more: it would wait for ever for its jobs."""
        task, broken = asyncio.ensure_future(work), asyncio.ensure_future(self._database.broken.wait())
        try:
            await asyncio.wait({task, broken}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done() and self._database.error is not None:
                raise self._database.error
            await task
        finally:
            for each in (task, broken):
                each.cancel()
            await asyncio.gather(task, broken, return_exceptions=True)

    def told(self) -> list[Problem]:
        """What is to be told once: where a damaged database was put."""
        aside, self._untold = self._untold, None
        return [set_aside(aside)] if aside else []


def set_aside(aside: Path) -> Problem:
    """The warning that a database was damaged."""
    return Problem(
        "internal", "the job database was damaged and is set aside: everything is compared anew with what was published",
        "outputs and kept results of code are as they were; `clx clean` removes the file after a while", "warning", path=str(aside),
    )  # fmt: skip
