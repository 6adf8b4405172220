"""Many writes as one transaction, and one visit to the database's thread.

Each turn of a statement between the event loop and the thread costs more than the statement itself. So what waits to be
written goes over as a list of functions, and comes back as a list of results.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import aiosqlite

Change = Callable[[sqlite3.Connection], Any]
"""Part of a transaction. It may be called twice, after what it did was undone."""


class GroupConnection(aiosqlite.Connection):
    """A connection that runs functions of the plain connection on its thread."""

    def __init__(self, connector: Callable[[], sqlite3.Connection], iter_chunk_size: int) -> None:
        super().__init__(connector, iter_chunk_size)
        # A server whose loop a Ctrl-C ends closes nothing any more: its process must not wait for this thread for ever.
        self._thread.daemon = True

    async def run(self, function: Callable[[sqlite3.Connection, Sequence[Change]], Any], changes: Sequence[Change]) -> Any:
        """What *function* gives for the plain connection and *changes*."""
        return await self._execute(function, self._conn, changes)  # type: ignore[no-untyped-call]


def commit(connection: sqlite3.Connection, changes: Sequence[Change]) -> list[Any]:
    """Make all changes in one transaction; gives the result of each, or its error, which undid it alone.

    Raises ``sqlite3.Error`` where the database failed; then nothing was changed.
    """
    try:
        return _together(connection, changes)
    except Exception as error:  # seldom: so nobody pays for a savepoint otherwise
        if not _is_of_one(error):
            raise
        return _one_by_one(connection, changes)


def _is_of_one(error: Exception) -> bool:
    """Whether something is wrong with one change and not with the database: then whoever sent it is told, and nobody else."""
    return not isinstance(error, sqlite3.Error) or isinstance(error, sqlite3.IntegrityError)


def _together(connection: sqlite3.Connection, changes: Sequence[Change]) -> list[Any]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        results = [change(connection) for change in changes]
        connection.execute("COMMIT")
    except BaseException:
        _undo(connection)
        raise
    return results


def _one_by_one(connection: sqlite3.Connection, changes: Sequence[Change]) -> list[Any]:
    def alone(change: Change) -> Any:
        connection.execute("SAVEPOINT one")
        try:
            return change(connection)
        except Exception as error:
            if not _is_of_one(error):
                raise
            connection.execute("ROLLBACK TO one")
            return error
        finally:
            if connection.in_transaction:  # a full disk has undone all of it already
                connection.execute("RELEASE one")

    return _together(connection, [lambda _, change=change: alone(change) for change in changes])  # type: ignore[misc]


def _undo(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:  # a full disk has undone it already
        connection.execute("ROLLBACK")
