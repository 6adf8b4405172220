"""Many builds of one course are started at the same moment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clx_jupyter.job_reader import Reader
from tests.stories.conftest import notebook, write


@pytest.mark.fault(28, 37)
@pytest.mark.parametrize("number", [8, pytest.param(20, marks=pytest.mark.long)])
def test_of_many_builds_at_the_same_moment_one_builds_and_all_report_the_same(tmp_path: Path, number: int) -> None:
    root = write(
        tmp_path / "course", {"a.ipynb": notebook(("markdown", "# A"), ("code", "6 * 7")), "b.ipynb": notebook(("markdown", "# B"))}
    )
    ready, go = os.pipe()
    # Each begins when it is told to, and not when this process has come to it.
    program = f"import os, sys; os.read({ready}, 1); from clx_jupyter.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "build", str(root), "--json", "--jobs", "2"]
    builds = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=[ready]) for _ in range(number)]
    os.write(go, b"!" * number)
    said = [build.communicate(timeout=300) for build in builds]
    os.close(ready)
    os.close(go)
    assert [build.returncode for build in builds] == [0] * number, said
    assert not [errors for _, errors in said if "Traceback" in errors]
    reports = [json.loads(out) for out, _ in said]
    assert {report["status"] for report in reports} == {"succeeded"}
    made = [{output["path"]: output["sha256"] for output in report["outputs"]} for report in reports]
    assert made[0] and all(each == made[0] for each in made)
    assert [(row["path"], row["outcome"]) for row in _attempts(root)] == [("a.ipynb", "ok"), ("b.ipynb", "ok")]
    assert {row["state"] for row in Reader(root / ".clx").builds()} == {"succeeded"}


def _attempts(root: Path) -> list[dict[str, str]]:
    query = "SELECT path, outcome FROM attempts JOIN jobs ON jobs.id = attempts.job ORDER BY path"
    return Reader(root / ".clx").rows(query)
