"""A course of one notebook whose second cell waits until it is let go, and the command that builds it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from clx_jupyter.job_reader import Reader
from tests.stories.conftest import write

_SOURCE = """# %%
import os, pathlib, time

# %%
place = pathlib.Path({place!r})
(place / f"at {{os.getpid()}}").touch()
while not (place / "go").exists():
    time.sleep(0.02)
print("went on, with nice", os.nice(0))
"""


def reached(true: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


class Waiting:
    """The course below *root*; what its cell writes lies beside it."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, root / ".clx"
        self.place = root.parent / "cell"
        self.place.mkdir()
        write(root, {"wait.py": _SOURCE.format(place=str(self.place))})

    def build(self, program: Sequence[str] = ("-m", "clx_jupyter.cli")) -> subprocess.Popen[bytes]:
        """Start ``clx build``."""
        command = [sys.executable, *program, "build", str(self.root), "--report", str(self.place / "report.json")]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def attempts_at_the_cell(self) -> int:
        """How many kernels have come to the cell that waits."""
        return len(list(self.place.glob("at *")))

    def worker(self) -> int:
        """The process id of the worker that is busy."""
        (pid,) = (row["pid"] for row in Reader(self.folder).workers() if row["state"] == "busy")
        return int(pid)

    def kernel(self) -> int:
        """The process id of the kernel that waits."""
        return max(int(file.name.split()[1]) for file in self.place.glob("at *"))

    def go(self) -> None:
        """Let the cell go on."""
        (self.place / "go").touch()

    def report(self) -> dict[str, Any]:
        """The report of the build."""
        report: dict[str, Any] = json.loads((self.place / "report.json").read_text(encoding="utf-8"))
        return report
