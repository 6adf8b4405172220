"""Ending processes with all that they started. Walks the tree first: a kernel's children are in no group we could signal."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

try:
    import psutil
except ImportError:  # the diagram workers run in images that have nothing but Python
    psutil = None  # type: ignore[assignment]


_PR_SET_CHILD_SUBREAPER = 36
_SECONDS = 2.0


def adopt_orphans() -> None:
    """On Linux, processes that leave their parents become this one's children, and can be found."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_children() -> None:
    """End everything this process started and that still lives, orphans it adopted included, and collect what is dead."""
    end = time.monotonic() + _SECONDS
    while _has_children() and time.monotonic() < end:
        for process in descendants(os.getpid()):
            kill(process)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.002)


def _has_children() -> bool:
    """Quick where there is none, which is nearly always."""
    if not hasattr(os, "waitid"):
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def memory_kills() -> int | None:
    """How often Linux has killed processes for want of memory, the machine's or a control group's; ``None`` where it does not say.

    A control group's own count (``memory.events``) says no more: it too leaves out what programs such as systemd-oomd kill.
    """
    try:
        text = Path("/proc/vmstat").read_text(encoding="ascii")
    except OSError:
        return None
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("oom_kill ")), None)


def kill_tree(pid: int) -> None:
    """Kill a process and its descendants. A process that is gone already is fine."""
    for process in [*descendants(pid), pid]:
        kill(process)
    if psutil is None and hasattr(os, "killpg"):
        _kill_group(pid)


def descendants(pid: int) -> list[int]:
    """The pids of all that *pid* started and that still hang on it, as far as this machine can tell."""
    if psutil is None:
        return []
    try:
        found: list[Any] = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []
    return [process.pid for process in found]


def kill(pid: int) -> None:
    """SIGKILL for one process."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def end_this_tree(code: int) -> None:
    """End everything this process started, then the process itself, at once and without any clean-up."""
    own = os.getpid()
    for process in descendants(own):
        kill(process)
    if psutil is None and hasattr(os, "getpgid") and os.getpgid(own) == own:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(own, signal.SIGTERM)
    os._exit(code)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.getpgid(pid) == pid != os.getpgid(0):
            os.killpg(pid, signal.SIGKILL)
