"""Builds and jobs as the queue, the supervisor and every door see them: defined once, frozen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class JobState(StrEnum):
    """Where a job is. ``dead``: it killed its workers too often."""

    BLOCKED = "blocked"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    DEAD = "dead"
    CANCELLED = "cancelled"


class BuildState(StrEnum):
    """Where a build is. ``invalid``: the course file could not be read."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INVALID = "invalid"


ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.DEAD, JobState.CANCELLED})
BUILD_ENDED = frozenset({BuildState.SUCCEEDED, BuildState.FAILED, BuildState.CANCELLED, BuildState.INVALID})

#: The types of jobs; every one has a worker program ``clx_jupyter_workers.<type>``.
JOB_TYPES = ("notebook",)

INTERACTIVE, OPEN_FILE, BULK = 100, 50, 0
"""Priorities: what a person waits for, a build of an open file, the rest."""


@dataclass(frozen=True, slots=True)
class Job:
    """The work for one source, all its variants included."""

    id: int
    build: str
    type: str
    #: ``section:path``: the source and the section it is used in.
    place: str
    path: str
    state: JobState
    priority: int
    #: Seconds since 1970 before which it must not start (it is being retried).
    not_before: float
    #: The number of the current or last try; a result counts for this one only.
    attempt: int
    #: The cell at which each worker was that was lost with this job.
    deaths: tuple[int | None, ...]
    spec: dict[str, Any]
    reason: str = ""

    @property
    def alone(self) -> bool:
        """Whether it must run alone: it is the suspect of two deaths at one cell."""
        return len(self.deaths) >= 2 and self.deaths[-1] == self.deaths[-2]

    @property
    def hopeless(self) -> bool:
        """Whether it killed its workers too often: three times at one cell, or ten times in all."""
        return len(self.deaths) >= 10 or (len(self.deaths) >= 3 and len(set(self.deaths[-3:])) == 1)
