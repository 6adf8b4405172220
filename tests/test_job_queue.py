"""The job queue on a real database file."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clx_jupyter import job_changes
from clx_jupyter.errors import CourseError, Problem, QueueError
from clx_jupyter.fingerprint import Stamp
from clx_jupyter.job_changes import Cancelled
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.job_reader import DATABASE, Reader
from clx_jupyter.job_rows import NewJob, StoredOutput
from clx_jupyter.jobs import ENDED, BuildState, Job, JobState

OUTPUT = StoredOutput("/t/a.html", "", "0:a.py", "completed/html", "key", "built", "new", "0" * 64, 3, 5, ("img/a.png",), ("cell",))


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncIterator[JobQueue]:
    queue = await JobQueue.open(tmp_path / DATABASE)
    await queue.add_build("b", "", {"root": "/"})
    yield queue
    await queue.close()


async def add(queue: JobQueue, *paths: str, priority: int = 0, build: str = "b") -> list[Job]:
    await queue.enqueue(build, [("notebook", f"0:{path}", path, priority, {"n": path}, "new") for path in paths or ("a.py",)])
    return await queued(queue, build)


async def queued(queue: JobQueue, *builds: str) -> list[Job]:
    """The queued jobs of builds (of one, unless said), in the order in which they are handed out."""
    jobs = [job for build in builds or ("b",) for job in await queue.jobs_of(build) if job.state is JobState.QUEUED]
    return sorted(jobs, key=lambda job: (-job.priority, job.id))


async def start(queue: JobQueue) -> Job:
    (job,) = (await queue.claim_next("notebook", [(1, 4)], 1, busy=False)).jobs
    return job


async def claimed(queue: JobQueue) -> Job:
    await add(queue)
    return await start(queue)


async def live(queue: JobQueue, build: str = "b") -> int:
    """How many jobs of a build have no end yet."""
    return sum(job.state not in ENDED for job in await queue.jobs_of(build))


async def state(queue: JobQueue, job: Job) -> JobState:
    found = await queue.job(job.id)
    assert found is not None
    return found.state


async def test_jobs_are_ready_in_the_order_of_priority_then_of_arrival(queue: JobQueue) -> None:
    await add(queue, "a.py", "b.py")
    jobs = await add(queue, "c.py", priority=100)
    assert [job.path for job in jobs] == ["c.py", "a.py", "b.py"]
    assert [job.spec for job in jobs] == [{"n": "c.py"}, {"n": "a.py"}, {"n": "b.py"}]


async def test_a_job_is_claimed_once(queue: JobQueue) -> None:
    await add(queue)
    both = await asyncio.gather(*(queue.claim_next("notebook", [(n, n)], 1, busy=True) for n in (1, 2)))
    ((running,),) = [claimed.jobs for claimed in both if claimed.jobs]
    assert (running.state, running.attempt) == (JobState.RUNNING, 1)
    assert (await queue.job(running.id)) == running
    assert (await queued(queue), await live(queue)) == ([], 1)


async def test_finishing_ends_the_job_and_records_what_it_made(queue: JobQueue, tmp_path: Path) -> None:
    job = await claimed(queue)
    problem = Problem("cell-error", "x", path="a.py", cell=3)
    assert await queue.finish(
        job, JobState.DONE, "ok", problems=[problem], outputs=[OUTPUT], parts={"source": "s"}, executions=2, kernels=1
    )
    assert await state(queue, job) is JobState.DONE
    assert await queue.outputs("") == Reader(tmp_path).stored("") == {OUTPUT.name: OUTPUT}
    assert (await queue.known(""))["0:a.py"].problems == (problem,)
    assert await queue.known("") == Reader(tmp_path).known("")
    assert await queue.counts("b") == (2, 1)
    row = Reader(tmp_path).build("b")
    assert row is not None
    assert (row["total"], row["done"], row["failed"]) == (1, 1, 0)


@pytest.mark.fault(24)
async def test_a_result_of_an_old_attempt_counts_for_nothing_and_is_counted_as_discarded(queue: JobQueue, tmp_path: Path) -> None:
    old = await claimed(queue)
    assert await queue.retry(old, "lost", deaths=[3])
    new = await start(queue)
    assert (new.attempt, new.deaths) == (2, (3,))
    before = Reader(tmp_path).build("b")
    assert not await queue.finish(old, JobState.DONE, "ok", outputs=[OUTPUT], parts={"source": "s"})
    assert not await queue.retry(old, "lost")
    await queue.progress(old, {"done": 9})
    assert await queue.outputs("") == {}
    assert await queue.known("") == {}
    after = Reader(tmp_path).build("b")
    assert before is not None
    assert after == before | {"discarded": 1}
    assert Reader(tmp_path).jobs("b")[0]["progress"] is None
    assert await queue.finish(new, JobState.DONE, "ok", outputs=[OUTPUT])
    assert not await queue.finish(new, JobState.FAILED, "failed")
    assert await state(queue, new) is JobState.DONE


async def test_a_job_that_is_retried_waits_for_its_time(queue: JobQueue) -> None:
    job = await claimed(queue)
    now = time.time()
    assert await queue.retry(job, "infrastructure", delay=100.0, spec={"n": "other"})
    claimed_now = await queue.claim_next("notebook", [(1, 4)], 1, busy=False)
    start = claimed_now.later
    assert (claimed_now.jobs, claimed_now.more) == ([], 0)
    assert start is not None
    assert start >= now + 100
    (later,) = await queued(queue)
    assert (later.not_before, later.spec) == (start, {"n": "other"})


async def test_cancelling_ends_what_waits_and_names_what_runs(queue: JobQueue, tmp_path: Path) -> None:
    running = await claimed(queue)
    waiting = await add(queue, "b.py", "c.py")
    assert (await queue.cancel("b")).running == [running.id]
    assert [await state(queue, job) for job in waiting] == [JobState.CANCELLED, JobState.CANCELLED]
    assert (await queue.claim_next("notebook", [(1, 4)], 1, busy=True)).jobs == []
    row = Reader(tmp_path).build("b")
    assert row is not None
    assert (row["total"], row["done"]) == (3, 2)
    assert (await queue.cancel("unknown")).running == []


async def test_a_build_that_ended_stays_as_it_ended(queue: JobQueue, tmp_path: Path) -> None:
    assert [row[0] for row in await queue.open_builds()] == ["b"]
    await queue.set_build("b", BuildState.RUNNING, total=3)
    await queue.set_build("b", BuildState.CANCELLED)
    await queue.set_build("b", BuildState.SUCCEEDED)
    row = Reader(tmp_path).build("b")
    assert row is not None
    assert (row["state"], row["total"], row["started"] <= row["finished"]) == ("cancelled", 3, True)
    assert await queue.open_builds() == []


async def test_what_ran_when_the_holder_died_is_queued_again(queue: JobQueue) -> None:
    job = await claimed(queue)
    assert await queue.recover() == 1
    assert await state(queue, job) is JobState.QUEUED
    assert not await queue.finish(job, JobState.DONE, "ok")
    assert await queue.recover() == 0


async def test_many_writes_at_once_share_a_few_commits(queue: JobQueue) -> None:
    before = queue.commits
    await asyncio.gather(*(queue.add_build(f"b{n}", "", {}) for n in range(50)))
    assert queue.commits - before < 10
    assert len(await queue.open_builds()) == 51


async def test_an_error_undoes_its_own_write_and_not_its_neighbours(queue: JobQueue) -> None:
    results = await asyncio.gather(
        queue.add_build("one", "", {}), queue.add_build("b", "", {}), queue.add_build("two", "", {}), return_exceptions=True
    )
    assert results[0] is results[2] is None
    assert isinstance(results[1], sqlite3.IntegrityError)
    assert {row[0] for row in await queue.open_builds()} == {"b", "one", "two"}


@pytest.mark.parametrize("values", [("\udcff", 1), ("a", 2**70)])
async def test_values_that_no_database_holds_end_their_write_and_not_the_writer(queue: JobQueue, values: tuple[str, int]) -> None:
    path, priority = values
    with pytest.raises((ValueError, OverflowError)):
        await asyncio.wait_for(add(queue, "good.py", path, priority=priority), 10)
    assert [job.path for job in await asyncio.wait_for(add(queue, "next.py"), 10)] == ["next.py"]


async def test_writes_that_were_sent_before_the_end_are_written(tmp_path: Path) -> None:
    for turns in range(12):
        queue = await JobQueue.open(tmp_path / f"{turns}.db")
        writes = [asyncio.ensure_future(queue.add_build(f"{n}", "", {})) for n in range(5)]
        for _ in range(turns):  # closed at every point of the writer's way
            await asyncio.sleep(0)
        await asyncio.wait_for(queue.close(), 10)
        done = [write for write in writes if write.done()]
        for write in set(writes) - set(done):
            write.cancel()
        assert all(write.exception() is None for write in done)
        assert len(done) == 5


async def test_nothing_is_lost_between_two_openings(tmp_path: Path) -> None:
    first = await JobQueue.open(tmp_path / DATABASE)
    await first.add_build("b", "", {})
    await first.keep_files({"a.py": Stamp(1, 2, 3, "x")})
    await first.put_outputs([OUTPUT])
    await first.close()
    second = await JobQueue.open(tmp_path / DATABASE)
    assert await second.file_stamps() == {"a.py": Stamp(1, 2, 3, "x")}
    assert list(await second.outputs("")) == [OUTPUT.name]
    await second.drop_outputs([OUTPUT.name])
    assert await second.outputs("") == {}
    await second.close()


async def test_nobody_else_can_read_the_database(queue: JobQueue, tmp_path: Path) -> None:
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob(f"{DATABASE}*")} == {0o600}


def test_a_reader_finds_nothing_where_nothing_is(tmp_path: Path) -> None:
    assert Reader(tmp_path).builds() == Reader(tmp_path).jobs() == Reader(tmp_path).workers() == []
    assert list(tmp_path.iterdir()) == []


async def test_readers_read_while_the_writer_writes(queue: JobQueue, tmp_path: Path) -> None:
    seen: list[int] = []
    ended = asyncio.Event()

    def read() -> None:
        while not ended.is_set():
            seen.append(len(Reader(tmp_path).builds(1000)))

    reading = asyncio.create_task(asyncio.to_thread(read))
    for n in range(100):
        await queue.add_build(f"b{n}", "", {})
    ended.set()
    await reading
    assert seen == sorted(seen)
    assert len(Reader(tmp_path).builds(1000)) == 101


async def test_a_reader_cannot_write(queue: JobQueue, tmp_path: Path) -> None:
    with pytest.raises(QueueError, match="readonly"):
        Reader(tmp_path).rows("DELETE FROM builds")


async def test_workers_are_counted_and_told_apart(queue: JobQueue, tmp_path: Path) -> None:
    first, second = [await queue.add_worker("notebook", "local", "here", pid) for pid in (4, 5)]
    await queue.set_worker(first, "idle", done=1)
    await queue.set_worker(second, "gone", failed=1)
    assert [(row["id"], row["state"], row["done"], row["failed"]) for row in Reader(tmp_path).workers()] == [
        (first, "idle", 1, 0),
        (second, "gone", 0, 1),
    ]


@pytest.mark.fault(25)
async def test_a_result_that_comes_after_the_job_was_cancelled_leaves_it_cancelled(queue: JobQueue, tmp_path: Path) -> None:
    job = await claimed(queue)
    assert (await queue.cancel("b")).running == [job.id]
    assert await queue.finish(job, JobState.CANCELLED, "cancelled") == ["b"]
    assert await queue.finish(job, JobState.DONE, "ok", outputs=[OUTPUT]) == []
    row = Reader(tmp_path).build("b")
    assert row is not None
    assert (await state(queue, job), await queue.outputs(""), row["done"], row["discarded"]) == (JobState.CANCELLED, {}, 1, 1)


@pytest.mark.fault(26)
async def test_ten_thousand_waiting_jobs_are_cancelled_by_one_statement(queue: JobQueue, tmp_path: Path) -> None:
    await add(queue, *(f"{n}.py" for n in range(10_000)))
    told: list[str] = []
    connection = sqlite3.connect(tmp_path / DATABASE, isolation_level=None)
    connection.set_trace_callback(told.append)
    connection.execute("BEGIN IMMEDIATE")
    cancelled = job_changes.cancel(connection, "b", 1.0)
    connection.execute("COMMIT")
    connection.close()
    assert (cancelled.running, await live(queue), len(told) < 10) == ([], 0, True)
    assert len([sql for sql in told if sql.startswith("UPDATE jobs")]) == 1
    row = Reader(tmp_path).build("b")
    assert row is not None
    assert (row["total"], row["done"]) == (10_000, 10_000)


@pytest.mark.fault(31)
async def test_jobs_that_wait_for_each_other_are_refused_before_any_is_added(queue: JobQueue) -> None:
    jobs = [("notebook", f"0:{path}", path, 0, {}, "new") for path in ("a.py", "b.py", "c.py")]
    after = {"0:a.py": ["0:c.py"], "0:b.py": ["0:a.py"], "0:c.py": ["0:b.py"]}
    with pytest.raises(CourseError, match=r"after 0:.* after 0:.*: these jobs could never run"):
        await queue.enqueue("b", jobs, after)
    assert await queue.jobs_of("b") == []


@pytest.mark.fault(45)
@pytest.mark.parametrize("sql", [job_changes.NEXT, job_changes.STARVED, job_changes.LOOK, job_changes.DUE, job_changes.IS_OVER])
async def test_finding_the_next_job_among_very_many_walks_an_index_and_sorts_nothing(queue: JobQueue, tmp_path: Path, sql: str) -> None:
    sql = sql.replace("UPDATE jobs SET not_before = 0", "SELECT id FROM jobs")
    rows = Reader(tmp_path).rows(f"EXPLAIN QUERY PLAN {sql}", (1,) * sql.count("?"))
    plan = [row["detail"] for row in rows if "jobs" in row["detail"]]
    assert plan and all("jobs_ready" in each or "jobs_later" in each or "jobs_live" in each for each in plan)
    assert "B-TREE" not in " ".join(row["detail"] for row in rows)


@pytest.mark.parametrize("sql", [job_changes.CANCEL, job_changes.RECOVER])
async def test_what_is_done_to_open_jobs_passes_over_those_that_ended(queue: JobQueue, tmp_path: Path, sql: str) -> None:
    select = "SELECT id FROM jobs WHERE" + sql.split("WHERE")[1]
    (row,) = Reader(tmp_path).rows(f"EXPLAIN QUERY PLAN {select}", (1,) * select.count("?"))
    assert "jobs_live" in row["detail"]


async def test_free_workers_are_given_the_most_urgent_jobs_together(queue: JobQueue, tmp_path: Path) -> None:
    await add(queue, "a.py", "b.py", "c.py", "d.py")
    await add(queue, "urgent.py", priority=100)
    before = queue.commits
    found = await queue.claim_next("notebook", [(1, 4), (2, 5)], 1, busy=False, count=10)
    assert ([job.path for job in found.jobs], found.more, found.overtook, queue.commits - before) == (["urgent.py", "a.py"], 3, False, 1)
    rows = Reader(tmp_path).rows("SELECT worker, pid FROM attempts ORDER BY worker")
    assert [(row["worker"], row["pid"]) for row in rows] == [(1, 4), (2, 5)]


async def test_what_stood_back_for_long_has_a_turn_before_what_is_urgent(queue: JobQueue) -> None:
    await add(queue, "old.py", "older.py")
    await add(queue, "urgent.py", "too.py", "three.py", priority=100)
    first = await queue.claim_next("notebook", [(1, 4)], 1, busy=False)
    assert ([job.path for job in first.jobs], first.overtook) == (["urgent.py"], True)
    second = await queue.claim_next("notebook", [(1, 4), (2, 5)], 1, busy=True, starved=True)
    assert [job.path for job in second.jobs] == ["old.py", "too.py"]


async def test_a_suspect_is_handed_out_only_while_nothing_runs_and_by_itself(queue: JobQueue) -> None:
    (suspect,) = await add(queue, "suspect.py")
    for _ in range(2):
        (suspect,) = (await queue.claim_next("notebook", [(1, 4)], 1, busy=False)).jobs
        assert await queue.retry(suspect, "lost", deaths=(*suspect.deaths, 3))
    await add(queue, "other.py")
    busy = await queue.claim_next("notebook", [(1, 4)], 1, busy=True)
    assert [job.path for job in busy.jobs] == ["other.py"]
    await add(queue, "third.py")
    alone = await queue.claim_next("notebook", [(1, 4), (2, 5)], 1, busy=False)
    assert [job.path for job in alone.jobs] == ["suspect.py"]


async def equal(queue: JobQueue, build: str, *paths: str, priority: int = 0, after: dict[str, list[str]] | None = None) -> None:
    """Add a build of jobs that are equal to those of other builds with the same path."""
    await queue.add_build(build, "", {})
    await queue.enqueue(build, [NewJob("notebook", path, path, priority, {}, "new", f"key of {path}") for path in paths], after)


async def states(queue: JobQueue, *builds: str) -> list[list[str]]:
    return [[str(job.state) for job in await queue.jobs_of(build)] for build in builds]


@pytest.mark.fault(28)
@pytest.mark.parametrize("how", [JobState.DONE, JobState.FAILED, JobState.DEAD])
async def test_equal_work_is_done_once_and_ends_everywhere_in_the_same_way(queue: JobQueue, tmp_path: Path, how: JobState) -> None:
    await equal(queue, "one", "a.py")
    await equal(queue, "two", "a.py", "b.py", after={"b.py": ["a.py"]})
    job = await start(queue)
    await equal(queue, "three", "a.py")
    assert await states(queue, "one", "two", "three") == [["running"], ["blocked", "blocked"], ["blocked"]]
    assert (await queue.claim_next("notebook", [(2, 5)], 1, busy=True)).jobs == []
    assert await queue.finish(job, how, "ok") == ["one", "two", "three"]
    assert await states(queue, "one", "two", "three") == [[how], [how, "queued"], [how]]
    rows = [Reader(tmp_path).build(build) for build in ("one", "two", "three")]
    assert [(row["total"], row["done"], row["failed"]) for row in rows if row] == [
        (1, 1, how is not JobState.DONE),
        (2, 1, how is not JobState.DONE),
        (1, 1, how is not JobState.DONE),
    ]
    await equal(queue, "four", "a.py")
    assert await states(queue, "four") == [["queued"]], "what has ended is done again"


async def test_whoever_is_in_a_hurry_hurries_the_work_it_waits_for_and_what_that_needs(queue: JobQueue) -> None:
    await add(queue, "bulk.py")
    await equal(queue, "one", "a.py", "b.py", after={"b.py": ["a.py"]})
    await equal(queue, "two", "b.py", priority=100)
    assert [job.path for job in await queued(queue, "b", "one", "two")] == ["a.py", "bulk.py"]


@pytest.mark.parametrize("running", [False, True])
async def test_the_work_of_a_cancelled_build_becomes_that_of_one_that_waits_for_it(queue: JobQueue, running: bool, tmp_path: Path) -> None:
    await equal(queue, "one", "a.py")
    await equal(queue, "two", "a.py", "b.py", after={"b.py": ["a.py"]})
    job = await start(queue) if running else None
    assert await queue.cancel("one") == Cancelled([], {job.id: "two"} if job else {})
    assert await queue.is_over("one")
    assert await queue.finish(job or await start(queue), JobState.DONE, "ok") == ["two"]
    assert await states(queue, "one") == [["cancelled"]]
    assert {job.path: job.state for job in await queue.jobs_of("two")} == {"a.py": "done", "b.py": "queued"}
    rows = [Reader(tmp_path).build(build) for build in ("one", "two")]
    assert [(row["total"], row["done"]) for row in rows if row] == [(1, 1), (2, 1)]


async def test_work_that_came_while_equal_work_was_being_cancelled_is_done_all_the_same(queue: JobQueue) -> None:
    await equal(queue, "one", "a.py")
    job = await start(queue)
    assert (await queue.cancel("one")).running == [job.id]
    await equal(queue, "two", "a.py")
    await equal(queue, "three", "a.py")
    assert await queue.finish(job, JobState.CANCELLED, "cancelled") == ["one"]
    assert await queue.finish(await start(queue), JobState.DONE, "ok") == ["two", "three"]


async def test_cancelling_what_waits_for_equal_work_leaves_that_alone(queue: JobQueue) -> None:
    await equal(queue, "one", "a.py")
    await equal(queue, "two", "a.py")
    job = await start(queue)
    assert await queue.cancel("two") == Cancelled([], {})
    assert await queue.finish(job, JobState.DONE, "ok") == ["one"]
    assert await states(queue, "one", "two") == [["done"], ["cancelled"]]


async def chain(queue: JobQueue) -> dict[str, Job]:
    """Jobs for a.py, b.py after it, and c.py after both."""
    jobs = [("notebook", f"0:{path}", path, 0, {}, "new") for path in ("c.py", "b.py", "a.py")]
    await queue.enqueue("b", jobs, {"0:c.py": ["0:a.py", "0:b.py"], "0:b.py": ["0:a.py", "0:not-in-this-build.py"]})
    return {job.path: job for job in await queue.jobs_of("b")}


async def end(queue: JobQueue, state: JobState = JobState.DONE) -> str:
    """End the one job that is ready."""
    job = await start(queue)
    assert await queued(queue) == []
    assert await queue.finish(job, state, "ok")
    return job.path


@pytest.mark.parametrize("how", [JobState.DONE, JobState.FAILED, JobState.DEAD])
async def test_a_job_waits_until_all_it_needs_have_ended(queue: JobQueue, how: JobState) -> None:
    jobs = await chain(queue)
    assert {path: job.state for path, job in jobs.items()} == {"a.py": "queued", "b.py": "blocked", "c.py": "blocked"}
    assert [await end(queue, how), await live(queue), await end(queue), await end(queue)] == ["a.py", 2, "b.py", "c.py"]


async def test_a_retry_of_what_is_needed_frees_nothing(queue: JobQueue) -> None:
    await chain(queue)
    assert await queue.retry(await start(queue), "lost")
    assert [job.path for job in await queued(queue)] == ["a.py"]


async def test_jobs_that_wait_are_cancelled_and_given_up_with_their_build(queue: JobQueue) -> None:
    jobs = await chain(queue)
    await queue.reopen("b")
    assert {await state(queue, job) for job in jobs.values()} == {JobState.CANCELLED}
    jobs = await chain(queue)  # planned anew: they wait for the new jobs, not for those that were given up
    first = await start(queue)
    assert (await queue.cancel("b")).running == [first.id]
    assert await live(queue) == 1


async def test_runs_in_other_languages_stay_while_the_source_does(queue: JobQueue) -> None:
    async def runs(parts: str, **runs: str) -> dict[str, str]:
        await queue.enqueue("b", [("notebook", "0:a.py", "a.py", 0, {}, "new")])
        assert await queue.finish(
            await start(queue), JobState.DONE, "ok", parts={"source": parts}, runs={name: {"key": key} for name, key in runs.items()}
        )
        known = (await queue.known(""))["0:a.py"]
        assert known.parts == {"source": parts}
        return {language: run["key"] for language, run in known.runs.items()}

    assert await runs("one", de="1") == {"de": "1"}
    assert await runs("one", en="2") == {"de": "1", "en": "2"}
    assert await runs("one") == {"de": "1", "en": "2"}
    assert await runs("two", en="3") == {"en": "3"}


OLDER = sorted((Path(__file__).parent / "schemas").glob("*.sql"))


def made_of(path: Path) -> dict[str, object]:
    """What a database consists of: columns by table, and indexes."""
    with sqlite3.connect(path) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {name: sorted(row[1:] for row in connection.execute(f"PRAGMA table_info({name})")) for name in names}
        indexes = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'"))
    connection.close()
    return columns | indexes


@pytest.mark.parametrize("schema", OLDER, ids=lambda each: each.stem)
async def test_a_database_of_an_older_schema_becomes_what_a_new_one_is(tmp_path: Path, schema: Path) -> None:
    path = tmp_path / DATABASE
    with sqlite3.connect(path) as connection:
        connection.executescript(schema.read_text(encoding="utf-8"))
        connection.execute("INSERT INTO builds (id, course, request, state, number, created) VALUES ('b', '', '{}', 'running', 1, 1.0)")
        connection.execute("INSERT INTO sources (course, place, parts, problems) VALUES ('', '0:a.py', '{}', '[]')")
        connection.execute(f"PRAGMA user_version = {schema.stem}")
    connection.close()
    assert Reader(tmp_path).known("")["0:a.py"].runs == {}, "a look does not change it"
    old = await JobQueue.open(path)
    assert (await old.known(""))["0:a.py"].runs == {}
    assert [job.path for job in (await chain(old)).values()] == ["c.py", "b.py", "a.py"]
    assert await end(old) == "a.py"
    await old.close()
    new = await JobQueue.open(tmp_path / "new.db")
    await new.close()
    assert made_of(path) == made_of(tmp_path / "new.db")
