"""The queue on a real database file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clx_jupyter.job_queue import JobQueue, QueueError, Reader, StoredOutput
from clx_jupyter.jobs import BuildState, Job, JobState


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncIterator[JobQueue]:
    opened = await JobQueue.open(tmp_path / "jobs.db")
    yield opened
    await opened.close()


async def fill(queue: JobQueue, count: int = 1, priority: int = 0) -> list[Job]:
    build = f"b{priority}"
    await queue.add_build(build, "", {})
    await queue.enqueue(build, [("notebook", f"0:{n}", f"{n}", priority, {"n": n}, "new") for n in range(count)])
    return await queue.jobs_of(build)


async def claimed(queue: JobQueue, job: Job) -> Job:
    found = await queue.claim(job, 1, 1, 1)
    assert found is not None
    return found


async def test_a_job_goes_from_queued_to_done(queue: JobQueue) -> None:
    [job] = await fill(queue)
    running = await claimed(queue, job)
    assert (running.state, running.attempt) == (JobState.RUNNING, 1)
    assert await queue.finish(running, JobState.DONE, "ok", outputs=[StoredOutput("/o/a", "", "0:0", "v", "k", "built", "new", "ab", 1)])
    assert (await queue.jobs_of("b0"))[0].state == JobState.DONE
    assert (await queue.outputs(""))["/o/a"].sha256 == "ab"


async def test_the_more_urgent_job_comes_first(queue: JobQueue) -> None:
    await fill(queue, 2)
    [urgent] = await fill(queue, 1, priority=100)
    assert (await queue.ready("notebook", 0.0))[0].id == urgent.id


async def test_a_job_is_claimed_once(queue: JobQueue) -> None:
    [job] = await fill(queue)
    results = await asyncio.gather(*(queue.claim(job, worker, 1, 1) for worker in range(5)))
    assert sum(result is not None for result in results) == 1


async def test_the_result_of_a_lost_attempt_counts_for_nothing(queue: JobQueue) -> None:
    [job] = await fill(queue)
    first = await claimed(queue, job)
    assert await queue.retry(first, "lost", deaths=(3,))
    again = await queue.job(job.id)
    assert again is not None and again.deaths == (3,)
    second = await claimed(queue, again)
    late = [StoredOutput("/o/late", "", "0:0", "v", "k", "built", "new")]
    assert not await queue.finish(first, JobState.DONE, "ok", outputs=late, parts={"x": 1})
    assert await queue.outputs("") == {} and await queue.known("") == {}
    assert await queue.finish(second, JobState.DONE, "ok")


async def test_a_cancelled_job_stays_cancelled(queue: JobQueue) -> None:
    [job] = await fill(queue)
    await queue.cancel("b0")
    assert await queue.claim(job, 1, 1, 1) is None
    assert await queue.unfinished("b0") == 0


async def test_what_ran_when_the_holder_died_is_queued_again(tmp_path: Path) -> None:
    queue = await JobQueue.open(tmp_path / "jobs.db")
    [job] = await fill(queue)
    await claimed(queue, job)
    await queue.close()
    queue = await JobQueue.open(tmp_path / "jobs.db")
    assert await queue.recover() == 1
    assert (await queue.jobs_of("b0"))[0].state == JobState.QUEUED
    await queue.close()


async def test_writes_that_wait_together_share_a_commit(queue: JobQueue) -> None:
    before = queue.commits
    await asyncio.gather(*(queue.add_build(f"x{n}", "", {}) for n in range(50)))
    assert queue.commits - before <= 5


async def test_an_error_does_not_undo_the_neighbours(queue: JobQueue) -> None:
    await queue.add_build("twice", "", {})
    results = await asyncio.gather(
        queue.add_build("one", "", {}), queue.add_build("twice", "", {}), queue.add_build("two", "", {}), return_exceptions=True
    )
    assert [type(result) for result in results] == [type(None), sqlite3.IntegrityError, type(None)]
    assert {row[0] for row in await queue.open_builds()} == {"twice", "one", "two"}


async def test_an_ended_build_stays_as_it_ended(queue: JobQueue) -> None:
    await queue.add_build("b", "", {})
    await queue.set_build("b", BuildState.CANCELLED)
    await queue.set_build("b", BuildState.SUCCEEDED)
    assert await queue.open_builds() == []


async def test_readers_read_while_the_queue_writes_and_cannot_write(queue: JobQueue, tmp_path: Path) -> None:
    await fill(queue, 3)
    reader = Reader(tmp_path)
    assert len(reader.jobs("b0")) == 3
    with pytest.raises(QueueError):
        reader.rows("DELETE FROM jobs")


async def test_the_database_is_the_owners_alone(queue: JobQueue, tmp_path: Path) -> None:
    await fill(queue)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("jobs.db*")} == {0o600}


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "jobs.db") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(QueueError, match="newer"):
        await JobQueue.open(tmp_path / "jobs.db")


async def test_text_in_place_of_the_database_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "jobs.db").write_text("this is no database, and it is long enough to be looked at by SQLite" * 20)
    with pytest.raises(QueueError, match="cannot be used"):
        await JobQueue.open(tmp_path / "jobs.db")
