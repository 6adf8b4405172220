"""A course as teachers keep it for nbgrader, built: students get what its release gives them, cell by cell.

The expected cells are those of ``nbgrader generate_assignment`` 0.9.6 for the same files.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.kernels import installed
from tests.stories.conftest import Built, write

pytestmark = pytest.mark.story

Clx = Callable[..., Built]
PYTHON_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
R_STUB = "# YOUR CODE HERE\nfail()"
HIDDEN = "SECRET"
"""Stands in everything that students must not see."""


def cell(kind: str, id: str, source: str, *, grade: bool = False, solution: bool = False, locked: bool = False, task: bool = False) -> Any:
    about = {"schema_version": 3, "grade": grade, "grade_id": id, "locked": locked, "solution": solution, "task": task}
    if grade or task:
        about["points"] = 2
    made = {"cell_type": kind, "id": id, "metadata": {"nbgrader": about}, "source": source}
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def plain(kind: str, id: str, source: str) -> Any:
    made = {"cell_type": kind, "id": id, "metadata": {}, "source": source}
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def notebook(language: str, kernel: str, *cells: Any) -> str:
    spec = {"name": kernel, "display_name": kernel, "language": language}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": spec}, "cells": list(cells)})


REGION = "def square(x):\n    ### BEGIN SOLUTION\n    secret = 'SECRET'\n    return x * x\n    ### END SOLUTION\n\nsquare(1)"
TESTS = "assert square(2) == 4\n### BEGIN HIDDEN TESTS\nassert square(-3) == 9  # SECRET\n### END HIDDEN TESTS\nprint('tested')"
TASK = "Draw a tree.\n\n### BEGIN MARK SCHEME\n2 points for leaves, SECRET\n### END MARK SCHEME\n"
TWO = "a = 1\n# BEGIN SOLUTION\nb = 'SECRET'\n# END SOLUTION\nif a:\n  #BEGIN SOLUTION\n  d = 'SECRET'\n  #END SOLUTION"

PYTHON = [
    (plain("markdown", "title", "# Problem 1"), "# Problem 1"),
    (cell("code", "square", REGION, solution=True), f"def square(x):\n    {PYTHON_STUB.replace(chr(10), chr(10) + '    ')}\n\nsquare(1)"),
    (cell("code", "test", TESTS, grade=True, locked=True), "assert square(2) == 4\nprint('tested')"),
    (cell("code", "whole", "cube = 'SECRET'", solution=True), PYTHON_STUB),
    (cell("code", "two", TWO, solution=True), f"a = 1\n{PYTHON_STUB}\nif a:\n  # YOUR CODE HERE\n  raise NotImplementedError()"),
    (cell("markdown", "essay", "Because SECRET.", grade=True, solution=True), "YOUR ANSWER HERE"),
    (
        cell("markdown", "partly", "Why?\n\n### BEGIN SOLUTION\nSECRET\n### END SOLUTION\n", grade=True, solution=True),
        "Why?\n\nYOUR ANSWER HERE\n",
    ),
    (cell("markdown", "task", TASK, task=True, locked=True), "Draw a tree.\n\n"),
    (cell("markdown", "read-only", "Read this.", locked=True), "Read this."),
    (plain("code", "free", "1 + 1"), "1 + 1"),
]
R = [
    (plain("markdown", "title", "# Problem 2"), "# Problem 2"),
    (
        cell("code", "f", "f <- function(x) {\n  ### BEGIN SOLUTION\n  x  # SECRET\n  ### END SOLUTION\n}", solution=True),
        "f <- function(x) {\n  # YOUR CODE HERE\n  fail()\n}",
    ),
    (cell("code", "whole", "y <- 'SECRET'", solution=True), R_STUB),
    (
        cell("code", "test", "stopifnot(TRUE)\n### BEGIN HIDDEN TESTS\nstopifnot(f(1) == 1) # SECRET\n### END HIDDEN TESTS", grade=True),
        "stopifnot(TRUE)",
    ),
]
UNCLOSED = [cell("code", "a", "x = 1", solution=True), cell("code", "b", "### BEGIN SOLUTION\ny = 'SECRET'", solution=True)]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return write(
        tmp_path,
        {
            "nbgrader_config.py": "c = get_config()\nc.CourseDirectory.course_id = 'course'\n",
            "source/header.txt": "not ours",
            "source/ps1/problem1.ipynb": notebook("python", "python3", *(each for each, _ in PYTHON)),
            "source/ps1/problem2.ipynb": notebook("R", "ir", *(each for each, _ in R)),
            "source/ps2/broken.ipynb": notebook("python", "python3", *UNCLOSED),
            "release/ps1/problem1.ipynb": notebook("python", "python3"),
            "submitted/ada/ps1/problem1.ipynb": notebook("python", "python3"),
        },
    )


def sources(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]]


def test_students_get_what_nbgraders_release_gives_them(clx: Clx, course: Path) -> None:
    built = clx(course, "--no-execute", "--format", "notebook", "--format", "html", "--format", "code")
    assert {output["source"] for output in built.report["outputs"]} == {
        "source/ps1/problem1.ipynb", "source/ps1/problem2.ipynb", "source/ps2/broken.ipynb",
    }  # fmt: skip
    assert "students get the Student version" in built.report["notice"]
    students = course / "output/students/student/notebook/source"
    for name, cells in (("ps1/problem1.ipynb", PYTHON), ("ps1/problem2.ipynb", R)):
        assert sources(students / name) == [expected for _, expected in cells]
        kept = [cell["metadata"] for cell in json.loads((students / name).read_text())["cells"]]
        assert kept == [cell["metadata"] for cell, _ in cells]
    assert not [path for path in (course / "output/students").rglob("*") if path.is_file() and HIDDEN.encode() in path.read_bytes()]
    staff = course / "output/staff/completed/notebook/source"
    assert sources(staff / "ps1/problem1.ipynb") == [cell["source"] for cell, _ in PYTHON]


def test_a_notebook_whose_region_is_not_closed_reaches_no_student(clx: Clx, course: Path) -> None:
    built = clx(course, "--no-execute")
    [problem] = [problem for problem in built.report["problems"] if problem["severity"] == "error"]
    assert (built.code, problem["class"], problem["path"], problem["cell"], problem["line"]) == (
        1,
        "bad-source",
        "source/ps2/broken.ipynb",
        1,
        1,
    )
    assert problem["hint"] and "BEGIN SOLUTION" in problem["message"]
    states = built.states()
    broken = {path: state for path, state in states.items() if "broken" in path}
    assert {state for path, state in broken.items() if path.startswith("students/")} == {"failed"}
    assert {state for path, state in states.items() if path not in broken} == {"built"}
    assert not list((course / "output/students").rglob("broken*"))


@pytest.mark.skipif("ir" not in installed(), reason="R's kernel is not installed")
def test_the_solutions_run_in_python_and_in_r(clx: Clx, course: Path) -> None:
    (course / "source/ps2/broken.ipynb").unlink()
    built = clx(course)
    assert (built.code, built.classes(), built.report["executions"]) == (0, [], 2)
    page = (course / "output/staff/completed/html/source/ps1/problem1.html").read_text()
    assert "tested" in page
