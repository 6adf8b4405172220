"""Processes that are stopped: a signal only asks for it, and every thread goes on until it hears of it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def suspend(*pids: int) -> None:
    """Stop processes; when it returns, no thread of them runs."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    end = time.monotonic() + 60
    while not all(map(_still, pids)):
        assert time.monotonic() < end, "they do not stop"
        time.sleep(0.005)


def _still(pid: int) -> bool:
    try:
        return all(thread.read_text().rpartition(")")[2].split()[0] == "T" for thread in Path(f"/proc/{pid}/task").glob("*/stat"))
    except OSError:  # a thread that just ended
        return False
