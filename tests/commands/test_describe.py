"""What validate, course and explain say of a course, and that they build nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.cli import main
from clx_jupyter.course.load import find
from clx_jupyter.views import planned

Clx = Callable[..., tuple[int, str]]


@pytest.fixture
def clx(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Clx:
    """Run a command; gives its exit code and all it printed."""
    monkeypatch.delenv("CLX_STATE_DIR", raising=False)

    def run(*arguments: str | Path) -> tuple[int, str]:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A course of one notebook in a section, with a module it imports, and one that fails."""
    write(tmp_path / "week 1" / "good.py", "# %% [markdown]\n# # Good\n# %%\nimport helper\nprint(helper.N)\n")
    write(tmp_path / "week 1" / "helper.py", "N = 1\n")
    write(tmp_path / "week 2" / "bad.py", "# %%\n1 / 0\n")
    return tmp_path


@pytest.fixture
def clm(tmp_path: Path) -> Path:
    """A course file with a topic of two decks and one topic that is missing; gives the file."""
    name = "<name><de>Kurs</de><en>Course</en></name>"
    topics = "<topics><topic>intro</topic><topic>nowhere</topic></topics>"
    section = f"<section><name><de>Woche 1</de><en>Week 1</en></name>{topics}</section>"
    spec = f"<course>{name}<prog-lang>python</prog-lang><sections>{section}</sections></course>"
    for deck in ("slides_one.py", "slides_two.py"):
        write(tmp_path / "slides" / "module_1" / "topic_100_intro" / deck, "# %%\n1\n")
    write(tmp_path / "course-specs" / "a.xml", spec)
    return tmp_path / "course-specs" / "a.xml"


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def states(source: dict[str, Any]) -> dict[str, str]:
    return {output["format"]: output["state"] for output in source["outputs"]}


def reasons(source: dict[str, Any]) -> set[str]:
    return {output["reason"] for output in source["outputs"]}


# --- validate -----------------------------------------------------------------


def test_a_good_course_is_valid_and_nothing_is_made(clx: Clx, folder: Path) -> None:
    code, said = clx("validate", folder)
    assert code == 0
    assert said == f"{folder.name}: 2 sources, 0 errors, 0 warnings\n"
    assert clx("validate", folder, "--json") == (0, "[]\n")
    assert sorted(path.name for path in folder.iterdir()) == ["week 1", "week 2"]


def test_a_missing_topic_is_an_error_of_the_course(clx: Clx, clm: Path) -> None:
    code, said = clx("validate", clm)
    assert code == 1
    assert "nowhere" in said and "1 error," in said
    code, said = clx("validate", clm, "--json")
    assert code == 1
    assert [problem["path"] for problem in json.loads(said) if problem["severity"] == "error"] == ["course-specs/a.xml"]


def test_a_course_file_that_cannot_be_read_is_exit_code_2(clx: Clx, clm: Path) -> None:
    clm.write_text("<course><name>", encoding="utf-8")
    code, said = clx("validate", clm)
    assert code == 2 and said.startswith("error: ")
    assert clx("validate", clm.with_name("none.xml"))[0] == 2


def test_the_folder_of_course_files_asks_for_one_of_them(clx: Clx, clm: Path) -> None:
    code, said = clx("course", clm.parent.parent)
    assert code == 2 and "course-specs/a.xml" in said


# --- course -------------------------------------------------------------------


def test_a_course_never_built_is_missing_everywhere(clx: Clx, folder: Path) -> None:
    code, said = clx("course", folder)
    assert code == 0
    assert "1. week 1\n   Good  (week 1/good.py): 2 missing · new\n2. week 2\n" in said
    assert "students: completed · html, notebook" in said
    assert not (folder / ".clx").exists() and not (folder / "output").exists()


def test_topics_and_their_sources_stand_below_their_section(clx: Clx, clm: Path) -> None:
    code, said = clx("course", clm)
    assert code == 0
    lines = said.splitlines()
    at = lines.index("1. Woche 1") if "1. Woche 1" in lines else lines.index("1. Week 1")
    assert lines[at + 1] == "   intro"
    assert [line.partition("(")[2].partition(")")[0] for line in lines[at + 2 : at + 4]] == [
        "slides/module_1/topic_100_intro/slides_one.py",
        "slides/module_1/topic_100_intro/slides_two.py",
    ]
    assert lines[-1].startswith("1 error")


def test_a_course_as_json(clx: Clx, folder: Path) -> None:
    described = json.loads(clx("course", folder, "--json")[1])
    assert [source["path"] for source in described["sources"]] == ["week 1/good.py", "week 2/bad.py"]
    assert states(described["sources"][0]) == {"html": "missing", "notebook": "missing"}
    assert described["targets"][0]["kinds"] == ["completed"]


@pytest.mark.story
def test_the_states_of_a_course_follow_its_files(clx: Clx, folder: Path) -> None:
    clx("build", folder)
    kept = sorted((folder / "output").rglob("*"))

    def look() -> tuple[dict[str, Any], dict[str, Any]]:
        good, bad = json.loads(clx("course", folder, "--json")[1])["sources"]
        return good, bad

    good, bad = look()
    assert (states(good), reasons(good)) == ({"html": "fresh", "notebook": "fresh"}, {""})
    assert states(bad) == {"html": "failed", "notebook": "fresh"}
    assert bad["problems"][0]["class"] == "cell-error"

    write(folder / "week 1" / "helper.py", "N = 22\n")
    good, _ = look()
    assert (states(good), reasons(good)) == ({"html": "stale", "notebook": "stale"}, {"week 1/helper.py changed"})
    assert "2 stale · week 1/helper.py changed" in clx("course", folder)[1]

    write(folder / "week 1" / "helper.py", "N = 1\n")
    (folder / "output/students/completed/html/week 1/good.html").unlink()
    good, _ = look()
    assert states(good) == {"html": "missing", "notebook": "fresh"}
    assert reasons(good) == {"", "output missing or changed"}
    assert len(sorted((folder / "output").rglob("*"))) == len(kept) - 1


# --- explain ------------------------------------------------------------------


def test_a_source_is_explained_before_any_build(clx: Clx, folder: Path) -> None:
    code, said = clx("explain", folder / "week 1" / "good.py", "--course", folder)
    assert code == 0
    first, inputs, *outputs = said.splitlines()
    assert first.startswith("week 1/good.py: python, kernel: ") and "(python3)" in first
    assert inputs == "depends on: week 1/helper.py"
    assert [line.split()[0] for line in outputs] == ["missing", "missing"]
    assert all(line.endswith("(new)") for line in outputs)
    assert not (folder / ".clx").exists()


def test_a_path_with_dots_is_the_same_source(clx: Clx, folder: Path) -> None:
    code, said = clx("explain", folder / "week 2" / ".." / "week 1" / "good.py", "--course", folder, "--json")
    assert code == 0
    (source,) = json.loads(said)
    assert (source["path"], source["inputs"], source["kernel"]) == ("week 1/good.py", ["week 1/helper.py"], "python3")


def test_a_file_that_is_no_source_of_the_course_is_told(clx: Clx, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other") / "x.py"
    write(other, "# %%\n1\n")
    code, said = clx("explain", other, "--course", folder)
    assert code == 2 and "no source of this course" in said
    assert clx("explain", folder / "none.py")[0] == 2


@pytest.mark.story
def test_a_source_is_explained_by_the_course_file_that_built_it(clx: Clx, clm: Path) -> None:
    clx("build", clm, "--no-execute", "--format", "notebook")
    deck = clm.parent.parent / "slides/module_1/topic_100_intro/slides_one.py"
    (source,) = json.loads(clx("explain", deck, "--json")[1])
    assert source["course"] == "course-specs/a.xml"
    assert states(source)["notebook"] == "fresh"
    assert states(source)["html"] == "missing"


@pytest.mark.story
def test_hashes_of_unchanged_files_come_from_the_database(clx: Clx, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clx("build", folder, "--no-execute")
    monkeypatch.setattr("clx_jupyter.job_reader.Reader.file_stamps", lambda reader: {})
    unhelped = planned(find(folder)).plan
    monkeypatch.undo()
    helped = planned(find(folder)).plan
    assert [source.parts.key for source in helped.sources] == [source.parts.key for source in unhelped.sources]
