"""What of nbgrader's configuration counts; it is read, never run."""

from __future__ import annotations

from pathlib import Path

import pytest

from clx_jupyter.course.folder import load_folder
from clx_jupyter.course.nbgrader import notes, start_of
from clx_jupyter.errors import CourseError


def config(root: Path, text: str) -> Path:
    (root / "source").mkdir()
    (root / "mine").mkdir()
    (root / "nbgrader_config.py").write_text(f"c = get_config()\n{text}\n", encoding="utf-8")
    return root


STARTS = [
    ("", "source"),
    ("c.CourseDirectory.source_directory = 'mine'", "mine"),
    ("c.CourseDirectory.source_directory = '../elsewhere'", "."),
    ("c.CourseDirectory.source_directory = 'no such'", "."),
    ("c.CourseDirectory.source_directory = compute()", "source"),
    ("c.ClearSolutions.begin_solution_delimeter = '### BEGIN SOLUTION'", "source"),
    ("c.Other.x = open('ran', 'w')\n1/0", "source"),
    ("c.CourseDirectory.source_directory = (", "source"),
]


@pytest.mark.parametrize(("text", "expected"), STARTS)
def test_the_folder_of_the_sources_is_nbgraders(tmp_path: Path, text: str, expected: str) -> None:
    assert start_of(config(tmp_path, text)) == tmp_path / expected
    assert not Path("ran").exists()


def test_without_a_configuration_the_folder_itself_counts(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    assert start_of(tmp_path) == tmp_path


@pytest.mark.parametrize("value", ["'ANSWER FROM HERE'", "words['begin']", "''"])
@pytest.mark.parametrize("name", ["ClearSolutions.begin_solution_delimeter", "ClearHiddenTests.end_test_delimeter"])
def test_delimiters_of_its_own_are_refused_because_students_would_get_what_they_enclose(tmp_path: Path, name: str, value: str) -> None:
    config(tmp_path, f"c.{name} = {value}")
    with pytest.raises(CourseError, match=name) as caught:
        load_folder(tmp_path)
    assert (caught.value.problem.path, caught.value.problem.line) == ("nbgrader_config.py", 2) and caught.value.problem.hint


def test_settings_that_are_not_followed_are_named(tmp_path: Path) -> None:
    found = notes(config(tmp_path, "c.ClearSolutions.code_stub = {'python': 'pass'}\nc.Exchange.root = '/srv'"))
    assert [(problem.severity, problem.path, problem.line) for problem in found] == [("warning", "nbgrader_config.py", 2)]
    assert "ClearSolutions.code_stub" in found[0].message
