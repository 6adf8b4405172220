"""What dead holders leave behind is found by its mark, and ended."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from clx_jupyter.executors.base import Owner
from clx_jupyter.executors.choosing import assign
from clx_jupyter.executors.containers import ContainerExecutor
from clx_jupyter.executors.local import LocalExecutor
from clx_jupyter.sweeping import VARIABLE, carriers, make_scratch, mark_of_holder, sweep, sweep_scratch
from tests.plain_user import PlainUser

OWNER = Owner("0123456789abcdef", 7)

#: Its parent ends at once, and it leads a session of its own.
AWAY = "setsid sleep 1000 > /dev/null 2>&1 & "

SERVER = """
import asyncio, sys
from pathlib import Path
from clx_jupyter.executors.base import Owner
from clx_jupyter.executors.local import LocalExecutor
from clx_jupyter.sweeping import make_scratch, mark_of_holder
from tests.suspending import suspend
async def main():
    executor = LocalExecutor()
    executor.owner = Owner("0123456789abcdef", 8)
    worker = await executor.start("notebook", Path(sys.argv[1]))
    worker.send({"t": "hello", "nice": 1})
    await worker.receive()
    suspend(worker.pid)
    print(worker.pid, make_scratch(executor.owner), mark_of_holder(executor.owner), flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield tmp_path
    sweep(f"{OWNER.root}-")


def start_away(mark: str) -> int:
    """A process far from its parents that carries a mark."""
    subprocess.run(["sh", "-c", AWAY], env={**os.environ, VARIABLE: mark}, check=True)
    deadline = time.monotonic() + 10
    while not (found := carriers(mark)):  # a process that is just becoming another program shows no environment
        assert time.monotonic() < deadline
    [pid] = found
    return pid


def watches() -> list[psutil.Process]:
    """The watches of this process."""
    children = [each for each in psutil.Process().children() if each.status() != psutil.STATUS_ZOMBIE]
    return [each for each in children if "clx_jupyter.sweeping" in each.cmdline()]


def is_gone(pid: int, within: float = 0.0) -> bool:
    try:
        process = psutil.Process(pid)
        process.wait(within) if within else None
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.fault(9)
async def test_what_a_dead_holder_left_is_ended_and_what_is_others_stays(temporary: Path) -> None:
    ours, others = start_away(f"{OWNER.root}-3-999-1-"), start_away("fedcba9876543210-3-999-1-")
    left = temporary / f"clx-{OWNER.root}-3-999-abc" / "7-1"
    kept = temporary / "clx-fedcba9876543210-3-999-abc"
    for folder in (left, kept):
        folder.mkdir(parents=True)
    left.chmod(0o500)
    (temporary / f"clx-{OWNER.root}-3-999-link").symlink_to(kept)
    executor = LocalExecutor()
    executor.owner = OWNER
    await executor.sweep()
    assert is_gone(ours) and not is_gone(others)
    assert not left.parent.exists() and kept.exists()
    assert sweep("fedcba9876543210-") == 1


@pytest.mark.kernel
@pytest.mark.fault(9)
async def test_when_a_worker_is_killed_what_left_its_tree_goes_with_it(temporary: Path) -> None:
    executor = LocalExecutor()
    executor.owner = OWNER
    worker = await executor.start("notebook", temporary / "log")
    assert worker.pid is not None
    assert await worker.receive() is not None
    mark = psutil.Process(worker.pid).environ()[VARIABLE]
    away = start_away(f"{mark}child-")
    worker.kill()
    assert await worker.close(1) == -signal.SIGKILL
    assert is_gone(away)
    assert carriers(mark_of_holder(OWNER)) == []


@pytest.mark.kernel
def test_a_watch_cleans_up_after_a_server_that_was_killed_even_if_its_worker_is_stopped(temporary: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", SERVER, str(temporary / "log")], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        worker, scratch, mark = server.stdout.readline().split()
        away = start_away(f"{mark}99-")
        watch = next(each for each in psutil.Process(server.pid).children() if "clx_jupyter.sweeping" in each.cmdline())
        server.kill()
    assert is_gone(watch.pid, within=50)
    assert is_gone(int(worker)) and is_gone(away) and not Path(scratch).exists()


def test_scratch_folders_are_private_and_say_whose_they_are(temporary: Path) -> None:
    folder = make_scratch(OWNER)
    assert folder.parent == temporary and folder.stat().st_mode & 0o777 == 0o700
    assert folder.name.startswith(f"clx-{OWNER.root}-7-{os.getpid()}-")


async def test_what_local_workers_left_is_ended_by_a_holder_that_has_only_containers(temporary: Path) -> None:
    away, left = start_away(f"{OWNER.root}-3-999-1-"), temporary / f"clx-{OWNER.root}-3-999-abc"
    left.mkdir()
    await assign({"notebook": ContainerExecutor("no-such-engine")}, OWNER)
    assert is_gone(away) and not left.exists()


async def test_a_watch_that_was_killed_is_followed_by_another_one(temporary: Path) -> None:
    executor = LocalExecutor()
    executor.owner = OWNER
    workers = [await executor.start("notebook", temporary / "log")]
    (first,) = watches()
    first.kill()
    assert executor._watch._process is not None
    await executor._watch._process.wait()
    workers += await asyncio.gather(*(executor.start("notebook", temporary / "log") for _ in range(2)))
    (second,) = watches()
    await asyncio.gather(*(worker.close(0) for worker in workers))
    assert is_gone(second.pid)


async def test_the_watch_ends_with_the_last_worker(temporary: Path) -> None:
    executor = LocalExecutor()
    executor.owner = OWNER
    workers = [await executor.start("notebook", temporary / "log") for _ in range(2)]
    (watch,) = watches()
    await asyncio.gather(*(worker.close(0) for worker in workers))
    assert is_gone(watch.pid)


def test_what_is_started_while_its_parent_is_looked_for_is_ended_too(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = f"{OWNER.root}-3-999-"
    started = [start_away(f"{mark}1-")]

    def looked_for(wanted: str) -> list[int]:
        found = carriers(wanted)
        if len(started) < 4:
            started.append(start_away(f"{mark}{len(started) + 1}-"))
        return found

    monkeypatch.setattr("clx_jupyter.sweeping.carriers", looked_for)
    assert sweep(mark) == 4
    assert all(map(is_gone, started))


def test_whoever_sweeps_and_carries_the_mark_as_well_goes_on(temporary: Path) -> None:
    mark = f"{OWNER.root}-3-999-1-"
    code = f"from clx_jupyter.sweeping import sweep; print(sweep({mark!r}))"
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, VARIABLE: mark}, capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


def test_what_is_another_users_stays_whatever_its_name_or_mark(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = f"{OWNER.root}-3-999-"
    away, folder = start_away(f"{mark}1-"), temporary / f"clx-{mark}abc"
    folder.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert carriers(mark) == [] and sweep(mark) == 0
        sweep_scratch(mark)
    assert not is_gone(away) and folder.exists()
    assert sweep(mark) == 1
    sweep_scratch(mark)
    assert not folder.exists()


def test_folders_that_code_made_read_only_are_removed_for_those_too_who_are_not_root(plain_user: PlainUser) -> None:
    code = (
        "import sys; from pathlib import Path; from clx_jupyter.sweeping import sweep_scratch\n"
        "inner = Path(sys.argv[1]) / 'clx-abc-1-2-x' / 'a' / 'b'; inner.mkdir(parents=True); (inner / 'file').write_text('')\n"
        "inner.chmod(0o500); inner.parent.chmod(0o500); sweep_scratch('abc-'); print(list(Path(sys.argv[1]).iterdir()))"
    )
    done = plain_user.run("-c", code, str(plain_user.home / "tmp"))
    assert (done.stdout, done.stderr) == ("[]\n", "")


async def test_the_watch_of_a_server_inside_a_worker_is_no_part_of_that_worker(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "fedcba9876543210-1-2-3-")
    executor = LocalExecutor()
    executor.owner = OWNER
    worker = await executor.start("notebook", temporary / "log")
    (watch,) = watches()
    assert VARIABLE not in watch.environ()
    await worker.close(0)
