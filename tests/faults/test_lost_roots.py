"""Another host takes a course over, or its state is deleted, while it is built: nothing more is published by the one that lost it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.publishing import tree

pytestmark = pytest.mark.story


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course whose code says that it runs, then waits."""
    for name in ("bell", "gate"):
        os.mkfifo(tmp_path / name)
    root = tmp_path / "course"
    root.mkdir()
    waits = f"open({str(tmp_path / 'bell')!r}, 'w').close(); open({str(tmp_path / 'gate')!r}).close()"
    (root / "a.py").write_text(f"# %% [markdown]\n# # A\n\n# %%\n{waits}\nprint('done')\n")
    return root


def started(root: Path) -> subprocess.Popen[str]:
    """A ``clx build`` in a process of its own, whose code waits."""
    command = [sys.executable, "-m", "clx_jupyter.cli", "build", str(root), "--take-over"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    (root.parent / "bell").read_bytes()
    return process


def again(root: Path) -> tuple[int, str]:
    """Build once more: the result of the code was kept, so nothing waits."""
    command = [sys.executable, "-m", "clx_jupyter.cli", "build", str(root), "--take-over"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stderr


def let_go(root: Path, process: subprocess.Popen[str]) -> tuple[int, str]:
    """Let the code end; gives the exit code and what was said."""
    (root.parent / "gate").write_bytes(b"")
    said = process.communicate(timeout=120)[1]
    return process.returncode, said


def test_who_lost_the_course_to_another_host_publishes_nothing_more_and_says_so(root: Path) -> None:
    process = started(root)
    before = tree(root / "output")
    holder = root / ".clx" / "holder"
    theirs = json.loads(holder.read_text()) | {"host": "elsewhere", "pid": 4711}
    theirs["epoch"] += 1
    holder.write_text(json.dumps(theirs))
    code, said = let_go(root, process)
    assert code == 3 and "taken over by elsewhere" in said and "Traceback" not in said, said
    assert tree(root / "output") == before
    assert json.loads(holder.read_text()) == theirs, "it is the other one's"
    code, said = again(root)
    assert code == 0, said
    assert "done" in next((root / "output").rglob("a.html")).read_text()


def test_who_lost_the_state_stops_and_the_next_build_is_right(root: Path) -> None:
    process = started(root)
    (root / ".clx" / "holder").unlink()
    code, said = let_go(root, process)
    assert code == 2 and "was deleted while it was built" in said and "Traceback" not in said, said
    assert not list((root / "output").rglob("a.html"))
    code, said = again(root)
    assert code == 0, said
