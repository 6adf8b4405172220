"""Cells that kill the worker: seldom ones cost one more try, stubborn ones are given up, and the course is the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.job_reader import Reader
from clx_jupyter.state import state_folder
from tests.faults import leftovers
from tests.faults.conftest import Place
from tests.stories.conftest import notebook, write

AWAY = "import os\nos.system('setsid sleep 1000 > /dev/null 2>&1 &')\n"
ONCE = """
import os, time
try:
    open({flag!r}, 'x')
except FileExistsError:
    print('survived')
else:
    os.kill(os.getppid(), {number})
    time.sleep(1000)
"""
ALWAYS = "import os, time\nif not os.path.exists({flag!r}):\n    os.kill(os.getppid(), 9)\n    time.sleep(1000)"


def course(root: Path, flags: Path) -> Path:
    flags.mkdir(exist_ok=True)
    once = {
        f"{name}.ipynb": notebook(("code", AWAY), ("code", ONCE.format(flag=str(flags / name), number=number)))
        for name, number in {"killed": 9, "crashed": 11}.items()
    }
    stubborn = notebook(("code", AWAY), ("code", ALWAYS.format(flag=str(flags / "calm"))))
    return write(root, {**once, "stubborn.ipynb": stubborn, "fine.ipynb": notebook(("code", "print(6 * 7)"))})


def build(root: Path, place: Place, *options: str) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "clx_jupyter.cli", "build", str(root), "--json", *options]
    done = subprocess.run(command, env=place.environment(), capture_output=True, text=True, timeout=500, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def published(root: Path) -> dict[str, bytes]:
    files = [path for path in (root / "output").rglob("*") if path.suffix in (".html", ".ipynb") and path.name != "index.html"]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def tries(root: Path, source: str) -> list[tuple[str, int | None]]:
    sql = "SELECT outcome, signal FROM attempts JOIN jobs ON jobs.id = attempts.job WHERE path = ? ORDER BY attempts.attempt"
    return [(row["outcome"], row["signal"]) for row in Reader(state_folder(root)).rows(sql, (source,))]


@pytest.mark.fault(1)
@pytest.mark.fault(2)
@pytest.mark.fault(12)
def test_a_course_whose_workers_die_is_the_one_that_it_is_undisturbed(tmp_path: Path, place: Place) -> None:
    flags = tmp_path / "flags"
    disturbed = course(tmp_path / "disturbed" / "course", flags)
    code, report = build(disturbed, place)
    assert code == 1
    [problem] = [problem for problem in report["problems"] if problem["severity"] == "error"]
    assert (problem["class"], problem["path"], problem["cell"]) == ("kernel-died", "stubborn.ipynb", 1)
    assert "3 times" in problem["message"] and "SIGKILL" in problem["message"]
    assert tries(disturbed, "stubborn.ipynb") == [("lost", 9)] * 3
    assert tries(disturbed, "killed.ipynb") == [("lost", 9), ("ok", None)]
    assert tries(disturbed, "crashed.ipynb") == [("lost", 11), ("ok", None)]
    leftovers.until_none(place.mark)
    (flags / "calm").touch()
    undisturbed = course(tmp_path / "undisturbed" / "course", flags)
    assert build(undisturbed, place)[0] == 0
    expected = published(undisturbed)
    made = {path: expected[path] for path in published(disturbed)}
    assert len([path for path in expected if path not in made]) < len(made)
    assert published(disturbed) == made
