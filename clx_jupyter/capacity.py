"""How many workers this machine, or this process's share of it, can keep busy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import psutil

MEMORY_OF_WORKER = 750_000_000
"""Bytes that a worker with a kernel of an ordinary notebook (numpy, pandas, a plot) takes."""

MEMORY_OF_SERVER = 1_000_000_000
"""Bytes that a server leaves for itself and for the notebooks that are open in it."""

_CGROUPS = Path("/sys/fs/cgroup")
_NO_LIMIT = 2**60
"""cgroup v1 writes a number near 2**63 where there is no limit."""


@dataclass(frozen=True, slots=True)
class Share:
    """What this process may use of the machine."""

    processors: float
    #: Bytes that it may use at all, and that are free for it now.
    memory: int
    free: int


def workers_for(share: Share, *, server: bool = False) -> int:
    """How many workers to keep busy; at least one.

    One for each processor, as far as memory goes. A server leaves a quarter of the processors, from four on, and some memory: with fewer
    processors nobody would wait for a build that uses half of them, and workers are nicer than JupyterLab and its kernels anyway.
    """
    processors = max(1, int(share.processors))
    if server:
        processors -= processors // 4
    memory = share.free - (MEMORY_OF_SERVER if server else 0)
    return max(1, min(processors, memory // MEMORY_OF_WORKER, 64))


def memory_for(share: Share, workers: int) -> int:
    """Bytes that one of so many workers may hold before it is replaced: together half of the memory."""
    return share.memory // 2 // max(1, workers)


def default_size(*, server: bool = False) -> int:
    """How many workers this process may keep busy."""
    return workers_for(share_of_this_process(), server=server)


def share_of_this_process() -> Share:
    """Read from the system: processor affinity, cgroup limits, memory."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    machine = psutil.virtual_memory()
    try:
        own = Path("/proc/self/cgroup").read_text(encoding="utf-8")
    except OSError:  # not Linux
        own = ""
    return limited(Share(usable, machine.total, machine.available), own, _CGROUPS)


def limited(share: Share, own: str, cgroups: Path) -> Share:
    """The share within the limits of the cgroups that *own* (``/proc/self/cgroup``) names, and of all above them."""
    processors, memory, free = share.processors, share.memory, share.free
    for folder in _folders(own, "cpu", cgroups):
        processors = min(processors, _quota(folder) or processors)
    for folder in _folders(own, "memory", cgroups):
        limit = _number(folder / "memory.max") or _number(folder / "memory.limit_in_bytes")
        if limit is not None and 0 < limit < _NO_LIMIT:
            memory, free = min(memory, limit), min(free, limit - _used(folder))
    return Share(processors, memory, max(0, free))


def _folders(own: str, controller: str, cgroups: Path) -> Iterator[Path]:
    """The folders of a process's cgroup and of those above it. In a container the path may be the host's: its own root stands for it."""
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        roots = [cgroups / controllers, cgroups / controller] if controllers else [cgroups, cgroups / "unified"]
        parts = () if ".." in path else PurePosixPath(path).parts[1:]
        for root in dict.fromkeys(roots):
            for length in range(len(parts), -1, -1):
                if (folder := root.joinpath(*parts[:length])).is_dir():
                    yield folder


def _quota(folder: Path) -> float | None:
    """Processors that a cgroup may use."""
    try:
        words = (folder / "cpu.max").read_text(encoding="utf-8").split()
        quota, period = (None if words[0] == "max" else int(words[0])), int(words[1])
    except (OSError, ValueError, IndexError):
        quota, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us") or 0
    return quota / period if quota is not None and quota > 0 and period > 0 else None


def _used(folder: Path) -> int:
    """Bytes in use that the kernel could not take back: files it only keeps in memory count as free."""
    used = _number(folder / "memory.current") or _number(folder / "memory.usage_in_bytes") or 0
    try:
        rows = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="utf-8").splitlines())
        kept = int(rows.get("inactive_file", rows.get("total_inactive_file", 0)))
    except (OSError, ValueError):
        kept = 0
    return max(0, used - kept)


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
