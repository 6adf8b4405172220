"""The writer of the job database: one process, which groups its writes into transactions.

Writes are sent to one task that drains what is waiting into one transaction on one connection (group commit); a caller
goes on once its write is committed. A neighbour's error does not undo it (``grouping.py``).
A group that finds the disk full, or the file held by a reader, is tried again for a while; when that does not help, or the file
turns out to be damaged, the database is *broken*: every write fails with the reason, until somebody opens it anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from clx_jupyter import damage
from clx_jupyter.database_journal import AUTO, journal_for
from clx_jupyter.errors import DamagedError, FullError, QueueError
from clx_jupyter.grouping import Change, GroupConnection, commit
from clx_jupyter.job_rows import Statement
from clx_jupyter.opening import BUSY_TIMEOUT, Prepared, damaged, prepare, unusable

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds that writes wait for room on a full disk before they fail."""

_HELD = 4 * BUSY_TIMEOUT
_AGAIN = 0.5
_A_TRY = 1.0
"""Seconds that one try waits for readers, and nothing ends it: whoever is to end waits no longer than that."""

_TURNS = 8
"""So often at most a group waits for more changes before it is committed."""


class Database:
    """The writer's side of the file; open it only while holding the lock of the state folder.

    ``broken`` is set once it cannot be used any more; ``error`` says why. ``paused``: writes wait for room on a full disk.
    ``on_pause`` is called with words for people when writes begin
    to wait, and with ``""`` when they go on.
    """

    def __init__(self, path: Path, prepared: Prepared, *, patience: float = PATIENCE, busy: float = BUSY_TIMEOUT) -> None:
        self.path, self.journal, self.aside, self.checked = path, prepared.journal, prepared.aside, prepared.checked
        self.commits = 0
        self.broken = asyncio.Event()
        self.error: QueueError | None = None
        self.on_pause: Callable[[str], None] = lambda words: None
        self._patience, self._busy = patience, busy
        self._waiting: list[tuple[Change, asyncio.Future[Any]]] = []
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._enough, self._stopping = asyncio.Event(), asyncio.Event()
        self.paused = False
        self._db = GroupConnection(self._connected, 64)
        self._writer: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, path: Path, journal_mode: str = AUTO, *, patience: float = PATIENCE, busy: float = BUSY_TIMEOUT) -> Self:
        """Open the database, made (0600) where there is none; one that is damaged is set aside (``aside`` says where) and made anew.

        *patience*: seconds to wait for room on a full disk; *busy*: for readers. Raises :class:`QueueError` for one that a newer version
        wrote, and where no file can be written.
        """
        database = cls(path, await asyncio.to_thread(prepare, path, journal_for(path.parent, journal_mode)), patience=patience, busy=busy)
        try:
            await database._db
        except sqlite3.Error as error:
            raise unusable(error, path) from error
        database._writer = asyncio.create_task(database._write_groups(), name="clx database writer")
        return database

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=min(self._busy, _A_TRY), isolation_level=None)
        connection.execute(f"PRAGMA synchronous = {self.journal.synchronous}")
        return connection

    async def close(self) -> None:
        """Write what is waiting and close."""
        self._closing.set()
        self.stop_waiting()
        self._wake.set()
        if self._writer is not None:
            await asyncio.gather(self._writer, return_exceptions=True)
        self._break(QueueError(f"the job database {self.path} is closed"))
        await self._commit_group()  # what came after the writer had looked for the last time is refused
        with contextlib.suppress(sqlite3.Error):
            await self._db.close()

    def stop_waiting(self) -> None:
        """Wait no longer for room on a full disk or for readers, now or later: whoever wants to end has no time for that."""
        self._stopping.set()
        self._enough.set()

    @contextlib.contextmanager
    def without_patience(self) -> Iterator[None]:
        """Meanwhile nothing waits for room on a full disk."""
        self._enough.set()
        try:
            yield
        finally:
            if not self._stopping.is_set():
                self._enough.clear()

    # --- writing --------------------------------------------------------------

    def change(self, change: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Send one change; the future gives what it gave, once it is committed, or raises :class:`QueueError` where that cannot be done."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self.error is not None:
            future.set_exception(self.error)
            return future
        self._waiting.append((change, future))
        self._wake.set()
        return future

    def write(self, *statements: Statement, fence: bool = False) -> asyncio.Future[list[int]]:
        """Send statements; the future gives the affected rows by statement, once they are committed.

        With *fence* the first statement must hit one row, or nothing of the write counts.
        """

        def write(connection: sqlite3.Connection) -> list[int]:
            counts = []
            for sql, values in statements:
                counts.append(connection.execute(sql, values).rowcount)
                if fence and counts[0] != 1:
                    break
            return counts

        return self.change(write)

    async def _write_groups(self) -> None:
        while not self._closing.is_set() or self._waiting:
            await self._wake.wait()
            self._wake.clear()
            await self._gathered()
            if self._waiting:
                await self._commit_group()

    async def _gathered(self) -> None:
        """Wait for as long as each two turns of the loop bring more changes: what goes on after one of them sends the next within these."""
        for _ in range(_TURNS):
            before = len(self._waiting)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if len(self._waiting) == before:
                return

    async def _commit_group(self) -> None:
        """Commit what waits; nobody cancels this, so that no change is left half told."""
        group, self._waiting = self._waiting, []
        results: Sequence[Any]
        try:
            results = [self.error] * len(group) if self.error else await self._persist([change for change, _ in group])
        except QueueError as error:
            self._break(error)
            results = [error] * len(group)
        except sqlite3.Error as error:  # a statement is wrong, not the file
            results = [error] * len(group)
        for (_, future), result in zip(group, results, strict=True):
            if future.done():
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)

    async def _persist(self, group: Sequence[Change]) -> Sequence[Any]:
        """Commit a group, however often that must be tried. Raises :class:`QueueError` where the file can be used no more."""
        started = time.monotonic()
        while True:
            try:
                results: Sequence[Any] = await self._db.run(commit, group)
                break
            except sqlite3.Error as error:
                if not damage.is_about_the_file(error):
                    raise
                problem = unusable(error, self.path)
                full = isinstance(problem, FullError)
                waits = self._patience if full else _HELD if damage.is_busy(error) else 0.0
                enough = self._enough if full else self._stopping
                if enough.is_set() or time.monotonic() - started >= waits:
                    raise problem from error
            if full and not self.paused:
                self.paused = True
                self.on_pause(f"paused: {problem.problem.message}; it goes on when there is room")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(enough.wait(), _AGAIN)
        self.commits += 1
        if self.paused:
            self.paused = False
            self.on_pause("")
        return results

    def _break(self, error: QueueError) -> None:
        if self.error is None:
            self.error = error
            if isinstance(error, DamagedError):
                damage.mark_damaged(self.path, error.problem.message)
            self.broken.set()

    def break_as_damaged(self, why: str) -> None:
        """Use it no more: somebody found out that it is damaged."""
        self._break(damaged(why, self.path))

    # --- reading --------------------------------------------------------------

    async def all(self, sql: str, values: Sequence[Any]) -> list[Sequence[Any]]:
        """The committed rows of a query. Raises :class:`QueueError` where they cannot be read."""
        started = time.monotonic()
        while True:
            if self.error is not None:
                raise self.error
            try:
                return list(await self._db.execute_fetchall(sql, values))
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                waits = 0.0 if self._stopping.is_set() or not damage.is_busy(error) else self._busy
                if time.monotonic() - started >= waits:
                    raise self._unread(error) from error

    def _unread(self, error: Exception) -> Exception:
        """What is said where rows cannot be read."""
        if damage.is_damage(error):
            self._break(damaged(str(error), self.path))
        elif not (isinstance(error, sqlite3.Error) and damage.is_about_the_file(error)):
            return error  # the statement is wrong
        return unusable(error, self.path)

    # --- at rest ----------------------------------------------------------------

    async def rest(self) -> None:
        """Put the log's content into the file and empty the log, unless somebody reads just now."""
        with contextlib.suppress(sqlite3.Error):
            await self._db.run(_emptied, ())

    async def shrink(self, pages: int) -> None:
        """Give up to so many free pages of the file back to the disk."""
        with contextlib.suppress(sqlite3.Error):
            await self._db.executescript(f"PRAGMA incremental_vacuum({int(pages)})")  # execute would stop after one page


def _emptied(connection: sqlite3.Connection, _: Sequence[Change]) -> None:
    busy = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {busy}")
