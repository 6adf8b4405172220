"""What is kept of a root's state, and what goes."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clx_jupyter.executions import Executions
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.job_reader import DATABASE, Reader
from clx_jupyter.jobs import BuildState, JobState
from clx_jupyter.retention import Freed, Retention
from clx_jupyter.settings import BuildSettings
from clx_jupyter.state import create_state_folder

DAY = 86_400.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_state_folder(tmp_path / ".clx", tmp_path)
    return tmp_path / ".clx"


@pytest.fixture
async def queue(folder: Path) -> AsyncIterator[JobQueue]:
    queue = await JobQueue.open(folder / DATABASE)
    yield queue
    await queue.close()


async def built(queue: JobQueue, folder: Path, id: str, jobs: int = 3, days_ago: float = 0.0) -> None:
    """A build that ended, with its report."""
    await queue.add_build(id, "", {})
    await queue.enqueue(id, [("notebook", f"0:{n}", f"{n}", 0, {"words": "x" * 2000}, "new") for n in range(jobs)])
    for job in (await queue.claim_next("notebook", [(1, 4)] * jobs, 1, busy=True)).jobs:
        assert await queue.finish(job, JobState.DONE, "ok")
    await queue.set_build(id, BuildState.SUCCEEDED)
    then = time.time() - days_ago * DAY
    await queue.database.write(("UPDATE builds SET created = ?, finished = ? WHERE id = ?", (then, then, id)))
    (folder / "builds" / f"{id}.json").write_text("{}")


def old(path: Path, content: str = "x", days: float = 100.0) -> Path:
    path.write_text(content)
    os.utime(path, (time.time() - days * DAY,) * 2)
    return path


async def test_old_builds_and_those_beyond_the_number_go_with_all_that_is_theirs(queue: JobQueue, folder: Path) -> None:
    await built(queue, folder, "old", 450, days_ago=40)
    for n in range(5):
        await built(queue, folder, f"b{n}", days_ago=9 - n)
    await queue.add_build("open", "", {})
    freed = await Retention(folder, queue.database, BuildSettings(keep_days=30, keep_builds=3)).apply()
    assert freed.builds == 3
    assert {row["id"] for row in Reader(folder).builds()} == {"b2", "b3", "b4", "open"}
    assert sorted(path.stem for path in (folder / "builds").iterdir()) == ["b2", "b3", "b4"]
    assert len(Reader(folder).jobs()) == 9
    assert Reader(folder).rows("SELECT count(*) AS n FROM attempts")[0]["n"] == 9
    assert await Retention(folder, queue.database, BuildSettings(keep_days=30, keep_builds=3)).apply() == Freed()


async def test_the_file_gets_smaller_when_builds_go(queue: JobQueue, folder: Path) -> None:
    for n in range(10):
        await built(queue, folder, f"b{n}", 60)
    await queue.database.rest()
    before = (folder / DATABASE).stat().st_size
    await Retention(folder, queue.database, BuildSettings(keep_builds=1)).apply(at_once=True)
    assert (folder / DATABASE).stat().st_size < before / 3
    assert (folder / f"{DATABASE}-wal").stat().st_size == 0


async def test_builds_go_in_steps_between_which_others_write(queue: JobQueue, folder: Path) -> None:
    await built(queue, folder, "old", 1000, days_ago=40)
    commits = queue.commits
    await Retention(folder, queue.database, BuildSettings(keep_days=30)).apply()
    assert queue.commits - commits >= 1000 // 200


async def test_kept_results_beyond_the_limit_go_those_first_that_were_not_used_for_longest(queue: JobQueue, folder: Path) -> None:
    executions = Executions(folder / "executions")
    keys = [f"{n:064x}" for n in range(4)]
    for n, key in enumerate(keys):
        executions.put(key, b"x" * 400_000)
        os.utime(executions._path(key), (time.time() - (10 - n) * DAY,) * 2)
    assert executions.get(keys[0])  # used just now
    freed = await Retention(folder, queue.database, BuildSettings(keep_executions=1)).apply(at_once=True)
    assert [executions.get(key) is not None for key in keys] == [True, False, False, True]
    assert (freed.files, freed.size) == (2, 800_000)


async def test_files_that_a_notebook_left_for_others_stay_while_its_run_counts(queue: JobQueue, folder: Path) -> None:
    needed, other = "a" * 64, "b" * 64
    for name in (needed, other):
        place = folder / "executions" / "files" / name[:2] / name
        place.parent.mkdir(parents=True)
        place.write_bytes(b"x" * 2_000_000)
    runs = json.dumps({"en": {"key": "k", "written": {"x.csv": needed}, "given": {}}})
    await queue.database.write(("INSERT INTO sources (course, place, parts, problems, runs) VALUES ('', '0:a', '{}', '[]', ?)", (runs,)))
    await Retention(folder, queue.database, BuildSettings(keep_executions=0)).apply(at_once=True)
    assert [path.name for path in (folder / "executions").rglob("*") if path.is_file()] == [needed]


async def test_old_logs_requests_and_databases_that_were_set_aside_go(queue: JobQueue, folder: Path) -> None:
    gone = [old(folder / "logs" / "a.log"), old(folder / "requests" / "a.json"), old(folder / "builds" / "forgotten.json")]
    gone += [old(folder / f"{DATABASE}.corrupt-20200101T000000{suffix}") for suffix in ("", "-wal")]
    young = [folder / f"{DATABASE}.corrupt-2026010{n}T000000" for n in range(5)]
    for path in young:
        path.write_text("x")
    (folder / "logs" / "b.log").write_text("x")
    await Retention(folder, queue.database, BuildSettings()).apply(at_once=True)
    assert not any(path.exists() for path in gone)
    assert [path.exists() for path in young] == [False, False, True, True, True]
    assert (folder / "logs" / "b.log").exists()


async def test_files_are_looked_through_once_an_hour(queue: JobQueue, folder: Path) -> None:
    retention = Retention(folder, queue.database, BuildSettings())
    await retention.apply()
    log = old(folder / "logs" / "a.log")
    await retention.apply()
    assert log.exists()
    old(folder / "tidied", days=1)
    await retention.apply()
    assert not log.exists()


async def test_results_that_are_being_written_just_then_are_left_alone(queue: JobQueue, folder: Path) -> None:
    executions, enough = Executions(folder / "executions"), threading.Event()

    def keep() -> None:
        while not enough.is_set():
            for n in range(5):
                executions.put(f"{n:064x}", b"x")

    retention = Retention(folder, queue.database, BuildSettings(keep_executions=0))
    with ThreadPoolExecutor(1) as other:
        keeping = other.submit(keep)
        try:
            for _ in range(60):
                await retention.apply(at_once=True)
        finally:
            enough.set()
    keeping.result()
