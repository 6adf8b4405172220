"""One try at a job: what its worker said, and what the supervisor needs of the service above it."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from clx_jupyter.errors import Problem
from clx_jupyter.jobs import Job

if TYPE_CHECKING:
    from clx_jupyter.transfer import Transfer

GRACE = 4.0
"""Seconds between a time limit, or a cancel, and the end of the worker that does not react."""


_MOST_PROBLEMS, _MOST_WORDS = 1000, 8_000_000
"""Problems of one try that are kept, and characters of all of them together."""


@dataclass(slots=True)
class Attempt:
    """What a worker said in one try at a job."""

    job: Job
    status: str = "lost"
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    missing: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    #: Problems that were too many to be kept, and how bad the worst of them was.
    untold: int = 0
    untold_severity: str = "info"
    _words: int = 0
    executions: int = 0
    kernels: int = 0
    #: Its runs by language (:class:`~clx_jupyter.plan.Known`).
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    progress: dict[str, Any] = field(default_factory=dict)
    #: Frames that came.
    words: int = 0
    #: Which limit was reached: ``cell``, ``notebook``, or ``conversion`` (reading or writing took too long).
    limit: str = ""
    #: The worker was ended because it did not stop at that limit.
    overdue: bool = False
    #: The worker was ended because it said nothing for too long.
    hung: bool = False
    #: What ended the worker, where it was one.
    signal: int | None = None
    cancelled: bool = False
    #: The whole service stops: the job goes back to the queue.
    stopped: bool = False
    stage: Path = Path()
    #: The way of its files, where the worker shares none with this machine.
    transfer: Transfer | None = None
    started: float = field(default_factory=time.monotonic)

    def note(self, problem: Problem) -> None:
        """Keep a problem that the worker tells of, unless there are so many that they would fill the memory."""
        self._words += sum(map(len, (problem.message, problem.hint, problem.traceback, *problem.outputs)))
        if len(self.problems) < _MOST_PROBLEMS and self._words <= _MOST_WORDS:
            self.problems.append(problem)
            return
        self.untold += 1
        self.untold_severity = min(self.untold_severity, problem.severity, key=lambda each: {"error": 0, "warning": 1}.get(each, 2))

    def sum_up(self) -> None:
        """Say how many problems were not kept."""
        if self.untold:
            words = f"the worker told of {self.untold} more problems of this notebook, which are not kept"
            self.problems.append(
                Problem("internal", words, "mend the first ones, then build again", self.untold_severity, path=self.job.path)
            )
            self.untold = 0

    def end_with(self, status: str, problem: Problem) -> Attempt:
        """The attempt, ended with this status for this reason."""
        self.status = status
        self.problems.append(problem)
        return self

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return time.monotonic() - self.started


class Account(Protocol):
    """What the supervisor needs of the service above it; every call is made on the loop."""

    async def frame(self, job: Job) -> dict[str, Any]:
        """The job as the worker gets it, secrets included."""

    async def kept(self, key: str) -> bytes | None:
        """A kept execution."""

    async def keep(self, key: str, body: bytes) -> None:
        """Keep an execution."""

    async def hand_on(self, stage: Path, hashes: list[str]) -> None:
        """Keep files that code wrote; they lie in *stage*."""

    async def accept(self, attempt: Attempt) -> None:
        """End a job whose worker said ``done``: record, then publish."""

    async def superseded(self, job: Job) -> bool:
        """Whether its source, or a file that the source depends on, is no longer what the job was made for."""

    async def changed(self, job: Job) -> dict[str, Any] | None:
        """The new spec of a job whose source changed under it; ``None`` where the source is gone."""

    def moved(self, job: Job, progress: dict[str, Any] | None) -> None:
        """A job went on; ``None``: it is no longer running."""


def internal(error: Exception) -> Problem:
    """An error of ours, as a problem."""
    words = "".join(traceback.format_exception(error))
    return Problem("internal", f"{type(error).__name__}: {error}", "this is an error of clx_jupyter: please report it", traceback=words)
