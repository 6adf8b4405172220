"""A build while it goes on: what people want to know of it, and what the service remembers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clx_jupyter.errors import ClxError, Problem
from clx_jupyter.fingerprint import FileHashes
from clx_jupyter.job_rows import StoredOutput
from clx_jupyter.jobs import BuildState
from clx_jupyter.plan import Plan
from clx_jupyter.publishing import Publishing
from clx_jupyter.requests import Request


@dataclass(slots=True)
class Live:
    """A build that is going on, as far as people want to know; ``number`` goes up with every change."""

    id: str
    request: Request
    number: int = 1
    state: BuildState = BuildState.QUEUED
    started: float = field(default_factory=time.time)
    notice: str = ""
    #: While it waits for room on a full disk: which one, in words.
    paused: str = ""
    total: int = 0
    done: int = 0
    failed: int = 0
    #: Jobs that had ended before this process resumed the build.
    before: int = 0
    #: Progress frames of the running jobs, by path.
    running: dict[str, dict[str, Any]] = field(default_factory=dict)
    report: dict[str, Any] | None = None

    def left(self) -> float | None:
        """Seconds that the rest may take, by the jobs done so far; ``None`` while nothing can be said."""
        done = self.done - self.before
        if done <= 0 or self.state is not BuildState.RUNNING:
            return None
        return max(0.0, time.time() - self.started) / done * (self.total - self.done)


@dataclass(slots=True)
class Build:
    """What the service remembers of a build."""

    live: Live
    plan: Plan | None = None
    #: Of the files that the plan looked at.
    hashes: FileHashes | None = None
    publishing: Publishing | None = None
    problems: list[Problem] = field(default_factory=list)
    made: dict[str, tuple[StoredOutput, float]] = field(default_factory=dict)
    cancelled: bool = False
    #: What was said at its start.
    notice: str = ""
    #: The root was lost before it ended: what becomes of it is the next holder's business.
    lost: ClxError | None = None
    #: Jobs whose state is recorded, or about to be, and whose files are not published yet.
    accepting: int = 0
    #: Somebody wanted to know meanwhile whether it is over.
    to_count: bool = False
    #: Of a build that is resumed: the places whose jobs had ended, and whether they failed.
    before: Mapping[str, bool] = field(default_factory=dict)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    jobs_ended: asyncio.Event = field(default_factory=asyncio.Event)
