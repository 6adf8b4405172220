"""The time that an attempt may take."""

from __future__ import annotations

import time
from typing import Any

from clx_jupyter.attempts import GRACE, Attempt
from clx_jupyter.executors.base import RunningWorker


class Limits:
    """The time limits of one attempt, on this process's monotonic clock."""

    def __init__(self, attempt: Attempt) -> None:
        execute = attempt.job.spec["execute"]
        self._attempt = attempt
        self._cell_seconds, self.notebook_seconds = float(execute["cell_timeout"]), float(execute["timeout"])
        self._own = bool(execute.get("own_limits"))
        self._cell = self._notebook = self._kill = float("inf")

    def moved(self, progress: dict[str, Any]) -> None:
        """A cell began, or the running ended."""
        now = time.monotonic()
        if progress.get("phase") != "run":
            self._cell = self._notebook = self._kill = float("inf")
            return
        # A new cell shows that the worker listens: what was asked of it before is done.
        self._cell, self._kill = now + self.of_cell(progress), float("inf")
        if self._notebook == float("inf"):
            self._notebook = now + self.notebook_seconds

    def of_cell(self, progress: dict[str, Any]) -> float:
        """The seconds that the cell of a progress frame may take: its own limit, where that counts, else the job's."""
        return float(progress.get("limit") or self._cell_seconds) if self._own else self._cell_seconds

    def wait(self) -> float | None:
        """Seconds until the next limit; ``None`` if there is none."""
        nearest = min(self._cell, self._notebook, self._kill)
        return None if nearest == float("inf") else max(0.0, nearest - time.monotonic())

    def act(self, worker: RunningWorker) -> None:
        """A limit was reached: ask first, then kill."""
        now, attempt = time.monotonic(), self._attempt
        if now >= self._kill:
            worker.kill()
            self._kill = float("inf")
        elif now >= min(self._cell, self._notebook):
            attempt.limit, seconds = (
                ("cell", self.of_cell(attempt.progress)) if self._cell <= self._notebook else ("notebook", self.notebook_seconds)
            )
            self._cell = self._notebook = float("inf")
            self._kill = now + GRACE
            worker.send(
                {"t": "interrupt", "job": attempt.job.id, "attempt": attempt.job.attempt, "limit": attempt.limit, "seconds": seconds}
            )
