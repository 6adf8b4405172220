"""Workers that are killed while a course is built: the outcome is that of a build during which nothing died."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.builds import Builds
from clx_jupyter.job_reader import Reader
from clx_jupyter.live import Live
from clx_jupyter.requests import Request
from clx_jupyter.state import state_folder
from tests.faults import leftovers
from tests.faults.conftest import Place, Undisturbed, whole_course
from tests.faults.courses import is_page, tree, unfinished
from tests.faults.renames import Renames


class Killer:
    """Kills workers of one build whenever *now* says so, and remembers when."""

    def __init__(self, reader: Reader, now: Callable[[Live], int | None]) -> None:
        self._reader, self._now = reader, now
        self.killed: list[tuple[int, float]] = []

    def look(self, live: Live) -> None:
        pid = self._now(live)
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.killed.append((pid, time.time()))


async def build(place: Place, root: Path, like: Undisturbed, now: Callable[[Live], int | None]) -> Killer:
    """Build the course while workers are killed, and check all that is promised."""
    killer = Killer(Reader(state_folder(root)), now)
    with Renames(root / folder for folder in like.folders) as renames:
        builds = await Builds.open(root, size=2)
        assert builds is not None
        builds.watch(killer.look)
        begin = time.monotonic()
        try:
            report = await builds.wait(await builds.start(Request(str(root))))
        finally:
            place.note("build, s", time.monotonic() - begin)
            await builds.close()
        place.note("until nothing was left, s", leftovers.until_none(place.mark))
        published = {path: times for path, times in renames.read().items() if is_page(path.name)}
    assert (report["status"], report["problems"]) == ("succeeded", [])
    assert tree(root) == like.tree
    assert len(published) == like.pages and set(published.values()) == {1}
    assert list(unfinished(root, place.temporary)) == []
    check_attempts(place, root, killer, like.sources)
    return killer


def check_attempts(place: Place, root: Path, killer: Killer, sources: int) -> None:
    """Each job has one good result, and only those whose worker was killed were tried again."""
    rows = Reader(state_folder(root)).rows("SELECT job, attempt, pid, started, ended, outcome FROM attempts ORDER BY job, attempt")
    outcomes = Counter(row["outcome"] for row in rows)
    assert outcomes["ok"] == len({row["job"] for row in rows}) == sources
    lost = [row for row in rows if row["outcome"] == "lost"]
    pids = dict(killer.killed)
    assert {row["pid"] for row in lost} <= set(pids)
    for row in lost:
        again = next(other for other in rows if (other["job"], other["attempt"]) == (row["job"], row["attempt"] + 1))
        place.note("kill until its death was recorded, s", row["ended"] - pids[row["pid"]])
        place.note("kill until the job was tried again, s", again["started"] - pids[row["pid"]])


def once(root: Path, chance: random.Random) -> Callable[[Live], int | None]:
    """Some worker, at some point of the build, whatever it does then."""
    reader, part, more, done = Reader(state_folder(root)), chance.random() * 0.95, chance.randrange(4), []

    def now(live: Live) -> int | None:
        nonlocal more
        if done or not live.total or live.done < part * live.total:
            return None
        living = [row["pid"] for row in reader.workers() if row["state"] != "gone"]
        if more > 0 or not living:
            more -= 1
            return None
        done.append(chance.choice(living))
        return int(done[0])

    return now


def again_and_again(root: Path, chance: random.Random, kills: int) -> Callable[[Live], int | None]:
    """So many workers that are in the middle of a job, one after the other; no job meets it more than twice."""
    reader, jobs, victims = Reader(state_folder(root)), Counter[int](), set[int]()

    def now(live: Live) -> int | None:
        if sum(jobs.values()) == kills or live.done < sum(jobs.values()):
            return None
        said = {int(progress["job"]) for progress in live.running.values()}
        rows: list[dict[str, Any]] = reader.rows("SELECT job, pid FROM attempts WHERE ended IS NULL AND pid IS NOT NULL ORDER BY job")
        busy = [row for row in rows if row["job"] in said and jobs[row["job"]] < 2 and row["pid"] not in victims]
        if not busy:
            return None
        row = chance.choice(busy)
        jobs[row["job"]] += 1
        victims.add(row["pid"])
        return int(row["pid"])

    return now


async def campaign(place: Place, undisturbed: Undisturbed, numbers: range) -> None:
    """Builds during each of which one worker is killed."""
    for number in numbers:
        root = place.course(str(number), undisturbed)
        killer = await build(place, root, undisturbed, once(root, random.Random(number)))
        assert len(killer.killed) == 1


@pytest.mark.fault(1)
async def test_a_build_during_which_a_worker_is_killed_at_a_random_point_equals_the_undisturbed_one(
    place: Place, undisturbed: Undisturbed
) -> None:
    await campaign(place, undisturbed, range(1))


@whole_course
@pytest.mark.fault(1)
@pytest.mark.long
@pytest.mark.parametrize("ten", range(5))
async def test_fifty_builds_during_which_a_worker_is_killed_at_a_random_point_equal_the_undisturbed_one(
    place: Place, undisturbed: Undisturbed, ten: int
) -> None:
    await campaign(place, undisturbed, range(10 * ten, 10 * ten + 10))


@pytest.mark.fault(1)
async def test_a_build_during_which_two_workers_in_the_middle_of_a_job_are_killed_equals_the_undisturbed_one(
    place: Place, undisturbed: Undisturbed
) -> None:
    root = place.course("0", undisturbed)
    killer = await build(place, root, undisturbed, again_and_again(root, random.Random(2), 2))
    assert len(killer.killed) == 2


@whole_course
@pytest.mark.fault(1)
@pytest.mark.long
async def test_a_build_during_which_ten_workers_in_the_middle_of_a_job_are_killed_equals_the_undisturbed_one(
    place: Place, undisturbed: Undisturbed
) -> None:
    root = place.course("0", undisturbed)
    killer = await build(place, root, undisturbed, again_and_again(root, random.Random(10), 10))
    assert len(killer.killed) == 10
