"""Courses far larger than most: reading and planning them must not keep anyone waiting."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from benchmarks.scan import COURSES, TARGET, plan

pytestmark = pytest.mark.story


@pytest.mark.parametrize("form", COURSES)
def test_a_course_of_a_thousand_topics_and_ten_thousand_files_is_planned_soon(tmp_path: Path, form: str) -> None:
    path = COURSES[form](tmp_path, 1000)
    started = time.perf_counter()
    planned = plan(path)
    assert time.perf_counter() - started < 10 * TARGET
    assert len(planned.sources) == 1000 and not [problem for problem in planned.problems if problem.severity == "error"]
    inputs = next(source.parts.inputs for source in planned.sources if source.source.path.endswith("slides_7.py"))
    assert {path.rsplit("/", 1)[-1] for path in inputs} >= {"7.csv", "7.png"}
