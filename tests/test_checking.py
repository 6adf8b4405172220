"""The workers of a check may die or hang: that is told, and the others go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from clx_jupyter import checking
from clx_jupyter.checking import Checker, job_of
from clx_jupyter.course.load import Place
from clx_jupyter.executors.local import LocalExecutor, LocalWorker
from clx_jupyter.views import planned

pytestmark = pytest.mark.story


class Dying(LocalExecutor):
    """Its first worker dies at once."""

    def __init__(self) -> None:
        super().__init__()
        self.started = 0

    async def start(self, type: str, log: Path) -> LocalWorker:
        worker = await super().start(type, log)
        self.started += 1
        if self.started == 1:
            worker.kill()
        return worker


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for name in ("a.py", "b.py", "c.py"):
        (tmp_path / name).write_text('# %% tag=["keep"]\n1\n')
    return Place(tmp_path)


async def test_a_worker_that_dies_is_told_and_the_others_are_checked(place: Place) -> None:
    jobs = [job_of(source, place.root) for source in planned(place).plan.sources]
    executor, told = Dying(), list[tuple[int, int]]()
    async with Checker(1, executor) as checker:
        found = await checker.check(jobs, lambda done, total: told.append((done, total)))
        again = await checker.check(jobs[:1])
    assert {path: [problem.category for problem in checked.problems] for path, checked in found.items()} == {
        "a.py": ["internal"], "b.py": ["tag"], "c.py": ["tag"],
    }  # fmt: skip
    assert [problem.category for problem in again["a.py"].problems] == ["tag"] and len(again["a.py"].sha256) == 64
    assert executor.started == 2 and told == [(0, 3), (1, 3), (2, 3), (3, 3)]


async def test_a_check_that_takes_too_long_is_ended(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "LIMIT", 0.01)
    jobs = [job_of(source, place.root) for source in planned(place).plan.sources]
    async with Checker(1) as checker:
        found = await checker.check(jobs[:1])
    assert [problem.category for problem in found["a.py"].problems] == ["timeout"]


async def test_a_source_that_is_gone_is_told(place: Place) -> None:
    jobs = [job_of(source, place.root) for source in planned(place).plan.sources]
    (place.root / "b.py").unlink()
    async with Checker(1) as checker:
        found = await checker.check(jobs[1:2])
    assert [problem.category for problem in found["b.py"].problems] == ["missing-file"]
