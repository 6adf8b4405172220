"""A job is given to another worker while its first one works on: what the first one makes is not published, whenever it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from clx_jupyter.builds import Builds
from clx_jupyter.job_reader import Reader
from clx_jupyter.requests import Request
from tests.faults.renames import Renames
from tests.stories.conftest import write

pytestmark = pytest.mark.kernel

_COURSE = "version: 1\ntitle: T\ntargets: {all: {path: out, kinds: [completed], formats: [html]}}\n"
_SOURCE = """# %%
import pathlib, time
place = pathlib.Path({place!r})
number = len(list(place.glob("at *")))
(place / f"at {{number}}").touch()
while not (place / f"go {{number}}").exists():
    time.sleep(0.02)
print("made by try", number)
"""


async def reached(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while not true():
            await asyncio.sleep(0.02)


@pytest.mark.fault(24)
async def test_what_a_try_made_that_was_given_up_is_not_published_even_for_a_moment(tmp_path: Path) -> None:
    place, folder = tmp_path / "cell", tmp_path / "course" / "out" / "completed" / "html"
    place.mkdir()
    root = write(tmp_path / "course", {"course.yaml": _COURSE, "a.py": _SOURCE.format(place=str(place))})
    folder.mkdir(parents=True)
    builds = await Builds.open(root, size=2)
    assert builds is not None
    try:
        with Renames([folder]) as renames:
            id = await builds.start(Request(str(root), file="course.yaml"))
            await reached((place / "at 0").exists)
            (job,) = await builds._queue.jobs_of(id)
            assert await builds._queue.retry(job, "lost")  # as if its worker were thought to be dead
            builds._supervisor.wake()
            await reached((place / "at 1").exists)
            (place / "go 0").touch()
            await reached(lambda: (Reader(root / ".clx").build(id) or {})["discarded"] == 1)
            (place / "go 1").touch()
            report = await asyncio.wait_for(builds.wait(id), 120)
            assert renames.read()[folder / "a.html"] == 1
    finally:
        await builds.close()
    assert (report["status"], report["problems"]) == ("succeeded", [])
    assert "made by try 1" in (folder / "a.html").read_text()
    assert [row["outcome"] for row in Reader(root / ".clx").rows("SELECT outcome FROM attempts ORDER BY attempt")] == ["lost", "ok"]
