"""A command that handed its request to the process that builds here, where a worker is killed meanwhile."""

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


async def _attempts(waiting: Waiting, number: int) -> None:
    while waiting.attempts_at_the_cell() < number:
        await asyncio.sleep(0.02)
