"""The durable job queue: what may happen to builds and jobs, as transactions."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from clx_jupyter.clock import steady
from clx_jupyter.database import Database
from clx_jupyter.database_journal import AUTO
from clx_jupyter.errors import Problem
from clx_jupyter.fingerprint import Stamp
from clx_jupyter.job_rows import (
    JOB_COLUMNS,
    OUTPUT_COLUMNS,
    Statement,
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


def _waiting(needed: Sequence[str]) -> JobState:
    return JobState.BLOCKED if needed else JobState.QUEUED


class JobQueue:
    """The writer's side; open it only while holding the lock of the state folder."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._adding_worker = asyncio.Lock()
        self._write, self._all = database.write, database.all

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
                f" WHERE id = ? AND state NOT IN ({quoted(BUILD_ENDED)})",
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
            *map(upsert_output, outputs),
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
                    steady() + delay if delay else 0.0,
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
        async with self._adding_worker:  # several start at once, and each wants a number of its own
            known = await self._all("SELECT coalesce(max(id), 0) FROM workers", ())
            id = known[0][0] + 1
            sql = "INSERT INTO workers (id, type, executor, host, pid, state, started, heard) VALUES (?, ?, ?, ?, ?, 'starting', ?, ?)"
            await self._write((sql, (id, type, executor, host, pid, time.time(), time.time())))
        return int(id)

    async def set_worker(self, id: int, state: str, *, done: int = 0, failed: int = 0) -> None:
        """Record what a worker is doing; *done* and *failed* are added to its counts."""
        await self._write(
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

    async def ready(self, type: str, now: float) -> list[Job]:
        """The queued jobs of a type that may start now, the most urgent first; not more than a few."""
        if await self._all("SELECT 1 FROM jobs WHERE state = 'queued' AND not_before > 0 AND not_before <= ? LIMIT 1", (now,)):
            await self._write(("UPDATE jobs SET not_before = 0 WHERE state = 'queued' AND not_before > 0 AND not_before <= ?", (now,)))
        sql = f"SELECT {JOB_COLUMNS} FROM jobs WHERE state = 'queued' AND type = ? AND not_before = 0 ORDER BY priority DESC, id LIMIT 16"
        return [job_of(row) for row in await self._all(sql, (type,))]

    async def next_start(self, after: float = 0.0) -> float | None:
        """When the next job that waits for a time later than *after* may start; ``None`` if none waits."""
        rows = await self._all("SELECT min(not_before) FROM jobs WHERE state = 'queued' AND not_before > 0 AND not_before > ?", (after,))
        return rows[0][0] if rows else None

    async def unfinished(self, build: str) -> int:
        """How many jobs of a build have no end yet."""
        rows = await self._all("SELECT count(*) FROM jobs WHERE build = ? AND state IN ('queued', 'blocked', 'running')", (build,))
        return int(rows[0][0])

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
