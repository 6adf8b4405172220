"""The writer of the job database beside readers, on full disks, and at power cuts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from clx_jupyter.builds import Builds
from clx_jupyter.database import Database
from clx_jupyter.errors import FullError, QueueError
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.job_reader import DATABASE, Reader
from clx_jupyter.requests import Request

MODES = ["wal", "delete"]

READ = """
import sqlite3, sys
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, isolation_level=None)
db.execute("BEGIN")
print(db.execute("SELECT count(*) FROM builds").fetchone()[0], flush=True)
sys.stdin.readline()
print(db.execute("SELECT count(*) FROM builds").fetchone()[0], flush=True)
"""


class Looker:
    """A second process that reads in one transaction until it is told to end."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", READ, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )  # fmt: skip
        self.seen = self._line()

    def _line(self) -> int:
        assert self.process.stdout
        return int(self.process.stdout.readline())

    def end(self) -> int:
        """What it sees now, in the same transaction."""
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        seen = self._line()
        self.process.communicate()
        return seen


async def test_a_reader_in_a_transaction_does_not_disturb_the_writer_of_a_log(tmp_path: Path) -> None:
    queue = await JobQueue.open(tmp_path / DATABASE, "wal")
    await queue.add_build("first", "", {})
    looker = await asyncio.to_thread(Looker, tmp_path / DATABASE)
    for n in range(50):
        await asyncio.wait_for(queue.add_build(f"{n}", "", {}), 10)
    await queue.database.rest()  # does not wait for the reader
    assert (looker.seen, await asyncio.to_thread(looker.end)) == (1, 1), "it sees what it saw first"
    assert len(Reader(tmp_path).builds(100)) == 51
    await queue.close()


async def test_a_change_that_fails_for_a_reason_of_its_own_ends_alone_and_the_writer_goes_on(tmp_path: Path) -> None:
    queue = await JobQueue.open(tmp_path / DATABASE)

    def wrong(db: sqlite3.Connection) -> None:
        db.execute("UPDATE builds SET total = 7")
        raise KeyError("what it looked for")

    results = await asyncio.wait_for(
        asyncio.gather(queue.add_build("a", "", {}), queue.database.change(wrong), queue.add_build("b", "", {}), return_exceptions=True), 30
    )
    assert [type(result) for result in results] == [type(None), KeyError, type(None)]
    await asyncio.wait_for(queue.add_build("c", "", {}), 30)
    assert {(row["id"], row["total"]) for row in Reader(tmp_path).builds()} == {("a", 0), ("b", 0), ("c", 0)}
    await queue.close()


async def test_rows_that_cannot_be_read_are_a_problem_in_words(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / DATABASE, "delete", busy=0.05)
    with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(QueueError, match="held by another program"):
            await database.all("SELECT id FROM builds", ())
        other.execute("ROLLBACK")
    assert await database.all("SELECT id FROM builds", ()) == [] and not database.broken.is_set()
    await database.close()


@pytest.mark.fault(41)
async def test_without_a_log_the_writer_waits_for_a_reader_and_goes_on(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / DATABASE, "delete", busy=0.05)
    assert database.journal.mode == "delete"
    queue = JobQueue(database)
    await queue.add_build("first", "", {})
    looker = await asyncio.to_thread(Looker, tmp_path / DATABASE)
    writes = [asyncio.ensure_future(queue.add_build(f"{n}", "", {})) for n in range(5)]
    done, _ = await asyncio.wait(writes, timeout=1.5)  # several times the busy timeout
    assert not done, "a reader that keeps its transaction holds the commit up"
    assert await asyncio.to_thread(looker.end) == 1
    await asyncio.wait_for(asyncio.gather(*writes), 30)
    assert len(Reader(tmp_path).builds(100)) == 6
    assert not (tmp_path / f"{DATABASE}-wal").exists()
    await queue.close()


@pytest.mark.parametrize("mode", MODES)
async def test_readers_see_only_whole_commits_in_either_mode(tmp_path: Path, mode: str) -> None:
    queue = await JobQueue.open(tmp_path / DATABASE, mode)
    await queue.add_build("b", "", {})
    odd: list[int] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            total = Reader(tmp_path).builds(1)[0]["total"]
            if total % 7:
                odd.append(total)

    reading = asyncio.create_task(asyncio.to_thread(read))
    for n in range(15):
        await queue.enqueue("b", [("notebook", f"0:{n}-{each}", "a", 0, {}, "new") for each in range(7)])
    ended.set()
    await reading
    assert odd == [] and Reader(tmp_path).builds(1)[0]["total"] == 105
    await queue.close()


WRITE = """
import asyncio, sys
from pathlib import Path
from clx_jupyter.job_queue import JobQueue

async def main():
    queue = await JobQueue.open(Path(sys.argv[1]), sys.argv[2])
    number = 0
    while True:
        await queue.add_build(f"{number:06}", "", {"words": "x" * 300})
        number += 1
        print(number, flush=True)

asyncio.run(main())
"""


@contextlib.contextmanager
def writing(path: Path, mode: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", WRITE, str(path), mode], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def acknowledged(process: subprocess.Popen[str]) -> int:
    assert process.stdout
    return int(process.stdout.readline())


def cuts(folder: Path, mode: str, count: int) -> None:
    """Copy the files of a database while it is written, as a power cut would leave them: the copies open, are sound and lack the last at most."""
    path, chance = folder / DATABASE, random.Random(18)
    with writing(path, mode) as process:
        for n in range(count):
            for _ in range(chance.randrange(1, 40)):
                before = acknowledged(process)
            copy = folder / str(n)
            copy.mkdir()
            # All files must be of one instant: copied while it runs, a log may have begun anew since its file was copied.
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED)
            for suffix in ("-journal", "", "-wal"):
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(f"{path}{suffix}", copy / f"{DATABASE}{suffix}")
            process.send_signal(signal.SIGCONT)
            with closing(sqlite3.connect(copy / DATABASE)) as db:
                assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                found = [row[0] for row in db.execute("SELECT id FROM builds ORDER BY id")]
            assert found == [f"{number:06}" for number in range(len(found))], "nothing is missing in between"
            assert len(found) >= before - 1


@pytest.mark.fault(18)
def test_a_database_as_of_any_instant_opens_and_lacks_the_last_commits_at_most(tmp_path: Path) -> None:
    cuts(tmp_path, "wal", 12)


@pytest.mark.long
def test_many_power_cuts(tmp_path: Path) -> None:
    cuts(tmp_path, "wal", 300)


@pytest.mark.parametrize("mode", MODES)
async def test_a_writer_that_was_killed_left_all_that_it_had_confirmed(tmp_path: Path, mode: str) -> None:
    for _ in range(3):
        with writing(tmp_path / DATABASE, mode) as process:
            first = acknowledged(process)
            confirmed = first
            while confirmed < first + 25:
                confirmed = acknowledged(process)
        assert len(Reader(tmp_path).builds(10_000)) >= confirmed, "a look sees them, before anybody repairs anything"
        queue = await JobQueue.open(tmp_path / DATABASE, mode)
        assert queue.database.aside is None and len(await queue.open_builds()) >= confirmed
        await queue.close()
        (tmp_path / DATABASE).unlink()


# --- full disks -----------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    return ballast


async def large(queue: JobQueue, name: str) -> None:
    await queue.add_build(name, "", {"words": "x" * 60_000})


@pytest.mark.fault(19)
@pytest.mark.parametrize("mode", MODES)
async def test_writes_wait_for_room_on_a_full_disk_and_go_on(small_disk: Path, mode: str) -> None:
    database = await Database.open(small_disk / DATABASE, mode)
    queue, said = JobQueue(database), asyncio.Queue[str]()
    database.on_pause = said.put_nowait
    await queue.add_build("before", "", {})
    ballast = fill(small_disk)
    writes = [asyncio.ensure_future(large(queue, f"{n}")) for n in range(3)]
    words = await asyncio.wait_for(said.get(), 20)
    assert str(small_disk) in words and "full" in words
    assert [row["id"] for row in Reader(small_disk).builds()] == ["before"], "readers still read"
    ballast.unlink()
    await asyncio.wait_for(asyncio.gather(*writes), 30)
    assert await asyncio.wait_for(said.get(), 10) == "", "and it is said that it goes on"
    await queue.close()
    assert len(Reader(small_disk).builds()) == 4


@pytest.mark.fault(19)
@pytest.mark.parametrize("mode", MODES)
async def test_a_disk_that_stays_full_ends_what_waits_and_the_next_one_finishes(small_disk: Path, mode: str) -> None:
    database = await Database.open(small_disk / DATABASE, mode, patience=0.2)
    queue = JobQueue(database)
    await queue.add_build("before", "", {})
    ballast = fill(small_disk)
    for _ in range(2):
        with pytest.raises(FullError) as told:
            await asyncio.wait_for(large(queue, "never"), 30)
    assert told.value.problem.category == "disk-full" and str(small_disk) in told.value.problem.message
    assert database.broken.is_set()
    await asyncio.wait_for(queue.close(), 30)
    ballast.unlink()
    queue = await JobQueue.open(small_disk / DATABASE, mode)
    await large(queue, "after")
    assert {row["id"] for row in Reader(small_disk).builds()} == {"before", "after"}
    await queue.close()


async def test_closing_waits_for_no_room(small_disk: Path) -> None:
    database = await Database.open(small_disk / DATABASE)
    queue = JobQueue(database)
    await queue.add_build("before", "", {})
    fill(small_disk)
    write = asyncio.ensure_future(large(queue, "never"))
    await asyncio.wait({write}, timeout=0.2)
    await asyncio.wait_for(queue.close(), 30)
    with pytest.raises(QueueError):
        await write


async def test_whoever_cancels_waits_for_no_room_and_who_comes_after_does_again(small_disk: Path) -> None:
    database = await Database.open(small_disk / DATABASE)
    queue, said = JobQueue(database), asyncio.Queue[str]()
    database.on_pause = said.put_nowait
    with database.without_patience():
        await queue.add_build("before", "", {})
    fill(small_disk)
    write = asyncio.ensure_future(large(queue, "never"))
    assert "full" in await asyncio.wait_for(said.get(), 20)
    with database.without_patience(), pytest.raises(FullError):
        await asyncio.wait_for(write, 30)
    await queue.close()


async def test_a_disk_that_is_full_from_the_start_is_named(small_disk: Path) -> None:
    fill(small_disk)
    with pytest.raises(FullError, match=str(small_disk)):
        await JobQueue.open(small_disk / DATABASE)


async def test_a_state_folder_that_was_deleted_ends_what_waits(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    queue = await JobQueue.open(folder / DATABASE, "delete")
    await queue.add_build("before", "", {})
    shutil.rmtree(folder)
    with pytest.raises(QueueError):
        for n in range(100):
            await asyncio.wait_for(queue.add_build(f"{n}", "", {}), 30)
    await asyncio.wait_for(queue.close(), 30)


async def test_at_rest_the_log_is_empty_and_nothing_is_written(tmp_path: Path) -> None:
    queue = await JobQueue.open(tmp_path / DATABASE, "wal")
    for n in range(200):
        await queue.add_build(f"{n}", "", {})
    log = tmp_path / f"{DATABASE}-wal"
    assert log.stat().st_size > 0
    await queue.database.rest()
    assert log.stat().st_size == 0
    commits = queue.commits
    await asyncio.sleep(0)
    assert queue.commits == commits
    await queue.close()


@pytest.mark.fault(16)
@pytest.mark.story
async def test_a_stop_waits_for_no_room_either(small_disk: Path, tmp_path: Path) -> None:
    root = tmp_path / "course"
    root.mkdir()
    (root / "a.py").write_text("# %% [markdown]\n# # A\n")
    builds = await Builds.open(root, folder=small_disk / "state", size=1)
    assert builds is not None
    await builds.wait(await builds.start(Request(str(root))))
    fill(small_disk)
    writes = [asyncio.ensure_future(large(builds._queue, f"{n}")) for n in range(3)]
    await asyncio.wait(writes, timeout=0.2)
    async with asyncio.timeout(30):  # its worker is idle, and its end would be recorded
        await builds.close()
    assert all(isinstance(each, QueueError) for each in await asyncio.gather(*writes, return_exceptions=True))
