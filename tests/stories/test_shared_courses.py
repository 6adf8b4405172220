"""Real courses, where the environment variable CLX_SHARED says where they are."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stories.conftest import Built, command, looks

SHARED = os.environ.get("CLX_SHARED")
pytestmark = [pytest.mark.story, pytest.mark.shared, pytest.mark.skipif(not SHARED, reason="CLX_SHARED names no folder")]

Clx = Callable[..., Built]


@pytest.fixture
def course(tmp_path: Path) -> Callable[[str], Path]:
    def copy(name: str) -> Path:
        target = shutil.copytree(Path(SHARED or "") / "courses" / name, tmp_path / "a course" / name)
        for path in [target, *target.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)
        return target

    return copy


def test_whirlwind_python_fails_where_it_must_and_nowhere_else(clx: Clx, course: Callable[[str], Path]) -> None:
    root = course("whirlwind-python")
    built = clx(root)
    assert built.code == 1 and len({output["source"] for output in built.report["outputs"]}) == 19
    failed = {(problem["path"], problem["cell"]) for problem in built.report["problems"] if problem["severity"] == "error"}
    assert failed == {
        ("06-Built-in-Data-Structures.ipynb", 47), ("09-Errors-and-Exceptions.ipynb", 5), ("14-Strings-and-Regular-Expressions.ipynb", 40),
    }  # fmt: skip
    assert sorted(built.states().values()) == ["built"] * 35 + ["failed"] * 3
    before = looks(root / "output")
    again = clx(root)
    assert (again.code, again.report["kernels_started"]) == (1, 0) and looks(root / "output") == before


def test_the_benchmark_course_becomes_360_files_and_a_change_of_text_runs_nothing(clx: Clx, tmp_path: Path) -> None:
    root = tmp_path / "bench"
    subprocess.run([sys.executable, f"{SHARED}/bench/gen_course.py", str(root)], check=True, capture_output=True)
    spec = root / "course-specs/bench3.xml"
    built = clx(spec)
    assert built.code == 0 and built.classes() == []
    assert list(built.states().values()) == ["built"] * 360
    before = looks(root / "output")
    again = clx(spec)
    assert (again.report["kernels_started"], set(again.states().values())) == (0, {"fresh"}) and looks(root / "output") == before
    deck = next(root.rglob("slides_bench_topic_01.py"))
    deck.write_text(deck.read_text().replace("Ein Absatz über Schritt 3", "Ein anderer Absatz über Schritt 3", 1))
    edited = clx(spec)
    assert edited.report["kernels_started"] == 0
    assert {output["source"] for output in edited.report["outputs"] if output["state"] == "built"} == {deck.relative_to(root).as_posix()}


@pytest.mark.parametrize(
    "spec", ["test-spec-1", "test-spec-2", "test-spec-3", "test-spec-4", "test-spec-5", "subsection-spec", "test-spec-6-failing"]
)
def test_every_spec_of_clx_mini_builds(clx: Clx, course: Callable[[str], Path], spec: str) -> None:
    root = course("clx-mini")
    built = clx(root / f"course-specs/{spec}.xml")
    expected = ["cell-error"] if "failing" in spec else []
    assert (built.code, built.classes()) == (bool(expected), expected)


def test_a_course_with_real_dirt_gives_one_message_for_each_thing(clx: Clx, course: Callable[[str], Path]) -> None:
    built = clx(course("ml-course-de"), "--no-execute")
    assert (built.code, built.classes()) == (0, [])
    images = [problem for problem in built.report["problems"] if problem["class"] == "image"]
    assert images and all(problem["path"] and problem["cell"] is not None for problem in images)
    assert len({problem["id"] for problem in images}) == len(images)
    assert not re.search("Traceback", built.errors)


@pytest.mark.parametrize(
    "name", ["whirlwind-python", "ml-course-de", *(f"clx-mini/course-specs/test-spec-{number}.xml" for number in (1, 2, 3, 4, 5))]
)
def test_a_check_of_a_real_course_raises_no_false_alarm(course: Callable[[str], Path], name: str) -> None:
    folder, _, spec = name.partition("/")
    root = course(folder)
    before = looks(root)
    done = command("check", str(root / spec), "--json", cwd=root)
    problems = json.loads(done.stdout)["problems"]
    assert done.returncode == 0 and looks(root) == before
    assert [
        problem for problem in problems if problem["class"] in ("tag", "language") and ".ipynb are a pair" not in problem["message"]
    ] == []
    assert {problem["class"] for problem in problems if problem["severity"] != "info"} <= {
        "image",
        "link",
        "bad-course",
        "bad-source",
        "tool-missing",
    }
