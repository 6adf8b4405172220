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
# Workers and kernels keep the true clock: ours is the one that counts. Each look at the limits leaves a mark, and a retry waits
# for long enough to be met by a jump.
_PROGRAM = """
import os, sys
del os.environ["LD_PRELOAD"]
from clx_jupyter import deadlines, settling
from clx_jupyter.cli import main
settling._back_off = lambda attempt: 1.0
deadlines.PING, act = 0.2, deadlines.Limits._act
def look(limits, worker):
    act(limits, worker)
    os.write(marks, b".")
marks = os.open(os.environ["CLOCK_FILE"] + " looks", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
deadlines.Limits._act = look
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

    def jump(offset: int) -> None:
        """Set the clock, and wait until its limits were looked at twice."""
        clock(offset)
        looks = tmp_path / "clock looks"
        before = looks.stat().st_size
        reached(lambda: looks.stat().st_size >= before + 2)

    process = waiting.build(("-c", _PROGRAM))
    started = time.monotonic()
    try:
        reached(lambda: waiting.attempts_at_the_cell() == 1)
        jump(_HOUR)
        os.kill(waiting.worker(), signal.SIGKILL)
        reached(lambda: waiting.attempts_at_the_cell() == 2)
        os.kill(waiting.worker(), signal.SIGKILL)
        reached(lambda: _ended(waiting) == 2)
        clock(-_HOUR)  # while the third try waits for its time
        reached(lambda: waiting.attempts_at_the_cell() == 3)
        jump(-2 * _HOUR)
        jump(_HOUR)
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


def _ended(waiting: Waiting) -> int:
    return len(Reader(waiting.folder).rows("SELECT job FROM attempts WHERE ended IS NOT NULL"))
