"""The supervisor: what becomes of jobs and of workers."""

from __future__ import annotations

import asyncio
import gc
import os
import platform
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter import deadlines, pools, settling
from clx_jupyter import supervisor as module
from clx_jupyter.executors import logs
from clx_jupyter.job_changes import Claimed
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.job_reader import DATABASE, Reader
from clx_jupyter.jobs import JobState
from clx_jupyter.state import create_state_folder
from tests.faults.publishing import disk
from tests.supervised import World


@pytest.fixture(params=[2])
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    for each in (module, deadlines, pools):
        monkeypatch.setattr(each, "GRACE", 0.3)
    monkeypatch.setattr(module, "STOP_GRACE", 0.3)
    monkeypatch.setattr(deadlines, "SILENCE", 1000.0)  # it would mend what should have been seen long before
    create_state_folder(tmp_path, tmp_path)
    queue = await JobQueue.open(tmp_path / DATABASE)
    await queue.add_build("b", "", {})
    world = World(tmp_path, queue, request.param)
    yield world
    await asyncio.wait_for(world.supervisor.close(), 10)
    await queue.close()
    assert list((tmp_path / "stage").iterdir()) == []


one_worker = pytest.mark.parametrize("world", [1], indirect=True)


@one_worker
async def test_jobs_share_a_worker_and_end_with_what_it_said(world: World) -> None:
    jobs = await world.ended("ok", "fail", "ok")
    assert [job.state for job in jobs] == [JobState.DONE, JobState.FAILED, JobState.DONE]
    assert len(world.executor.started) == 1
    assert [attempt.executions for attempt in world.accepted] == [1, 1, 1]
    assert [problem.message for problem in world.accepted[1].problems] == ["it went wrong"]


async def test_no_more_workers_than_asked_for(world: World) -> None:
    await world.ended(*["ok"] * 8)
    assert len(world.executor.started) == 2


async def test_a_kept_execution_goes_to_the_account_and_comes_back(world: World) -> None:
    (job,) = await world.ended("ask")
    assert job.state is JobState.DONE
    assert world.kept_bodies == {"k": b"body"}


@one_worker
async def test_a_worker_fills_no_memory_with_problems_or_with_answers_that_it_does_not_read(world: World) -> None:
    jobs = await world.ended("chatter", "greedy")
    assert {job.state for job in jobs} == {JobState.DONE}
    problems = world.accepted[0].problems
    assert (len(problems), problems[999].message) == (1001, "problem 999")
    assert problems[-1].message == "the worker told of 500 more problems of this notebook, which are not kept"
    assert problems[-1].severity == "warning"
    assert world.unsent < 3_000_000


async def test_a_database_that_can_be_used_no_more_is_not_laid_to_the_workers(world: World) -> None:
    listening = await world.add("listen")
    await world.until(lambda: bool(world.running))
    world.queue.database.break_as_damaged("for this test")
    await world.supervisor.cancel(listening)
    await world.until(lambda: not world.running)
    for _ in range(10):  # its worker is free, and the supervisor looks for the next job
        await asyncio.sleep(0)
    assert world.supervisor._pools.broken("notebook") is None


@pytest.mark.fault(1)
async def test_a_job_whose_worker_died_is_given_to_another(world: World) -> None:
    (job,) = await world.ended("die once")
    assert (job.state, job.attempt, job.deaths) == (JobState.DONE, 2, (1,))
    assert world.attempts(job.id) == [("lost", 9), ("ok", None)]


@pytest.mark.fault(12)
async def test_a_job_that_kills_its_worker_three_times_at_one_cell_is_dead_the_last_time_alone(world: World) -> None:
    listening = await world.add("listen")
    await world.until(lambda: bool(world.running))
    (dying,) = await world.add("die")
    await world.until(lambda: len([each for each in world.together if "die" in each]) == 2)
    assert all("listen" in each for each in world.together if "die" in each)
    await world.supervisor.cancel(listening)
    await world.until(lambda: bool(world.accepted))
    assert world.together[-1] == {"die"}
    job = await world.queue.job(dying)
    assert job is not None
    assert (job.state, job.attempt) == (JobState.DEAD, 3)
    (problem,) = world.accepted[0].problems
    assert (problem.category, problem.cell, problem.path) == ("kernel-died", 4, "die")


@pytest.mark.fault(12)
async def test_nothing_begins_beside_a_job_that_is_tried_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "_back_off", lambda _: 0.01)
    (suspect,) = await world.add("die twice")
    await world.until(lambda: len(world.attempts(suspect)) == 3)
    await world.ended("ok", "ok")
    assert [attempt.job.path for attempt in world.accepted] == ["die twice", "ok", "ok"]


async def test_a_retry_waits_and_a_job_that_never_works_fails_in_the_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "RETRIES", 1)
    jobs = await world.ended("retry", "hopeless")
    assert [(job.state, job.attempt) for job in jobs] == [(JobState.DONE, 2), (JobState.FAILED, 2)]
    assert world.attempts(jobs[1].id) == [("infrastructure", None)] * 2
    for job in jobs:
        first, second = Reader(world.folder).rows("SELECT started, ended FROM attempts WHERE job = ? ORDER BY attempt", (job.id,))
        assert second["started"] - first["ended"] > 0.3


@pytest.mark.fault(20)
async def test_a_job_for_which_there_is_no_room_just_now_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with disk(world.folder / "tmp", 1 << 20, "nr_inodes=2") as place:  # room for one file
        monkeypatch.setattr(tempfile, "tempdir", str(place))
        (place / "filler").touch()
        (id,) = await world.add("ok")
        await world.until(lambda: world.attempts(id)[:1] == [("infrastructure", None)])
        (place / "filler").unlink()
        await world.until(lambda: bool(world.accepted))
        assert (world.accepted[0].status, world.accepted[0].problems) == ("ok", [])


def test_each_retry_waits_twice_as_long_as_the_one_before() -> None:
    for attempt, seconds in enumerate((0.5, 1.0, 2.0), 1):
        assert 0.75 * seconds <= settling._back_off(attempt) <= 1.25 * seconds


async def test_a_source_that_changed_is_done_with_its_new_spec(world: World) -> None:
    world.new_spec = {"do": "ok", "execute": {"cell_timeout": 1, "timeout": 1}}
    (job,) = await world.ended("changed")
    assert (job.state, job.attempt) == (JobState.DONE, 2)


async def test_a_source_that_vanished_fails(world: World) -> None:
    (job,) = await world.ended("changed")
    assert job.state is JobState.FAILED
    assert world.accepted[0].problems[0].category == "bad-source"


async def test_workers_that_do_not_start_end_their_jobs_with_their_last_words(world: World) -> None:
    world.executor.start_mode = "exit"
    jobs = await world.ended("ok", "ok", "ok")
    assert {job.state for job in jobs} == {JobState.FAILED}
    assert {job.deaths for job in jobs} == {()}
    assert 3 <= len(world.executor.started) <= 6
    for attempt in world.accepted:
        (problem,) = attempt.problems
        assert problem.message == "the notebook worker does not start: no module named trouble"
        assert "first line of the trouble" in problem.traceback


async def test_an_end_that_cannot_be_accepted_leaves_none_of_the_jobs_whose_workers_do_not_start_without_one(world: World) -> None:
    world.executor.start_mode, world.refusals = "exit", 1
    jobs = await world.ended("ok", "ok", "ok")
    assert {job.state for job in jobs} == {JobState.FAILED} and len(world.accepted) == 2


@pytest.mark.fault(32)
async def test_a_worker_whose_frames_cannot_be_read_is_replaced_and_its_job_tried_again(world: World) -> None:
    jobs = await world.ended("garbage", "cut", "huge", "no fields", "no problem", "odd end")
    assert [(job.state, job.attempt) for job in jobs] == [(JobState.DONE, 2)] * 6
    # Found out by what came, and not by the silence after it.
    assert {tuple(outcome for outcome, _ in world.attempts(job.id)) for job in jobs} == {("lost", "ok")}


@pytest.mark.fault(3)
async def test_a_worker_that_somebody_else_told_to_end_is_replaced_and_its_job_tried_again(world: World) -> None:
    (job,) = await world.ended("told to end")
    assert (job.state, job.attempt) == (JobState.DONE, 2)
    assert world.attempts(job.id) == [("lost", None), ("ok", None)]


@pytest.mark.fault(3)
async def test_a_worker_that_ends_in_peace_in_the_middle_of_a_job_counts_as_a_crash(world: World) -> None:
    (job,) = await world.ended("leave")
    assert (job.state, job.attempt, job.deaths) == (JobState.DONE, 2, (1,))
    assert world.attempts(job.id) == [("lost", None), ("ok", None)]


@pytest.mark.fault(2)
async def test_an_attempt_names_the_signal_that_ended_its_worker(world: World) -> None:
    (job,) = await world.ended("crash")
    assert world.attempts(job.id) == [("lost", signal.SIGSEGV), ("ok", None)]


@pytest.mark.fault(4)
async def test_a_stopped_worker_is_found_out_by_its_silence_and_its_job_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "PING", 0.2)
    monkeypatch.setattr(deadlines, "SILENCE", 1.0)
    (job,) = await world.ended("stop")
    assert (job.state, job.attempt, job.deaths) == (JobState.DONE, 2, (1,))
    assert world.attempts(job.id) == [("hung", signal.SIGKILL), ("ok", None)]


async def test_a_quiet_worker_is_asked_whether_it_lives_and_any_word_will_do(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "PING", 0.1)
    (job,) = await world.ended("silent")
    assert (job.state, job.attempt) == (JobState.DONE, 1)


async def test_reading_has_a_limit_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "RETRIES", 0)
    (job,) = await world.ended("read", timeout=0.3)
    assert job.state is JobState.FAILED
    (problem,) = world.accepted[0].problems
    assert (problem.category, problem.path) == ("timeout", "read")
    assert problem.message == "reading or writing this notebook took longer than 0.3 s"


@one_worker
@pytest.mark.fault(33)
async def test_a_worker_that_shouts_fills_no_disk_and_its_frames_are_understood(world: World) -> None:
    (job,) = await world.ended("shout")
    assert (job.state, job.attempt) == (JobState.DONE, 1)
    await world.supervisor.close()
    files = sorted((world.folder / "logs").iterdir())
    assert [file.name for file in files] == ["notebook-worker.log", "notebook-worker.log.1"]
    assert all(file.stat().st_size < 2 * logs.LIMIT for file in files)
    assert world.executor.started[0].last_words().endswith("not a frame")


@pytest.mark.fault(47)
async def test_a_thousand_short_jobs_pass_while_garbage_is_collected(world: World) -> None:
    for _ in range(10):
        work = asyncio.ensure_future(world.ended(*["ok"] * 100))
        while not work.done():
            gc.collect(1)
            await asyncio.wait({work}, timeout=0.02)
        gc.collect()
        assert {job.state for job in work.result()} == {JobState.DONE}


async def test_an_idle_worker_that_died_is_not_blamed_on_the_next_job(world: World) -> None:
    await world.ended("ok")
    for worker in world.executor.started:
        worker.kill()
    (job,) = await world.ended("ok")
    assert (job.state, job.deaths) == (JobState.DONE, ())


@pytest.mark.fault(27)
async def test_a_hanging_job_is_cancelled_by_ending_its_worker(world: World) -> None:
    ids = await world.add("hang")
    await world.until(lambda: bool(world.running))
    assert (await world.queue.cancel("b")).running == ids
    await world.supervisor.cancel(ids)
    await world.until(lambda: not world.running)
    assert [job.state for job in await world.queue.jobs_of("b")] == [JobState.CANCELLED]
    assert world.accepted == []


@one_worker
async def test_a_worker_that_listens_survives_the_cancelling_of_its_job(world: World) -> None:
    ids = await world.add("listen")
    await world.until(lambda: bool(world.running))
    await world.supervisor.cancel(ids)
    await world.until(lambda: not world.running)
    (job,) = await world.ended("ok")
    assert job.state is JobState.DONE
    assert len(world.executor.started) == 1


async def test_a_cell_over_its_limit_is_interrupted_then_killed_and_the_next_try_knows(world: World) -> None:
    (job,) = await world.ended("stubborn", cell_timeout=0.2)
    assert (job.state, job.attempt, job.deaths) == (JobState.DONE, 2, ())
    failed = job.spec["execute"]["failed"]["key"]
    assert (failed["class"], failed["cell"], failed["path"]) == ("timeout", 5, "stubborn")
    assert [outcome for outcome, _ in world.attempts(job.id)] == ["timeout", "ok"]


async def test_the_limit_that_a_cell_allows_itself_counts(world: World) -> None:
    (job,) = await world.ended("limited")
    assert (job.state, job.attempt) == (JobState.DONE, 2)
    assert "ran longer than 0.2 s" in job.spec["execute"]["failed"]["key"]["message"]


async def test_a_limit_of_the_command_line_goes_before_that_of_a_cell(world: World) -> None:
    (job,) = await world.ended("limited", cell_timeout=0.3, own_limits=False)
    assert "ran longer than 0.3 s" in job.spec["execute"]["failed"]["key"]["message"]


async def test_a_cell_over_its_limit_whose_worker_answers_goes_on(world: World) -> None:
    (job,) = await world.ended("listen", cell_timeout=0.2)
    assert (job.state, job.attempt) == (JobState.FAILED, 1)
    assert world.accepted[0].limit == "cell"


async def test_a_job_over_its_limit_without_a_running_execution_is_tried_again_then_fails(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "RETRIES", 1)
    (job,) = await world.ended("hang", cell_timeout=0.2)
    assert (job.state, job.attempt) == (JobState.FAILED, 2)
    assert [problem.category for problem in world.accepted[0].problems] == ["timeout"]


async def test_an_error_while_accepting_ends_the_job_as_failed(world: World) -> None:
    world.refusals = 1
    (job,) = await world.ended("ok")
    assert job.state is JobState.FAILED
    assert world.accepted[0].problems[0].message == "OSError: the disk is full"


async def test_a_job_ends_even_where_nothing_can_be_accepted(world: World) -> None:
    world.refusals = 2
    (job,) = await world.ended("ok")
    assert job.state is JobState.FAILED


async def test_closing_puts_running_jobs_back_and_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in (module, deadlines, pools):
        monkeypatch.setattr(each, "GRACE", 0.3)
    monkeypatch.setattr(module, "STOP_GRACE", 0.3)
    create_state_folder(tmp_path, tmp_path)
    queue = await JobQueue.open(tmp_path / DATABASE)
    await queue.add_build("b", "", {})
    world = World(tmp_path, queue, 2)
    await world.add("hang", "listen")
    await world.until(lambda: len(world.running) == 2)
    await asyncio.wait_for(world.supervisor.close(), 10)
    assert [job.state for job in await queue.jobs_of("b")] == [JobState.QUEUED, JobState.QUEUED]
    assert {job.deaths for job in await queue.jobs_of("b")} == {()}
    for worker in world.executor.started:
        assert worker.pid is not None
        with pytest.raises(ProcessLookupError):
            os.kill(worker.pid, 0)
    assert {row["state"] for row in Reader(tmp_path).workers()} == {"gone"}
    await queue.close()


@pytest.mark.fault(16)
async def test_a_job_that_is_being_claimed_as_everything_stops_goes_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.ended("ok")
    closing, claim_next = [], world.queue.claim_next

    def claim(*what: Any, **how: Any) -> Any:
        claimed = claim_next(*what, **how)
        closing.append(asyncio.ensure_future(world.supervisor.close()))
        return claimed

    monkeypatch.setattr(world.queue, "claim_next", claim)
    (id,) = await world.add("ok")
    async with asyncio.timeout(20):
        while not closing:
            await asyncio.sleep(0)
        await closing[0]
    job = await world.queue.job(id)
    assert job is not None and (job.state, job.attempt, job.deaths) == (JobState.QUEUED, 1, ())
    assert world.attempts(id) == [("lost", None)]


async def test_nothing_is_looked_for_while_a_job_waits_for_a_worker(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    claim_next = world.queue.claim_next

    async def counted(type: str, workers: list[tuple[int, int | None]], epoch: int, **how: Any) -> Claimed:
        looks.append(workers)
        return await claim_next(type, workers, epoch, **how)

    monkeypatch.setattr(world.queue, "claim_next", counted)
    monkeypatch.setattr(settling, "_back_off", lambda _: 0.01)
    listening = await world.add("listen")
    await world.until(lambda: bool(world.running))
    await world.add("retry", "hang")
    await world.until(lambda: "hang" in world.running.values())
    before = len(looks)
    for _ in range(200):
        await world.queue.progress((await world.queue.jobs_of("b"))[0], {})
    assert len(looks) - before < 20
    await world.supervisor.cancel(listening)


async def test_a_worker_knows_its_host(world: World) -> None:
    await world.ended("ok")
    assert Reader(world.folder).workers()[0]["host"] == platform.node()
