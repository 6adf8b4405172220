"""The time that an attempt may take, and how long its worker may be silent: all on this process's monotonic clock."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from clx_jupyter.attempts import GRACE, Attempt
from clx_jupyter.executors.base import RunningWorker

PING = 5.0
"""Seconds after its last word in which a worker with a job is asked whether it lives. A thread of its own answers, whatever the job does."""

SILENCE = 15.0
"""Seconds after which a worker that says nothing is taken to hang."""

GAP = 2.0
"""Seconds that this process may come late to a limit. If it is more, the machine slept or we were stopped: so was the job."""

_NEVER = float("inf")


class Limits:
    """The time limits of one attempt: :meth:`watch` keeps them, on one timer that seldom has to be set anew, until :meth:`leave`."""

    def __init__(self, attempt: Attempt) -> None:
        execute = attempt.job.spec["execute"]
        self._attempt = attempt
        self._cell_seconds, self.notebook_seconds = float(execute["cell_timeout"]), float(execute["timeout"])
        self._own = bool(execute.get("own_limits"))
        self._cell = self._notebook = self._kill = _NEVER
        # Reading and writing may hang as well; each may take as long as the running of the code.
        self._other = time.monotonic() + self.notebook_seconds
        self._ping = self._silent = _NEVER
        #: Somebody waits for its next word; otherwise the silence is ours, who have to do with its last one.
        self.listening = False
        self._timer: asyncio.TimerHandle | None = None
        self._planned = _NEVER

    def watch(self, worker: RunningWorker) -> None:
        """From now on do to the worker what is due."""
        self._worker = worker
        self.heard()

    def leave(self) -> None:
        """The attempt is over."""
        if self._timer is not None:
            self._timer.cancel()

    def heard(self) -> None:
        """The worker said something."""
        self._woke()
        self._live()
        self._plan()

    def _live(self) -> None:
        now = time.monotonic()
        self._ping, self._silent = now + PING, now + SILENCE

    def moved(self, progress: dict[str, Any]) -> None:
        """A cell began, or the running ended."""
        now = time.monotonic()
        if progress.get("phase") != "run":
            self._cell = self._notebook = self._kill = _NEVER
            self._other = now + self.notebook_seconds
            return
        # A new cell shows that the worker listens: what was asked of it before is done.
        self._cell, self._kill, self._other = now + self.of_cell(progress), _NEVER, _NEVER
        if self._notebook == _NEVER:
            self._notebook = now + self.notebook_seconds
        self._plan()

    def of_cell(self, progress: dict[str, Any]) -> float:
        """The seconds that the cell of a progress frame may take: its own limit, where that counts, else the job's."""
        return float(progress.get("limit") or self._cell_seconds) if self._own else self._cell_seconds

    def _plan(self) -> None:
        """Set the timer for the next limit, unless it is set already for one that came before; that one finds nothing to do then."""
        earliest = min(self._cell, self._notebook, self._other, self._kill, self._ping, self._silent)
        if earliest < self._planned:
            self.leave()
            self._planned = earliest
            self._timer = asyncio.get_running_loop().call_later(max(0.0, earliest - time.monotonic()), self._due)

    def _due(self) -> None:
        self._woke()
        self._planned = _NEVER
        if not self.listening:
            self._live()
        self._act(self._worker)
        self._plan()

    def _woke(self) -> None:
        """Time in which this process did not run counts for nobody."""
        late = time.monotonic() - self._planned
        if late > GAP:
            self._cell, self._notebook, self._other, self._kill = (
                limit + late for limit in (self._cell, self._notebook, self._other, self._kill)
            )
            self._live()
            self._planned = _NEVER

    def _act(self, worker: RunningWorker) -> None:
        """What is due now: ask for a sign of life, ask the worker to interrupt the code, or kill it."""
        now, attempt = time.monotonic(), self._attempt
        if now >= self._silent:
            attempt.hung = True
            self._end(worker)
        elif now >= self._kill:
            attempt.overdue = True
            self._end(worker)
        elif now >= self._other:
            attempt.limit, attempt.overdue = "conversion", True
            self._end(worker)
        elif now >= min(self._cell, self._notebook):
            self._interrupt(worker, now)
        elif now >= self._ping:
            self._ping = now + PING
            worker.send({"t": "ping", "n": round(now)})

    def _end(self, worker: RunningWorker) -> None:
        self._cell = self._notebook = self._other = self._kill = self._silent = self._ping = _NEVER
        worker.kill()

    def _interrupt(self, worker: RunningWorker, now: float) -> None:
        attempt = self._attempt
        is_cell = self._cell <= self._notebook
        attempt.limit, seconds = ("cell", self.of_cell(attempt.progress)) if is_cell else ("notebook", self.notebook_seconds)
        self._cell = self._notebook = _NEVER
        self._kill = now + GRACE
        worker.send({"t": "interrupt", "job": attempt.job.id, "attempt": attempt.job.attempt, "limit": attempt.limit, "seconds": seconds})
