"""The durable job queue: all SQL, one writer, any number of read-only readers.

Writes are sent to one task that drains what is waiting into one transaction on one connection (group commit); a caller
goes on once its write is committed. Each write runs in a savepoint of its own, so that a neighbour's error does not undo it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import aiosqlite

from clx_jupyter.errors import ClxError, Problem
from clx_jupyter.fingerprint import Stamp
from clx_jupyter.jobs import BUILD_ENDED, BuildState, Job, JobState
from clx_jupyter.plan import Known

SCHEMA = 2
BUSY_TIMEOUT = 30.0
DATABASE = "jobs.db"

Statement = tuple[str, Sequence[Any]]


class QueueError(ClxError):
    """The database cannot be used."""


@dataclass(frozen=True, slots=True)
class StoredOutput:
    """A row of ``outputs``; see ``schema.sql``."""

    name: str
    course: str
    place: str
    variant: str
    key: str
    state: str
    reason: str
    sha256: str | None = None
    size: int | None = None
    mtime_ns: int | None = None
    assets: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    note: str = ""
    problem: str = ""
    built: float | None = None


_OUTPUT_COLUMNS = "name, course, place, variant, key, state, reason, sha256, size, mtime_ns, assets, shown, note, problem, built"
_JOB_COLUMNS = "id, build, type, place, path, state, priority, not_before, attempt, deaths, spec, reason"


_NEEDS = (
    "INSERT INTO needs (job, needs) SELECT waiting.id, needed.id FROM jobs AS waiting, jobs AS needed"
    " WHERE waiting.build = ? AND waiting.place = ? AND waiting.state = 'blocked'"
    " AND needed.build = ? AND needed.place = ? AND needed.state IN ('blocked', 'queued')"
)
_UNBLOCK = (
    "UPDATE jobs SET state = 'queued' WHERE state = 'blocked' AND id IN (SELECT job FROM needs WHERE needs = ?) AND NOT EXISTS ("
    "SELECT 1 FROM needs JOIN jobs AS needed ON needed.id = needs.needs"
    " WHERE needs.job = jobs.id AND needed.state IN ('blocked', 'queued', 'running'))"
)
# Runs in other languages stay, as long as they are runs of the same thing.
_KNOW = (
    "INSERT INTO sources (course, place, parts, problems, runs) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
    " runs = CASE WHEN parts = excluded.parts THEN json_patch(runs, excluded.runs) ELSE excluded.runs END,"
    " parts = excluded.parts, problems = excluded.problems"
)
_UPGRADES = {
    1: "ALTER TABLE sources ADD COLUMN runs TEXT NOT NULL DEFAULT '{}';"
    " CREATE TABLE needs (job INTEGER NOT NULL REFERENCES jobs (id), needs INTEGER NOT NULL REFERENCES jobs (id),"
    " PRIMARY KEY (job, needs)) STRICT, WITHOUT ROWID;"
    " CREATE INDEX needed_by ON needs (needs)",
}
"""What makes of a database of an older schema one of the next."""


def _waiting(needed: Sequence[str]) -> JobState:
    return JobState.BLOCKED if needed else JobState.QUEUED


def _job(row: Sequence[Any]) -> Job:
    values = list(row)
    values[5], values[9], values[10] = JobState(values[5]), tuple(json.loads(values[9])), json.loads(values[10])
    return Job(*values)


def _output(row: Sequence[Any]) -> StoredOutput:
    values = list(row)
    values[10], values[11] = tuple(json.loads(values[10])), tuple(json.loads(values[11]))
    return StoredOutput(*values)


class JobQueue:
    """The writer's side; open it only while holding the lock of the state folder."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._db = connection
        self._waiting: list[tuple[Sequence[Statement], bool, asyncio.Future[list[int]]]] = []
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
        connection = await aiosqlite.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)
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

    # --- writing ------------------------------------------------------------

    async def _write_groups(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._waiting:
                self._group = asyncio.ensure_future(self._commit_group())
                await asyncio.shield(self._group)

    async def _commit_group(self) -> None:
        group, self._waiting = self._waiting, []
        results: list[tuple[asyncio.Future[list[int]], list[int] | BaseException]] = []
        try:
            await self._db.execute("BEGIN IMMEDIATE")
            for statements, fence, future in group:
                results.append((future, await self._one(statements, fence)))
            await self._db.execute("COMMIT")
            self.commits += 1
        except sqlite3.Error as error:
            if self._db.in_transaction:
                await self._db.execute("ROLLBACK")
            results = [(future, error) for _, _, future in group]
        for future, result in results:
            if not future.done():
                if isinstance(result, BaseException):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    async def _one(self, statements: Sequence[Statement], fence: bool) -> list[int] | BaseException:
        """Run one write in a savepoint: affected rows by statement, or the error after undoing it.

        With *fence* the first statement must hit one row, or nothing of the write counts.
        """
        counts = []
        await self._db.execute("SAVEPOINT one")
        try:
            for sql, values in statements:
                cursor = await self._db.execute(sql, values)
                counts.append(cursor.rowcount)
                await cursor.close()
                if fence and counts[0] != 1:
                    break
        except (sqlite3.IntegrityError, ValueError, OverflowError) as error:  # the last two: values that SQLite cannot hold
            await self._db.execute("ROLLBACK TO one")
            return error
        finally:
            await self._db.execute("RELEASE one")
        return counts

    def _write(self, *statements: Statement, fence: bool = False) -> asyncio.Future[list[int]]:
        future: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self._waiting.append((statements, fence, future))
        self._wake.set()
        return future

    async def recover(self) -> int:
        """At start: whatever ran when the last holder ended is queued again. Gives the number of jobs."""
        counts = await self._write(
            ("UPDATE jobs SET state = 'queued', worker = NULL WHERE state = 'running'", ()),
            ("UPDATE attempts SET ended = ?, outcome = 'lost' WHERE ended IS NULL", (time.time(),)),
            ("UPDATE workers SET state = 'gone', job = NULL WHERE state != 'gone'", ()),
        )
        return counts[0]

    async def add_build(self, id: str, course: str, request: Mapping[str, Any], state: BuildState = BuildState.QUEUED) -> None:
        """Record a request before anything is planned."""
        now = time.time()
        await self._write(
            (
                "INSERT INTO builds (id, course, request, state, number, created) VALUES (?, ?, ?, ?, 1, ?)",
                (id, course, json.dumps(request), state, now),
            )
        )

    async def set_build(self, id: str, state: BuildState, *, total: int | None = None, error: Problem | None = None) -> None:
        """Change a build's state; an ended one stays as it ended."""
        now = time.time()
        await self._write(
            (
                "UPDATE builds SET state = ?, number = number + 1, total = coalesce(?, total), error = ?,"
                " started = coalesce(started, ?), finished = CASE WHEN ? THEN ? END"
                f" WHERE id = ? AND state NOT IN ({_quoted(BUILD_ENDED)})",
                (state, total, json.dumps(error.to_json()) if error else None, now, state in BUILD_ENDED, now, id),
            )
        )

    async def enqueue(
        self, build: str, jobs: Iterable[tuple[str, str, str, int, Mapping[str, Any], str]], after: Mapping[str, Sequence[str]] | None = None
    ) -> None:  # fmt: skip
        """Add a build's jobs, each (type, place, path, priority, spec, reason), in one transaction.

        *after*: by place, the places of jobs among these that must end before it may start.
        """
        now, jobs = time.time(), list(jobs)
        here = {job[1] for job in jobs}
        waits = {place: [each for each in (after or {}).get(place, ()) if each in here] for place in here}
        sql = "INSERT INTO jobs (build, type, place, path, state, priority, spec, reason, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        rows: list[Statement] = [
            (sql, (build, type, place, path, _waiting(waits[place]), priority, json.dumps(spec), reason, now))
            for type, place, path, priority, spec, reason in jobs
        ]
        needs: list[Statement] = [(_NEEDS, (build, place, build, needed)) for place, all_needed in waits.items() for needed in all_needed]
        await self._write(*rows, *needs, ("UPDATE builds SET total = total + ?, number = number + 1 WHERE id = ?", (len(rows), build)))

    async def claim(self, job: Job, worker: int, pid: int | None, epoch: int) -> Job | None:
        """Take a queued job for a worker; committed before the worker hears of it. ``None``: it is no longer queued."""
        now, attempt = time.time(), job.attempt + 1
        counts = await self._write(
            (
                "UPDATE jobs SET state = 'running', attempt = ?, worker = ?, started = coalesce(started, ?) WHERE id = ? AND state = 'queued' AND attempt = ?",
                (attempt, worker, now, job.id, job.attempt),
            ),
            (
                "INSERT INTO attempts (job, attempt, epoch, worker, pid, started) VALUES (?, ?, ?, ?, ?, ?)",
                (job.id, attempt, epoch, worker, pid, now),
            ),
            ("UPDATE workers SET state = 'busy', job = ?, heard = ? WHERE id = ?", (job.id, now, worker)),
            fence=True,
        )
        return await self.job(job.id) if counts[0] == 1 else None

    async def finish(
        self, job: Job, state: JobState, outcome: str, *, problems: Sequence[Problem] = (), outputs: Sequence[StoredOutput] = (),
        parts: Mapping[str, Any] | None = None, runs: Mapping[str, Any] | None = None, course: str = "", executions: int = 0,
        kernels: int = 0, signal: int | None = None,
    ) -> bool:  # fmt: skip
        """End an attempt and its job, record what it made, and let go what waited for it. ``False``: the attempt is no longer the current one; nothing counts.

        This is the fence: the outputs' hashes are written together with the winning state, and published only after.
        """
        now, told = time.time(), json.dumps([problem.to_json() for problem in problems])
        failed = int(state in (JobState.FAILED, JobState.DEAD))
        writes: list[Statement] = [
            (
                "UPDATE jobs SET state = ?, problems = ?, finished = ?, worker = NULL WHERE id = ? AND attempt = ? AND state = 'running'",
                (state, told, now, job.id, job.attempt),
            ),
            ("UPDATE builds SET done = done + 1, failed = failed + ?, number = number + 1 WHERE id = ?", (failed, job.build)),
            (
                "UPDATE attempts SET ended = ?, outcome = ?, executions = ?, kernels = ?, signal = ? WHERE job = ? AND attempt = ?",
                (now, outcome, executions, kernels, signal, job.id, job.attempt),
            ),
            *map(_upsert_output, outputs),
            (_UNBLOCK, (job.id,)),
        ]
        if parts is not None:
            writes.append((_KNOW, (course, job.place, json.dumps(parts), told, json.dumps(runs or {}))))
        return (await self._write(*writes, fence=True))[0] == 1

    async def retry(
        self, job: Job, outcome: str, *, delay: float = 0.0, deaths: Sequence[int | None] | None = None,
        spec: Mapping[str, Any] | None = None, signal: int | None = None,
    ) -> bool:  # fmt: skip
        """Queue a running job again, after *delay* seconds. ``False``: the attempt is no longer the current one."""
        now = time.time()
        counts = await self._write(
            (
                "UPDATE jobs SET state = 'queued', worker = NULL, not_before = ?, deaths = ?, spec = ? WHERE id = ? AND attempt = ? AND state = 'running'",
                (
                    now + delay if delay else 0.0,
                    json.dumps(list(job.deaths if deaths is None else deaths)),
                    json.dumps(spec or job.spec),
                    job.id,
                    job.attempt,
                ),
            ),
            (
                "UPDATE attempts SET ended = ?, outcome = ?, signal = ? WHERE job = ? AND attempt = ?",
                (now, outcome, signal, job.id, job.attempt),
            ),
            fence=True,
        )
        return counts[0] == 1

    async def cancel(self, build: str) -> list[int]:
        """Cancel what is queued of a build, and say which jobs are running."""
        now = time.time()
        await self._write(
            ("UPDATE jobs SET state = 'cancelled', finished = ? WHERE build = ? AND state IN ('queued', 'blocked')", (now, build)),
            ("UPDATE builds SET done = done + changes(), number = number + 1 WHERE id = ?", (build,)),
        )
        rows = await self._all("SELECT id FROM jobs WHERE build = ? AND state = 'running'", (build,))
        return [row[0] for row in rows]

    async def reopen(self, build: str) -> dict[str, bool]:
        """Give up the jobs of a build that never ended, so that it can be planned anew. Gives the places that ended, and whether they failed."""
        now = time.time()
        await self._write(
            ("UPDATE jobs SET state = 'cancelled', finished = ? WHERE build = ? AND state IN ('queued', 'blocked')", (now, build)),
            ("UPDATE builds SET total = total - changes(), number = number + 1 WHERE id = ?", (build,)),
        )
        rows = await self._all(
            "SELECT place, state FROM jobs WHERE build = ? AND state IN ('done', 'failed', 'dead') ORDER BY id", (build,)
        )
        return {place: state != JobState.DONE for place, state in rows}

    async def discount(self, build: str, ended: int, failed: int) -> None:
        """Count jobs that ended no longer: their sources are in work again."""
        sql = "UPDATE builds SET total = total - ?, done = done - ?, failed = failed - ?, number = number + 1 WHERE id = ?"
        await self._write((sql, (ended, ended, failed, build)))

    async def progress(self, job: Job, progress: Mapping[str, Any]) -> None:
        """Keep the last progress of a running job, for readers that are not this process."""
        await self._write(("UPDATE jobs SET progress = ? WHERE id = ? AND attempt = ?", (json.dumps(progress), job.id, job.attempt)))

    async def add_worker(self, type: str, executor: str, host: str, pid: int | None) -> int:
        """Record a started worker; gives its id."""
        known = await self._all("SELECT coalesce(max(id), 0) FROM workers", ())
        id = known[0][0] + 1
        await self._write(
            (
                "INSERT INTO workers (id, type, executor, host, pid, state, started, heard) VALUES (?, ?, ?, ?, ?, 'starting', ?, ?)",
                (id, type, executor, host, pid, time.time(), time.time()),
            )
        )
        return int(id)

    async def set_worker(self, id: int, state: str, *, done: int = 0, failed: int = 0) -> None:
        """Record what a worker is doing; *done* and *failed* are added to its counts."""
        await self._write(
            (
                "UPDATE workers SET state = ?, heard = ?, job = CASE WHEN ? = 'busy' THEN job END, done = done + ?, failed = failed + ? WHERE id = ?",
                (state, time.time(), state, done, failed, id),
            )
        )

    async def keep_files(self, stamps: Mapping[str, Stamp]) -> None:
        """Remember what files looked like when they were hashed."""
        rows = [(path, stamp.mtime_ns, stamp.size, stamp.inode, stamp.sha256) for path, stamp in stamps.items()]
        if rows:
            await self._write(*(("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", row) for row in rows))

    async def put_outputs(self, outputs: Iterable[StoredOutput]) -> None:
        """Record outputs as they now are."""
        if writes := [_upsert_output(output) for output in outputs]:
            await self._write(*writes)

    async def drop_outputs(self, names: Iterable[str]) -> None:
        """Forget outputs that left the course."""
        if writes := [("DELETE FROM outputs WHERE name = ?", (name,)) for name in names]:
            await self._write(*writes)

    # --- reading ------------------------------------------------------------

    async def _all(self, sql: str, values: Sequence[Any]) -> list[Sequence[Any]]:
        async with self._db.execute(sql, values) as cursor:
            return list(await cursor.fetchall())

    async def job(self, id: int) -> Job | None:
        """A job by its id."""
        rows = await self._all(f"SELECT {_JOB_COLUMNS} FROM jobs WHERE id = ?", (id,))
        return _job(rows[0]) if rows else None

    async def ready(self, type: str, now: float) -> list[Job]:
        """The queued jobs of a type that may start now, the most urgent first; not more than a few."""
        sql = f"SELECT {_JOB_COLUMNS} FROM jobs WHERE state = 'queued' AND type = ? AND not_before <= ? ORDER BY priority DESC, id LIMIT 16"
        return [_job(row) for row in await self._all(sql, (type, now))]

    async def next_start(self, after: float = 0.0) -> float | None:
        """When the next job that waits for a time later than *after* may start; ``None`` if none waits."""
        rows = await self._all("SELECT min(not_before) FROM jobs WHERE state = 'queued' AND not_before > ?", (after,))
        return rows[0][0] if rows else None

    async def unfinished(self, build: str) -> int:
        """How many jobs of a build have no end yet."""
        rows = await self._all("SELECT count(*) FROM jobs WHERE build = ? AND state IN ('queued', 'blocked', 'running')", (build,))
        return int(rows[0][0])

    async def open_builds(self) -> list[tuple[str, str, dict[str, Any], str]]:
        """Builds without an end: (id, course, request, state), the oldest first."""
        rows = await self._all(
            f"SELECT id, course, request, state FROM builds WHERE state NOT IN ({_quoted(BUILD_ENDED)}) ORDER BY created", ()
        )
        return [(row[0], row[1], json.loads(row[2]), row[3]) for row in rows]

    async def jobs_of(self, build: str) -> list[Job]:
        """All jobs of a build."""
        return [_job(row) for row in await self._all(f"SELECT {_JOB_COLUMNS} FROM jobs WHERE build = ? ORDER BY id", (build,))]

    async def counts(self, build: str) -> tuple[int, int]:
        """Executions and kernels started for a build."""
        sql = "SELECT coalesce(sum(executions), 0), coalesce(sum(kernels), 0) FROM attempts WHERE job IN (SELECT id FROM jobs WHERE build = ?)"
        rows = await self._all(sql, (build,))
        return rows[0][0], rows[0][1]

    async def known(self, course: str) -> dict[str, Known]:
        """What earlier builds left behind, by place."""
        rows = await self._all("SELECT place, parts, problems, runs FROM sources WHERE course = ?", (course,))
        return {row[0]: _known(*row[1:]) for row in rows}

    async def outputs(self, course: str) -> dict[str, StoredOutput]:
        """All outputs of a course by name."""
        rows = await self._all(f"SELECT {_OUTPUT_COLUMNS} FROM outputs WHERE course = ?", (course,))
        return {row[0]: _output(row) for row in rows}

    async def file_stamps(self) -> dict[str, Stamp]:
        """What files looked like when they were hashed."""
        return {row[0]: Stamp(*row[1:]) for row in await self._all("SELECT path, mtime_ns, size, inode, sha256 FROM files", ())}


def _quoted(states: Iterable[str]) -> str:
    return ", ".join(f"'{state}'" for state in sorted(states))


def _upsert_output(output: StoredOutput) -> Statement:
    values = [getattr(output, name) for name in output.__slots__]
    values[10], values[11] = json.dumps(list(output.assets)), json.dumps(list(output.shown))
    return f"INSERT OR REPLACE INTO outputs ({_OUTPUT_COLUMNS}) VALUES ({', '.join('?' * len(values))})", values


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


class Reader:
    """A read-only look at the database of a state folder, from any process, while somebody else writes.

    Each call opens, reads everything it wants and closes: a reader that lingers would hold the writer up in DELETE mode
    and keep the log from being reset in WAL mode.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / DATABASE

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The rows of a query as objects, empty where there is no database yet."""
        try:
            if not self._path.exists():
                return []
            with closing(sqlite3.connect(f"{self._path.as_uri()}?{self._mode()}", uri=True, timeout=BUSY_TIMEOUT)) as connection:
                connection.row_factory = sqlite3.Row
                # Between its making and its schema, or if its maker died there, the database is empty.
                if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                    return []
                return [dict(row) for row in connection.execute(sql, values).fetchall()]
        except OSError as error:
            raise QueueError(f"the job database {self._path} cannot be read: {error.strerror}", "it belongs to somebody else") from error
        except sqlite3.DatabaseError as error:
            hint = f"move {self._path} aside; builds cost only time"
            raise QueueError(f"the job database {self._path} cannot be read: {error}", hint, path=str(self._path)) from error

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

    def workers(self) -> list[dict[str, Any]]:
        """Workers that are alive, and the last that are not."""
        return self.rows("SELECT * FROM workers ORDER BY state = 'gone', id DESC LIMIT 50")

    def stored(self, course: str) -> dict[str, StoredOutput]:
        """All outputs of a course by name."""
        rows = self.rows(f"SELECT {_OUTPUT_COLUMNS} FROM outputs WHERE course = ?", (course,))
        return {row["name"]: _output(tuple(row.values())) for row in rows}

    def known(self, course: str) -> dict[str, Known]:
        """What earlier builds left behind of each source, by place."""
        rows = self.rows("SELECT * FROM sources WHERE course = ?", (course,))  # one of an older version has no runs
        return {row["place"]: _known(row["parts"], row["problems"], row.get("runs", "{}")) for row in rows}


def _known(parts: str, problems: str, runs: str) -> Known:
    return Known(json.loads(parts), tuple(map(Problem.from_json, json.loads(problems))), json.loads(runs))
