"""What becomes of builds when their database turns out to be of no use, and where it came from elsewhere."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from clx_jupyter.builds import Builds
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.job_reader import DATABASE, Reader
from clx_jupyter.requests import Request
from clx_jupyter.state import create_state_folder


async def test_a_state_folder_that_was_copied_does_not_build_the_course_it_came_from(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for root in (here, there):
        root.mkdir()
    create_state_folder(here / ".clx", there)
    queue = await JobQueue.open(here / ".clx" / DATABASE)
    await queue.add_build("theirs", "", Request(str(there)).to_json())
    await queue.close()
    builds = await Builds.open(here)
    assert builds is not None
    assert not builds.busy
    assert [(row["id"], row["state"]) for row in Reader(here / ".clx").builds()] == [("theirs", "cancelled")]
    await builds.close()
    assert list(there.iterdir()) == []


@pytest.mark.fault(38)
async def test_a_build_ends_with_a_clear_problem_when_its_database_turns_out_to_be_damaged_and_the_next_one_is_right(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.py").write_text("# %%\nimport time\ntime.sleep(600)\n")
    builds = await Builds.open(tmp_path, size=1)
    assert builds is not None
    id = await builds.start(Request(str(tmp_path)))
    while not any(job["state"] == "running" for job in Reader(tmp_path / ".clx").jobs(id)):
        await asyncio.sleep(0.05)
    builds._queue.database.break_as_damaged("row 7 missing from index jobs_ready")
    report = await asyncio.wait_for(builds.wait(id), 60)
    assert report["status"] == "failed" and "row 7" in report["problems"][0]["message"] and "set aside" in report["problems"][0]["hint"]
    assert not builds.held, "whoever wants to build next opens it anew"
    await asyncio.wait_for(builds.close(), 60)
    (tmp_path / "a.py").write_text("# %% [markdown]\n# # A\n")
    builds = await Builds.open(tmp_path, size=1)
    assert builds is not None
    report = await asyncio.wait_for(builds.wait(await builds.start(Request(str(tmp_path)))), 120)
    await builds.close()
    assert report["status"] == "succeeded" and ["set aside" in problem["message"] for problem in report["problems"]] == [True]
