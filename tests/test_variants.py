"""Which files a source becomes, and where each one goes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.course.model import Course, Section, Source, Target, Topic
from clx_jupyter.errors import RequestError
from clx_jupyter.variants import Choice, settled, suffix, twins_of, variants, widened

OUT = Path("/course/output")
STUDENTS = Target("students", OUT / "students", ("code-along",), ("html", "notebook"))
STAFF = Target("staff", OUT / "staff", ("completed", "speaker"), ("html", "notebook"), outputs=True)


def source(path: str = "week/a.py", **fields: Any) -> Source:
    return Source(path, {"": "A"}, fields.pop("prog_lang", "python"), **fields)


def course(*sources: Source, targets: tuple[Target, ...] = (STUDENTS, STAFF), languages: tuple[str, ...] = ()) -> Course:
    topics = tuple(Topic(each.path, (each,)) for each in sources or (source(),))
    return Course(Path("/course"), "", {"": "C"}, languages, (Section({"en": "Week", "de": "Woche"}, topics, "week"),), targets)


def paths(course: Course) -> list[str]:
    twins = twins_of(course)
    return [f"{v.target.name}/{v.path}" for section, _, each in course.sources() for v in variants(course, section, each, twins)]


def test_every_target_kind_and_format_gives_a_file() -> None:
    assert paths(course()) == [
        "students/code-along/html/week/a.html",
        "students/code-along/notebook/week/a.ipynb",
        "staff/completed/html/week/a.html",
        "staff/completed/notebook/week/a.ipynb",
        "staff/speaker/html/week/a.html",
        "staff/speaker/notebook/week/a.ipynb",
    ]


ONE = Target("t", OUT / "t", ("completed",), ("html",))
LANGUAGES = [
    (("en", "de"), (), (), ["t/completed/en/html/week/a.html", "t/completed/de/html/week/a.html"]),
    (("en",), (), (), ["t/completed/html/week/a.html"]),
    (("en", "de"), ("de",), (), ["t/completed/de/html/week/a.html"]),
    (("en", "de"), (), ("en",), ["t/completed/en/html/week/a.html"]),
]


@pytest.mark.parametrize(("of_course", "of_target", "of_source", "expected"), LANGUAGES)
def test_there_is_a_level_for_languages_only_where_there_are_several(
    of_course: tuple[str, ...], of_target: tuple[str, ...], of_source: tuple[str, ...], expected: list[str]
) -> None:
    target = Target("t", OUT / "t", ("completed",), ("html",), of_target)
    assert paths(course(source(languages=of_source), targets=(target,), languages=of_course)) == expected


def test_sources_that_differ_in_their_suffix_only_keep_it() -> None:
    twins = (source("a.py"), source("a.R", prog_lang="R"), source("b.py"))
    assert paths(course(*twins, targets=(ONE,))) == [f"t/completed/html/{name}.html" for name in ("a.py", "a.R", "b")]


def test_formats_that_a_source_is_not_built_in_are_left_out() -> None:
    assert paths(course(source(without=frozenset({"html"})), targets=(ONE,))) == []


def test_results_are_shown_by_pages_of_kinds_that_run_and_by_notebooks_of_targets_that_say_so() -> None:
    found = course(targets=(STUDENTS, STAFF, Target("plain", OUT / "plain", ("completed",))))
    shown = {f"{v.target.name}/{v.name}": v.outputs for s, _, each in found.sources() for v in variants(found, s, each, twins_of(found))}
    assert {name for name, outputs in shown.items() if outputs} == {
        "staff/completed/html",
        "staff/completed/notebook",
        "staff/speaker/html",
        "staff/speaker/notebook",
        "plain/completed/html",
    }


SUFFIXES = [
    ("a.py", "python", "html", ".html"),
    ("a.py", "python", "notebook", ".ipynb"),
    ("a.py", "python", "code", ".py"),
    ("a.ipynb", "R", "code", ".R"),
    ("a.r", "R", "code", ".r"),
    ("a.c", "cpp", "code", ".c"),
    ("a.md", "cpp", "code", ".cpp"),
    ("a.go", "go", "code", ".go"),
    ("a.ipynb", "go", "code", ".txt"),
]


@pytest.mark.parametrize(("path", "language", "format", "expected"), SUFFIXES)
def test_code_has_the_suffix_of_its_language(path: str, language: str, format: str, expected: str) -> None:
    assert suffix(source(path, prog_lang=language), format) == expected


TAKES = [
    (Choice(), True),
    (Choice(sections=("week",)), True),
    (Choice(sections=("Woche",)), True),
    (Choice(sections=("1",)), True),
    (Choice(topics=("week/a.py",)), True),
    (Choice(sources=("week/a.py",)), True),
    (Choice(sections=("week",), topics=("week/a.py",)), True),
    (Choice(places=frozenset({1})), False),
]


@pytest.mark.parametrize(("choice", "expected"), TAKES)
def test_a_choice_takes_sections_topics_and_sources(choice: Choice, expected: bool) -> None:
    _, topic, each = next(course().sources())
    assert settled(course(), choice).takes(0, topic, each) is expected
    assert settled(course(), choice).takes(0, topic) is expected


UNKNOWN = [
    (Choice(targets=("x",)), "no target 'x'"),
    (Choice(kinds=("x",)), "no kind 'x'"),
    (Choice(formats=("x",)), "no format 'x'"),
    (Choice(languages=("x",)), "no language 'x'"),
    (Choice(sections=("x",)), "no section 'x'"),
    (Choice(topics=("x",)), "no topic 'x'"),
    (Choice(sources=("x",)), "no source 'x'"),
]


@pytest.mark.parametrize(("choice", "message"), UNKNOWN)
def test_what_the_course_does_not_have_is_an_error_that_says_what_it_has(choice: Choice, message: str) -> None:
    with pytest.raises(RequestError, match=message) as error:
        settled(widened(course(), choice), choice)
    assert error.value.problem.hint.startswith("it has: ")


SECTIONS = (
    Section({"de": "Woche 1", "en": "Week 1"}, (), "intro", 1),
    Section({"de": "Woche 2", "en": "Week 2"}, (), "loops", 3),  # the second one is switched off
    Section({"de": "Anhang", "en": "Appendix: more"}, (), "", 4),
    Section({"de": "Anhang", "en": "Appendix: data"}, (), "3", 5),
)
MEANT = [
    ("intro", {0}), ("id:loops", {1}), ("1", {0}), ("idx:3", {1}), ("3", {3}), ("idx: 4", {2}), ("week 2", {1}), ("name:WOCHE", {0, 1}),
    ("Anhang", {2, 3}), ("appendix: m", {2}), ("Week 1", {0}),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "places"), MEANT)
def test_sections_go_by_title_id_number_and_part_of_a_title(wanted: str, places: set[int]) -> None:
    whole = replace(course(), sections=SECTIONS)
    assert settled(whole, Choice(sections=(wanted,))).places == places


@pytest.mark.parametrize("wanted", ["2", "idx:2", "id:Week 1", "id:nothing", "name:nothing", "week", ""])
def test_a_section_that_is_not_there_or_not_clear_is_an_error(wanted: str) -> None:
    with pytest.raises(RequestError) as error:
        settled(replace(course(), sections=SECTIONS), Choice(sections=(wanted,)))
    assert "section" in error.value.problem.message and error.value.problem.hint


def test_formats_may_be_left_out_and_public_kinds_too() -> None:
    def left(choice: Choice) -> set[str]:
        whole = course()
        found = variants(whole, whole.sections[0], source(), twins_of(whole))
        return {v.name for v in found if settled(whole, choice).allows(v.target, v.kind, v.language, v.format)}

    assert left(Choice(without=("html",))) == {"code-along/notebook", "completed/notebook", "speaker/notebook"}
    assert left(Choice(private=True)) == {"speaker/html", "speaker/notebook"}
    assert not Choice(without=("html",)).everything and not Choice(private=True).everything


def test_a_course_without_private_kinds_has_nothing_for_speakers_only() -> None:
    with pytest.raises(RequestError, match="no private kind"):
        settled(course(targets=(STUDENTS,)), Choice(private=True))


def kinds(course: Course) -> dict[str, tuple[str, ...]]:
    return {target.name: target.kinds for target in course.targets}


WIDENED = [
    ((STUDENTS, STAFF), "completed", {"students": ("code-along",), "staff": ("completed", "speaker")}),
    ((STUDENTS, STAFF), "student", {"students": ("code-along", "student"), "staff": ("completed", "speaker")}),
    ((STUDENTS, STAFF), "trainer", {"students": ("code-along",), "staff": ("completed", "speaker", "trainer")}),
    ((STUDENTS,), "speaker", {"students": ("code-along",), "staff": ("speaker",)}),
    ((ONE,), "student", {"t": ("completed", "student")}),
    ((ONE,), "speaker", {"t": ("completed",), "staff": ("speaker",)}),
]


@pytest.mark.parametrize(("targets", "kind", "expected"), WIDENED)
def test_a_kind_only_the_request_asks_for_is_added_and_private_ones_never_among_students(
    targets: tuple[Target, ...], kind: str, expected: dict[str, tuple[str, ...]]
) -> None:
    assert kinds(widened(course(targets=targets), Choice(kinds=(kind,)))) == expected


def test_a_format_only_the_request_asks_for_is_added_to_every_target() -> None:
    found = widened(course(), Choice(formats=("code", "html")))
    assert {target.formats for target in found.targets} == {("html", "notebook", "code")}
