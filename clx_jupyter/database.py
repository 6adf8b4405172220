"""The file of the job queue: opened by one process for writing, which groups its writes into transactions.

Writes are sent to one task that drains what is waiting into one transaction on one connection (group commit); a caller
goes on once its write is committed. A neighbour's error does not undo it (``grouping.py``).
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Self, TypeVar

import aiosqlite

from clx_jupyter.errors import ClxError, QueueError
from clx_jupyter.grouping import Change, GroupConnection, commit
from clx_jupyter.job_reader import BUSY_TIMEOUT
from clx_jupyter.job_rows import Statement

SCHEMA = 3

T = TypeVar("T")

_UPGRADES = {
    1: "ALTER TABLE sources ADD COLUMN runs TEXT NOT NULL DEFAULT '{}';"
    " CREATE TABLE needs (job INTEGER NOT NULL REFERENCES jobs (id), needs INTEGER NOT NULL REFERENCES jobs (id),"
    " PRIMARY KEY (job, needs)) STRICT, WITHOUT ROWID;"
    " CREATE INDEX needed_by ON needs (needs)",
    2: "ALTER TABLE builds ADD COLUMN discarded INTEGER NOT NULL DEFAULT 0;"
    " ALTER TABLE jobs ADD COLUMN key TEXT NOT NULL DEFAULT '';"
    " ALTER TABLE jobs ADD COLUMN same_as INTEGER REFERENCES jobs (id);"
    " ALTER TABLE attempts ADD COLUMN memory INTEGER; ALTER TABLE attempts ADD COLUMN cpu REAL;"
    " ALTER TABLE workers ADD COLUMN cpu REAL; ALTER TABLE workers ADD COLUMN memory INTEGER;"
    " DROP INDEX jobs_ready;"
    " CREATE INDEX jobs_ready ON jobs (type, priority DESC, id) WHERE state = 'queued' AND not_before = 0;"
    " CREATE INDEX jobs_later ON jobs (not_before) WHERE state = 'queued' AND not_before > 0;"
    " CREATE INDEX jobs_by_key ON jobs (key) WHERE key != '' AND same_as IS NULL AND finished IS NULL;"
    " CREATE INDEX jobs_same ON jobs (same_as) WHERE same_as IS NOT NULL AND finished IS NULL",
}
"""What makes of a database of an older schema one of the next."""


class Database:
    """The writer's side of the file; open it only while holding the lock of the state folder."""

    def __init__(self, connection: GroupConnection) -> None:
        self._db = connection
        self._waiting: list[tuple[Change, asyncio.Future[Any]]] = []
        self._wake = asyncio.Event()
        self._group: asyncio.Future[None] | None = None
        self._writer = asyncio.create_task(self._write_groups(), name="clx database writer")
        self.commits = 0

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the database, made (0600) where there is none.

        Raises :class:`QueueError` for one that a newer version wrote or that cannot be read.
        """
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        connection = GroupConnection(lambda: sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None), iter_chunk_size=64)
        await connection
        try:
            await _prepare(connection)
        except sqlite3.DatabaseError as error:
            await connection.close()
            raise QueueError(
                f"the job database {path} cannot be used: {error}", f"move {path} aside; builds cost only time", path=str(path)
            ) from error
        except ClxError:
            await connection.close()
            raise
        return cls(connection)

    async def close(self) -> None:
        """Write what is waiting and close."""
        self._writer.cancel()
        await asyncio.gather(self._writer, return_exceptions=True)
        if self._group is not None:  # the writer was cancelled, the group it was committing was not
            await self._group
        if self._waiting:
            await self._commit_group()
        await self._db.close()

    async def _write_groups(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(0)  # what is ready to be sent in this very turn of the loop goes along
            if self._waiting:
                self._group = asyncio.ensure_future(self._commit_group())
                await asyncio.shield(self._group)

    async def _commit_group(self) -> None:
        group, self._waiting = self._waiting, []
        results: Sequence[Any]
        try:
            results = await self._db.run(commit, [change for change, _ in group])
            self.commits += 1
        except sqlite3.Error as error:
            results = [error] * len(group)
        for (_, future), result in zip(group, results, strict=True):
            if future.done():
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)

    def change(self, change: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Send one change; the future gives what it gave, once it is committed."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
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

    async def all(self, sql: str, values: Sequence[Any]) -> list[Sequence[Any]]:
        """The rows of a query."""
        return list(await self._db.execute_fetchall(sql, values))


async def _prepare(db: aiosqlite.Connection) -> None:
    await db.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT * 1000)}")
    await db.execute("PRAGMA journal_mode = WAL")
    await db.execute("PRAGMA synchronous = NORMAL")
    async with db.execute("PRAGMA user_version") as cursor:
        row = await cursor.fetchone()
    version = row[0] if row else 0
    if version > SCHEMA:
        raise QueueError(f"the job database has schema {version}, newer than this program's {SCHEMA}", "upgrade clx-jupyter")
    for older in range(version, SCHEMA) if version else ():
        await db.executescript(f"BEGIN; {_UPGRADES[older]}; PRAGMA user_version = {older + 1}; COMMIT;")
    if version == 0:
        schema = files("clx_jupyter").joinpath("schema.sql").read_text(encoding="utf-8")
        await db.executescript(f"BEGIN; {schema}; PRAGMA user_version = {SCHEMA}; COMMIT;")
