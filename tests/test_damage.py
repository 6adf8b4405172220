"""Job databases that are damaged in every way: each opening ends with a queue that works."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from clx_jupyter import damage, opening
from clx_jupyter.errors import DamagedError, QueueError
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.job_reader import DATABASE, Reader
from clx_jupyter.job_rows import StoredOutput
from clx_jupyter.requests import new_id

OUTPUTS = [StoredOutput(f"/t/{n}.html", "", f"0:{n}.py", "completed/html", "key" * 20, "built", "new", "0" * 64, 3, 5) for n in range(60)]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database with something in every table that matters; each test damages a copy."""
    import asyncio

    path = tmp_path_factory.mktemp("sound") / DATABASE

    async def fill() -> None:
        queue = await JobQueue.open(path)
        for n in range(5):
            await queue.add_build(f"b{n}", "", {"root": "/", "n": n})
            await queue.enqueue(f"b{n}", [("notebook", f"0:{n}.py", f"{n}.py", 0, {"words": "x" * 500}, "new") for n in range(20)])
        await queue.put_outputs(OUTPUTS)
        await queue.close()

    asyncio.run(fill())
    return path.read_bytes()


def asides(folder: Path) -> list[Path]:
    return [path for path in folder.glob(f"{DATABASE}.corrupt-*") if not path.name.endswith(("-wal", "-shm", "-journal"))]


async def works(path: Path) -> Path | None:
    """Open a database, use it for what every build uses, and say where the old one went."""
    queue = await JobQueue.open(path)
    try:
        for id, *_ in await queue.open_builds():
            await queue.reopen(id)
        await queue.outputs("")
        await queue.known("")
        await queue.file_stamps()
        await queue.add_build(after := new_id(), "", {})
        await queue.put_outputs(OUTPUTS[:1])
        assert [row["id"] for row in Reader(path.parent).builds(1)] == [after]
    finally:
        await queue.close()
    return queue.database.aside


def a_folder(path: Path, _: bytes) -> None:
    path.mkdir()
    (path / "what").write_text("x")


def without_its_file(path: Path, sound: bytes) -> None:
    path.with_name(f"{DATABASE}-wal").write_bytes(b"7\x7f\x06\x82" + sound[:4000])


KINDS: dict[str, Callable[[Path, bytes], object]] = {
    "text": lambda path, _: path.write_bytes(b"no database " * 1000),
    "a zeroed header": lambda path, sound: path.write_bytes(bytes(100) + sound[100:]),
    "one byte": lambda path, _: path.write_bytes(b"S"),
    "zeros": lambda path, sound: path.write_bytes(bytes(len(sound))),
    "random bytes": lambda path, sound: path.write_bytes(random.Random(4).randbytes(len(sound))),
    "random bytes behind the header": lambda path, sound: path.write_bytes(sound[:100] + random.Random(4).randbytes(len(sound) - 100)),
    "a folder": a_folder,
    "a link to nothing": lambda path, _: path.symlink_to("nowhere/at/all"),
    "a pipe": lambda path, _: os.mkfifo(path),
    "a log without its file": without_its_file,
}


@pytest.mark.fault(38)
@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_no_database_is_set_aside_and_a_new_one_made(tmp_path: Path, sound: bytes, kind: str) -> None:
    KINDS[kind](tmp_path / DATABASE, sound)
    aside = await works(tmp_path / DATABASE)
    assert aside is not None
    assert await works(tmp_path / DATABASE) is None, "once"


async def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"")
    assert await works(tmp_path / DATABASE) is None


@pytest.mark.fault(38)
async def test_a_truncated_database_is_set_aside(tmp_path: Path, sound: bytes) -> None:
    for n, length in enumerate((*range(1, len(sound), len(sound) // 12), len(sound) - 1)):
        folder = tmp_path / str(n)
        folder.mkdir()
        (folder / DATABASE).write_bytes(sound[:length])
        aside = await works(folder / DATABASE)
        assert aside is not None and aside.read_bytes() == sound[:length], length


async def flips(folder: Path, sound: bytes, count: int, seed: int) -> int:
    """Flip one bit in each of many copies; every copy works, at once or after one that could not be read. Gives how many were noticed."""
    chance, noticed = random.Random(seed), 0
    for n in range(count):
        path = folder / str(n) / DATABASE
        path.parent.mkdir()
        place = chance.randrange(len(sound) * 8)
        path.write_bytes(bytes([*sound[: place // 8], sound[place // 8] ^ 1 << place % 8, *sound[place // 8 + 1 :]]))
        try:
            noticed += await works(path) is not None
        except DamagedError:  # only what a row says is wrong: the build that reads it says so, and the next one is right
            damage.mark_damaged(path, "test")
            assert await works(path) is not None, place
            noticed += 1
    return noticed


@pytest.mark.fault(38)
async def test_a_database_with_a_flipped_bit_works_or_is_set_aside(tmp_path: Path, sound: bytes) -> None:
    assert await flips(tmp_path, sound, 100, 38) > 5


@pytest.mark.long
async def test_many_flipped_bits(tmp_path: Path, sound: bytes) -> None:
    assert await flips(tmp_path, sound, 3000, 39) > 150


@pytest.mark.fault(38)
@pytest.mark.parametrize("how", ["cut", "flipped", "lost"])
async def test_a_log_that_is_damaged_costs_what_it_held_and_nothing_else(tmp_path: Path, how: str) -> None:
    first = await JobQueue.open(tmp_path / DATABASE)
    await first.add_build("early", "", {})
    await first.database.rest()
    for n in range(20):
        await first.add_build(f"late{n}", "", {"words": "x" * 2000})
    file, log = [(tmp_path / name).read_bytes() for name in (DATABASE, f"{DATABASE}-wal")]
    await first.close()
    other = tmp_path / "copy"
    other.mkdir()
    (other / DATABASE).write_bytes(file)
    middle = len(log) // 2
    if how != "lost":
        damaged = log[:middle] if how == "cut" else log[:middle] + bytes([log[middle] ^ 4]) + log[middle + 1 :]
        (other / f"{DATABASE}-wal").write_bytes(damaged)
    found = {row["id"] for row in Reader(other).builds(100)}
    assert "early" in found and (len(found) == 1 if how == "lost" else 1 < len(found) < 21)
    assert await works(other / DATABASE) is None


async def test_a_large_database_is_looked_through_while_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    queue = await JobQueue.open(path)
    await queue.enqueue("b", [("notebook", f"0:{n}", f"{n}", 0, {"words": "x" * 4000}, "new") for n in range(2500)])
    await queue.close()
    assert path.stat().st_size > opening.CHECKED_AT_ONCE
    with sqlite3.connect(path) as database:
        page = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'jobs_of_build'").fetchone()[0]
        size = database.execute("PRAGMA page_size").fetchone()[0]
    database.close()
    with path.open("r+b") as file:  # an index that says what no row does
        file.seek(page * size - 40)
        file.write(b"\0" * 30)
    queue = await JobQueue.open(path)
    assert not queue.database.checked and queue.database.aside is None
    found = damage.BackgroundCheck(path).run()
    assert found
    queue.database.break_as_damaged(found)
    with pytest.raises(DamagedError):
        await queue.add_build("c", "", {})
    await queue.close()
    assert await works(path) is not None
    stopped = damage.BackgroundCheck(path)
    stopped.stop()
    assert stopped.run() == ""


async def test_a_damaged_page_found_while_it_is_read_ends_its_use(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    queue = await JobQueue.open(path)
    await queue.enqueue("b", [("notebook", f"0:{n}", f"{n}", 0, {"words": "x" * 3000}, "new") for n in range(2000)])
    await queue.database.rest()
    content = path.read_bytes()
    path.write_bytes(content[:8192] + bytes(len(content) - 8192))  # in place: the same file, as a bad disk would
    with pytest.raises(QueueError):
        while True:
            await queue.jobs_of("b")
    assert queue.database.broken.is_set()
    with pytest.raises(QueueError):
        await queue.add_build("c", "", {})
    await queue.close()
    assert await works(path) is not None


async def test_a_file_that_nobody_may_read_is_made_readable_or_set_aside(tmp_path: Path, sound: bytes) -> None:
    (tmp_path / DATABASE).write_bytes(sound)
    (tmp_path / DATABASE).chmod(0)
    assert await works(tmp_path / DATABASE) is None


def test_a_set_aside_database_takes_its_log_along_and_never_another_ones_name(tmp_path: Path) -> None:
    for n in range(3):
        for suffix in ("", "-wal", "-shm", "-journal"):
            (tmp_path / f"{DATABASE}{suffix}").write_text(f"{n}{suffix}")
        aside = damage.set_aside(tmp_path / DATABASE)
        assert [Path(f"{aside}{suffix}").read_text() for suffix in ("", "-wal", "-shm", "-journal")] == [
            f"{n}",
            f"{n}-wal",
            f"{n}-shm",
            f"{n}-journal",
        ]
    assert len(asides(tmp_path)) == 3


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind not in ("a log without its file", "a link to nothing", "a pipe", "one byte")]
)
def test_a_reader_says_that_it_is_damaged_and_what_to_do(tmp_path: Path, sound: bytes, kind: str) -> None:
    KINDS[kind](tmp_path / DATABASE, sound)
    with pytest.raises(QueueError) as told:
        Reader(tmp_path).builds()
    assert told.value.status == 503 and told.value.problem.hint
    assert len(list(tmp_path.iterdir())) == 1, "a look changes nothing"
