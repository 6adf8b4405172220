"""Following a build of another process to its end, whatever becomes of that process."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.follow import follow
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.job_reader import DATABASE
from clx_jupyter.state import Lock, create_state_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_state_folder(tmp_path / ".clx", tmp_path)
    return tmp_path / ".clx"


async def followed(folder: Path) -> dict[str, Any] | None:
    async with asyncio.timeout(20):
        return await follow(folder, "x", lambda row, jobs: None)


async def test_a_request_that_was_taken_by_one_who_died_before_recording_it_is_waited_for_no_longer(folder: Path) -> None:
    lock = Lock(folder)
    assert lock.acquire()
    following = asyncio.create_task(followed(folder))
    await asyncio.sleep(0)
    lock.release()
    assert await following is None


async def test_a_build_whose_process_died_is_waited_for_no_longer(folder: Path) -> None:
    queue = await JobQueue.open(folder / DATABASE)
    await queue.add_build("x", "", {})
    await queue.close()
    assert await followed(folder) is None


async def test_where_the_state_folder_is_gone_nobody_waits(folder: Path) -> None:
    shutil.rmtree(folder)
    assert await followed(folder) is None
