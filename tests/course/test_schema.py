"""The published schema and the reader agree: what editors accept is what is built."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clx_jupyter.course import schema, yaml_nodes

DOCS = Path(__file__).parent.parent.parent / "docs"
DRAFT = jsonschema.Draft7Validator


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every schema within the schema."""
    if isinstance(value, dict):
        yield value
        for key, inner in value.items():
            named = key in ("properties", "definitions")
            for each in inner.values() if named else inner if isinstance(inner, list) else [inner]:
                yield from parts(each)


def test_it_is_a_schema() -> None:
    DRAFT.check_schema(schema.whole())


def test_every_word_of_it_is_acted_on() -> None:
    assert {word for part in parts(schema.whole()) for word in part} <= schema.KEYWORDS | schema.NOTES


def test_every_key_is_described() -> None:
    properties = [(key, inner) for part in parts(schema.whole()) for key, inner in part.get("properties", {}).items()]
    assert len(properties) > 50
    assert [key for key, inner in properties if not inner.get("description")] == []


def test_every_pattern_says_what_to_write() -> None:
    patterns = [part for part in parts(schema.whole()) if "pattern" in part]
    assert patterns
    assert [part for part in patterns if not part.get("patternErrorMessage")] == []


def test_every_key_stands_in_the_documents() -> None:
    text = (DOCS / "course-format.md").read_text(encoding="utf-8") + (DOCS / "kinds.md").read_text(encoding="utf-8")
    keys = {key for part in parts(schema.whole()) for key in part.get("properties", {})}
    assert [key for key in sorted(keys) if not re.search(rf"`{key}\b", text)] == []


# --- both say the same -----------------------------------------------------------

EXAMPLE: dict[str, Any] = {
    "version": 1,
    "title": {"en": "Python", "de": "Python"},
    "languages": ["en", "de"],
    "author": "Ada Example",
    "organization": "Example School",
    "prog_lang": "python",
    "execute": {"mode": "auto", "cell_timeout": 300, "timeout": 1800, "startup_timeout": 60, "preload": ["numpy", "scipy.stats"]},
    "environment": ["OPENAI_API_KEY"],
    "names": "source",
    "jinja": False,
    "navigation": True,
    "targets": {
        "students": {"path": "output/students", "kinds": ["code-along"], "formats": ["html", "notebook"], "outputs": False},
        "staff": {"kinds": ["completed", "speaker"], "languages": ["en"]},
    },
    "sections": [
        {
            "title": {"en": "Basics", "de": "Grundlagen"},
            "id": "basics",
            "execute": {"mode": "never"},
            "author": "B",
            "prog_lang": "R",
            "include": [{"from": "x"}],
            "topics": [
                "lists.py",
                {
                    "path": "loops", "title": "Loops", "id": "l", "execute": {"timeout": 5}, "after": ["lists.py"], "author": "C",
                    "prog_lang": "R", "include": [{"from": "data/x.csv", "to": "data", "optional": True}], "jinja": True,
                },
            ],
        }
    ],
    "kinds": {
        "student": {
            "base": "completed", "label": "Students", "public": True, "executed": False, "remove": ["a"], "blank": ["solution"], "keep": ["b"],
            "blank_code": False, "answer_stub": True, "clear_solutions": True, "workshop": None, "boxes": {"notes": "#FFEEBA"}, "folder": "S",
        }
    },
    "include": [{"from": "data/x.csv", "to": "data"}],
}  # fmt: skip

ODD: list[Any] = [
    None, True, False, 0, 1, -1, 2.5, 700000, "", "x", "en", "html", "auto", "a b", "../x", "/x", "x/../y", "C:/x", "x\\y", "~/x", "..", "..x",
    "x\n", "a.b", ".x", "numbered", "code-along", "1", "fr", [], {}, ["x"], ["x", "x"], [1], {"en": "x"}, {"en": ""}, {"english": "x"},
    {"path": "x"}, {"from": "x"}, {"kinds": ["x"]}, [{"path": "x"}], [{"title": "x", "topics": []}], {"mode": "never"}, {"x y": {}},
    {"x": {}}, [[]], {"": {}},
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


@cache
def validator(pointer: str) -> jsonschema.Draft7Validator:
    return DRAFT(schema.whole() if pointer == "#" else {**schema.whole(), "$ref": pointer})


def agree(document: Any, pointer: str = "#") -> bool:
    """Both accept the document, or both refuse it; gives whether they accept it."""
    node = yaml_nodes.parse(json.dumps(document, ensure_ascii=False).encode(), "course.yaml")
    assert node.plain() == document
    valid = validator(pointer).is_valid(document)
    found = schema.faults(node, pointer)
    assert (not found) == valid, (document, found)
    return valid


def test_the_whole_format_is_valid() -> None:
    assert agree(EXAMPLE)


PLACES = list(places(EXAMPLE))


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_they_agree_on_every_value_at_every_place(path: tuple[Any, ...]) -> None:
    # A line end at the end of a text is one for Python's `$`, not for JavaScript's, which the schema is written for.
    document = {key: EXAMPLE[key] for key in ("version", *path[:1])}  # with all of it, it takes three times as long
    assert agree(document)
    verdicts = [agree(changed(document, path, new)) for new in ODD if new != "x\n"]
    assert False in verdicts


@pytest.mark.parametrize("path", [path for path in PLACES if path], ids=lambda path: ".".join(map(str, path)))
def test_they_agree_where_a_key_is_missing_or_unknown(path: tuple[Any, ...]) -> None:
    *way, last = path
    parent = EXAMPLE
    for step in way:
        parent = parent[step]
    if isinstance(parent, dict):
        agree(changed(EXAMPLE, tuple(way), {key: value for key, value in parent.items() if key != last}))
        agree(changed(EXAMPLE, tuple(way), {**parent, f"{last}x": parent[last]}))


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(PLACES[1:]), st.sampled_from([each for each in ODD if each != "x\n"])), min_size=1, max_size=4))
def test_they_agree_on_documents_with_several_changes(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    document: Any = EXAMPLE
    for path, new in changes:
        if path in set(places(document)):
            document = changed(document, path, new)
    agree(document)


BESIDE = {key: EXAMPLE[key] for key in ("version", "execute", "environment", "names", "jinja", "navigation", "kinds")} | {"layout": "clx"}


@pytest.mark.parametrize("key", [*BESIDE, "targets", "sections"])
def test_they_agree_on_the_file_beside_a_course_in_xml(key: str) -> None:
    assert agree(BESIDE, "#/definitions/beside")
    for new in ODD:
        agree({**BESIDE, key: new}, "#/definitions/beside")


# --- the words -------------------------------------------------------------------

WORDS = [
    ("titel: x", 1, "'titel' is not known", "did you mean 'title'?"),
    ("title: x\njinja: yes", 2, "jinja must be true or false, not 'yes'", "write true or false"),
    ("title: 101", 1, "title must be text or a mapping", 'put it in quotes: "101"'),
    ("languages: en", 1, "languages must be a list, not 'en'", "write [en]"),
    ("names: numberd", 1, "names cannot be 'numberd'", "did you mean 'numbered'?"),
    ("targets: {a: {kinds: []}}", 1, "targets.a.kinds is empty", "name at least one"),
    ("targets:\n  a: {path: x}", 2, "targets.a has no 'kinds'", "add `kinds:`"),
    ("targets:\n  a: {path: ../x, kinds: [a]}", 2, "targets.a.path cannot be '../x'", "below this file's folder"),
    ("sections:\n- title: A\n  topics:\n  - {pth: x, path: y}", 4, "'pth' is not known in an entry of topics", "did you mean 'path'?"),
    ("execute: {timeout: 0}", 1, "execute.timeout cannot be 0", "above 0"),
    ("execute: {preload: [a b]}", 1, "an entry of preload cannot be 'a b'", "name of a Python module"),
    ("kinds: {a b: {}}", 1, "'a b' is not possible in kinds", "letters, digits"),
    ("languages: [en, en]", 1, "'en' stands twice in languages", "remove one"),
    ("[]", 1, "the file must be a mapping", "mapping"),
]


@pytest.mark.parametrize(("text", "line", "message", "hint"), WORDS)
def test_a_fault_says_where_what_and_what_to_do(text: str, line: int, message: str, hint: str) -> None:
    (fault,) = schema.faults(yaml_nodes.parse(text.encode(), "course.yaml"))
    assert fault.line == line
    assert message in fault.message
    assert hint in fault.hint


@pytest.mark.parametrize("path", ["x\n", "x\ny"])
def test_a_path_has_no_line_ends(path: str) -> None:
    assert schema.faults(yaml_nodes.parse(json.dumps({"sections": [{"title": "A", "topics": [path]}]}).encode(), "c"))
