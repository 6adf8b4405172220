"""The course changes while it is built: what is published is one version of it, and never a mixture."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clx_jupyter.builds import Builds
from clx_jupyter.job_reader import Reader
from clx_jupyter.requests import Request
from clx_jupyter.state import state_folder

pytestmark = pytest.mark.story

WAITS = """# %% [markdown]
# # {word} ![dot](dot.svg)

# %%
import os, pathlib
if {wait}:
    with open({bell!r}, "w") as bell:
        bell.write("here")
    open({gate!r}).close()
print("{word}", open("data.txt").read())
"""
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><title>{word}</title></svg>'


class Course:
    """One notebook whose code says that it runs, then waits until it may go on."""

    def __init__(self, place: Path) -> None:
        self.root, self.bell, self.gate = place / "course", place / "bell", place / "gate"
        self.root.mkdir()
        os.mkfifo(self.bell)
        os.mkfifo(self.gate)
        self.lay("first", wait=True)

    def lay(self, word: str, *, wait: bool = False, only: str = "") -> None:
        source = WAITS.format(word=word, wait=wait, bell=str(self.bell), gate=str(self.gate))
        for name, text in {"page.py": source, "dot.svg": SVG.format(word=word), "data.txt": word}.items():
            if name.startswith(only):
                (self.root / name).write_text(text)

    async def runs(self) -> None:
        """Wait until the code runs."""
        await asyncio.wait_for(asyncio.to_thread(lambda: self.bell.read_text()), 120)

    async def go_on(self) -> None:
        await asyncio.wait_for(asyncio.to_thread(lambda: self.gate.open("w").close()), 120)

    def page(self) -> str:
        return next((self.root / "output").rglob("page.html")).read_text()


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(tmp_path)


@pytest.fixture
async def builds(course: Course) -> AsyncIterator[Builds]:
    builds = await Builds.open(course.root, size=1)
    assert builds is not None
    yield builds
    await builds.close()


@pytest.mark.fault(29)
async def test_a_source_that_changes_while_it_runs_is_built_again_and_its_old_result_never_published(
    course: Course, builds: Builds
) -> None:
    id = await builds.start(Request(str(course.root)))
    await course.runs()
    course.lay("second")
    await course.go_on()
    report = await builds.wait(id)
    assert report["status"] == "succeeded", report["problems"]
    assert "second second" in course.page() and "first" not in course.page()
    (job,) = Reader(state_folder(course.root)).jobs(id)
    assert job["attempt"] == 2
    again = await builds.wait(await builds.start(Request(str(course.root))))
    assert {output["state"] for output in again["outputs"]} == {"fresh"}


@pytest.mark.parametrize("name", ["dot.svg", "data.txt"])
async def test_a_picture_or_data_that_change_while_it_runs_count_as_well(course: Course, builds: Builds, name: str) -> None:
    id = await builds.start(Request(str(course.root)))
    await course.runs()
    course.lay("second", only=name)
    (course.root / "page.py").write_text((course.root / "page.py").read_text())  # the same bytes, at another time
    await course.go_on()
    if name == "data.txt":  # the picture is nothing to the code: its result is kept
        await course.runs()
        await course.go_on()
    report = await builds.wait(id)
    assert report["status"] == "succeeded", report["problems"]
    if name == "data.txt":
        assert "first second" in course.page()
    else:
        assert "second" in next((course.root / "output").rglob("dot.svg")).read_text()
    again = await builds.wait(await builds.start(Request(str(course.root))))
    assert {output["state"] for output in again["outputs"]} == {"fresh"}


async def test_a_source_that_is_deleted_or_renamed_while_it_runs_is_named_and_the_next_build_is_right(
    course: Course, builds: Builds
) -> None:
    id = await builds.start(Request(str(course.root)))
    await course.runs()
    (course.root / "page.py").rename(course.root / "other.py")
    await course.go_on()
    report = await builds.wait(id)
    (problem,) = [problem for problem in report["problems"] if problem["severity"] == "error"]
    assert (report["status"], problem["class"], problem["path"]) == ("failed", "bad-source", "page.py")
    assert not list((course.root / "output").rglob("page.html"))
    (course.root / "other.py").write_text(WAITS.format(word="third", wait=False, bell="", gate=""))
    report = await builds.wait(await builds.start(Request(str(course.root))))
    assert report["status"] == "succeeded"
    assert "third" in next((course.root / "output").rglob("other.html")).read_text()
    assert not list((course.root / "output").rglob("page.html"))
