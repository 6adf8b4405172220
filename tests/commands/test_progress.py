"""What a build shows while it runs."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from pathlib import Path

from clx_jupyter.cli import told
from clx_jupyter.commands.progress import Progress
from clx_jupyter.errors import Problem
from clx_jupyter.live import Live
from clx_jupyter.requests import Request


def test_a_stream_that_takes_nothing_more_disturbs_no_build() -> None:
    stream = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115 - its end fails as well
    progress = Progress(stream)
    progress.note("a course")
    progress.show(Live("x", Request("/course"), total=2, done=1, notice="a notice"))
    progress.close()
    with contextlib.suppress(OSError):
        stream.close()


def test_what_cannot_be_said_is_an_error_in_words() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "clx_jupyter.cli", "doctor"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: what this command says cannot be") and len(done.stderr.splitlines()) == 2


def test_names_and_errors_keep_to_their_lines_and_leave_the_terminal_alone() -> None:
    stream = io.StringIO()
    live = Live("x", Request("/course"), total=2, done=1)
    live.running["a\nb\x1b[2J.py"] = {}
    Progress(stream).show(live)
    assert stream.getvalue().endswith(" · a\\nb\\x1b[2J.py\n") and stream.getvalue().count("\n") == 1
    problem = Problem("cell-error", "bell\x07 and\nline", path="a\nb.py", cell=0)
    assert told(problem) == "error: a\\nb.py, cell 1: bell\\x07 and\nline"
