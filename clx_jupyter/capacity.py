"""How many workers this machine, or this process's share of it, can keep busy."""

from __future__ import annotations

import os
from pathlib import Path


def default_size() -> int:
    """How many workers this process may keep busy: its usable processors, and memory for half a GB each."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(usable, _cgroup_cpus() or usable))


def _cgroup_cpus() -> int | None:
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return None if quota == "max" else max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return None
