"""YAML with lines, within limits."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clx_jupyter.course.schema import faults
from clx_jupyter.course.yaml_nodes import MAX_BYTES, parse, read
from clx_jupyter.errors import CourseError


def test_values_are_those_of_yaml_1_2() -> None:
    text = "a: [no, off, yes, true, False, 012, 1.5, 1e3, .5, ~, null, 2024-01-01, 'true', \"5\", 0x1f]\n"
    assert parse(text.encode(), "c").plain() == {
        "a": ["no", "off", "yes", True, False, 12, 1.5, 1000.0, 0.5, None, None, "2024-01-01", "true", "5", "0x1f"]
    }


def test_every_value_and_key_knows_its_line() -> None:
    node = parse(b"a: 1\nb:\n  c:\n  - x\n  - y\n", "c")
    inner = node.value["b"].value["c"]
    assert node.keys == {"a": 1, "b": 2}
    assert [item.line for item in inner.value] == [4, 5]


def test_json_is_yaml_too() -> None:
    assert parse('{"a": {"no": [true, "ä"]}}'.encode(), "c").plain() == {"a": {"no": [True, "ä"]}}


WRONG = [
    (b"", 1, "empty", "version: 1"),
    (b"# only a comment\n", 1, "empty", "version: 1"),
    (b"a: 1\nb: 2\na: 3\n", 3, "'a' stands here twice, first in line 1", "keep one"),
    (b"a: 1\nb: &x 2\n", 2, "anchors", "quotes"),
    (b"a: 1\nb: *x\n", 2, "anchors", "quotes"),
    (b"a: !!python/object:os.system x\n", 1, "tags", "plain value"),
    (b"a: !x y\n", 1, "tags", "plain value"),
    (b"a:\n\t- b\n", 2, "no valid YAML", "never with tabs"),
    (b"a: b: c\n", 1, "no valid YAML", "colons"),
    (b"a: 1\n---\nb: 1\n", 2, "one document", "second"),
    (b"a: 1\nb: \x01\n", 2, "character", "control characters"),
    (b"a: 1\nb: \xe4\n", 2, "not UTF-8", "UTF-8"),
    ("a: 1".encode("utf-16"), 1, "UTF-16", "UTF-8"),
    (b"? [a]\n: b\n", 1, "plain word", "quotes"),
    (b"x: {{ y }}\n", 1, "plain word", "quotes"),
]


@pytest.mark.parametrize(("data", "line", "message", "hint"), WRONG)
def test_what_is_wrong_is_said_with_its_line(data: bytes, line: int, message: str, hint: str) -> None:
    with pytest.raises(CourseError) as caught:
        parse(data, "course.yaml")
    problem = caught.value.problem
    assert (problem.path, problem.line) == ("course.yaml", line)
    assert message in problem.message
    assert hint in problem.hint


BOMBS = {
    "flow depth": b"[" * 1_000_000,
    "block depth": b"- " * 900_000,
    "size": b"a" * (MAX_BYTES + 1),
    "one list": b"languages: [" + b"en," * 600_000 + b"]\n",
    "keys": b"".join(b"k%d: 1\n" % number for number in range(150_000)),
    "aliases": b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n",
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_fill_the_memory_is_refused_at_once(name: str) -> None:
    started = time.monotonic()
    with pytest.raises(CourseError):
        parse(BOMBS[name], "course.yaml")
    assert time.monotonic() - started < 2


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="cannot be read"):
        read(tmp_path / "course.yaml", "course.yaml")


PIECES = st.sampled_from([
    "a", ":", " ", "\n", "  ", "- ", "[", "]", "{", "}", ",", "'", '"', "#", "&x", "*x", "!!str ", "|", ">", "? ", "---\n", "...\n", "%YAML 1.1\n",
    "\t", "\r", "\x85", "\u2028", "\ufeff", "\0", "é", "1", "null", "<<", "\\", "@", "`", "version: 1\n", "title: ",
    "sections:\n", "targets: {a: {kinds: [completed]}}\n",
])  # fmt: skip


@settings(deadline=None, max_examples=1500)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_whatever_stands_in_a_file_it_is_read_or_refused_with_its_line(text: str) -> None:
    try:
        node = parse(text.encode(), "course.yaml")
    except CourseError as error:
        assert error.problem.line is not None
        assert error.problem.hint
    else:
        assert all(fault.line >= 1 for fault in faults(node))


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200))
def test_no_bytes_are_too_odd(data: bytes) -> None:
    try:
        parse(data, "course.yaml")
    except CourseError as error:
        assert error.problem.message
