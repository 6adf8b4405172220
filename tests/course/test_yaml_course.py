"""A course file and the folder it lies in."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from clx_jupyter.course import yaml_course
from clx_jupyter.course.model import Asset, Course
from clx_jupyter.errors import CourseError, Problem

CELL = "# %% [markdown]\n# # A title\n# %%\nx = 1\n"
NOTEBOOK = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


def course(root: Path, text: str, *paths: str, **contents: str) -> Course:
    for path, content in {**dict.fromkeys(paths, ""), **contents}.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content or (NOTEBOOK if path.endswith(".ipynb") else CELL), encoding="utf-8")
    (root / "course.yaml").write_text(text, encoding="utf-8")
    return yaml_course.load(root / "course.yaml")


def listed(topics: str, languages: str = "") -> str:
    return f"{languages}\nsections:\n- title: S\n  topics: [{topics}]\n"


def paths(found: Course) -> list[str]:
    return [source.path for _, _, source in found.sources()]


def messages(found: Course) -> list[str]:
    return [f"{problem.line}: {problem.message} ({problem.hint})" for problem in found.problems]


def only(found: Course) -> Problem:
    (problem,) = found.problems
    return problem


# --- which sources a topic means --------------------------------------------------

FILES = (
    "a.py",
    "b.ipynb",
    "week/2.py",
    "week/10.py",
    "week/deep/c.py",
    "both/x.py",
    "both.py",
    "pair.py",
    "pair.ipynb",
    "x.R",
    "x.py",
    "sub/only.md",
)
SPELLED = [
    ("a.py", ["a.py"]),
    ("./a.py", ["a.py"]),
    ("a", ["a.py"]),
    ("b", ["b.ipynb"]),
    ("week", ["week/2.py", "week/10.py", "week/deep/c.py"]),
    ("week/", ["week/2.py", "week/10.py", "week/deep/c.py"]),
    ("week/2", ["week/2.py"]),
    ("both/", ["both/x.py"]),
    ("both.py", ["both.py"]),
    ("pair", ["pair.py"]),
    ("pair.ipynb", ["pair.ipynb"]),
    ("x.R", ["x.R"]),
]


@pytest.mark.parametrize(("topic", "expected"), SPELLED)
def test_a_topic_is_a_file_a_folder_or_either_without_its_suffix(tmp_path: Path, topic: str, expected: list[str]) -> None:
    found = course(tmp_path, listed(topic), *FILES)
    assert paths(found) == expected
    assert found.problems == ()


NOTHING = [
    ("lists.py", "there is no lists.py", "did you mean list.py?"),
    ("wek", "there is no wek", "did you mean week?"),
    ("other/a.py", "there is no other/a.py", "did you mean a.py"),
    ("both", "both may mean both/ or both.py", "write which"),
    ("x", "x may mean x.R or x.py", "write which"),
    ("plain.py", "plain.py is no notebook: it has no percent marks", "jupytext"),
    ("plain.md", "plain.md is no notebook: it has no jupytext header", "jupytext"),
    ("data.csv", "data.csv is no notebook: it is not of a kind", "another file"),
    ("empty", "there are no notebooks in empty", "correct the path"),
    ("qqqqqqqq", "there is no qqqqqqqq", "correct the path, or remove it"),
]


@pytest.mark.parametrize(("topic", "message", "hint"), NOTHING)
def test_a_topic_that_means_nothing_is_one_error_and_the_rest_is_built(tmp_path: Path, topic: str, message: str, hint: str) -> None:
    (tmp_path / "empty").mkdir()
    plain = {"plain.py": "x = 1\n", "plain.md": "# Notes\n", "data.csv": "1\n"}
    found = course(tmp_path, listed(f"{topic}, a.py"), *FILES, "list.py", **plain)
    assert paths(found) == ["a.py"]
    problem = only(found)
    assert (problem.category, problem.severity, problem.path, problem.line) == ("bad-course", "error", "course.yaml", 4)
    assert message in problem.message
    assert hint in problem.hint


def test_a_thousand_topics_that_are_not_there_are_said_fast(tmp_path: Path) -> None:
    files = {f"new/topic{n}.py": CELL for n in range(300)}
    started = time.monotonic()
    found = course(tmp_path, listed(", ".join(f"old/topic{n}" for n in range(1000))), **files)
    assert len(found.problems) == 1000
    assert "did you mean new/topic0.py" in found.problems[0].hint
    assert time.monotonic() - started < 5


def test_a_link_that_leads_outside_is_no_topic(tmp_path: Path) -> None:
    outside = tmp_path / "secret.py"
    outside.write_text(CELL, encoding="utf-8")
    root = tmp_path / "course"
    root.mkdir()
    (root / "link.py").symlink_to(outside)
    found = course(root, listed("link.py"))
    assert paths(found) == []
    assert "leads outside" in only(found).message


def test_a_topic_twice_is_a_collision(tmp_path: Path) -> None:
    found = course(tmp_path, "sections:\n- title: A\n  topics: [a.py, week, week/2.py]\n- title: B\n  topics: [a]\n", *FILES)
    assert paths(found) == ["a.py", "week/2.py", "week/10.py", "week/deep/c.py"]
    assert [problem.category for problem in found.problems] == ["collision", "collision"]
    assert messages(found)[0] == "3: week/2.py is in the course twice, first in line 3; only the first is built (list it once)"


def test_numbered_names_allow_a_topic_in_two_sections(tmp_path: Path) -> None:
    found = course(tmp_path, "names: numbered\nsections:\n- {title: A, topics: [a.py, a]}\n- {title: B, topics: [b, a]}\n", *FILES)
    assert paths(found) == ["a.py", "b.ipynb", "a.py"]
    assert [source.number for _, _, source in found.sources()] == [1, 1, 2]
    assert [problem.line for problem in found.problems] == [3]


# --- languages -----------------------------------------------------------------------

THREE = "languages: [en, de, fr]"


@pytest.mark.parametrize("topic", ["x", "x.py", "x.de.py", "x.en.py"])
def test_versions_in_several_languages_are_one_topic(tmp_path: Path, topic: str) -> None:
    found = course(tmp_path, listed(f"{topic}, a", THREE), "x.de.py", "x.fr.py", "x.en.py", "a.py")
    assert [(source.path, source.languages, source.number) for _, _, source in found.sources()] == [
        ("x.en.py", ("en",), 1), ("x.de.py", ("de",), 1), ("x.fr.py", ("fr",), 1), ("a.py", (), 2),
    ]  # fmt: skip
    assert found.problems == ()


def test_versions_of_a_folder_are_found_too(tmp_path: Path) -> None:
    found = course(tmp_path, f"{THREE}\n", "w/1.de.py", "w/1.en.py", "w/1.fr.py", "w/2.py", "w/3.es.py")
    assert [(source.path, source.number) for _, _, source in found.sources()] == [
        ("w/1.en.py", 1), ("w/1.de.py", 1), ("w/1.fr.py", 1), ("w/2.py", 2), ("w/3.es.py", 3),
    ]  # fmt: skip


def test_a_language_that_is_missing_is_a_warning(tmp_path: Path) -> None:
    found = course(tmp_path, listed("x", THREE), "x.de.py", "x.en.py")
    assert len(paths(found)) == 2
    assert (only(found).category, only(found).severity, only(found).hint.split(",")[0]) == ("language", "warning", "add x.fr.py")


def test_a_topic_is_there_in_the_languages_that_it_or_its_section_names(tmp_path: Path) -> None:
    topics = "a.py, {path: b.py, languages: [en, de, fr]}, x, {path: y, languages: [fr]}"
    text = f"{THREE}\nsections: [{{title: T, languages: [en, de], topics: [{topics}]}}, {{title: U, topics: [c.py]}}]\n"
    found = course(tmp_path, text, "a.py", "b.py", "c.py", "x.en.py", "x.de.py", "x.fr.py", "y.fr.py")
    assert {source.path: source.languages for _, _, source in found.sources()} == {
        "a.py": ("en", "de"), "b.py": ("en", "de", "fr"), "x.en.py": ("en",), "x.de.py": ("de",), "y.fr.py": ("fr",), "c.py": (),
    }  # fmt: skip
    assert found.problems == ()


def test_a_topic_without_a_version_in_its_languages_is_named_and_not_built(tmp_path: Path) -> None:
    found = course(tmp_path, listed("{path: x, languages: [fr]}, a", THREE), "x.en.py", "a.py")
    assert paths(found) == ["a.py"]
    assert (only(found).category, only(found).severity, only(found).hint.split(",")[0]) == ("language", "warning", "add x.fr.py")


def test_a_whole_and_its_versions_are_not_built(tmp_path: Path) -> None:
    found = course(tmp_path, listed("w", THREE), "w/x.py", "w/x.de.py", "w/y.py")
    assert paths(found) == ["w/y.py"]
    assert (only(found).category, only(found).severity) == ("collision", "error")


# --- sources and what is said of them ---------------------------------------------------


def test_a_topic_says_more_than_its_file(tmp_path: Path) -> None:
    text = listed(
        "a.py, {path: week, title: W, id: w}, {path: b, title: B, author: Eve, prog_lang: R, jinja: true, execute: {mode: never}}"
    )
    found = course(tmp_path, f"author: Ada\n{text}", *FILES)
    by_path = {source.path: source for _, _, source in found.sources()}
    assert (by_path["a.py"].title, by_path["a.py"].author, by_path["a.py"].jinja) == ({"": "A title"}, "Ada", False)
    assert [(topic.id, dict(topic.title)) for topic in found.sections[0].topics] == [("a.py", {}), ("w", {"": "W"}), ("b", {"": "B"})]
    assert by_path["week/2.py"].title == {"": "A title"}  # a folder of several keeps their titles apart
    assert (by_path["b.ipynb"].title, by_path["b.ipynb"].author, by_path["b.ipynb"].prog_lang) == ({"": "B"}, "Eve", "R")
    assert (by_path["b.ipynb"].jinja, by_path["b.ipynb"].execute.mode) == (True, "never")


def test_what_names_no_language_is_in_that_of_the_course(tmp_path: Path) -> None:
    markdown = "---\njupyter:\n  jupytext:\n    formats: md\n---\n# T\n"
    found = course(tmp_path, "prog_lang: julia\n", "a.py", "b.ipynb", **{"c.md": markdown})
    assert {source.path: source.prog_lang for _, _, source in found.sources()} == {"a.py": "python", "b.ipynb": "julia", "c.md": "julia"}


def test_jinja_is_on_in_texts_with_a_j2_line(tmp_path: Path) -> None:
    deck = '# j2 from \'macros.j2\' import header\n# {{ header("Deutsch", "English") }}\n# %%\nx = 1\n'
    found = course(tmp_path, "languages: [en, de]\n", "a.py", **{"j.py": deck})
    by_path = {source.path: source for _, _, source in found.sources()}
    assert (by_path["a.py"].jinja, by_path["j.py"].jinja) == (False, True)
    assert by_path["j.py"].title == {"de": "Deutsch", "en": "English"}


def test_the_env_file_and_templates_beside_the_file_are_the_courses(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / ".env").write_text("A=1\n", encoding="utf-8")
    found = course(tmp_path, "environment: [B]\n", "a.py")
    assert (found.environment, found.env_file, found.templates) == (("B",), tmp_path / ".env", ("templates",))


# --- after ---------------------------------------------------------------------------


def test_a_topic_comes_after_others(tmp_path: Path) -> None:
    found = course(tmp_path, listed("{path: a.py, after: [week/2, b, w]}, b.ipynb, {path: week, id: w}"), *FILES)
    assert next(source.after for _, _, source in found.sources()) == ("week/2.py", "b.ipynb", "week/10.py", "week/deep/c.py")
    assert found.problems == ()


def test_what_a_topic_cannot_come_after_is_an_error(tmp_path: Path) -> None:
    found = course(tmp_path, listed("{path: a.py, after: [bb.ipynb]}, b.ipynb"), *FILES)
    assert messages(found) == ["4: `after` names bb.ipynb, which is no topic of this course (did you mean b.ipynb?)"]


def test_topics_that_wait_for_each_other_are_named(tmp_path: Path) -> None:
    with pytest.raises(CourseError) as caught:
        course(tmp_path, listed("{path: a.py, after: [b]}, {path: b, after: [week]}, {path: week, after: [a]}"), *FILES)
    assert caught.value.problem.message == "these wait for each other: a.py after b.ipynb after week/2.py after a.py"
    assert caught.value.problem.line == 4


# --- includes ------------------------------------------------------------------------

INCLUDED = [
    ("{from: data/x.csv}", {"x.csv": "data/x.csv"}),
    ("{from: data/x.csv, to: files}", {"files/x.csv": "data/x.csv"}),
    ("{from: data}", {"data/x.csv": "data/x.csv", "data/deep/y.csv": "data/deep/y.csv"}),
    ("{from: data, to: .}", {"x.csv": "data/x.csv", "deep/y.csv": "data/deep/y.csv"}),
    ("{from: nothing, optional: true}", {}),
]


@pytest.mark.parametrize(("include", "expected"), INCLUDED)
def test_an_included_file_appears_beside_each_source(tmp_path: Path, include: str, expected: dict[str, str]) -> None:
    found = course(tmp_path, f"include: [{include}]\n" + listed("week/2.py"), *FILES, **{"data/x.csv": "1", "data/deep/y.csv": "2"})
    (source,) = (source for _, _, source in found.sources())
    assert {at: path for path, at in source.includes} == expected
    assert set(found.sections[0].topics[0].assets) == {Asset(path, f"week/{at}") for at, path in expected.items()}
    assert found.problems == ()


NOT_INCLUDED = [
    ("{from: nothing}", "error", "there is no nothing, which is included"),
    ("{from: .}", "error", "the course as a whole cannot be included"),
    ("{from: a.py}", "warning", "a.py is a notebook and cannot be included"),
    ("{from: .env}", "warning", ".env is not published: it may hold secrets"),
    ("{from: data/x.csv, to: taken}", "warning", "week/taken/x.csv is there already"),
    ("{from: data/x.csv}, {from: other/x.csv}", "warning", "data/x.csv and other/x.csv are both included as week/x.csv"),
]


@pytest.mark.parametrize(("include", "severity", "message"), NOT_INCLUDED)
def test_what_cannot_be_included_is_said(tmp_path: Path, include: str, severity: str, message: str) -> None:
    data = {"data/x.csv": "1", "other/x.csv": "2", "week/taken/x.csv": "3", ".env": "A=1"}
    found = course(tmp_path, f"include: [{include}]\n" + listed("week/2.py"), *FILES, **data)
    assert only(found).severity == severity
    assert message in only(found).message


def test_a_file_that_is_there_with_the_same_content_is_no_matter(tmp_path: Path) -> None:
    found = course(tmp_path, "include: [{from: data/x.csv}]\n" + listed("week/2.py"), *FILES, **{"data/x.csv": "1", "week/x.csv": "1"})
    assert found.problems == ()


# --- targets -------------------------------------------------------------------------


def test_targets_have_the_folders_and_formats_that_are_asked_for(tmp_path: Path) -> None:
    text = "targets: {students: {path: out/s, kinds: [completed], formats: [html, slides, pdf, slides-pdf]}, staff: {kinds: [speaker], outputs: true}}\n"
    found = course(tmp_path, text, "a.py")
    assert [(target.name, target.path.relative_to(tmp_path).as_posix(), target.kinds, target.outputs) for target in found.targets] == [
        ("students", "out/s", ("completed",), False), ("staff", "output/staff", ("speaker",), True),
    ]  # fmt: skip
    assert messages(found) == []
    assert found.targets[0].formats == ("html", "slides", "pdf", "slides-pdf")


def test_a_course_that_lists_slides_gets_them_of_all_and_one_without_targets_where_they_are_marked(tmp_path: Path) -> None:
    marked = {"b.py": '# %% [markdown] tags=["slide"]\n# # B\n'}
    listed = course(tmp_path / "1", "targets: {s: {path: out, kinds: [completed], formats: [slides]}}\n", "a.py", **marked)
    assert {each.path: each.without for _, _, each in listed.sources()} == {"a.py": frozenset(), "b.py": frozenset()}
    silent = course(tmp_path / "2", "title: T\n", "a.py", **marked)
    assert silent.targets[0].formats == ("html", "slides", "notebook")
    assert {each.path: each.without for _, _, each in silent.sources()} == {"a.py": {"slides"}, "b.py": frozenset()}


def test_another_output_folder_holds_one_for_each_target(tmp_path: Path) -> None:
    course(tmp_path, "targets: {a: {path: x, kinds: [completed]}}\n", "a.py")
    assert yaml_course.load(tmp_path / "course.yaml", tmp_path / "else").targets[0].path == tmp_path / "else" / "a"


REFUSED = [
    (".", "it holds the course itself"),
    ("week", "the sources lie there"),
    ("repository", "it is a git repository"),
    ("a.py", "a file lies there"),
    (".git", "what lies in .git belongs to a program"),
    (".clx/x", "what lies in .clx belongs to a program"),
]


@pytest.mark.parametrize(("path", "why"), REFUSED)
def test_a_target_where_nothing_may_be_written_is_refused(tmp_path: Path, path: str, why: str) -> None:
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    with pytest.raises(CourseError, match=why) as caught:
        course(tmp_path, f"targets:\n  a: {{path: {path}, kinds: [completed]}}\n" + listed("week/2.py"), *FILES)
    assert caught.value.problem.line == 2


def test_a_course_without_a_notebook_is_a_warning(tmp_path: Path) -> None:
    assert "not one notebook" in only(course(tmp_path, "title: T\n")).message


def test_a_folder_of_notebooks_is_no_target(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="notebooks lie there"):
        course(tmp_path, "targets: {a: {path: week, kinds: [completed]}}\n", *FILES)


def test_outputs_are_no_sources(tmp_path: Path) -> None:
    found = course(tmp_path, "targets: {a: {path: week/out, kinds: [completed]}}\n" + listed("week"), "week/1.py", "week/out/2.py")
    assert paths(found) == ["week/1.py"]


# --- what is not said is as in a folder without a course file ------------------------------


def test_without_sections_every_folder_is_one(tmp_path: Path) -> None:
    found = course(
        tmp_path, "title: T\ntargets: {a: {kinds: [completed]}}\n", "b.py", "w2/a.py", "w10/a.py", "output/a/completed/notebook/x.py"
    )
    assert [(section.title[""], section.id) for section in found.sections] == [(tmp_path.name, ""), ("w2", "w2"), ("w10", "w10")]
    assert paths(found) == ["b.py", "w2/a.py", "w10/a.py"]


def test_without_sections_nbgraders_folder_of_sources_counts(tmp_path: Path) -> None:
    found = course(tmp_path, "title: T\n", "source/a/1.py", "release/a/1.py", **{"nbgrader_config.py": "c = 1\n"})
    assert paths(found) == ["source/a/1.py"]


SOLUTION, KEEP = '# %% tags=["solution"]\nx = 1\n', '# %% tags=["keep"]\nx = 1\n'
RULES = [
    ({"a.py": SOLUTION}, "", [("student",), ("completed",)]),
    ({"a.py": KEEP}, "", [("code-along",), ("completed", "speaker")]),
    ({"a.py": CELL}, "", [("completed",)]),
    ({"a.py": SOLUTION, "b.py": KEEP}, "kinds: {student: {}}", [("student",), ("completed",)]),
    ({"a.py": SOLUTION, "b.py": KEEP}, "kinds: {code-along: {}}", [("code-along",), ("completed", "speaker")]),
]


@pytest.mark.parametrize(("files", "text", "kinds"), RULES)
def test_without_targets_the_marks_decide(tmp_path: Path, files: dict[str, str], text: str, kinds: list[tuple[str, ...]]) -> None:
    found = course(tmp_path, f"title: T\n{text}\n", **files)
    assert [target.kinds for target in found.targets] == kinds
    assert found.notice


def test_two_conventions_are_an_error_until_the_file_chooses(tmp_path: Path) -> None:
    files = {"a.py": SOLUTION, "b.py": KEEP}
    with pytest.raises(CourseError, match="two conventions"):
        course(tmp_path, "title: T\n", **files)
    assert course(tmp_path, "targets: {a: {kinds: [student]}}\n", **files).targets[0].kinds == ("student",)


@pytest.mark.parametrize(
    ("after", "message", "hint"),
    [
        ("a.py", "`after` names a.py, which is this topic itself", "name what must run before it"),
        ("a", "`after` names a, which is this topic itself", "name what must run before it"),
        ("b.py", "`after` names b.py, which this course does not list", "list it as a topic before this one"),
        ("c.py", "`after` names c.py, which is no topic of this course", "did you mean a.py?"),
    ],
)
def test_an_after_that_means_nothing_is_told(tmp_path: Path, after: str, message: str, hint: str) -> None:
    found = course(tmp_path, listed(f"{{path: a.py, after: [{after}]}}"), "a.py", "b.py")
    assert messages(found) == [f"4: {message} ({hint})"]
    assert paths(found) == ["a.py"]
