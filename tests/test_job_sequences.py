"""Whatever is done to the queue in whatever order: what must hold, holds."""

from __future__ import annotations

import asyncio
import tempfile
from asyncio import Future
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from clx_jupyter.job_queue import JobQueue
from clx_jupyter.job_reader import DATABASE, Reader
from clx_jupyter.job_rows import NewJob
from clx_jupyter.jobs import ENDED, Job, JobState

BUILDS = ("one", "two", "three")
PLACES = ("a", "b", "c", "d")
#: Each place may need those before it, so there is no circle.
AFTER = st.fixed_dictionaries({place: st.lists(st.sampled_from(PLACES[:n]), unique=True) for n, place in enumerate(PLACES) if n})


async def sent(send: Callable[..., Future[Any]], *arguments: Any, **options: Any) -> Any:
    """What comes of a change that is sent at once, and so only from within the loop."""
    return await send(*arguments, **options)


class Sequence(RuleBasedStateMachine):
    """Three builds of a few places, whose equal jobs wait for each other; two workers."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name)
        self._running: list[Job] = []
        self._late: list[Job] = []
        self._ended: dict[int, str] = {}
        self._cancelled: set[str] = set()

    def _do(self, what: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(what)

    @initialize()
    def open(self) -> None:
        self._queue = self._do(JobQueue.open(self._path / DATABASE))
        for build in BUILDS:
            self._do(self._queue.add_build(build, "", {}))

    def teardown(self) -> None:
        self._do(self._queue.close())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        self._folder.cleanup()

    @rule(build=st.sampled_from(BUILDS), places=st.sets(st.sampled_from(PLACES), min_size=1), after=AFTER, urgent=st.booleans())
    def enqueue(self, build: str, places: set[str], after: dict[str, list[str]], urgent: bool) -> None:
        if build in self._cancelled:
            return
        jobs = [NewJob("notebook", place, place, 100 * urgent, {}, "new", f"key of {place}") for place in sorted(places)]
        self._do(self._queue.enqueue(build, jobs, after))

    @precondition(lambda self: len(self._running) < 2)
    @rule(workers=st.integers(1, 2), starved=st.booleans())
    def claim(self, workers: int, starved: bool) -> None:
        free = [(n + 1, n + 10) for n in range(min(workers, 2 - len(self._running)))]
        found = self._do(sent(self._queue.claim_next, "notebook", free, 1, busy=bool(self._running), starved=starved))
        assert len(found.jobs) <= len(free)
        self._running += found.jobs

    @precondition(lambda self: self._running)
    @rule(state=st.sampled_from([JobState.DONE, JobState.FAILED, JobState.DEAD, JobState.CANCELLED]))
    def finish(self, state: JobState) -> None:
        job = self._running.pop(0)
        assert self._do(sent(self._queue.finish, job, state, "ok"))
        self._late.append(job)

    @precondition(lambda self: self._running)
    @rule()
    def retry(self) -> None:
        job = self._running.pop(0)
        assert self._do(self._queue.retry(job, "lost"))
        self._late.append(job)

    @precondition(lambda self: self._late)
    @rule()
    def finish_late(self) -> None:
        assert self._do(sent(self._queue.finish, self._late.pop(), JobState.DONE, "ok")) == []

    @rule(build=st.sampled_from(BUILDS))
    def cancel(self, build: str) -> None:
        cancelled = self._do(self._queue.cancel(build))
        self._cancelled.add(build)
        assert not set(cancelled.running) & set(cancelled.heirs)

    @rule(kill=st.booleans())
    def start_again(self, kill: bool) -> None:
        """A holder ends, in peace or not, and the next one gives up what is open."""
        self._do(self._queue.close())
        self._queue = self._do(JobQueue.open(self._path / DATABASE))
        assert self._do(self._queue.recover()) == len(self._running)
        self._late += self._running
        self._running = []
        if kill:
            for build in BUILDS:
                self._do(self._queue.reopen(build))

    @invariant()
    def what_runs_is_what_was_handed_out(self) -> None:
        rows = Reader(self._path).rows("SELECT id, attempt FROM jobs WHERE state = 'running' ORDER BY id")
        assert [(row["id"], row["attempt"]) for row in rows] == sorted((job.id, job.attempt) for job in self._running)

    @invariant()
    def equal_work_is_under_way_once(self) -> None:
        sql = "SELECT key FROM jobs WHERE finished IS NULL AND same_as IS NULL GROUP BY key HAVING count(*) > 1"
        assert Reader(self._path).rows(sql) == []

    @invariant()
    def what_ended_stays_as_it_ended(self) -> None:
        rows = Reader(self._path).rows("SELECT id, state FROM jobs ORDER BY id")
        now = {row["id"]: row["state"] for row in rows}
        assert {id: now[id] for id in self._ended} == self._ended
        self._ended = {id: state for id, state in now.items() if state in ENDED}

    @invariant()
    def builds_count_their_jobs(self) -> None:
        sql = (
            "SELECT total, done, failed, (SELECT count(*) FROM jobs WHERE build = builds.id AND finished IS NULL) AS open,"
            " (SELECT count(*) FROM jobs WHERE build = builds.id AND state IN ('failed', 'dead')) AS broken FROM builds"
        )
        for row in Reader(self._path).rows(sql):
            assert (row["total"] - row["done"], row["failed"]) == (row["open"], row["broken"])

    @invariant()
    def what_is_blocked_waits_for_what_is_under_way(self) -> None:
        live = "state IN ('blocked', 'queued', 'running')"
        rows = Reader(self._path).rows(
            "SELECT id FROM jobs WHERE state = 'blocked'"
            f" AND NOT EXISTS (SELECT 1 FROM jobs AS one WHERE one.id = jobs.same_as AND one.{live})"
            f" AND NOT EXISTS (SELECT 1 FROM needs JOIN jobs AS one ON one.id = needs.needs WHERE needs.job = jobs.id AND one.{live})"
        )
        assert rows == []


def _run(examples: int, steps: int) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Sequence,
        settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)),
    )


def test_the_queue_keeps_its_promises_in_any_order_of_events() -> None:
    _run(8, 15)


@pytest.mark.long
def test_the_queue_keeps_its_promises_in_very_many_orders_of_events() -> None:
    _run(400, 50)
