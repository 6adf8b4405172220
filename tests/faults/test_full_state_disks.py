"""The disk of the state folder, or that of temporary files, is full: real disks, of which the build tells which one it is."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clx_jupyter.builds import Builds
from clx_jupyter.requests import Request
from tests.faults.publishing import build as built
from tests.faults.publishing import course, disk, tree
from tests.faults.test_full_disks import MEGABYTE, fill
from tests.faults.test_stopping import STOPS
from tests.faults.waiting import Waiting
from tests.stories.conftest import command, notebook, write

pytestmark = pytest.mark.story


@pytest.mark.fault(19)
def test_a_state_folder_without_room_is_told_with_its_disk_and_with_room_the_next_build_is_right(tmp_path: Path) -> None:
    root = course(tmp_path / "course")
    with disk(root / ".clx", 2 * MEGABYTE) as place:
        for word in ("first", "other"):  # there is no state yet; there is one
            course(root, word=word)
            before, filler = tree(root / "output"), fill(place, 0)
            code, report = built(root)
            (problem,) = report["problems"]
            assert (code, report["status"], problem["class"]) == (2, "invalid", "disk-full")
            assert f"the disk {place} (" in problem["message"] and str(root / ".clx") in problem["message"]
            assert tree(root / "output") == before
            filler.unlink()
            code, report = built(root)
            assert (code, report["status"]) == (0, "succeeded")
            assert word in (root / "output/students/code-along/code/slides/0.py").read_text()


@pytest.mark.fault(19)
async def test_a_build_whose_state_disk_gets_full_says_that_it_waits_and_goes_on_with_room(tmp_path: Path) -> None:
    waiting, said = Waiting(tmp_path / "course"), set[str]()
    with disk(waiting.folder, 2 * MEGABYTE) as place:
        builds = await Builds.open(waiting.root, size=1)
        assert builds is not None
        builds.watch(lambda live: said.add(live.notice))
        try:
            async with asyncio.timeout(200):
                id = await builds.start(Request(str(waiting.root)))
                while not waiting.attempts_at_the_cell():
                    await asyncio.sleep(0.02)
                filler = fill(place, 0)
                waiting.go()
                while not any("paused" in words and f"{place} (" in words for words in said):
                    await asyncio.sleep(0.02)
                filler.unlink()
                report = await builds.wait(id)
                assert (report["status"], report["problems"]) == ("succeeded", [])
                live = builds.live(id)
                assert live is not None and "paused" not in live.notice
        finally:
            await builds.close()


@pytest.mark.fault(19)
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT], ids=["ended", "cancelled"])
def test_a_build_that_waits_for_room_ends_as_soon_as_it_is_told_to_with_nothing_but_words(tmp_path: Path, stop: signal.Signals) -> None:
    root = tmp_path / "course"
    with disk(root / ".clx", MEGABYTE // 2) as place:
        fills = f"import os\nwith open({str(place / 'filler')!r}, 'wb', 0) as file:\n    while True:\n        file.write(b'x' * 512)"
        lessons = {f"{number}.ipynb": notebook(("code", fills)) for number in range(3)}
        write(root, lessons)
        build = subprocess.Popen([sys.executable, "-m", "clx_jupyter.cli", "build", str(root)], stderr=subprocess.PIPE, text=True)
        with build:
            assert build.stderr is not None
            said = next((line for line in build.stderr if "paused: " in line), "")
            begin = time.monotonic()
            build.send_signal(stop)
            said += build.communicate(timeout=100)[1]
            assert time.monotonic() - begin < 10 * STOPS
        assert build.returncode == 130
    assert f"paused: the disk {place} (" in said and "make room on that disk" in said, said
    assert "Traceback" not in said and "never retrieved" not in said, said


@pytest.mark.fault(20)
def test_a_disk_of_temporary_files_without_room_is_told_and_with_room_the_next_build_is_right(tmp_path: Path) -> None:
    root = write(
        tmp_path / "course",
        {"a/a.ipynb": notebook(("markdown", "# A"), ("code", "print(len(open('data').read()))")), "a/data": "x" * MEGABYTE},
    )
    with disk(tmp_path / "tmp", 3 * MEGABYTE) as place:
        filler = fill(place, MEGABYTE // 4)
        done = command("build", str(root), cwd=root, TMPDIR=str(place))
        assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
        assert f"disk {place} (" in done.stderr and "is full" in done.stderr, done.stderr
        assert list(place.iterdir()) == [filler], "what lies there is tidied up"
        filler.unlink()
        done = command("build", str(root), cwd=root, TMPDIR=str(place))
        assert done.returncode == 0, done.stderr
    assert str(MEGABYTE) in next((root / "output").rglob("a.html")).read_text()


def test_a_folder_for_temporary_files_that_is_missing_or_has_no_room_at_all_is_not_used(tmp_path: Path) -> None:
    root = write(tmp_path / "course", {"a.py": "# %% [markdown]\n# # A\n"})
    with disk(tmp_path / "tmp", MEGABYTE) as place:
        fill(place, 0)
        for folder, options in ((place, []), (tmp_path / "nowhere", ["--force"])):
            done = command("build", str(root), *options, cwd=root, TMPDIR=str(folder))
            assert done.returncode == 0, done.stderr
