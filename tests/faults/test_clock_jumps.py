"""The clock of the machine is set forward and back by an hour while a course is built."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.job_reader import Reader
from tests.faults.waiting import Waiting, reached

pytestmark = pytest.mark.kernel

_HOUR = 3600
# Workers and kernels keep the true clock: ours is the one that counts.
_PROGRAM = """
import os, sys
del os.environ["LD_PRELOAD"]
from clx_jupyter.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Any]:
    """Sets the clock of the command that is started next, as often as one likes."""
    file, library = tmp_path / "clock", tmp_path / "set_clock.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(Path(__file__).with_name("set_clock.c"))], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("CLOCK_FILE", str(file))

    def set(seconds: int) -> None:
        (tmp_path / "new clock").write_text(str(seconds))
        (tmp_path / "new clock").replace(file)

    set(0)
    return set


@pytest.mark.fault(35)
def test_a_clock_that_jumps_by_an_hour_ends_nothing_and_delays_no_retry(tmp_path: Path, clock: Callable[[int], Any]) -> None:
    waiting = Waiting(tmp_path / "course")
    process = waiting.build(("-c", _PROGRAM))
    started = time.monotonic()
    try:
        for attempt, offset in ((1, _HOUR), (2, -_HOUR)):
            reached(lambda attempt=attempt: waiting.attempts_at_the_cell() == attempt)
            clock(offset)
            os.kill(waiting.worker(), signal.SIGKILL)
        reached(lambda: waiting.attempts_at_the_cell() == 3)
        clock(_HOUR)
        waiting.go()
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.wait()
    rows = Reader(waiting.folder).rows("SELECT outcome, started FROM attempts ORDER BY attempt")
    assert [row["outcome"] for row in rows] == ["lost", "lost", "ok"]
    assert rows[1]["started"] - rows[0]["started"] > _HOUR > rows[0]["started"] - rows[2]["started"] > 0  # it did jump
    assert waiting.report()["seconds"] >= 0
    assert time.monotonic() - started < 600
