"""Something ends in the very moment in which something else happens."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from clx_jupyter.builds import Builds
from clx_jupyter.errors import QueueError
from clx_jupyter.gate import Gate
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.job_reader import DATABASE
from clx_jupyter.state import Lock, create_state_folder, state_folder


@pytest.mark.parametrize("turns", range(4))
async def test_a_stop_that_comes_as_somebody_wakes_the_supervisor_is_not_lost(tmp_path: Path, turns: int) -> None:
    builds = await Builds.open(tmp_path)
    assert builds is not None
    queue, supervisor = builds._queue, builds._supervisor
    await queue.add_build("x", "", {})
    await queue.enqueue("x", [("notebook", "a", "a.py", 0, {}, "")])
    (job,) = (await queue.claim_next("notebook", [(1, 1)], 1, busy=False)).jobs
    await queue.retry(job, "lost", delay=100)  # so that it waits for a time as well
    supervisor.wake()
    while supervisor._wake.is_set():
        await asyncio.sleep(0)
    await queue.is_over("x")  # it has asked for jobs by then
    supervisor.wake()
    for _ in range(turns):
        await asyncio.sleep(0)
    async with asyncio.timeout(20):
        await builds.close()


async def test_a_root_that_could_not_be_opened_is_not_held(tmp_path: Path) -> None:
    builds = await Builds.open(tmp_path)
    assert builds is not None
    await builds.close()
    database = state_folder(tmp_path) / DATABASE
    refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON jobs BEGIN SELECT RAISE(ABORT, 'not now'); END"
    fill = "INSERT INTO builds (id, course, request, state, number, created) VALUES ('x', '', '{}', 'running', 1, 0)"
    job = "INSERT INTO jobs (build, type, place, path, state, priority, reason, created) VALUES ('x', 'notebook', '', '', 'running', 0, '', 0)"
    with closing(sqlite3.connect(database)) as db, db:
        for sql in (fill, job, refuse):
            db.execute(sql)
    with pytest.raises(sqlite3.IntegrityError, match="not now"):
        await Builds.open(tmp_path)
    assert Lock.is_free(state_folder(tmp_path))
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("DROP TRIGGER refuse")
    builds = await Builds.open(tmp_path)
    assert builds is not None
    await builds.close()


async def test_a_write_that_is_sent_while_the_database_closes_comes_to_an_end(tmp_path: Path) -> None:
    queue = await JobQueue.open(tmp_path / DATABASE)
    writer = queue.database._writer
    assert writer is not None
    ending = asyncio.create_task(queue.close())
    while not writer.done():
        await asyncio.sleep(0)
    late = queue.database.write(("DELETE FROM builds", ()))
    with pytest.raises(QueueError, match="is closed"):
        async with asyncio.timeout(20):
            await late
    await ending


async def test_what_is_cancelled_while_it_publishes_has_ended_before_anybody_else_may(tmp_path: Path) -> None:
    create_state_folder(tmp_path / ".clx", tmp_path)
    lock = Lock(tmp_path / ".clx")
    assert lock.acquire()
    gate, begun, may_end, done = Gate(lock, tmp_path), threading.Event(), threading.Event(), list[str]()

    def publish() -> None:
        begun.set()
        may_end.wait(20)
        done.append("first")

    first = asyncio.create_task(gate.through(publish))
    await asyncio.to_thread(begun.wait, 20)
    first.cancel()
    second = asyncio.create_task(gate.through(lambda: done.append("second")))
    await asyncio.wait({first}, timeout=0.1)
    may_end.set()
    await second
    assert done == ["first", "second"] and first.cancelled()
    lock.release()
