"""A folder without a course file."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.course.folder import has_sources, load_file, load_folder, natural, walk
from clx_jupyter.course.model import Course
from clx_jupyter.course.yaml_course import load as load_course
from clx_jupyter.errors import CourseError
from clx_jupyter.variants import Choice, twins_of, variants, widened

PLAIN = "# %% [markdown]\n# # Title\n# %%\nx = 1\n"
BLACK = '# %% tags=["solution"]\nx = 1\n'
WHITE = '# %% tags=["keep"]\nx = 1\n'
NOTEBOOK = '{"cells": [{"cell_type": "code", "source": "%s", "metadata": {}}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


def make(root: Path, **files: str) -> None:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def paths(course: Course) -> list[str]:
    return [source.path for _, _, source in course.sources()]


ORDERS = [
    ["2.py", "10.py"],
    ["a1b2", "a1b10", "a2b1"],
    ["1", "a"],
    ["a", "B", "c"],
    ["x", "x1"],
    ["1²", "2²"],  # a digit by its looks only
    ["٣", "10"],  # a digit of another script
]


@pytest.mark.parametrize("names", ORDERS)
def test_names_are_sorted_as_people_count(names: list[str]) -> None:
    assert sorted(set(names), key=natural) == names


def test_names_that_count_as_equal_still_have_one_order(tmp_path: Path) -> None:
    make(tmp_path, **dict.fromkeys(["a1.py", "a01.py", "A1.py", "a001.py"], PLAIN))
    assert [file.name for _, files in walk(tmp_path) for file in files] == ["A1.py", "a001.py", "a01.py", "a1.py"]


def test_sub_folders_are_sections_in_order_and_own_files_come_first(tmp_path: Path) -> None:
    make(tmp_path, **dict.fromkeys(["10-b/x.py", "2-a/x.py", "2-a/deep/y.py", "z.py", "empty/notes.txt"], PLAIN))
    course = load_folder(tmp_path)
    assert [section.id for section in course.sections] == ["", "2-a", "2-a/deep", "10-b"]
    assert paths(course) == ["z.py", "2-a/x.py", "2-a/deep/y.py", "10-b/x.py"]


def test_a_title_is_the_first_heading_else_the_name(tmp_path: Path) -> None:
    make(tmp_path, **{"a.py": PLAIN, "b.py": WHITE})
    assert [dict(source.title) for _, _, source in load_folder(tmp_path).sources()] == [{"": "Title"}, {"": "b"}]


NEVER = [
    ".hidden/a.py",
    ".ipynb_checkpoints/a.ipynb",
    "_drafts/a.py",
    "node_modules/a.py",
    "renv/a.py",
    ".a.py",
    "_a.py",
    "output/students/completed/notebook/a.ipynb",
    "output/a.py",
]


@pytest.mark.parametrize("path", NEVER)
def test_some_places_are_never_scanned(tmp_path: Path, path: str) -> None:
    make(tmp_path, **{path: PLAIN, "real.py": PLAIN})
    assert paths(load_folder(tmp_path)) == ["real.py"]


@pytest.mark.parametrize("sign", ["pyvenv.cfg", ".clx-manifest.json"])
def test_environments_and_our_own_outputs_are_never_scanned(tmp_path: Path, sign: str) -> None:
    make(tmp_path, **{f"x/{sign}": "", "x/a.py": PLAIN, "x/deep/a.py": PLAIN, "real.py": PLAIN})
    assert paths(load_folder(tmp_path)) == ["real.py"]


def test_links_are_not_followed_out_of_their_folder(tmp_path: Path) -> None:
    make(tmp_path, **{"course/a.py": PLAIN, "course/below/c.py": PLAIN, "secret/b.py": PLAIN})
    course = tmp_path / "course"
    (course / "out.py").symlink_to(tmp_path / "secret" / "b.py")
    (course / "folder").symlink_to(tmp_path / "secret")
    (course / "loop").symlink_to(course)
    (course / "dangling.py").symlink_to(course / "nothing.py")
    (course / "linked.py").symlink_to(course / "below" / "c.py")
    assert paths(load_folder(course)) == ["a.py", "linked.py", "below/c.py"]


RULES = [
    ({"a.py": PLAIN}, [("students", ("completed",))], "no solution marks found"),
    ({"a.py": BLACK, "b.py": PLAIN}, [("students", ("student",)), ("staff", ("completed",))], "solutions are marked (solution)"),
    ({"a.py": WHITE}, [("students", ("code-along",)), ("staff", ("completed", "speaker"))], "cells to keep are marked (keep)"),
]


@pytest.mark.parametrize(("files", "targets", "notice"), RULES)
def test_the_marks_decide_the_kinds(tmp_path: Path, files: dict[str, str], targets: list[tuple[str, tuple[str, ...]]], notice: str) -> None:
    make(tmp_path, **files)
    course = load_folder(tmp_path)
    assert [(target.name, target.kinds) for target in course.targets] == targets
    assert notice in course.notice
    assert {target.name: target.outputs for target in course.targets}.get("students") is False


@pytest.mark.parametrize("files", [{"a.py": BLACK, "b.py": WHITE}, {"a.py": BLACK + WHITE}])
def test_both_conventions_together_are_an_error_that_names_the_places(tmp_path: Path, files: dict[str, str]) -> None:
    make(tmp_path, **files)
    with pytest.raises(CourseError, match=r"solution in a\.py.*keep in [ab]\.py"):
        load_folder(tmp_path)


def test_of_a_pair_the_text_is_the_source(tmp_path: Path) -> None:
    make(tmp_path, **{"a.py": "# %%\nx = 1\n\n# %%\n# !ls\n", "a.ipynb": NOTEBOOK % "x = 1\\n!ls"})
    course = load_folder(tmp_path)
    assert (paths(course), course.problems) == (["a.py"], ())


@pytest.mark.parametrize("newer", ["a.py", "a.ipynb"])
def test_a_pair_with_different_code_is_a_warning_that_names_the_newer(tmp_path: Path, newer: str) -> None:
    make(tmp_path, **{"a.py": "# %%\nx = 1\n", "a.ipynb": NOTEBOOK % "x = 2"})
    for name in ("a.py", "a.ipynb"):
        os.utime(tmp_path / name, (1000, 2000 if name == newer else 1000))
    course = load_folder(tmp_path)
    (problem,) = course.problems
    assert (problem.severity, problem.path) == ("warning", "a.py")
    assert f"{newer} is newer" in problem.message
    assert paths(course) == ["a.py"]


def test_a_script_that_is_no_notebook_does_not_hide_the_notebook_of_its_name(tmp_path: Path) -> None:
    make(tmp_path, **{"a.py": "x = 1\n", "a.ipynb": NOTEBOOK % "x"})
    assert paths(load_folder(tmp_path)) == ["a.ipynb"]


def test_with_nbgrader_only_its_source_folder_is_read(tmp_path: Path) -> None:
    names = ["source/ps1/a.ipynb", "release/ps1/a.ipynb", "submitted/ada/ps1/a.ipynb", "other.ipynb"]
    make(tmp_path, **{"nbgrader_config.py": "", **dict.fromkeys(names, NOTEBOOK % "### BEGIN SOLUTION")})
    course = load_folder(tmp_path)
    assert paths(course) == ["source/ps1/a.ipynb"]
    assert course.targets[0].kinds == ("student",)


def test_outputs_may_go_elsewhere(tmp_path: Path) -> None:
    make(tmp_path, **{"a.py": PLAIN})
    assert load_folder(tmp_path, tmp_path / "x").targets[0].path == tmp_path / "x" / "students"


SLIDES = [
    '# %% [markdown] slideshow={"slide_type": "slide"}\n# # A\n',
    '# %% [markdown] tags=["subslide", "keep"]\n# # A\n',
    NOTEBOOK.replace('"metadata": {}}]', '"metadata": {"slideshow": {"slide_type": "subslide"}}}]') % "1",
]


@pytest.mark.parametrize("text", SLIDES)
def test_notebooks_in_which_slides_are_marked_become_slides_and_others_where_they_are_asked_for(tmp_path: Path, text: str) -> None:
    name = "b.ipynb" if text.startswith("{") else "b.py"
    fragment = '# %% slideshow={"slide_type": "fragment"} tags=["keep"]\n1\n'
    make(tmp_path, **{"a.py": fragment, name: text})
    course = load_folder(tmp_path)
    assert {target.formats for target in course.targets} == {("html", "slides", "notebook")}
    assert slides_of(course) == [name]
    assert slides_of(widened(course, Choice(formats=("slides",)))) == ["a.py", name]


def test_without_any_mark_slides_are_made_only_where_they_are_asked_for(tmp_path: Path) -> None:
    make(tmp_path, **{"a.py": PLAIN})
    course = load_folder(tmp_path)
    assert slides_of(course) == [] and slides_of(widened(course, Choice(formats=("slides",)))) == ["a.py"]


def slides_of(course: Course) -> list[str]:
    twins = twins_of(course)
    found = [(each.path, variant) for section, _, each in course.sources() for variant in variants(course, section, each, twins)]
    return sorted(
        {path for path, variant in found if variant.format == "slides" and variant.path.endswith(".slides.html") and variant.outputs}
    )


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="there is no folder"):
        load_folder(tmp_path / "nothing")


@pytest.mark.parametrize("course", ["", "title: T\nsections:\n  - title: S\n    topics: [b]\n", "title: T\n"])
def test_a_sub_folder_that_cannot_be_read_is_named_and_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, course: str
) -> None:
    make(tmp_path, **{"a.py": "# %%\n1\n", "b/c.py": "# %%\n1\n", "b/locked/d.py": "# %%\n1\n"})
    if course:
        (tmp_path / "course.yaml").write_text(course)
    scandir, locked = os.scandir, str(tmp_path / "b" / "locked")

    def denied(path: Any) -> Any:  # to root, which may read everything
        if str(path) == locked:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(CourseError, match=r"the folder .*locked cannot be read: Permission denied"):
        load_course(tmp_path / "course.yaml") if course else load_folder(tmp_path)
    assert has_sources(tmp_path), "whoever only looks goes on"


def test_a_sub_folder_that_vanishes_while_the_course_is_read_is_none_of_it(tmp_path: Path) -> None:
    make(tmp_path, **{"a.py": "# %%\n1\n", "b/c.py": "# %%\n1\n"})
    folders = walk(tmp_path, strict=True)
    next(folders)
    shutil.rmtree(tmp_path / "b")
    assert [files for _, files in folders] == [[]]


def test_a_single_notebook_is_a_course_of_its_own(tmp_path: Path) -> None:
    make(tmp_path, **{"a.py": WHITE, "b.py": BLACK})
    course = load_file(tmp_path / "a.py")
    assert paths(course) == ["a.py"]
    assert [target.path for target in course.targets] == [tmp_path / "a.py-output" / name for name in ("students", "staff")]
