"""The durable job queue: what may happen to builds and jobs, as transactions."""

from __future__ import annotations

import json
import time
from asyncio import Future
from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Self

from clx_jupyter import job_changes as changes
from clx_jupyter.clock import steady
from clx_jupyter.database import Database
from clx_jupyter.database_journal import AUTO
from clx_jupyter.errors import CourseError, Problem
from clx_jupyter.fingerprint import Stamp
from clx_jupyter.job_changes import Cancelled, Claimed
from clx_jupyter.job_rows import (
    JOB_COLUMNS,
    OUTPUT_COLUMNS,
    NewJob,
    StoredOutput,
    job_of,
    known_of,
    output_of,
    quoted,
    row_json,
    upsert_output,
)
from clx_jupyter.jobs import BUILD_ENDED, BuildState, Job, JobState
from clx_jupyter.plan import Known

# Runs in other languages stay, as long as they are runs of the same thing.
_KNOW = (
    "INSERT INTO sources (course, place, parts, problems, runs) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
    " runs = CASE WHEN parts = excluded.parts THEN json_patch(runs, excluded.runs) ELSE excluded.runs END,"
    " parts = excluded.parts, problems = excluded.problems"
)


_ATTEMPT = "UPDATE attempts SET ended = ?, outcome = ?, executions = ?, kernels = ?, signal = ? WHERE job = ? AND attempt = ?"


def _refuse_circles(waits: Mapping[str, Sequence[str]]) -> None:
    try:
        TopologicalSorter(waits).prepare()
    except CycleError as error:
        circle = " after ".join(reversed(error.args[1]))
        raise CourseError(f"{circle}: these jobs could never run", "take one of them out of `after`") from error


class JobQueue:
    """The writer's side; open it only while holding the lock of the state folder."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._write, self._change, self._all = database.write, database.change, database.all

    @classmethod
    async def open(cls, path: Path, journal_mode: str = AUTO) -> Self:
        """Open the queue, made where there is none. Raises :class:`QueueError` as :meth:`Database.open`."""
        return cls(await Database.open(path, journal_mode))

    async def close(self) -> None:
        """Write what is waiting and close."""
        await self.database.close()

    @property
    def commits(self) -> int:
        """How many transactions were committed."""
        return self.database.commits

    async def recover(self) -> int:
        """At start: whatever ran when the last holder ended is queued again. Gives the number of jobs."""
        counts = await self._write(
            (changes.RECOVER, ()),
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
                f" WHERE id = ? AND state NOT IN ({quoted(BUILD_ENDED)})",
                (state, total, json.dumps(error.to_json()) if error else None, now, state in BUILD_ENDED, now, id),
            )
        )

    async def enqueue(
        self, build: str, jobs: Iterable[NewJob | tuple[str, str, str, int, Mapping[str, Any], str]],
        after: Mapping[str, Sequence[str]] | None = None,
    ) -> None:  # fmt: skip
        """Add a build's jobs in one transaction.

        *after*: by place, the places of jobs among these that must end before it may start. Raises :class:`CourseError` where
        that leads in a circle.
        """
        now, new = time.time(), [NewJob(*job) for job in jobs]
        here = {job.place for job in new}
        named = {place: [each for each in needed if each in here] for place, needed in (after or {}).items() if place in here}
        waits = {place: needed for place, needed in named.items() if needed}
        _refuse_circles(waits)
        await self._change(lambda db: changes.enqueue(db, build, new, waits, now))

    def claim_next(
        self, type: str, workers: Sequence[tuple[int, int | None]], epoch: int, *, busy: bool, starved: bool = False, count: int = 0
    ) -> Future[Claimed]:  # fmt: skip
        """Take the most urgent jobs of a type, one for each worker (id, pid); committed before the workers hear of them. Sent at once.

        *busy*: something is running, so that no suspect can be taken; *starved*: it is the turn of the oldest of the least urgent;
        *count*: count so many of those that stay.
        """
        now, due, workers = time.time(), steady(), tuple(workers)
        return self._change(lambda db: changes.claim_next(db, type, workers, epoch, now, due=due, busy=busy, starved=starved, count=count))

    def finish(
        self, job: Job, state: JobState, outcome: str, *, problems: Sequence[Problem] = (), outputs: Sequence[StoredOutput] = (),
        parts: Mapping[str, Any] | None = None, runs: Mapping[str, Any] | None = None, course: str = "", executions: int = 0,
        kernels: int = 0, signal: int | None = None,
    ) -> Future[list[str]]:  # fmt: skip
        """End an attempt, its job and equal ones, record what it made, and let go what waited for it. Sent at once.

        Gives the builds whose jobs ended, its own first; none: the attempt is no longer the current one, and nothing counts but that
        its result was discarded. This is the fence: the outputs' hashes are written together with the winning state, and published only after.
        """
        now, told = time.time(), json.dumps([problem.to_json() for problem in problems])
        rows = [upsert_output(output) for output in outputs]
        known = (course, job.place, json.dumps(parts), told, json.dumps(runs or {})) if parts is not None else None
        ended = (now, outcome, executions, kernels, signal, job.id, job.attempt)

        def finish(db: Connection) -> list[str]:
            if builds := changes.end(db, job, state, told, now):
                db.execute(_ATTEMPT, ended)
                for sql, values in rows:
                    db.execute(sql, values)
                if known:
                    db.execute(_KNOW, known)
            return builds

        return self._change(finish)

    async def retry(
        self, job: Job, outcome: str, *, delay: float = 0.0, deaths: Sequence[int | None] | None = None,
        spec: Mapping[str, Any] | None = None, signal: int | None = None,
    ) -> bool:  # fmt: skip
        """Queue a running job again, after *delay* seconds; with another *spec* it is equal to no other job.

        ``False``: the attempt is no longer the current one.
        """
        now = time.time()
        other = [("UPDATE specs SET spec = ? WHERE job = ?", (json.dumps(spec), job.id))] if spec is not None else []
        counts = await self._write(
            (
                "UPDATE jobs SET state = 'queued', worker = NULL, not_before = ?, deaths = ?, key = CASE WHEN ? THEN '' ELSE key END"
                " WHERE id = ? AND attempt = ? AND state = 'running'",
                (
                    steady() + delay if delay else 0.0,
                    json.dumps(list(job.deaths if deaths is None else deaths)),
                    spec is not None,
                    job.id,
                    job.attempt,
                ),
            ),
            (
                "UPDATE attempts SET ended = ?, outcome = ?, signal = ? WHERE job = ? AND attempt = ?",
                (now, outcome, signal, job.id, job.attempt),
            ),
            *other,
            fence=True,
        )
        return counts[0] == 1

    async def cancel(self, build: str) -> Cancelled:
        """Cancel what is queued or blocked of a build, and say what is running. What another build waits for goes over to that one."""
        now = time.time()
        return await self._change(lambda db: changes.cancel(db, build, now))

    async def reopen(self, build: str) -> dict[str, bool]:
        """Give up the jobs of a build that never ended, so that it can be planned anew. Gives the places that ended, and whether they failed."""
        now = time.time()
        await self._change(lambda db: changes.give_up(db, build, now))
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
        now = time.time()
        sql = "INSERT INTO workers (type, executor, host, pid, state, started, heard) VALUES (?, ?, ?, ?, 'starting', ?, ?)"
        return await self._change(lambda db: int(db.execute(sql, (type, executor, host, pid, now, now)).lastrowid or 0))

    def set_worker(self, id: int, state: str, *, done: int = 0, failed: int = 0) -> Future[list[int]]:
        """Record what a worker is doing; *done* and *failed* are added to its counts. Sent at once, recorded when it is awaited."""
        return self._write(
            (
                "UPDATE workers SET state = ?, heard = ?, job = CASE WHEN ? = 'busy' THEN job END, done = done + ?, failed = failed + ? WHERE id = ?",
                (state, time.time(), state, done, failed, id),
            )
        )

    async def saw_workers(self, rows: Sequence[tuple[int, float | None, int]]) -> None:
        """Record what workers take now: (id, percent of one processor, bytes)."""
        now = time.time()
        sql = "UPDATE workers SET cpu = coalesce(?, cpu), memory = ?, heard = ? WHERE id = ?"
        await self._write(*((sql, (cpu, memory, now, id)) for id, cpu, memory in rows))

    async def took(self, job: Job, memory: int, cpu: float) -> None:
        """Record what an attempt took: most bytes held at a time, seconds of processor time."""
        await self._write(("UPDATE attempts SET memory = ?, cpu = ? WHERE job = ? AND attempt = ?", (memory, cpu, job.id, job.attempt)))

    async def keep_files(self, stamps: Mapping[str, Stamp]) -> None:
        """Remember what files looked like when they were hashed."""
        rows = [(path, stamp.mtime_ns, stamp.size, stamp.inode, stamp.sha256) for path, stamp in stamps.items()]
        if rows:
            await self._write(*(("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", row) for row in rows))

    async def put_outputs(self, outputs: Iterable[StoredOutput]) -> None:
        """Record outputs as they now are."""
        if writes := [upsert_output(output) for output in outputs]:
            await self._write(*writes)

    async def drop_outputs(self, names: Iterable[str]) -> None:
        """Forget outputs that left the course."""
        if writes := [("DELETE FROM outputs WHERE name = ?", (name,)) for name in names]:
            await self._write(*writes)

    # --- reading ------------------------------------------------------------

    async def job(self, id: int) -> Job | None:
        """A job by its id."""
        rows = await self._all(f"SELECT {JOB_COLUMNS} FROM jobs WHERE id = ?", (id,))
        return job_of(rows[0]) if rows else None

    async def is_over(self, build: str) -> bool:
        """Whether all jobs of a build have ended."""
        return not await self._all(changes.IS_OVER, (build,))

    async def open_builds(self) -> list[tuple[str, str, dict[str, Any], str]]:
        """Builds without an end: (id, course, request, state), the oldest first."""
        rows = await self._all(
            f"SELECT id, course, request, state FROM builds WHERE state NOT IN ({quoted(BUILD_ENDED)}) ORDER BY created", ()
        )
        return [(row[0], row[1], row_json(row[2]), row[3]) for row in rows]

    async def jobs_of(self, build: str) -> list[Job]:
        """All jobs of a build."""
        return [job_of(row) for row in await self._all(f"SELECT {JOB_COLUMNS} FROM jobs WHERE build = ? ORDER BY id", (build,))]

    async def counts(self, build: str) -> tuple[int, int]:
        """Executions and kernels started for a build."""
        sql = "SELECT coalesce(sum(executions), 0), coalesce(sum(kernels), 0) FROM attempts WHERE job IN (SELECT id FROM jobs WHERE build = ?)"
        rows = await self._all(sql, (build,))
        return rows[0][0], rows[0][1]

    async def known(self, course: str) -> dict[str, Known]:
        """What earlier builds left behind, by place."""
        rows = await self._all("SELECT place, parts, problems, runs FROM sources WHERE course = ?", (course,))
        return {row[0]: known_of(*row[1:]) for row in rows}

    async def outputs(self, course: str) -> dict[str, StoredOutput]:
        """All outputs of a course by name."""
        rows = await self._all(f"SELECT {OUTPUT_COLUMNS} FROM outputs WHERE course = ?", (course,))
        return {row[0]: output_of(row) for row in rows}

    async def file_stamps(self) -> dict[str, Stamp]:
        """What files looked like when they were hashed."""
        return {row[0]: Stamp(*row[1:]) for row in await self._all("SELECT path, mtime_ns, size, inode, sha256 FROM files", ())}
