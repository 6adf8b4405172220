"""From a path a person gave to a course."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from clx_jupyter.course.load import Place, candidates, find, load
from clx_jupyter.errors import CourseError

CELL = "# %%\nx = 1\n"


def make(root: Path, *paths: str) -> None:
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(CELL, encoding="utf-8")


def test_a_folder_is_a_course(tmp_path: Path) -> None:
    assert find(tmp_path) == Place(tmp_path)


def test_a_relative_path_is_taken_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find(Path()) == Place(tmp_path)


def test_a_notebook_outside_any_course_is_one_by_itself(tmp_path: Path) -> None:
    make(tmp_path, "a.py", "b.py")
    place = find(tmp_path / "a.py")
    assert place == Place(tmp_path, single="a.py")
    assert [source.path for _, _, source in load(place).sources()] == ["a.py"]


def test_a_notebook_of_a_course_that_was_built_is_built_in_it(tmp_path: Path) -> None:
    make(tmp_path, "week/a.py", ".clx/jobs.db")
    assert find(tmp_path / "week" / "a.py") == Place(tmp_path, chosen="week/a.py")


SPECS = [("course-specs/a.xml", "", "course-specs/a.xml"), ("a.xml", "slides/x.py", "a.xml")]


@pytest.mark.parametrize(("spec", "beside", "file"), SPECS)
def test_the_root_of_a_course_file_is_where_its_slides_are(tmp_path: Path, spec: str, beside: str, file: str) -> None:
    make(tmp_path, spec, *([beside] if beside else ["slides/x.py"]))
    assert find(tmp_path / spec) == Place(tmp_path, file)


def test_a_data_folder_of_ones_own_wins(tmp_path: Path) -> None:
    make(tmp_path, "specs/a.xml", "data/slides/x.py")
    assert find(tmp_path / "specs" / "a.xml", tmp_path / "data") == Place(tmp_path / "data", str(tmp_path / "specs" / "a.xml"))


WRONG = [("nothing.py", "there is no file or folder"), ("notes.txt", "is no notebook"), ("README.md", "is no notebook")]


@pytest.mark.parametrize(("name", "message"), WRONG)
def test_what_is_no_course_is_said(tmp_path: Path, name: str, message: str) -> None:
    make(tmp_path, "notes.txt", "README.md")
    with pytest.raises(CourseError, match=message):
        find(tmp_path / name)


def test_course_files_that_could_be_meant_are_listed(tmp_path: Path) -> None:
    make(tmp_path, "b.xml", "course-specs/a.xml", "slides/deep/c.xml")
    assert candidates(tmp_path) == ["b.xml", "course-specs/a.xml"]


# --- course.yaml ------------------------------------------------------------------


def yaml(root: Path, text: str = "title: T\n", name: str = "course.yaml") -> Path:
    (root / name).write_text(text, encoding="utf-8")
    return root / name


def test_a_folder_with_a_course_file_is_its_course(tmp_path: Path) -> None:
    make(tmp_path, "a.py", "b.xml")
    file = yaml(tmp_path)
    assert find(tmp_path) == find(file) == Place(tmp_path, "course.yaml")
    assert load(find(tmp_path)).title == {"": "T"}
    assert candidates(tmp_path) == ["b.xml", "course.yaml"]


def test_a_course_file_of_another_name_is_one_where_it_is_named(tmp_path: Path) -> None:
    make(tmp_path, "a.py")
    assert load(find(yaml(tmp_path, name="evening.yaml"))).file == "evening.yaml"
    assert find(tmp_path) == Place(tmp_path)


def test_a_notebook_belongs_to_the_course_file_above_it_even_if_that_was_never_built(tmp_path: Path) -> None:
    make(tmp_path, "week/a.py", "week/.clx/jobs.db", "week/deep/b.py")
    yaml(tmp_path)
    assert find(tmp_path / "week" / "deep" / "b.py") == Place(tmp_path / "week", chosen="deep/b.py")
    (tmp_path / "week" / ".clx" / "jobs.db").unlink()
    assert find(tmp_path / "week" / "a.py") == Place(tmp_path, "course.yaml", chosen="week/a.py")


def test_a_notebook_that_a_course_file_does_not_list_is_one_by_itself(tmp_path: Path) -> None:
    make(tmp_path, "week/a.py", "week/draft.py", ".clx/jobs.db")
    yaml(tmp_path, "sections: [{title: S, topics: [week/a]}]\n")
    assert find(tmp_path / "week" / "a.py") == Place(tmp_path, "course.yaml", chosen="week/a.py")
    assert find(tmp_path / "week" / "draft.py") == Place(tmp_path / "week", single="draft.py")
    yaml(tmp_path, "broken: [\n")
    assert find(tmp_path / "week" / "draft.py") == Place(tmp_path, "course.yaml", chosen="week/draft.py")


def test_a_name_that_nobody_looks_for_is_a_warning(tmp_path: Path) -> None:
    make(tmp_path, "a.py")
    yaml(tmp_path, name="course.yml")
    (problem,) = load(find(tmp_path)).problems
    assert (problem.severity, problem.hint) == ("warning", "call it course.yaml")


def test_the_file_beside_a_course_in_xml_is_no_course(tmp_path: Path) -> None:
    yaml(tmp_path, "layout: clx\n", "c.clx.yaml")
    with pytest.raises(CourseError, match="no course by itself") as caught:
        find(tmp_path / "c.clx.yaml")
    assert "c.xml" in caught.value.problem.hint


@pytest.mark.parametrize("make_it", [lambda path: path.symlink_to("nowhere"), lambda path: path.mkdir()], ids=["dangling-link", "folder"])
def test_a_course_file_that_cannot_be_read_is_never_passed_over(tmp_path: Path, make_it: Callable[[Path], None]) -> None:
    make(tmp_path, "a.py")
    make_it(tmp_path / "course.yaml")
    assert find(tmp_path) == Place(tmp_path, "course.yaml")
    assert find(tmp_path / "a.py") == Place(tmp_path, "course.yaml", chosen="a.py")
    with pytest.raises(CourseError, match="the file cannot be read"):
        load(find(tmp_path))
