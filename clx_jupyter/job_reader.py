"""A read-only look at the job database, from any process."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from clx_jupyter.errors import DamagedError, QueueError
from clx_jupyter.fingerprint import Stamp
from clx_jupyter.job_rows import OUTPUT_COLUMNS, StoredOutput, known_of, output_of
from clx_jupyter.migrations import SCHEMA, version_of
from clx_jupyter.opening import BUSY_TIMEOUT, damaged, newer, unusable
from clx_jupyter.plan import Known

DATABASE = "jobs.db"


class Reader:
    """A read-only look at the database of a state folder, from any process, while somebody else writes.

    Each call opens, reads everything it wants and closes: a reader that lingers would hold the writer up in DELETE mode
    and keep the log from being reset in WAL mode.
    """

    def __init__(self, folder: Path, *, lenient: bool = False) -> None:
        self._path = folder / DATABASE
        self._lenient = lenient
        #: With *lenient*, what was wrong with the database: it is read as if it were empty, which it will be after the next build has begun.
        self.damage = ""

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The rows of a query as objects, empty where there is no database yet.

        Raises :class:`QueueError` (:class:`DamagedError`) for a database that cannot be read, or that a newer version wrote in another way.
        """
        try:
            if not self._path.exists():
                return []
            return self._read_safely(sql, values)
        except IsADirectoryError as error:
            raise damaged("it is a folder", self._path) from error
        except OSError as error:
            raise QueueError(f"the job database {self._path} cannot be read: {error.strerror}", "it belongs to somebody else") from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            problem = unusable(error, self._path)
            if self._lenient and isinstance(problem, DamagedError):
                self.damage = problem.problem.message
                return []
            raise problem from error

    def _read_safely(self, sql: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        mode = self._mode()
        try:
            return self._read(sql, values, mode)
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0)
            if code == sqlite3.SQLITE_READONLY_ROLLBACK:  # its writer was killed as it wrote: whoever comes next takes that back
                return self._read(sql, values, "mode=rw")
            if mode != self._mode():  # somebody began to write meanwhile
                return self._read(sql, values, "mode=ro")
            raise

    def _read(self, sql: str, values: Sequence[Any], mode: str) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(f"{self._path.as_uri()}?{mode}", uri=True, timeout=BUSY_TIMEOUT)) as connection:
            connection.row_factory = sqlite3.Row
            version = version_of(connection)
            if version == 0:  # between its making and its schema, or if its maker died there, it is empty
                return []
            try:
                return [dict(row) for row in connection.execute(sql, values).fetchall()]
            except sqlite3.OperationalError as error:
                if version > SCHEMA and error.sqlite_errorcode == sqlite3.SQLITE_ERROR:
                    raise newer(version, self._path) from error
                raise

    def _mode(self) -> str:
        """How to open it: a log that is not there holds nothing, and must not be made by a look, which also works on a read-only disk."""
        with self._path.open("rb") as file:
            logged = file.read(20)[18:19] == b"\2"
        return "mode=ro&immutable=1" if logged and not self._path.with_name(f"{DATABASE}-wal").exists() else "mode=ro"

    def course_of(self, source: str) -> str:
        """The course file that last built a source; ``""`` for a plain folder, or where none did."""
        sql = (
            "SELECT builds.course FROM builds JOIN sources USING (course)"
            " WHERE substr(place, instr(place, ':') + 1) = ? ORDER BY created DESC LIMIT 1"
        )
        return next((str(row["course"]) for row in self.rows(sql, (source,))), "")

    def builds(self, limit: int = 20) -> list[dict[str, Any]]:
        """The latest builds, the newest first."""
        return self.rows("SELECT * FROM builds ORDER BY created DESC LIMIT ?", (limit,))

    def build(self, id: str) -> dict[str, Any] | None:
        """One build."""
        return next(iter(self.rows("SELECT * FROM builds WHERE id = ?", (id,))), None)

    def jobs(self, build: str | None = None, limit: int = 1000) -> list[dict[str, Any]]:
        """Jobs of a build, or of all, the newest first; without their specifications."""
        sql = "SELECT id, build, type, place, path, state, reason, attempt, progress, problems, created, started, finished FROM jobs"
        if build is None:
            return self.rows(f"{sql} ORDER BY id DESC LIMIT ?", (limit,))
        return self.rows(f"{sql} WHERE build = ? ORDER BY id LIMIT ?", (build, limit))

    def cancelled(self, build: str) -> int:
        """How many jobs of a build ended by being cancelled."""
        return int(self.rows("SELECT count(*) AS number FROM jobs WHERE build = ? AND state = 'cancelled'", (build,))[0]["number"])

    def workers(self) -> list[dict[str, Any]]:
        """Workers that are alive, and the last that are not."""
        return self.rows("SELECT * FROM workers ORDER BY state = 'gone', id DESC LIMIT 50")

    def file_stamps(self) -> dict[str, Stamp]:
        """What files looked like when they were hashed: a look need not hash them again."""
        rows = self.rows("SELECT path, mtime_ns, size, inode, sha256 FROM files")
        return {row["path"]: Stamp(row["mtime_ns"], row["size"], row["inode"], row["sha256"]) for row in rows}

    def stored(self, course: str) -> dict[str, StoredOutput]:
        """All outputs of a course by name."""
        rows = self.rows(f"SELECT {OUTPUT_COLUMNS} FROM outputs WHERE course = ?", (course,))
        return {row["name"]: output_of(tuple(row.values())) for row in rows}

    def known(self, course: str) -> dict[str, Known]:
        """What earlier builds left behind of each source, by place."""
        rows = self.rows("SELECT * FROM sources WHERE course = ?", (course,))  # one of an older version has no runs
        return {row["place"]: known_of(row["parts"], row["problems"], row.get("runs", "{}")) for row in rows}
