"""Pools of workers: when one is started, ended, replaced, and given up. The workers are small programs; they die for real."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from clx_jupyter import breakers, deadlines, pools
from clx_jupyter.executors.containers import ContainerExecutor
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.job_reader import DATABASE, Reader
from clx_jupyter.jobs import JobState
from clx_jupyter.pools import PoolLimits
from clx_jupyter.settings import BuildSettings
from clx_jupyter.state import create_state_folder
from clx_jupyter_workers import VERSION
from tests.supervised import World

MB = 1_000_000
Open = Callable[..., Any]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    monkeypatch.setattr(pools, "GRACE", 0.5)
    monkeypatch.setattr(deadlines, "SILENCE", 1000.0)  # it would mend what should have been seen long before

    @asynccontextmanager
    async def open(size: int = 1, **limits: Any) -> AsyncIterator[World]:
        create_state_folder(tmp_path, tmp_path)
        queue = await JobQueue.open(tmp_path / DATABASE)
        await queue.add_build("b", "", {})
        world = World(tmp_path, queue, PoolLimits(size, **limits))
        try:
            yield world
        finally:
            await world.supervisor.close()
            await queue.close()
        assert [worker.pid for worker in world.executor.started if worker.pid and psutil.pid_exists(worker.pid)] == []

    return open


async def eventually(true: Callable[[], bool | Awaitable[bool]], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while True:
            answer = true()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.01)


def workers(world: World) -> list[dict[str, Any]]:
    return sorted(Reader(world.folder).workers(), key=lambda row: row["id"])


def timers() -> int:
    """What will wake this loop up."""
    scheduled = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
    return sum(not handle.cancelled() for handle in scheduled)


async def test_a_worker_that_dies_while_it_is_idle_is_noticed_at_once_and_counts_against_no_job(opened: Open) -> None:
    async with opened() as world:
        await world.ended("ok")
        os.kill(workers(world)[0]["pid"], signal.SIGKILL)
        await eventually(lambda: workers(world)[0]["state"] == "gone")
        assert len(world.executor.started) == 1  # there is no work
        (job,) = (await world.ended("ok"))[-1:]
        assert (job.state, job.attempt, job.deaths) == (JobState.DONE, 1, ())
        assert len(world.executor.started) == 2


async def test_workers_that_have_nothing_to_do_end_and_nothing_wakes_up_any_more(opened: Open) -> None:
    async with opened(2, idle_seconds=0.2) as world:
        await world.ended("ok", "ok", "ok")
        await eventually(lambda: {row["state"] for row in workers(world)} == {"gone"})
        assert timers() <= 1  # the one of this test
        commits = world.queue.commits
        assert [worker.pid for worker in world.executor.started if worker.pid and psutil.pid_exists(worker.pid)] == []
        assert world.queue.commits == commits
        (job,) = (await world.ended("ok"))[-1:]
        assert job.state is JobState.DONE


async def test_the_worker_that_was_busy_last_gets_the_next_job_so_that_the_others_can_end(opened: Open) -> None:
    async with opened(2, idle_seconds=1.0) as world:
        await world.ended("grow", "grow")
        while not any(row["state"] == "gone" for row in workers(world)):
            await world.ended("ok")
            await asyncio.sleep(0.05)
        assert [row["state"] for row in workers(world)].count("idle") == 1


async def test_more_workers_than_jobs_are_never_started(opened: Open) -> None:
    async with opened(8) as world:
        await world.ended("ok")
        assert len(world.executor.started) == 1


@pytest.mark.fault(1)
async def test_a_spare_stands_by_while_all_work_and_takes_the_place_of_one_that_died(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "SPARE_AFTER", 0.0)
    async with opened(1, spares=1, idle_seconds=0.2) as world:
        await world.add("hang", "ok", "ok")
        await eventually(lambda: [row["state"] for row in workers(world)] == ["busy", "idle"])
        await asyncio.sleep(0.5)  # it does not end for having nothing to do, nor gets anything
        assert [row["state"] for row in workers(world)] == ["busy", "idle"] and set(world.running.values()) == {"hang"}
        monkeypatch.setattr(pools, "SPARE_AFTER", 1000.0)  # no other one is started
        os.kill(workers(world)[0]["pid"], signal.SIGKILL)
        await eventually(lambda: [row["state"] for row in workers(world)] == ["gone", "busy"])
        assert len(world.executor.started) == 2


async def test_a_build_that_is_soon_over_starts_no_spare(opened: Open) -> None:
    async with opened(1, spares=1) as world:
        await world.ended(*["ok"] * 20)
        assert len(world.executor.started) == 1


@pytest.mark.fault(13)
async def test_starts_that_fail_open_the_breaker_after_five_and_the_reason_is_the_workers_own(opened: Open) -> None:
    async with opened(8) as world:
        world.executor.start_mode = "exit"
        jobs = await world.ended(*["ok"] * 12)
        assert {(job.state, job.deaths) for job in jobs} == {(JobState.FAILED, ())}
        assert 3 <= len(world.executor.started) <= 5
        assert {attempt.problems[0].message for attempt in world.accepted} == {
            "the notebook worker does not start: no module named trouble"
        }
        assert "first line of the trouble" in world.accepted[0].problems[0].traceback
        started = len(world.executor.started)
        await world.ended("ok")  # at once: no start is tried meanwhile
        assert len(world.executor.started) == started


@pytest.mark.fault(13)
async def test_an_open_breaker_lets_the_next_job_try_after_a_while(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breakers, "OPEN_SECONDS", 0.5)
    async with opened() as world:
        world.executor.start_mode = "exit"
        await world.ended("ok")
        world.executor.start_mode = ""
        await eventually(lambda: world.supervisor._pools.broken("notebook") is None)
        (job,) = (await world.ended("ok"))[-1:]
        assert job.state is JobState.DONE


async def test_a_half_open_breaker_opens_again_with_one_more_failure(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breakers, "OPEN_SECONDS", 0.5)
    async with opened() as world:
        world.executor.start_mode = "exit"
        await world.ended("ok")
        before = len(world.executor.started)
        await eventually(lambda: world.supervisor._pools.broken("notebook") is None)
        await world.ended("ok")
        assert len(world.executor.started) == before + 1


async def test_a_breaker_is_closed_by_hand(opened: Open) -> None:
    async with opened() as world:
        world.executor.start_mode = "exit"
        await world.ended("ok")
        world.executor.start_mode = ""
        world.supervisor.close_breaker("notebook")
        (job,) = (await world.ended("ok"))[-1:]
        assert job.state is JobState.DONE


@pytest.mark.fault(43)
async def test_a_worker_of_another_version_is_refused_with_the_reason(opened: Open) -> None:
    async with opened() as world:
        world.executor.version = VERSION - 1
        (job,) = await world.ended("ok")
        assert job.state is JobState.FAILED
        (problem,) = world.accepted[0].problems
        assert f"the notebook worker has version {VERSION - 1} and" in problem.message
        assert len(world.executor.started) == 1


async def test_closing_does_not_wait_for_an_engine_that_hangs(opened: Open, tmp_path: Path) -> None:
    engine, asked = tmp_path / "engine", tmp_path / "asked"
    engine.write_text(f"#!/bin/sh\necho $$ > '{asked}~'; mv '{asked}~' '{asked}'; exec sleep 1000\n")
    engine.chmod(0o700)
    async with opened() as world:
        world.executor.start = ContainerExecutor(f"'{engine}'").start
        await world.add("ok")
        await eventually(asked.exists)
        began = time.monotonic()
    assert time.monotonic() - began < 30  # a call of an engine may take a minute
    assert not psutil.pid_exists(int(asked.read_text()))


async def test_a_worker_is_replaced_after_so_many_jobs(opened: Open) -> None:
    async with opened(jobs=2) as world:
        jobs = await world.ended(*["ok"] * 5)
        assert {(job.state, job.attempt) for job in jobs} == {(JobState.DONE, 1)}
        assert len(world.executor.started) == 3
        assert [row["done"] for row in workers(world)] == [2, 2, 1]


@pytest.mark.fault(11)
async def test_a_worker_that_grows_is_replaced_between_jobs_and_no_job_fails(opened: Open) -> None:
    async with opened(memory=250 * MB) as world:
        jobs = await world.ended(*["grow"] * 6)
        assert {(job.state, job.attempt) for job in jobs} == {(JobState.DONE, 1)}
        assert 2 <= len(world.executor.started) <= 3
        memory = [row["memory"] for row in workers(world)]
        assert max(each for each in memory if each) < 500 * MB


@pytest.mark.fault(10)
async def test_a_job_that_takes_too_much_memory_is_tried_once_more_alone_and_then_fails(opened: Open) -> None:
    async with opened(2, memory=150 * MB) as world:
        await world.add("hang")
        await world.until(lambda: "hang" in world.running.values())
        (id,) = await world.add("hoard", cell=400 * MB)
        await world.until(lambda: "hoard" in world.running.values())
        await eventually(lambda: world.attempts(id)[:1] == [("lost", 9)])
        hang = next(job for job in await world.queue.jobs_of("b") if job.path == "hang")
        job = await world.queue.job(id)
        assert job is not None and job.alone
        await world.supervisor.cancel([hang.id])
        await eventually(lambda: world.attempts(id) == [("lost", 9), ("lost", 9), ("ok", None)])
        job = await world.queue.job(id)
        assert job is not None
        problem = job.spec["execute"]["failed"]["key"]
        assert (problem["class"], problem["path"]) == ("out-of-memory", "hoard")
        assert problem["cell"] in (3, 4)  # it is ended while it takes the memory, or after that
        held = [row["memory"] for row in Reader(world.folder).rows("SELECT memory FROM attempts WHERE job = ? ORDER BY attempt", (id,))]
        # It is ended at twice its limit, perhaps before it has got all that it wants.
        assert held[0] > 300 * MB and f"{held[1] / 1e6:.0f} MB" in problem["message"]


@pytest.mark.fault(10)
async def test_a_worker_that_the_system_kills_for_its_memory_is_told_from_one_that_crashes(opened: Open) -> None:
    async with opened(memory=300 * MB) as world:
        (id,) = await world.add("hoard", cell=400 * MB)
        for attempt in range(2):
            await eventually(
                lambda attempt=attempt: len(world.attempts(id)) == attempt + 1 and (workers(world)[-1]["memory"] or 0) > 400 * MB
            )
            os.kill(workers(world)[-1]["pid"], signal.SIGKILL)
        await eventually(lambda: world.attempts(id) == [("lost", 9), ("lost", 9), ("ok", None)])
        job = await world.queue.job(id)
        assert job is not None and job.spec["execute"]["failed"]["key"]["class"] == "out-of-memory"


async def test_what_a_long_job_takes_is_recorded_and_a_short_one_costs_no_write(opened: Open) -> None:
    async with opened() as world:
        (long, short) = await world.ended("grow", "ok")
        rows = {row["job"]: row for row in Reader(world.folder).rows("SELECT * FROM attempts")}
        assert rows[long.id]["memory"] > 80 * MB and rows[long.id]["cpu"] >= 0
        assert rows[short.id]["memory"] is None
        (worker,) = workers(world)
        assert worker["memory"] > 80 * MB


async def test_nothing_looks_at_workers_that_are_idle(opened: Open) -> None:
    async with opened() as world:
        await world.ended("grow")
        assert timers() <= 1  # the end of the idle worker


def test_the_command_line_goes_before_the_numbers_in_the_settings() -> None:
    settings = BuildSettings(workers=3, pool_sizes={"notebook": 2}, memory_limit=100)
    assert PoolLimits.of(settings).size_of("notebook") == 2
    assert PoolLimits.of(settings).size_of("other") == 3
    assert PoolLimits.of(settings, 5).size_of("notebook") == 5
    assert PoolLimits.of(settings).memory == 100 * MB
    assert PoolLimits.of(BuildSettings()).size_of("notebook") >= 1
