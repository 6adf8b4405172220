"""A command that handed its request to the process that builds here, where a worker, or that process, is killed meanwhile."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from clx_jupyter.builds import Builds
from clx_jupyter.job_reader import Reader
from tests.faults.waiting import Waiting

pytestmark = pytest.mark.kernel


@pytest.mark.fault(1)
async def test_who_handed_a_build_over_gets_what_the_second_try_made_and_not_the_loss(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path / "course")
    builds = await Builds.open(waiting.root, size=1)
    assert builds is not None
    try:
        command = ("-m", "clx_jupyter.cli", "build", str(waiting.root), "--json")
        process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
        async with asyncio.timeout(200):
            await _attempts(waiting, 1)
            os.kill(waiting.worker(), signal.SIGKILL)
            await _attempts(waiting, 2)
            waiting.go()
            said, _ = await process.communicate()
    finally:
        await builds.close()
    report = json.loads(said)
    assert (process.returncode, report["status"], {output["state"] for output in report["outputs"]}) == (0, "succeeded", {"built"})
    assert not [problem for problem in report["problems"] if problem["severity"] == "error"]
    assert [row["outcome"] for row in Reader(waiting.folder).rows("SELECT outcome FROM attempts ORDER BY attempt")] == ["lost", "ok"]


@pytest.mark.fault(15)
async def test_who_handed_a_build_over_to_one_that_is_killed_builds_it_himself(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path / "course")
    holder = waiting.build()
    command = ("-m", "clx_jupyter.cli", "build", str(waiting.root), "--json", "--jobs", "1")
    try:
        async with asyncio.timeout(200):
            await _attempts(waiting, 1)
            process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
            while len(await asyncio.to_thread(Reader(waiting.folder).builds)) < 2:
                await asyncio.sleep(0.02)
    finally:
        holder.kill()
        holder.wait()
    waiting.go()
    async with asyncio.timeout(200):
        said, _ = await process.communicate()
    report = json.loads(said)
    assert (process.returncode, report["status"], {output["state"] for output in report["outputs"]}) == (0, "succeeded", {"built"})
    assert {row["state"] for row in Reader(waiting.folder).builds()} == {"succeeded", "cancelled"}


async def _attempts(waiting: Waiting, number: int) -> None:
    while waiting.attempts_at_the_cell() < number:
        await asyncio.sleep(0.02)
