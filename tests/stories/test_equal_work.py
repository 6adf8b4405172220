"""Two builds that want the same at the same time: it is done once, and both have it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.builds import Builds
from clx_jupyter.job_reader import Reader
from clx_jupyter.requests import Request
from clx_jupyter.state import state_folder

pytestmark = [pytest.mark.story, pytest.mark.kernel]

WAITS = """# %% [markdown]
# # Slow
# %%
import pathlib, time
open({runs!r}, "a").write("run\\n")
while not pathlib.Path({go!r}).exists():
    time.sleep(0.02)
# %%
print(6 * 7)
"""


class Course:
    """A course of one notebook that runs until it is told to go on."""

    def __init__(self, root: Path, builds: Builds) -> None:
        self.root, self.builds = root, builds
        self.runs, self._go = root.parent / "runs", root.parent / "go"
        (root / "slow.py").write_text(WAITS.format(runs=str(self.runs), go=str(self._go)))
        self._changed = asyncio.Event()
        builds.watch(lambda _: self._changed.set())

    def go(self) -> None:
        self._go.touch()

    def jobs(self) -> dict[str, list[str]]:
        """The states of the jobs by build."""
        states: dict[str, list[str]] = {}
        for job in Reader(state_folder(self.root)).jobs():
            states.setdefault(job["build"], []).append(job["state"])
        return states

    async def until(self, build: str, state: str) -> None:
        async def wait() -> None:
            while self.jobs().get(build) != [state]:
                self._changed.clear()
                if self.jobs().get(build) != [state]:
                    await self._changed.wait()

        await asyncio.wait_for(wait(), 60)

    async def start(self, state: str, **asked: Any) -> str:
        """Start a build, and wait until its job is in this state."""
        id = await self.builds.start(Request(str(self.root), **asked))
        await self.until(id, state)
        return id

    async def report(self, id: str) -> dict[str, Any]:
        return await asyncio.wait_for(self.builds.wait(id), 60)

    def executions(self) -> int:
        return len(self.runs.read_text().splitlines())


@pytest.fixture
async def course(tmp_path: Path) -> AsyncIterator[Course]:
    root = tmp_path / "course"
    root.mkdir()
    builds = await Builds.open(root, size=2)
    assert builds is not None
    course = Course(root, builds)
    yield course
    await course.builds.close()


def is_whole(report: dict[str, Any]) -> bool:
    files = [Path(report["output_root"]) / output["path"] for output in report["outputs"]]
    return (
        report["state"] == "succeeded" and {output["state"] for output in report["outputs"]} == {"built"} and all(map(Path.is_file, files))
    )


@pytest.mark.fault(28)
async def test_work_that_two_builds_want_is_done_once_and_both_report_it(course: Course) -> None:
    first = await course.start("running")
    second = await course.start("blocked")
    course.go()
    reports = [await course.report(id) for id in (first, second)]
    assert all(map(is_whole, reports))
    one, other = ([output["sha256"] for output in report["outputs"]] for report in reports)
    assert one == other
    assert [report["executions"] for report in reports] == [1, 0]
    assert course.executions() == 1
    rows = [Reader(state_folder(course.root)).build(id) for id in (first, second)]
    assert [(row["total"], row["done"], row["failed"]) for row in rows if row] == [(1, 1, 0)] * 2
    third = await course.report(await course.builds.start(Request(str(course.root))))
    assert {output["state"] for output in third["outputs"]} == {"fresh"}


async def test_a_failure_of_work_that_two_builds_want_is_reported_by_both(course: Course) -> None:
    source = course.root / "slow.py"
    source.write_text(source.read_text().replace("print(6 * 7)", "1 / 0"))
    first, second = await course.start("running"), await course.start("blocked")
    course.go()
    for report in [await course.report(id) for id in (first, second)]:
        assert report["state"] == "failed"
        assert [problem["class"] for problem in report["problems"]] == ["cell-error"]
    assert course.executions() == 1


async def test_the_work_of_a_cancelled_build_goes_on_where_another_waits_for_it(course: Course) -> None:
    first, second = await course.start("running"), await course.start("blocked")
    await course.builds.cancel(first)
    assert (await course.report(first))["state"] == "cancelled"
    assert course.jobs() == {first: ["cancelled"], second: ["running"]}
    course.go()
    assert is_whole(await course.report(second))
    assert course.executions() == 1


async def test_cancelling_the_build_that_waits_leaves_the_other_alone(course: Course) -> None:
    first, second = await course.start("running"), await course.start("blocked")
    await course.builds.cancel(second)
    assert (await course.report(second))["state"] == "cancelled"
    assert course.jobs() == {first: ["running"], second: ["cancelled"]}
    course.go()
    assert is_whole(await course.report(first))
    assert course.executions() == 1


async def test_running_code_anew_is_other_work_than_making_what_is_missing(course: Course) -> None:
    await course.start("running")
    second = await course.start("running", rerun=True, force=True)
    course.go()
    assert is_whole(await course.report(second))
    assert course.executions() == 2


async def test_builds_that_shared_work_both_go_on_after_a_restart(course: Course) -> None:
    first, second = await course.start("running"), await course.start("blocked")
    await course.builds.close()
    course.go()
    again = await Builds.open(course.root, size=2)
    assert again is not None
    course.builds = again
    assert [(await course.report(id))["state"] for id in (first, second)] == ["succeeded"] * 2
