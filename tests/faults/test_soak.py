"""Hundreds of builds by one process, as in a server that runs for weeks: what it holds does not grow."""

from __future__ import annotations

import contextlib
import gc
import threading
import time
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import median

import psutil
import pytest

from clx_jupyter.builds import Builds
from clx_jupyter.follow import follow
from clx_jupyter.requests import Request, new_id, post
from clx_jupyter.settings import BuildSettings
from clx_jupyter.state import state_folder
from tests.faults import leftovers
from tests.faults.conftest import Place
from tests.faults.courses import unfinished, write_course

_SOURCES = 6
_BY_REQUEST = 50
"""Every so many builds one is asked for by another process's way."""
_MB = 1 << 20


@dataclass(frozen=True)
class Held:
    """What the process holds between two builds; memory and database in MB."""

    descriptors: int
    threads: int
    children: int
    memory: float
    memory_of_workers: float
    database: float
    state: int
    temporary: int


def held(root: Path, temporary: Path) -> Held:
    gc.collect()
    look, folder = psutil.Process(), state_folder(root)
    files = [path for path in folder.rglob("*") if path.is_file()]
    database = sum(path.stat().st_size for path in folder.glob("jobs.db*"))
    children = look.children(recursive=True)
    return Held(
        look.num_fds(), _threads(), len(children), look.memory_info().rss / _MB, sum(map(_memory, children)), database / _MB,
        len(files), sum(1 for _ in temporary.rglob("*")),
    )  # fmt: skip


def _threads() -> int:
    """Those that are not of the loop's own pool, which grows to its size by and by."""
    return sum(not each.name.startswith("asyncio_") for each in threading.enumerate())


def _memory(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):
        return float(process.memory_info().rss / _MB)
    return 0.0


async def one_build(builds: Builds, root: Path, number: int) -> None:
    """Change one lesson and build; sometimes all of it, with a kernel or without, sometimes asked for by a file as ``clx build`` does."""
    lesson = sorted(root.glob("*/*.md"))[number % (_SOURCES - 1)]
    lesson.write_text(lesson.read_text(encoding="utf-8").rpartition("\nedit ")[0] + f"\nedit {number}\n", encoding="utf-8")
    request = Request(str(root), force=number % 10 == 0, rerun=number % 20 == 0)
    if number % _BY_REQUEST:
        report = await builds.wait(await builds.start(request))
    else:
        id, folder = new_id(), state_folder(root)
        post(folder, {"do": "build", "build": id, "request": request.to_json()})
        report = await follow(folder, id, lambda row, jobs: None) or {}
    assert report["status"] == "succeeded", report["problems"]


def growth(values: list[float]) -> float:
    """By how much of itself a value grew from the first third after the warm-up to the last one."""
    third = max(1, len(values) // 3)
    first, last = median(values[:third]), median(values[-third:])
    return (last - first) / first if first else float(last > 0)


_SHORT = pytest.param(20, 8, 0.15, BuildSettings(keep_builds=5), id="20 builds")
_LONG = pytest.param(500, 140, 0.05, BuildSettings(), id="500 builds", marks=pytest.mark.long)
"""After the warm-up so many builds are kept as ever will be."""


@pytest.mark.parametrize(("times", "warm_up", "allowed", "settings"), [_SHORT, _LONG])
async def test_many_builds_in_one_process_leave_it_as_small_as_before(
    place: Place, times: int, warm_up: int, allowed: float, settings: BuildSettings
) -> None:
    root = write_course(place.home / "course", _SOURCES, with_code=_SOURCES)
    builds = await Builds.open(root, size=1, settings=settings)
    assert builds is not None
    seen: list[Held] = []
    begin = time.monotonic()
    try:
        for number in range(times):
            await one_build(builds, root, number)
            seen.append(held(root, place.temporary))
    finally:
        await builds.close()
    print(f"{times} builds in {time.monotonic() - begin:.0f} s")
    for name, series in zip([field.name for field in fields(Held)], zip(*map(astuple, seen), strict=True), strict=True):
        after = list(map(float, series[warm_up:]))
        print(
            f"{name}: first {series[0]:.2f}, after warm-up {after[0]:.2f}, last {after[-1]:.2f}, largest {max(after):.2f}, growth {growth(after):+.1%}"
        )
        assert growth(after) < allowed, f"{name}: {series[:: max(1, times // 20)]}"
    assert leftovers.until_none(place.mark) < 50
    assert list(unfinished(root, place.temporary)) == []
