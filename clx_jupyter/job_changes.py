"""What may happen to jobs, as parts of one open transaction on the database's thread; :class:`~clx_jupyter.job_queue.JobQueue` sends them.

Equal work is done once: a job whose key is that of a job which has not ended waits for it (``same_as``), blocked, and ends in the
transaction that ends the other, the same way. Jobs that others wait for are never waiting for equal ones themselves.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from clx_jupyter.job_rows import SPEC, NewJob, job_of
from clx_jupyter.jobs import Job, JobState

_READY = "FROM jobs WHERE state = 'queued' AND not_before = 0 AND type = ?"
_CLAIMED = f"id, build, type, place, path, 'running', priority, not_before, attempt + 1, deaths, {SPEC}, reason"
"""As :data:`JOB_COLUMNS`, of a job that is taken now."""
NEXT = f"SELECT {_CLAIMED} {_READY} ORDER BY priority DESC, id LIMIT ?"
STARVED = f"SELECT {_CLAIMED} {_READY} AND priority = ? ORDER BY id LIMIT 1"
_MORE = f"SELECT count(*) FROM (SELECT 1 {_READY} LIMIT ?)"
LOOK = f"SELECT (SELECT min(not_before) FROM jobs WHERE state = 'queued' AND not_before > 0), (SELECT min(priority) {_READY})"
"""When the next job's time comes, and the least urgent one that could start now."""
DUE = "UPDATE jobs SET not_before = 0 WHERE state = 'queued' AND not_before > 0 AND not_before <= ?"
IS_OVER = "SELECT 1 FROM jobs WHERE build = ? AND finished IS NULL LIMIT 1"
RECOVER = "UPDATE jobs SET state = 'queued', worker = NULL WHERE finished IS NULL AND state = 'running'"
CANCEL = "UPDATE jobs SET state = 'cancelled', finished = ? WHERE build = ? AND finished IS NULL AND state IN ('queued', 'blocked')"

_FREE = (
    "UPDATE jobs SET state = 'queued' WHERE id = ? AND state = 'blocked' AND same_as IS NULL AND NOT EXISTS ("
    "SELECT 1 FROM needs JOIN jobs AS needed ON needed.id = needs.needs WHERE needs.job = jobs.id AND needed.finished IS NULL)"
)
_RUN = "UPDATE jobs SET state = 'running', attempt = ?, worker = ?, started = coalesce(started, ?) WHERE id = ?"
_TRY = "INSERT INTO attempts (job, attempt, epoch, worker, pid, started) VALUES (?, ?, ?, ?, ?, ?)"
_BUSY = "UPDATE workers SET state = 'busy', job = ?, heard = ? WHERE id = ?"
_END = "UPDATE jobs SET state = ?, problems = ?, finished = ?, worker = NULL WHERE id = ?"
_IS_RUNNING = (
    "SELECT build, EXISTS (SELECT 1 FROM needs WHERE needs = jobs.id), EXISTS (SELECT 1 FROM jobs AS other WHERE other.same_as = jobs.id"
    " AND other.same_as IS NOT NULL AND other.finished IS NULL) FROM jobs WHERE id = ? AND attempt = ? AND state = 'running'"
)
"""Its build, whether others need it, and whether others wait for it as equal: nearly always none does."""
_COUNT = "UPDATE builds SET done = done + 1, failed = failed + ?, number = number + 1 WHERE id = ?"
_EQUAL = "SELECT id FROM jobs WHERE key = ? AND key != '' AND same_as IS NULL AND finished IS NULL AND id < ? LIMIT 1"
_WAITING = "SELECT id, build FROM jobs WHERE same_as = ? AND same_as IS NOT NULL AND finished IS NULL ORDER BY id"
_URGE = (
    "WITH RECURSIVE wanted (id) AS (VALUES (?) UNION SELECT needs FROM needs JOIN wanted ON needs.job = wanted.id)"
    " UPDATE jobs SET priority = ? WHERE id IN (SELECT id FROM wanted) AND priority < ? AND finished IS NULL"
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """What was handed out, and what is left to do."""

    jobs: list[Job]
    #: How many more jobs could start now, had they workers; counted as far as asked for.
    more: int
    #: When the next job that waits for its time may start, in seconds of :func:`~clx_jupyter.clock.steady`; ``None`` if none waits.
    later: float | None
    #: Whether a less urgent job had to stand back.
    overtook: bool


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What a cancelled build leaves: its running jobs, and by running job that is no longer its own the build that goes on with it."""

    running: list[int]
    heirs: dict[int, str] = field(default_factory=dict)


# --- adding ---------------------------------------------------------------


def enqueue(db: sqlite3.Connection, build: str, jobs: Sequence[NewJob], waits: Mapping[str, Sequence[str]], now: float) -> None:
    """Add a build's jobs; *waits*: by place, the places of those among them that must end before."""
    first = db.execute("SELECT coalesce(max(id), 0) + 1 FROM jobs").fetchone()[0]
    ids = {job.place: first + number for number, job in enumerate(jobs)}
    db.executemany(
        "INSERT INTO jobs (id, build, type, place, path, state, priority, reason, created, key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (first + number, build, job.type, job.place, job.path, "blocked" if waits.get(job.place) else "queued", job.priority,
             job.reason, now, job.key)
            for number, job in enumerate(jobs)
        ),
    )  # fmt: skip
    specs = ((first + number, json.dumps(job.spec)) for number, job in enumerate(jobs))
    db.executemany("INSERT INTO specs (job, spec) VALUES (?, ?)", specs)
    needs = ((ids[place], ids[needed]) for place, all_needed in waits.items() for needed in all_needed)
    db.executemany("INSERT OR IGNORE INTO needs (job, needs) VALUES (?, ?)", needs)
    for number, job in enumerate(jobs):
        if job.key and (equal := db.execute(_EQUAL, (job.key, first)).fetchone()):
            db.execute("UPDATE jobs SET state = 'blocked', same_as = ? WHERE id = ?", (equal[0], first + number))
            db.execute(_URGE, (equal[0], job.priority, job.priority))
    db.execute("UPDATE builds SET total = total + ?, number = number + 1 WHERE id = ?", (len(jobs), build))


# --- handing out ----------------------------------------------------------


def claim_next(
    db: sqlite3.Connection, type: str, workers: Sequence[tuple[int, int | None]], epoch: int, now: float, *, due: float, busy: bool,
    starved: bool, count: int,
) -> Claimed:  # fmt: skip
    """Take the most urgent jobs of a type, one for each (worker, pid). A suspect that must run alone is taken only where nothing is *busy*.

    *due*: what waits for a time until now, by the clock that does not jump, may be taken; *starved*: the first one goes to the
    oldest of the least urgent; *count*: so many of those that stay are counted.
    """
    later, least = db.execute(LOOK, (type,)).fetchone()
    if later is not None and later <= due:
        db.execute(DUE, (due,))
        later, least = db.execute(LOOK, (type,)).fetchone()
    jobs: list[Job] = []
    if workers and least is not None:
        jobs = _next(db, type, len(workers), busy)
        if starved and jobs:
            (oldest,) = _jobs(db, STARVED, (type, least))
            if not oldest.alone:
                jobs = [oldest, *(job for job in jobs if job.id != oldest.id)][: len(workers)]
        _take(db, jobs, workers, epoch, now)
    more = db.execute(_MORE, (type, count)).fetchone()[0] if count else 0
    overtook = bool(jobs) and least < min(job.priority for job in jobs)
    return Claimed(jobs, more, later, overtook)


def _take(db: sqlite3.Connection, jobs: Sequence[Job], workers: Sequence[tuple[int, int | None]], epoch: int, now: float) -> None:
    """Record that these workers have these jobs."""
    pairs = [(job, *worker) for job, worker in zip(jobs, workers, strict=False)]
    db.executemany(_RUN, [(job.attempt, worker, now, job.id) for job, worker, _ in pairs])
    db.executemany(_TRY, [(job.id, job.attempt, epoch, worker, pid, now) for job, worker, pid in pairs])
    db.executemany(_BUSY, [(job.id, now, worker) for job, worker, _ in pairs])


def _next(db: sqlite3.Connection, type: str, number: int, busy: bool) -> list[Job]:
    """The next jobs, as many as asked for; a suspect comes by itself."""
    found = _jobs(db, NEXT, (type, number))
    if not any(job.alone for job in found):
        return found
    if found[0].alone and not busy:
        return found[:1]
    others = (job for job in map(job_of, db.execute(NEXT, (type, -1))) if not job.alone)  # read as far as they are wanted
    return list(islice(others, number))


def _jobs(db: sqlite3.Connection, sql: str, values: Sequence[Any]) -> list[Job]:
    return [job_of(row) for row in db.execute(sql, values)]


# --- ending ---------------------------------------------------------------


def end(db: sqlite3.Connection, job: Job, state: JobState, problems: str, now: float) -> list[str]:
    """End a running job, and those that wait for it as equal; gives their builds, its own first, and none where the attempt is no longer the current one.

    Attempts only ever count up, whoever holds the queue: so the number alone tells a late result from the awaited one.
    """
    running = db.execute(_IS_RUNNING, (job.id, job.attempt)).fetchone()
    if running is None:
        db.execute("UPDATE builds SET discarded = discarded + 1 WHERE id = (SELECT build FROM jobs WHERE id = ?)", (job.id,))
        return []
    build, is_needed, has_equals = running
    db.execute(_END, (state, problems, now, job.id))
    if has_equals and state is JobState.CANCELLED:
        _hand_on(db, job.id)
    equal = db.execute(_WAITING, (job.id,)).fetchall() if has_equals else []
    for id, _ in equal:
        db.execute(_END, (state, problems, now, id))
    builds = [build, *(build for _, build in equal)]
    failed = int(state in (JobState.FAILED, JobState.DEAD))
    for id in builds:
        db.execute(_COUNT, (failed, id))
    if is_needed or equal:
        free(db, [job.id, *(id for id, _ in equal)])
    return builds


def free(db: sqlite3.Connection, ended: Iterable[int]) -> None:
    """Queue the jobs that needed these and need nothing else any more."""
    for id in ended:
        for (waiting,) in db.execute("SELECT job FROM needs WHERE needs = ?", (id,)).fetchall():
            db.execute(_FREE, (waiting,))


def _hand_on(db: sqlite3.Connection, job: int) -> None:
    """The work of a job that was cancelled while it ran becomes that of the first which waits for it as equal."""
    waiting = [id for id, _ in db.execute(_WAITING, (job,)).fetchall()]
    if waiting:
        heir, *others = waiting
        db.execute("UPDATE jobs SET same_as = NULL WHERE id = ?", (heir,))
        db.executemany("UPDATE jobs SET same_as = ? WHERE id = ?", ((heir, other) for other in others))
        db.execute(_FREE, (heir,))


def cancel(db: sqlite3.Connection, build: str, now: float) -> Cancelled:
    """Cancel what is blocked or queued of a build; what another build waits for, running or not, becomes that build's."""
    heirs, ended = _drop(db, build, now)
    db.execute("UPDATE builds SET done = done + ?, number = number + 1 WHERE id = ?", (ended, build))
    running = db.execute("SELECT id FROM jobs WHERE build = ? AND finished IS NULL AND state = 'running'", (build,)).fetchall()
    return Cancelled([id for (id,) in running], heirs)


def give_up(db: sqlite3.Connection, build: str, now: float) -> None:
    """Cancel what is blocked or queued of a build, and count it no longer."""
    _, given_up = _drop(db, build, now)
    db.execute("UPDATE builds SET total = total - ?, number = number + 1 WHERE id = ?", (given_up, build))


def _drop(db: sqlite3.Connection, build: str, now: float) -> tuple[dict[int, str], int]:
    """End what is blocked or queued of a build, however much it is, by one statement; gives the heirs of what runs, and how much it was."""
    left = _bequeath(db, build)
    ended = db.execute(CANCEL, (now, build)).rowcount
    for job, _, _ in left:  # what it needed of the cancelled build has ended
        db.execute(_FREE, (job,))
    return {job: heir for job, heir, state in left if state == JobState.RUNNING}, ended


def _bequeath(db: sqlite3.Connection, build: str) -> list[tuple[int, str, str]]:
    """Let each job of a build that others wait for change places with the first of those; gives those jobs, their new builds and their states."""
    pairs = db.execute(
        "SELECT one.id, one.state, min(other.id), other.build FROM jobs AS other JOIN jobs AS one ON one.id = other.same_as"
        " WHERE other.same_as IS NOT NULL AND other.finished IS NULL AND one.build = ? AND other.build != ? GROUP BY one.id",
        (build, build),
    ).fetchall()
    for one, _, other, heir in pairs:
        db.execute("UPDATE OR REPLACE needs SET needs = ? WHERE needs = ?", (one, other))
        db.execute("UPDATE OR REPLACE needs SET job = ? WHERE job = ?", (one, other))
        db.execute("UPDATE jobs SET build = ? WHERE id = ?", (heir, one))
        db.execute("UPDATE jobs SET build = ?, same_as = NULL WHERE id = ?", (build, other))
    return [(one, heir, state) for one, state, _, heir in pairs]
