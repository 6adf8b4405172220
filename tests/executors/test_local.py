"""Workers as child processes, beside what every executor promises (``test_contract.py``)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

USER = 54321
BECOME_ROOT = '#include <unistd.h>\nint main(void) { setgid(0); setuid(0); write(2, "up\\n", 3); for (;;) pause(); }\n'
WORKER = """
import asyncio, os, sys
from pathlib import Path
from clx_jupyter.executors.local import LocalWorker
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
async def main(folder):
    worker = await LocalWorker.run(["/bin/sh", "-c", "./root & echo $! >&2; read line; wait"], Path(folder, "log"), {})
    async with asyncio.timeout(60):
        while "up" not in worker.last_words():
            await asyncio.sleep(0.01)
    worker.kill()
    print(await worker.close(1), worker.last_words().split()[0], flush=True)
os.chdir(sys.argv[1])
asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach, unlike those of pytest."""
    if os.geteuid() != 0:
        pytest.fail("as root only") if os.environ.get("CI") else pytest.skip("a program that becomes another user needs root to make it")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def test_a_worker_is_ended_although_its_code_started_what_may_not_be_killed(open_folder: Path) -> None:
    """As ``sudo`` does: a child that is somebody else's by now."""
    program = open_folder / "root"
    subprocess.run(["cc", "-x", "c", "-o", str(program), "-"], input=BECOME_ROOT, text=True, check=True)
    program.chmod(0o4755)
    done = subprocess.run(
        [sys.executable, "-c", WORKER, str(open_folder), str(USER)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    status, pid = map(int, done.stdout.split())
    left = psutil.Process(pid)
    assert left.uids().real == 0  # it was not to be killed
    left.kill()
    assert status == -9
