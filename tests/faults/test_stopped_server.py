"""The process that builds is stopped for longer than a worker may be silent, as when a laptop sleeps, and goes on."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from clx_jupyter.job_reader import Reader
from tests.faults.waiting import Waiting, reached
from tests.suspending import suspend

pytestmark = pytest.mark.kernel

# The limits are shorter than usual, so that the test is.
_PROGRAM = """
import sys
from clx_jupyter import deadlines
deadlines.PING, deadlines.SILENCE, deadlines.GAP = 0.5, 2.0, 1.0
from clx_jupyter.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.fault(36)
def test_after_a_long_stop_nobody_is_taken_for_dead(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path / "course")
    process = waiting.build(("-c", _PROGRAM))
    try:
        reached(lambda: waiting.attempts_at_the_cell() == 1)
        tree = [process.pid, waiting.worker(), waiting.kernel()]
        for stop in ([process.pid], tree):
            suspend(*stop)
            time.sleep(3)  # this is the fault: more than SILENCE
            for pid in reversed(stop):
                os.kill(pid, signal.SIGCONT)
        waiting.go()
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.wait()
    assert [row["outcome"] for row in Reader(waiting.folder).rows("SELECT outcome FROM attempts")] == ["ok"]


def test_kernels_are_as_nice_to_others_as_their_workers(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path / "course")
    process = waiting.build()
    try:
        reached(lambda: waiting.attempts_at_the_cell() == 1)
        nice = [os.getpriority(os.PRIO_PROCESS, pid) for pid in (process.pid, waiting.worker(), waiting.kernel())]
        waiting.go()
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.wait()
    assert nice == [nice[0], min(19, nice[0] + 10), min(19, nice[0] + 10)]
