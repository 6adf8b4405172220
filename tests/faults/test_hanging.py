"""Code that hangs, each in its way: it is ended at its limit with all that it started, and the rest of the course is built."""

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

LIMIT = 2
CHILDREN = "import os, subprocess\nsubprocess.Popen(['sleep', '1000'])\nos.system('setsid sleep 1000 > /dev/null 2>&1 &')"
HANGS = {
    "stopped kernel": "os.kill(os.getpid(), 19)",
    "stopped worker": "os.kill(os.getppid(), 19)\nimport time\ntime.sleep(1000)",
    "loop in C": "import re\nre.match('(a+)+$', 'a' * 40 + 'b')",
    "swallowed": "import time\nwhile True:\n    try:\n        time.sleep(0.05)\n    except KeyboardInterrupt:\n        pass",
    "asleep": "print('so far')\nimport time\ntime.sleep(1000)",
}


@pytest.mark.fault(5)
@pytest.mark.fault(6)
@pytest.mark.fault(8)
def test_whatever_hangs_ends_at_its_limit_and_is_named_with_its_cell(tmp_path: Path, place: Place) -> None:
    root = tmp_path / "course"
    files = {f"{name}.ipynb": notebook(("markdown", f"# {name}"), ("code", CHILDREN), ("code", code)) for name, code in HANGS.items()}
    write(root, {**files, "fine.ipynb": notebook(("code", "print(6 * 7)"))})
    command = [sys.executable, "-m", "clx_jupyter.cli", "build", str(root), "--json", "--timeout", str(LIMIT)]
    done = subprocess.run(command, env=place.environment(), capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 1, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    told = {problem["path"]: (problem["class"], problem["cell"]) for problem in report["problems"]}
    assert told == {f"{name}.ipynb": ("timeout", 2) for name in HANGS}
    states = {(output["source"], output["kind"], output["format"]): output["state"] for output in report["outputs"]}
    for (source, kind, format), state in states.items():
        shows = source != "fine.ipynb" and kind != "code-along" and format == "html"
        assert state == ("failed" if shows else "built"), (source, kind, format)
    # From the start of a try to its end: the limit, the interrupt, the killing; and the start of a kernel, on a busy machine.
    tries = Reader(state_folder(root)).rows("SELECT ended - started AS seconds FROM attempts", ())
    assert max(row["seconds"] for row in tries) < LIMIT + 50
    leftovers.until_none(place.mark)
