"""Real disks of a few megabytes that fill up while a build publishes, or that cannot be written at all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clx_jupyter import accounts
from clx_jupyter.builds import Builds
from clx_jupyter.job_reader import Reader
from clx_jupyter.manifest import MANIFEST
from clx_jupyter.requests import Request
from clx_jupyter.state import state_folder
from tests.faults.kept import Kept, built
from tests.faults.publishing import build, course, disk, read_only, strays, tree

pytestmark = pytest.mark.story

MEGABYTE = 1 << 20
NOT_OURS = (MANIFEST, "filler")


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    kept = Kept(tmp_path / "worker.log")
    yield kept
    await kept.end()


def fill(place: Path, left: int) -> Path:
    """A file that leaves so many bytes free."""
    filler = place / "filler"
    status = os.statvfs(place)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, status.f_bavail * status.f_frsize - left))
    return filler


async def _filled(place: Path, root: Path, kept: Kept, levels: list[int]) -> list[str]:
    """Build over and over, with ever more room on the disk of the outputs; gives how each disturbed build ended."""
    output, ended, words = root / "output", [], ["first words", "other words" * 4]
    trees = {}
    for word in words:
        fresh = course(root.parent / word, word=word)
        assert (await built(fresh, kept))["status"] == "succeeded"
        trees[word] = tree(fresh / "output", but=NOT_OURS)
    course(root, word=words[0])
    assert (await built(root, kept))["status"] == "succeeded"
    for left in levels:
        old, new = words
        course(root, word=new)
        filler = fill(place, left)
        report = await built(root, kept)
        ended.append(report["status"])
        for path, content in tree(output, but=NOT_OURS).items():
            assert path.startswith("students/.clx-journal-") or content in (trees[old].get(path), trees[new][path]), path
        assert not [path for path in strays(output) if path.endswith(".tmp")]
        if report["status"] == "failed":
            told = [problem for problem in report["problems"] if problem["severity"] == "error"]
            assert {problem["class"] for problem in told} == {"disk-full"}
            assert all(f"{place} (" in problem["message"] and "free" in problem["message"] for problem in told), told
        filler.unlink()
        assert (await built(root, kept))["status"] == "succeeded"
        assert tree(output, but=NOT_OURS) == trees[new]
        assert strays(output) == []
        words.reverse()
    return ended


@pytest.mark.fault(20)
async def test_a_full_disk_leaves_the_last_outputs_names_the_disk_and_the_next_build_is_right(tmp_path: Path, kept: Kept) -> None:
    root = tmp_path / "course"
    with disk(root / "output", 4 * MEGABYTE) as place:
        ended = await _filled(place, root, kept, [0, 12_288, 4 * MEGABYTE])
    assert (ended[0], ended[-1]) == ("failed", "succeeded")


@pytest.mark.long
async def test_a_disk_may_be_full_at_any_write(tmp_path: Path, kept: Kept) -> None:
    root = tmp_path / "course"
    with disk(root / "output", 4 * MEGABYTE) as place:
        ended = await _filled(place, root, kept, list(range(0, 40 * 4096, 4096)))
    assert (ended[0], ended[-1]) == ("failed", "succeeded")


async def test_room_that_is_made_soon_enough_saves_the_build(tmp_path: Path, kept: Kept) -> None:
    root = course(tmp_path / "course")
    with disk(root / "output" / "students", 4 * MEGABYTE) as place:
        assert (await built(root, kept))["status"] == "succeeded"
        course(root, word="other words" * 1000)
        filler = fill(place, 0)
        builds = await Builds.open(root, size=1, executor=kept)
        assert builds is not None
        try:
            id = await builds.start(Request(str(root), file="course.yaml", execute=False))
            journal = [file async for file in _appears(place)]
            filler.unlink()
            assert journal and (await builds.wait(id))["status"] == "succeeded"
        finally:
            await builds.close()


async def _appears(place: Path) -> AsyncIterator[Path]:
    """The journal of a build, once it tried to publish."""
    while not (found := list(place.glob(".clx-journal-*"))):
        await asyncio.sleep(0.01)
    yield found[0]


def test_the_command_says_which_disk_is_full_and_exits_with_1(tmp_path: Path) -> None:
    root = course(tmp_path / "course")
    with disk(tmp_path / "small", MEGABYTE // 4) as place:
        code, report = build(root, "-o", str(place / "site"))
    assert code == 1
    assert any(str(place) in problem["message"] for problem in report["problems"] if problem["class"] == "disk-full")


@pytest.mark.fault(21)
def test_a_read_only_output_folder_is_refused_before_any_job(tmp_path: Path) -> None:
    root = course(tmp_path / "course")
    with disk(root / "output", MEGABYTE) as place:
        read_only(place, True)
        code, report = build(root)
    (problem,) = report["problems"]
    assert (code, report["status"], problem["class"]) == (2, "invalid", "bad-course")
    assert f"{place} is read-only" in problem["message"]
    assert Reader(state_folder(root)).jobs(report["build"]) == []


@pytest.mark.fault(21)
async def test_an_output_folder_that_becomes_read_only_fails_the_rest_without_a_second_try(
    tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "PAUSES", (100.0,))  # a second try would come too late
    root = course(tmp_path / "course")
    with disk(root / "output", 4 * MEGABYTE) as place:
        assert (await built(root, kept))["status"] == "succeeded"
        before = tree(place)
        course(root, word="other")
        builds = await Builds.open(root, size=1, executor=kept)
        assert builds is not None
        try:
            # The look that refuses it comes first, so it turns when the first job is handed out.
            builds.watch(lambda live: read_only(place, True) if live.running else None)
            id = await builds.start(Request(str(root), file="course.yaml", execute=False))
            report = await asyncio.wait_for(builds.wait(id), 90)
        finally:
            await builds.close()
        assert tree(place) == before
        read_only(place, False)
        assert report["status"] == "failed"
        assert {problem["class"] for problem in report["problems"]} == {"bad-course"}
        assert (await built(root, kept))["status"] == "succeeded"
        assert "other" in (place / "students/code-along/code/slides/0.py").read_text()
