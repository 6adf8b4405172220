"""The process that builds is killed, and another goes on: nothing is lost, nothing is double, nothing is left over."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import psutil
import pytest

from clx_jupyter.job_reader import Reader
from clx_jupyter.state import state_folder
from tests.faults import leftovers
from tests.faults.conftest import Place, Undisturbed, whole_course
from tests.faults.courses import is_page, tree, unfinished
from tests.faults.renames import Renames
from tests.server.conftest import folder_id
from tests.server.running import Server, Servers
from tests.server.running import servers as servers  # a fixture
from tests.stories.conftest import notebook, write


@contextlib.contextmanager
def command_that_builds(place: Place, root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A running ``clx build``."""
    process = subprocess.Popen(
        [sys.executable, "-m", "clx_jupyter.cli", "build", str(root), "--jobs", "2", "--report", str(place.home / "report.json")],
        cwd=root, env=place.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait(30)


@contextlib.contextmanager
def server_that_builds(place: Place, root: Path) -> Iterator[Server]:
    """A running Jupyter server in the course's folder; the last one's build goes on there by itself."""
    servers = Servers(root, place.home / "server", [])
    server = servers.start()
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait(30)


def kill(process: subprocess.Popen[bytes], place: Place) -> None:
    """Kill it with no chance to tidy up, and wait until all it had started is gone."""
    process.kill()
    process.wait(30)
    place.note("until nothing was left, s", leftovers.until_none(place.mark))


def killed_command(place: Place, root: Path, renames: Renames, after: int) -> set[str]:
    """Kill ``clx build`` after so many files, then build again. Gives the files that lay there meanwhile."""
    with command_that_builds(place, root) as process:
        renames.until(after, is_page, lambda: process.poll() is None)
        kill(process, place)
    there, begin = set(tree(root)), time.monotonic()
    with command_that_builds(place, root) as process:
        assert process.wait(300) == 0
    place.note("second build, s", time.monotonic() - begin)
    assert json.loads((place.home / "report.json").read_text())["status"] == "succeeded"
    return there


def killed_server(place: Place, root: Path, renames: Renames, after: int) -> set[str]:
    """Kill a Jupyter server after so many files; the next one goes on without being asked. Gives the files that lay there meanwhile."""
    with server_that_builds(place, root) as server:
        build = server.ask("builds", {"course": folder_id()})
        renames.until(after, is_page, lambda: server.build(build)["state"] != "succeeded")
        kill(server.process, place)
    there, begin = set(tree(root)), time.monotonic()
    with server_that_builds(place, root) as server:
        ended = server.ended(build, 300)
        place.note("second build, with the server's start, s", time.monotonic() - begin)
        assert (ended["state"], ended["done"], ended["failed"]) == ("succeeded", ended["total"], 0)
        assert len(server.ask("builds", course=folder_id())["builds"]) == 1
        assert server.stop(signal.SIGTERM) < 50
        place.note("until nothing was left, s", leftovers.until_none(place.mark))
    assert list((place.home / "server" / "tmp").iterdir()) == []
    return there


KINDS = {"command": killed_command, "server": killed_server}


def campaign(place: Place, like: Undisturbed, kind: Callable[[Place, Path, Renames, int], set[str]], number: int) -> None:
    """Kill one build at a random point and let it be finished; check all that is promised."""
    root = place.course(str(number), like)
    with Renames(root / folder for folder in like.folders) as renames:
        there = kind(place, root, renames, random.Random(number).randrange(like.pages))
        published = {path: times for path, times in renames.read().items() if is_page(path.name)}
    assert tree(root) == like.tree
    assert len(published) == like.pages and set(published.values()) == {1}
    assert list(unfinished(root, place.temporary)) == []
    check_jobs(place, root, like.sources, {lesson(page) for page in like.tree.keys() - there if is_page(page)})


def lesson(path: str) -> str:
    """The name of a source, and of what is made of it, without the suffix."""
    return PurePosixPath(path).name.split(".")[0]


def check_jobs(place: Place, root: Path, sources: int, lacking: set[str]) -> None:
    """Every source was built to a good end; more than once at most where its files were not all published when the process died."""
    reader = Reader(state_folder(root))
    good = Counter(row["place"] for row in reader.rows("SELECT place FROM jobs WHERE state = 'done'"))
    assert len(good) == sources
    again = [each for each, times in good.items() if times > 1]
    place.note("sources built a second time", len(again))
    assert max(good.values()) <= 2 and len([each for each in again if lesson(each) not in lacking]) <= 1  # it was just being recorded
    assert reader.rows("SELECT id FROM jobs WHERE state IN ('blocked', 'queued', 'running', 'failed', 'dead')") == []
    assert reader.rows("SELECT job FROM attempts WHERE ended IS NULL") == []


@pytest.mark.fault(15)
@pytest.mark.parametrize("kind", KINDS)
def test_a_build_whose_process_is_killed_at_a_random_point_ends_as_the_undisturbed_one(
    place: Place, undisturbed: Undisturbed, kind: str
) -> None:
    campaign(place, undisturbed, KINDS[kind], 0)


@whole_course
@pytest.mark.fault(15)
@pytest.mark.long
@pytest.mark.parametrize("ten", range(2))
@pytest.mark.parametrize("kind", KINDS)
def test_twenty_builds_whose_process_is_killed_at_a_random_point_end_as_the_undisturbed_one(
    place: Place, undisturbed: Undisturbed, kind: str, ten: int
) -> None:
    for number in range(10 * ten + 1, 10 * ten + 11):
        campaign(place, undisturbed, KINDS[kind], number)


_WORKS_FOR_EVER = """import pathlib, subprocess, time
if not pathlib.Path('go').exists():
    subprocess.Popen(['sleep', '1000'], start_new_session=True)
    subprocess.Popen('sleep 1001 & sleep 1002 &', shell=True, start_new_session=True).wait()
    pathlib.Path(INTO).write_text('runs')
    time.sleep(1000)
print('done')"""


def slow_course(root: Path, sources: int) -> list[Path]:
    """Notebooks whose cells start processes and then work for ever, until a file ``go`` is there; gives the files by which they say so."""
    said = [root.parent / f"said {n}" for n in range(sources)]
    write(root, {f"{n}.ipynb": notebook(("code", _WORKS_FOR_EVER.replace("INTO", repr(str(path))))) for n, path in enumerate(said)})
    return said


def wait_for(true: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def sleepers(mark: str) -> list[str]:
    return sorted(each.cmdline()[1] for each in leftovers.marked(mark) if _name(each) == "sleep")


def _name(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return process.name()
    return ""


@pytest.mark.fault(15)
@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGSEGV, marks=pytest.mark.long)])
def test_workers_kernels_and_what_cells_started_die_with_the_server_and_the_next_one_builds_what_they_did_not(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    mark = str(servers.home)
    monkeypatch.setenv(leftovers.MARK, mark)
    said = slow_course(servers.root, 2)
    write(servers.root, {"quick.ipynb": notebook(("code", "print('quick')"))})
    server = servers.start()
    build = server.ask("builds", {"course": folder_id()})
    wait_for(lambda: all(path.exists() for path in said))
    assert sleepers(mark) == ["1000", "1000", "1001", "1001", "1002", "1002"]
    assert len(leftovers.marked(mark)) >= 1 + 2 + 2 + 6  # the server, its workers, their kernels, what these started
    server.process.send_signal(how)
    server.process.wait(30)
    seconds = leftovers.until_none(mark)
    print(f"until nothing was left: {seconds:.2f} s")
    write(servers.root, {"go": ""})
    server = servers.start()
    ended = server.ended(build, 300)
    assert (ended["state"], ended["total"], ended["done"]) == ("succeeded", 3, 3)
    server.stop()
    leftovers.until_none(mark)
    assert list(unfinished(servers.root, servers.temporary)) == []
    rows: list[dict[str, Any]] = Reader(state_folder(servers.root)).rows("SELECT job FROM attempts WHERE outcome = 'ok'")
    assert len(rows) == len({row["job"] for row in rows}) == 3


def test_the_mark_is_found_in_every_process_that_carries_it(place: Place) -> None:
    process = subprocess.Popen(["sleep", "100"], env=place.environment())
    try:
        wait_for(lambda: [each.pid for each in leftovers.marked(place.mark)] == [process.pid])
        with pytest.raises(AssertionError):
            leftovers.until_none(place.mark, seconds=0.1)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(30)
    assert leftovers.until_none(place.mark) < 50
