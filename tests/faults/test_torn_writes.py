"""Whoever publishes dies, or the disk fails, at any of its writes: every file is the old one or the new one."""

from __future__ import annotations

import errno
import json
import signal
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.manifest import MANIFEST
from tests.faults.kept import Kept, built
from tests.faults.publishing import course, killed_at, shim, strays, tree

Trees = dict[str, dict[str, bytes]]
FOREVER = 10**9


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    kept = Kept(tmp_path / "worker.log")
    yield kept
    await kept.end()


async def both(tmp_path: Path, kept: Kept) -> Trees:
    """The outputs of the course in two versions, each of a build that nothing disturbed. The second one has a source less."""
    found = {}
    for word, sources in (("first", 2), ("other", 1)):
        root = course(tmp_path / word, word=word, sources=sources)
        assert (await built(root, kept))["status"] == "succeeded"
        found[word] = tree(root / "output", but=(MANIFEST,))
    return found


def to(root: Path, word: str) -> None:
    """Turn the course into the other version."""
    (root / "slides" / "1.py").unlink(missing_ok=True)
    course(root, word=word, sources=2 if word == "first" else 1)


def whole(root: Path, old: dict[str, bytes], new: dict[str, bytes]) -> None:
    """Every file is one of the two versions, and the manifest can be read."""
    for path, content in tree(root / "output").items():
        name = Path(path).name
        if name == MANIFEST:
            json.loads(content)
        elif not name.startswith(".clx-"):
            assert content in (old.get(path), new.get(path)), f"{path} is neither old nor new"
    for path in old.keys() & new.keys():
        assert (root / "output" / path).is_file(), f"{path} is missing"


async def _each(
    points: list[int], tmp_path: Path, kept: Kept, error: int, last: int | None = None, back: Collection[int] = ()
) -> list[tuple[int, dict[str, Any]]]:
    """Build one version over the other again and again, disturbed at each of *points*; gives what the disturbed builds said.

    After the points in *back* the course is turned back, so that what the disturbed build published is wanted no more.
    """
    trees, library, said = await both(tmp_path, kept), shim(tmp_path), []
    root, words = tmp_path / "first", ["first", "other"]
    for point in points:
        old, new = words[0], words[1]
        to(root, new)
        said.append(killed_at(library, root, point, error, last))
        whole(root, trees[old], trees[new])
        if error and last is None:  # it could clean up
            assert [path for path in strays(root / "output") if path.endswith(".tmp")] == []
        if point in back:
            to(root, old)
            words.reverse()
        assert (await built(root, kept))["status"] == "succeeded"
        assert tree(root / "output", but=(MANIFEST,)) == trees[words[1]], f"after point {point}"
        assert strays(root / "output") == [], f"after point {point}"
        words.reverse()
    return said


@pytest.mark.story
@pytest.mark.fault(23)
async def test_a_kill_between_any_two_writes_leaves_whole_files_and_the_next_build_is_right(tmp_path: Path, kept: Kept) -> None:
    # Of a page: before its temporary file is filled, before its rename, after it; then among the copied files, and at the end.
    # At 21 a page and its picture are in place of which no manifest tells, and the course becomes again what it was.
    said = await _each([4, 8, 9, 21, 44], tmp_path, kept, 0, back=[21])
    assert [code for code, _ in said][:4] == [-signal.SIGKILL] * 4


@pytest.mark.story
@pytest.mark.fault(20)
async def test_a_write_that_fails_once_is_tried_again_and_one_that_fails_for_ever_is_told(tmp_path: Path, kept: Kept) -> None:
    once = await _each([5, 9], tmp_path, kept, errno.EIO)
    assert [(code, report["status"]) for code, report in once] == [(0, "succeeded")] * 2
    ((code, report),) = await _each([5], tmp_path / "again", kept, errno.ENOSPC, FOREVER)
    assert (code, report["status"]) == (1, "failed")
    assert {problem["class"] for problem in report["problems"] if problem["severity"] == "error"} == {"disk-full"}


@pytest.mark.long
@pytest.mark.parametrize("error", [0, errno.EIO, errno.ENOSPC])
async def test_no_write_of_a_whole_build_matters(tmp_path: Path, kept: Kept, error: int) -> None:
    said = await _each(list(range(1, 80)), tmp_path, kept, error)
    assert said[-1][0] == 0, "there are more writes than points"
