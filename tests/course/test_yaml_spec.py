"""What a course file says, before anything is looked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.course import schema
from clx_jupyter.course.model import Execute
from clx_jupyter.course.yaml_spec import CourseSpec, Include, read_beside, read_course, title_of
from clx_jupyter.errors import CourseError, Problem
from tests.course.test_schema import parts


def spec(tmp_path: Path, text: str) -> CourseSpec:
    file = tmp_path / "course.yaml"
    file.write_text(text, encoding="utf-8")
    return read_course(file, "course.yaml")


def wrong(tmp_path: Path, text: str) -> Problem:
    with pytest.raises(CourseError) as caught:
        spec(tmp_path, text)
    return caught.value.problem


def test_what_is_not_said_has_its_default(tmp_path: Path) -> None:
    found = spec(tmp_path, "version: 1\n")
    assert (found.title, found.languages, found.targets, found.sections, found.names) == ({}, (), None, None, "source")
    assert (found.topic.execute, found.topic.jinja, found.navigation) == (Execute(), None, None)


def test_a_text_is_one_for_all_languages_or_one_for_each(tmp_path: Path) -> None:
    assert spec(tmp_path, "title: T\norganization: {en: S, pt-BR: Z}\n").title == {"": "T"}
    assert spec(tmp_path, "title: T\norganization: {en: S, pt-BR: Z}\n").organization == {"en": "S", "pt-BR": "Z"}


def test_a_target_has_a_folder_and_formats_by_default(tmp_path: Path) -> None:
    (target,) = spec(tmp_path, "targets: {students: {kinds: [completed]}}").targets or ()
    assert (target.path, target.formats, target.languages, target.outputs) == ("output/students", ("html", "notebook"), (), False)


NESTED = """\
author: A
prog_lang: R
jinja: true
execute: {cell_timeout: 5, preload: [numpy]}
include: [{from: a.csv}]
sections:
- title: S
  author: B
  execute: {timeout: 7}
  include: [{from: b, to: data/}]
  topics:
  - x.md
  - path: y.md
    id: why
    title: {en: Y}
    author: C
    prog_lang: julia
    jinja: false
    execute: {mode: never, preload: []}
    after: [x.md]
    include: [{from: c.csv, to: ./d, optional: true}]
"""


def test_a_topic_has_what_its_section_and_the_course_say(tmp_path: Path) -> None:
    ((section,),) = (spec(tmp_path, NESTED).sections or (),)
    first, second = section.topics
    assert (first.path, first.id, first.author, first.prog_lang, first.override, first.jinja) == ("x.md", "x.md", "B", "R", "", True)
    assert first.execute == Execute(cell_timeout=5, timeout=7, preload=("numpy",))
    assert first.includes == (Include("a.csv", None, False, 5), Include("b", "data", False, 10))
    assert (second.id, second.title, second.author, second.override, second.jinja) == ("why", {"en": "Y"}, "C", "julia", False)
    assert second.execute == Execute("never", cell_timeout=5, timeout=7)
    assert second.after == (("x.md", 20),)
    assert second.includes[-1] == Include("c.csv", "d", True, 21)


WRONG = [
    ("targets: {a: {kinds: [code-alnog]}}", "'code-alnog' is no kind of this course", "did you mean 'code-along'?"),
    ("languages: [en, de]\ntargets: {a: {kinds: [completed], languages: [fr]}}", "'fr' is no language", "known are: en, de"),
    ("targets: {a: {kinds: [completed], languages: [fr]}}", "'fr' is no language", "under `languages:`"),
    ("languages: [en]\nsections: [{title: T, languages: [fr], topics: [a]}]", "section: 'fr' is no language", "known are: en"),
    ("languages: [en]\nsections: [{title: T, topics: [{path: a, languages: [fr]}]}]", "topic 'a': 'fr' is no language", "known are: en"),
    ("languages: [en, de, EN]", "languages 'en' and 'EN' differ in case only", "keep one"),
    ("targets:\n  a: {kinds: [completed], path: x}\n  b: {kinds: [completed], path: ./x/}", "have the same path", "folder"),
    ("targets:\n  a: {kinds: [completed], path: x}\n  b: {kinds: [completed], path: x/y}", "lie inside each other", "folder of its own"),
    (
        "sections:\n- {title: A, id: a, topics: []}\n- {title: B, id: a, topics: []}",
        "two sections have the id 'a', the first in line 2",
        "another id",
    ),
    ("sections:\n- {title: A, topics: [{path: x, id: a}, {path: y, id: a}]}", "two topics have the id 'a'", "another id"),
    ("kinds:\n  x: {keep: [private]}", "is public", "public: false"),
]


@pytest.mark.parametrize(("text", "message", "hint"), WRONG)
def test_what_cannot_be_is_said_with_its_line(tmp_path: Path, text: str, message: str, hint: str) -> None:
    problem = wrong(tmp_path, text)
    assert message in problem.message
    assert hint in problem.hint
    assert problem.line == len(text.splitlines())


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    problem = wrong(tmp_path, "titel: x\njinja: 5\n\nnames: x\n")
    assert (problem.path, problem.line) == ("course.yaml", 1)
    assert "also line 2: jinja" in problem.hint
    assert "also line 4: names" in problem.hint


def test_many_faults_do_not_fill_the_screen(tmp_path: Path) -> None:
    assert "and 79 more" in wrong(tmp_path, "".join(f"x{n}: 1\n" for n in range(100))).hint


def test_own_kinds_may_be_asked_for(tmp_path: Path) -> None:
    found = spec(tmp_path, "kinds: {x: {label: X}}\ntargets: {a: {kinds: [x, completed]}}")
    assert found.kinds["x"].label == "X"
    assert found.own == {"x"}


def test_the_title_of_a_file_is_found_without_reading_all_of_it(tmp_path: Path) -> None:
    file = tmp_path / "course.yaml"
    file.write_text("titel: x\ntitle: {de: T}\n", encoding="utf-8")
    assert title_of(file) == {"de": "T"}
    file.write_text("title: [x]\n", encoding="utf-8")
    assert title_of(file) == {}


def test_the_file_beside_a_course_in_xml_is_checked_alike(tmp_path: Path) -> None:
    file = tmp_path / "c.clx.yaml"
    file.write_text(
        "layout: clx\nkinds: {solution: {}}\njinja: false\nexecute: {mode: never}\nenvironment: [A]\nnames: source\n", encoding="utf-8"
    )
    found = read_beside(file, "c.clx.yaml")
    assert (found.layout, found.jinja, found.names, found.environment, found.execute.mode) == ("clx", False, "source", ("A",), "never")
    assert "solution" in found.kinds
    file.write_text("layout: clx\nsections: []\n", encoding="utf-8")
    with pytest.raises(CourseError, match="'sections' is not known"):
        read_beside(file, "c.clx.yaml")


# --- no key is accepted and then forgotten ------------------------------------------

WHOLE: dict[str, Any] = {
    "title": {"en": "Python"},
    "languages": ["en", "de"],
    "author": "Ada",
    "organization": "School",
    "prog_lang": "R",
    "execute": {"mode": "always", "cell_timeout": 1, "timeout": 2, "startup_timeout": 3, "preload": ["numpy"]},
    "environment": ["KEY"],
    "names": "numbered",
    "jinja": True,
    "navigation": True,
    "targets": {"a": {"path": "x", "kinds": ["own"], "formats": ["code"], "languages": ["de"], "outputs": True, "self_contained": True}},
    "sections": [
        {
            "title": "S", "id": "s", "execute": {"mode": "never"}, "author": "B", "prog_lang": "julia", "include": [{"from": "y"}],
            "topics": [
                "a.md",
                {
                    "path": "b.md", "title": "T", "id": "t", "execute": {"timeout": 5}, "after": ["a.md"], "author": "C", "prog_lang": "cpp",
                    "include": [{"from": "z", "to": "d", "optional": True}], "jinja": False,
                },
            ],
        }
    ],
    "kinds": {
        "own": {
            "base": "speaker", "label": "Own", "public": False, "executed": False, "remove": ["a"], "blank": ["b"], "keep": ["c"],
            "blank_code": True, "answer_stub": True, "clear_solutions": True, "workshop": "code-along", "boxes": {"notes": "pink"}, "folder": "F",
        }
    },
    "include": [{"from": "x"}],
}  # fmt: skip


def keys(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every key of every mapping."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        if isinstance(value, dict):
            yield (*path, key)
        yield from keys(each, (*path, key))


def without(value: Any, path: tuple[Any, ...]) -> Any:
    first, *rest = path
    copy = dict(value) if isinstance(value, dict) else list(value)
    if rest:
        copy[first] = without(value[first], tuple(rest))
    else:
        del copy[first]
    return copy


REQUIRED = {"kinds", "title", "topics", "path", "from"}
OPTIONAL = {("targets", "a", "path"), ("title",), ("kinds",), ("sections", 0, "topics", 1, "title")}
CHOSEN = {"own", "a", "notes", "en"}
"""Names that people choose, which are no keys of the format."""
FORMAT = [path for path in keys(WHOLE) if path[-1] not in CHOSEN and (path[-1] not in REQUIRED or path in OPTIONAL)]


@pytest.mark.parametrize("path", FORMAT, ids=lambda path: ".".join(map(str, path)))
def test_every_key_makes_a_difference(tmp_path: Path, path: tuple[Any, ...]) -> None:
    text = WHOLE if path not in (("kinds",), ("languages",)) else without(WHOLE, ("targets",))
    assert spec(tmp_path, json.dumps(without(text, path))) != spec(tmp_path, json.dumps(text))


def test_every_key_of_the_format_is_among_them() -> None:
    properties = (part.get("properties", {}) for part in parts(schema.whole()))
    known = {key for each in properties for key in each} - {"version", "layout"}  # the file beside a course in XML has its own test
    assert known <= {path[-1] for path in keys(WHOLE)}
