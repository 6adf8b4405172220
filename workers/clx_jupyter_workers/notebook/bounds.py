"""Bounds on time and memory for work on texts of a course, which may be made to take both."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

try:
    import resource
except ImportError:  # Windows: the limits of the whole job must do
    resource = None  # type: ignore[assignment]

SECONDS = 20.0
BYTES = 1 << 30
"""What may be taken beyond what the process has already."""


class TookTooLong(Exception):
    """The time was up."""


@contextmanager
def bounded() -> Iterator[None]:
    """Raise :class:`TookTooLong` or ``MemoryError`` inside where work exceeds its bounds, as far as the system can tell."""
    with ExitStack() as stack:
        if resource is not None and (statm := Path("/proc/self/statm")).exists():
            stack.enter_context(_memory(int(statm.read_text(encoding="ascii").split()[0]) * resource.getpagesize() + BYTES))
        if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
            stack.enter_context(_time())
        yield


@contextmanager
def _memory(most: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    lower = min(limit for limit in (most, soft, hard) if limit != resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_AS, (lower, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextmanager
def _time() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TookTooLong(f"it takes longer than {SECONDS:.0f} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
