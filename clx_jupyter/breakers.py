"""Whether a worker of a type may be started now: after failures one waits, and after some no more is tried for a while."""

from __future__ import annotations

import errno

from clx_jupyter.errors import Problem

STARTS = 3
"""So many workers of a type may fail to start until its jobs fail with the reason. A worker that was ready once is counted no more."""

AT_ONCE = 5
"""So many may be starting at once while none of the type was ever ready: more would be started in vain."""

OPEN_SECONDS = 30.0
"""For so long jobs of the type fail at once; then the next one tries one start."""

PATIENCE = 60.0
"""For so long the machine may have no room for a process, with no worker of the type alive."""

_NO_ROOM = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE}


def no_room(error: OSError) -> bool:
    """Whether there was no room for a process just then: out of processes, memory or file descriptors."""
    return error.errno in _NO_ROOM


class Breaker:
    """The starts of one type. All times are of the monotonic clock."""

    def __init__(self, type: str) -> None:
        self._type = type
        self._failures = 0
        self._proved = False
        self._problem: Problem | None = None
        self._until = self._not_before = 0.0
        self._waits = 0
        self._full_since = 0.0

    def reason(self, now: float) -> Problem | None:
        """Why jobs of this type fail now; ``None``: they wait for a worker."""
        return self._problem if now < self._until else None

    def may_start(self, starting: int, now: float) -> int:
        """How many more may be started now."""
        if now < max(self._until, self._not_before):
            return 0
        if self._failures or self._waits:
            return 1 - min(1, starting)
        return 64 if self._proved else max(0, AT_ONCE - starting)

    def wait(self, now: float) -> float | None:
        """Seconds until one may be started; ``None``: now."""
        return self._not_before - now if self._not_before > now >= self._until else None

    def ready(self) -> None:
        """A worker is ready: the type works."""
        self._proved = True
        self.close()

    def close(self) -> None:
        """Try again now."""
        self._failures = self._waits = 0
        self._until = self._not_before = 0.0
        self._problem = None

    def failed(self, words: str, now: float) -> None:
        """A worker died before it was ready, or could not be started."""
        self._failures += 1
        self._proved = False
        self._not_before = now + min(5.0, 0.25 * 2**self._failures)
        if self._failures >= STARTS:
            tail = words.strip().splitlines()[-1] if words.strip() else "it said nothing"
            hint = "`clx doctor` shows what is missing; the log is in .clx/logs"
            self.open(Problem("internal", f"the {self._type} worker does not start: {tail}", hint, traceback=words), now)

    def full(self, error: OSError, alive: bool, now: float) -> None:
        """There was no room for a process: try again soon. *alive*: there are other workers of the type, which do the work meanwhile."""
        self._full_since = self._full_since if self._waits and not alive else now
        self._waits += 1
        self._not_before = now + min(5.0, 0.25 * 2 ** min(self._waits, 5))
        if now - self._full_since > PATIENCE:
            words = f"no {self._type} worker can be started: {error.strerror or error}"
            self.open(Problem("internal", words, "end other programs, or raise the limits of processes and open files"), now)

    def open(self, problem: Problem, now: float) -> None:
        """Start nothing for a while; jobs fail with this problem."""
        self._problem, self._until = problem, now + OPEN_SECONDS
        self._failures = max(self._failures, STARTS)
