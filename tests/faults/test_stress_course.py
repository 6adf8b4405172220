"""A course of a thousand topics and ten thousand files: built whole, without an error, while the process that builds stays awake."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from benchmarks.scan import TARGET, make_folder
from clx_jupyter.builds import Builds
from clx_jupyter.jobs import BuildState
from clx_jupyter.live import Live
from clx_jupyter.requests import Request
from tests.faults import leftovers
from tests.faults.conftest import Place
from tests.faults.courses import unfinished

_KINDS = ("code-along", "completed", "speaker")
_TICK = 0.01
_LAG = 0.02
"""Seconds by which what waits on the loop may be late, 99 times of 100."""


@dataclass
class Watch:
    """How a build goes: when the first job could start, how late the loop was, and what memory this process took."""

    begin: float = field(default_factory=time.monotonic)
    planned: float = 0.0
    done: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    memory: int = 0

    def look(self, live: Live) -> None:
        now = time.monotonic() - self.begin
        if live.state is BuildState.RUNNING and not self.planned:
            self.planned = now
        self.done += [now] * (live.done - len(self.done))

    async def tick(self) -> None:
        process = psutil.Process()
        while True:
            before = time.monotonic()
            await asyncio.sleep(_TICK)
            self.lags.append(time.monotonic() - before - _TICK)
            self.memory = max(self.memory, process.memory_info().rss)

    def lag(self, part: float) -> float:
        return sorted(self.lags)[int(len(self.lags) * part)]

    def pace(self, start: float, end: float) -> float:
        """Seconds for each job between two parts of the build."""
        first, last = int(len(self.done) * start), int(len(self.done) * end) - 1
        return (self.done[last] - self.done[first]) / max(1, last - first)


@asynccontextmanager
async def watched(builds: Builds) -> AsyncIterator[Watch]:
    watch = Watch()
    builds.watch(watch.look)
    task = asyncio.create_task(watch.tick())
    try:
        yield watch
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("topics", [12, pytest.param(1000, marks=pytest.mark.long)])
async def test_a_large_course_is_built_without_error(place: Place, topics: int) -> None:
    root = make_folder(place.home / "course", topics)
    files = sum(path.is_file() for path in root.rglob("*"))
    builds = await Builds.open(root, size=2)
    assert builds is not None
    request = Request(str(root), execute=False, formats=("html",))
    try:
        async with watched(builds) as watch:
            report = await builds.wait(await builds.start(request))
        wall = time.monotonic() - watch.begin
        async with watched(builds) as again:
            second = await builds.wait(await builds.start(request))
        quiet = time.monotonic() - again.begin
    finally:
        await builds.close()
    print(
        f"{topics:,} topics, {files:,} files: first job ready after {watch.planned:.2f} s, built in {wall:.1f} s, nothing to do: {quiet:.2f} s"
    )
    print(f"a job in the second quarter {watch.pace(0.25, 0.5) * 1000:.0f} ms, in the last {watch.pace(0.75, 1) * 1000:.0f} ms")
    print(
        f"loop late by: median {watch.lag(0.5) * 1000:.1f} ms, p99 {watch.lag(0.99) * 1000:.1f} ms, most {watch.lag(0.9999) * 1000:.1f} ms"
    )
    print(f"largest memory of this process: {watch.memory >> 20} MB; threads left: {threading.active_count()}")
    assert report["status"] == "succeeded" and not [problem for problem in report["problems"] if problem["severity"] == "error"]
    check_built(root, report, topics)
    assert {output["state"] for output in second["outputs"]} == {"fresh"}
    assert watch.planned < 10 * TARGET and quiet < 20 * TARGET
    assert watch.lag(0.99) < 10 * _LAG
    assert leftovers.until_none(place.mark) < 50
    assert list(unfinished(root, place.temporary)) == []


def check_built(root: Path, report: dict[str, object], topics: int) -> None:
    """Each deck is there as a page of each of its kinds, with the picture and the table that it shows."""
    outputs = report["outputs"]
    assert isinstance(outputs, list) and len(outputs) == len(_KINDS) * topics
    made = Path(str(report["output_root"]))
    assert all(output["state"] == "built" and (made / output["path"]).stat().st_size for output in outputs)
    assert len(list(made.rglob("*.png"))) == len(list(made.rglob("*.csv"))) == len(_KINDS) * topics
