"""There is no room for another process, or a worker takes more memory than it may: real limits, real workers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from clx_jupyter.job_reader import Reader
from tests.plain_user import PlainUser
from tests.stories.conftest import write

_PROGRAM = """
import asyncio, json, os, resource, sys
from pathlib import Path
from clx_jupyter.builds import Builds
from clx_jupyter.executors.local import LocalExecutor
from clx_jupyter.requests import Request

class Crowded(LocalExecutor):
    '''Uses up this process's descriptors before the first start; they are free again after the third.'''
    refused, held = 0, []
    async def start(self, type, log):
        if self.refused == 0:
            while len(self.held) < 10_000:
                try:
                    self.held.append(os.open(os.devnull, os.O_RDONLY))
                except OSError:
                    break
        try:
            return await super().start(type, log)
        except OSError as error:
            self.refused += 1
            print("refused", error.errno, file=sys.stderr)
            if self.refused == 3:
                while self.held:
                    os.close(self.held.pop())
            raise

async def main(root):
    executor = Crowded()
    builds = await Builds.open(root, executor=executor, size=2)
    try:
        report = await builds.wait(await builds.start(Request(str(root))))
    finally:
        await builds.close()
    print(json.dumps({"refused": executor.refused, "status": report["status"]}))

resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.fault(34)
def test_without_free_descriptors_the_start_of_workers_is_tried_again_until_there_are(tmp_path: Path) -> None:
    root = write(tmp_path / "course", dict.fromkeys(("a.py", "b.py"), "# %% [markdown]\n# # Text\n"))
    done = subprocess.run([sys.executable, "-c", _PROGRAM, str(root)], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"refused": 3, "status": "succeeded"}
    assert done.stderr.count("refused 24") == 3  # EMFILE
    assert [row["outcome"] for row in Reader(root / ".clx").rows("SELECT outcome FROM attempts")] == ["ok"] * 2


_CROWDED = """
import asyncio, json, resource, sys
from pathlib import Path
from clx_jupyter.builds import Builds
from clx_jupyter.executors.local import LocalExecutor
from clx_jupyter.requests import Request

class Crowded(LocalExecutor):
    '''This user may have no further process from the first start on, and as many as he likes after the third.'''
    refused = 0
    async def start(self, type, log):
        if self.refused == 0:
            resource.setrlimit(resource.RLIMIT_NPROC, (1, self.most))
        try:
            return await super().start(type, log)
        except OSError as error:
            self.refused += 1
            print("refused", error.errno, file=sys.stderr)
            if self.refused == 3:
                resource.setrlimit(resource.RLIMIT_NPROC, (self.most, self.most))
            raise

async def main(root):
    executor = Crowded()
    Crowded.most = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    builds = await Builds.open(root, executor=executor, size=2)
    try:
        report = await builds.wait(await builds.start(Request(str(root))))
    finally:
        await builds.close()
    print(json.dumps({"refused": executor.refused, "status": report["status"]}))

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.fault(34)
def test_without_a_process_to_be_had_the_start_of_workers_is_tried_again_until_there_is(plain_user: PlainUser) -> None:
    root = write(plain_user.home / "course", dict.fromkeys(("a.py", "b.py"), "# %% [markdown]\n# # Text\n"))
    plain_user.own(root)
    done = plain_user.run("-c", _CROWDED, str(root))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"refused": 3, "status": "succeeded"}, done.stderr
    assert done.stderr.count("refused 11") == 3  # EAGAIN
    assert [row["outcome"] for row in Reader(root / ".clx").rows("SELECT outcome FROM attempts")] == ["ok"] * 2
