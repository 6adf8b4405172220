"""The first course file of a folder: what was found, written down, and never over one that is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from clx_jupyter.course import yaml_nodes
from clx_jupyter.course.draft import draft, draft_beside, draft_for, scalar
from clx_jupyter.course.load import Place, find, load
from clx_jupyter.course.model import Course
from clx_jupyter.errors import CourseError
from clx_jupyter.variants import twins_of, variants

PLAIN = "# %% [markdown]\n# # Lists\n\n# %%\n1 + 1\n"
WHITE = '# %% tags=["keep"]\nimport this\n\n# %%\n1 + 1\n'
BLACK = "# %%\n### BEGIN SOLUTION\n1 + 1\n### END SOLUTION\n"


def folder(root: Path, **files: str) -> Path:
    for name, text in files.items():
        file = root / name.replace("__", "/").replace("_py", ".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root


def read(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(draft(root).text)
    return found


def test_sections_and_topics_stand_in_natural_order(tmp_path: Path) -> None:
    root = folder(tmp_path / "my course", a10_py=PLAIN, a2_py=PLAIN, week_1__b_py=PLAIN)
    found = read(root)
    assert found["version"] == 1 and found["title"] == "my course"
    assert found["sections"] == [
        {"title": "my course", "topics": ["a2.py", "a10.py"]},
        {"title": "week_1", "topics": ["week_1/b.py"]},
    ]


def test_targets_are_those_of_the_rule_found(tmp_path: Path) -> None:
    white = read(folder(tmp_path / "white", a_py=WHITE))
    assert {name: target["kinds"] for name, target in white["targets"].items()} == {
        "students": ["code-along"],
        "staff": ["completed", "speaker"],
    }
    assert white["targets"]["students"]["outputs"] is False and white["targets"]["staff"]["outputs"] is True
    assert read(folder(tmp_path / "black", a_py=BLACK))["targets"]["students"]["kinds"] == ["student"]
    assert read(folder(tmp_path / "none", a_py=PLAIN))["targets"] == {
        "students": {"path": "output/students", "kinds": ["completed"], "formats": ["html", "notebook"], "outputs": False}
    }


def test_slides_that_somebody_marked_are_asked_for(tmp_path: Path) -> None:
    found = read(folder(tmp_path, a_py='# %% [markdown] tags=["slide"]\n# # A\n'))
    assert found["targets"]["students"]["formats"] == ["html", "slides", "notebook"]


def test_where_conventions_meet_students_get_what_hides_more_and_a_remark_says_so(tmp_path: Path) -> None:
    found = draft(folder(tmp_path / "both", a_py=WHITE, b_py=BLACK))
    assert yaml.safe_load(found.text)["targets"]["students"]["kinds"] == ["code-along"]
    assert "two conventions" in found.notice
    assert "# two conventions" in found.text


def test_languages_of_cells_and_of_file_names_are_found(tmp_path: Path) -> None:
    cells = '# %% [markdown] lang="de" tags=["slide"]\n# # A\n\n# %% [markdown] lang="en"\n# # B\n\n# %% [markdown] lang="de"\n# c\n'
    assert read(folder(tmp_path / "cells", a_py=cells))["languages"] == ["de", "en"]
    halves = tmp_path / "halves"
    folder(halves, a_py=PLAIN)
    for name in ("x.fr.py", "x.uk.py"):
        (halves / name).write_text(PLAIN)
    assert sorted(read(halves)["languages"]) == ["fr", "uk"]
    notebook = {
        "cells": [{"cell_type": "markdown", "metadata": {"lang": "es"}, "source": ""}],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (tmp_path / "nb").mkdir()
    (tmp_path / "nb" / "a.ipynb").write_text(json.dumps(notebook))
    assert read(tmp_path / "nb")["languages"] == ["es"]
    assert "languages" not in read(folder(tmp_path / "none", a_py=PLAIN))


def test_the_language_of_the_code_is_named_where_it_is_not_python(tmp_path: Path) -> None:
    (tmp_path / "a.R").write_text("# %%\n1 + 1\n")
    assert read(tmp_path)["prog_lang"] == "R"


def test_a_course_file_that_is_there_is_never_touched(tmp_path: Path) -> None:
    root = folder(tmp_path, a_py=PLAIN)
    early = draft(root)
    (root / "course.yaml").write_text("mine")
    with pytest.raises(CourseError, match=r"a course\.yaml already"):
        draft(root)
    with pytest.raises(CourseError, match=r"a course\.yaml already"):
        early.write()
    assert (root / "course.yaml").read_text() == "mine"


def test_a_link_that_leads_nowhere_counts_as_a_file(tmp_path: Path) -> None:
    root = folder(tmp_path, a_py=PLAIN)
    (root / "course.yaml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CourseError, match="already"):
        draft(root)
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_without_notebooks_and_a_single_notebook_get_none(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="no notebooks"):
        draft_for(Place(tmp_path))
    with pytest.raises(CourseError, match="not about one notebook"):
        draft_for(Place(tmp_path, single="a.py"))


def test_beside_a_course_file_of_clm_stands_what_xml_cannot_say(tmp_path: Path) -> None:
    found = draft_beside(tmp_path / "python.xml")
    assert found.path == tmp_path / "python.clx.yaml"
    assert yaml.safe_load(found.text) == {"layout": "clm"}
    # What is offered is right as it stands.
    offered = "\n".join(
        line.removeprefix("# ") for line in found.text.splitlines() if line.startswith(("# kinds", "#   code", "# exec", "# env"))
    )
    assert yaml.safe_load(offered)["kinds"] == {"code-along": {"base": "completed", "blank": ["solution"]}}


@pytest.mark.parametrize("deck", [PLAIN, WHITE, BLACK])
def test_the_course_it_describes_becomes_the_same_files(tmp_path: Path, deck: str) -> None:
    root = folder(tmp_path / "my course", a10_py=deck, a2_py=PLAIN, week_1__b_py=deck)
    (root / "week_1" / "- x: #1 'a'.py").write_text(PLAIN)
    (root / "week_1" / "1e5.py").write_text(PLAIN)
    before = outputs(load(Place(root)))
    draft(root).write()
    place = find(root)
    assert place.file == "course.yaml"
    course = load(place)
    assert course.problems == () and outputs(course) == before and len(before) >= 10


def test_versions_in_several_languages_are_one_topic(tmp_path: Path) -> None:
    for name in ("x.de.py", "x.en.py", "y.de.py"):
        (tmp_path / name).write_text(PLAIN)
    draft(tmp_path).write()
    course = load(find(tmp_path))
    assert [problem.path for problem in course.problems] == ["y.de.py"] and sorted(course.languages) == ["de", "en"]
    assert [[source.path for source in topic.sources] for topic in course.sections[0].topics] == [["x.de.py", "x.en.py"], ["y.de.py"]]


def outputs(course: Course) -> set[str]:
    twins = twins_of(course)
    return {
        str(variant.target.path / variant.path)
        for section, _, source in course.sources()
        for variant in variants(course, section, source, twins)
    }


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_text_reads_back_as_it_was(text: str) -> None:
    written = scalar(text)
    assert "\n" not in written
    assert yaml.safe_load(f"- {written}  # remark\n") == [text]
    assert yaml.safe_load(f"title: {written}") == {"title": text}
    assert yaml_nodes.parse(f"- {written}  # remark".encode(), "").plain() == [text]


@pytest.mark.parametrize(
    "text", ["yes", "1.0", "null", "2024-01-01", "a: b", "- a", "# a", "a #b", "a'b", '"', "\u2028", "😀 & co", " a ", "ä.py", "~"]
)
def test_texts_that_yaml_would_take_for_something_else_are_quoted(text: str) -> None:
    assert yaml.safe_load(f"- {scalar(text)}") == [text]
