"""Course files in XML are read within bounds, and what is wrong with them is said with file and line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from clx_jupyter.course import safe_xml
from clx_jupyter.course.safe_xml import Element, parse, read
from clx_jupyter.errors import CourseError

SPEC = "course-specs/a.xml"

_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMBS = {
    "billion laughs": f'<!DOCTYPE c [<!ENTITY l0 "ha">{_LAUGHS}]><course>&l9;</course>'.encode(),
    "quadratic blow-up": f'<!DOCTYPE c [<!ENTITY a "{"x" * 50_000}">]><course>{"&a;" * 50_000}</course>'.encode(),
    "external entity": b'<!DOCTYPE c [<!ENTITY x SYSTEM "file:///etc/passwd">]><course>&x;</course>',
    "external document type": b'<!DOCTYPE c SYSTEM "http://127.0.0.1:9/x.dtd"><course/>',
    "parameter entity": b'<!DOCTYPE c [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]><course/>',
    "depth": b"<course>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</course>",
    "many elements": b"<course>" + b"<a/>" * 1_000_000 + b"</course>",
    "size": b"<course>" + b"x" * (6 * 1024 * 1024) + b"</course>",
    "bomb in UTF-16": f'<!DOCTYPE c [<!ENTITY l0 "ha">{_LAUGHS}]><course>&l9;</course>'.encode("utf-16"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_quickly_with_the_name_of_the_file(name: str) -> None:
    started = time.perf_counter()
    with pytest.raises(CourseError) as caught:
        parse(BOMBS[name], SPEC)
    assert time.perf_counter() - started < 5  # ten times what is promised
    assert SPEC in str(caught.value)
    assert caught.value.problem.path == SPEC


BROKEN = [
    (b"<course>\n<name>\n</course>", 3, "<name> from line 2 is not closed"),
    (b"<course>\n<name>x</nam>\n</course>", 2, "<name> from line 2 is not closed"),
    (b"<course>\n<name>", 2, "<name> from line 2 is not closed"),
    (b"<course>\na & b\n</course>", 2, "a character stands where XML does not allow it"),
    (b"<course>\n&nbsp;\n</course>", 2, "an entity that nobody defined"),
    (b"<course>\n</course>\n<course/>", 3, "something follows the end of the course"),
    (b'<course>\n<t id="a" id="b"/></course>', 2, "an attribute is given twice"),
    (b"", 1, "the file is empty"),
    (b"   \n", 2, "the file is empty"),
    (b"<course>\xff</course>", 1, "a character stands where XML does not allow it"),
    (b"\x00\x01\x02", 1, "a character stands where XML does not allow it"),
]


@pytest.mark.parametrize(("data", "line", "words"), BROKEN)
def test_broken_xml_is_reported_in_words_with_file_and_line(data: bytes, line: int, words: str) -> None:
    with pytest.raises(CourseError) as caught:
        parse(data, SPEC)
    problem = caught.value.problem
    assert (problem.path, problem.line, problem.category) == (SPEC, line, "bad-course")
    assert words in problem.message
    assert problem.hint


@pytest.mark.parametrize("encoding", ["klingon", "utf-7", "shift_jis"])
def test_an_encoding_that_cannot_be_read_is_an_error_of_the_course(encoding: str) -> None:
    with pytest.raises(CourseError, match="encoding"):
        parse(f'<?xml version="1.0" encoding="{encoding}"?><course/>'.encode(), SPEC)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_the_usual_encodings_are_read(encoding: str) -> None:
    name = "utf-8" if encoding == "utf-8-sig" else encoding
    root = parse(f'<?xml version="1.0" encoding="{name}"?><course>Einführung</course>'.encode(encoding), SPEC)
    assert root.text == "Einführung"


def test_elements_know_their_line_text_and_children() -> None:
    root = parse(b'<course>\n <a x="1">one<!-- c -->two<b/> rest</a>\n <a/>\n</course>', SPEC)
    first = root.find("a")
    assert isinstance(first, Element)
    assert (first.line, first.attributes, first.text, first.rest) == (2, {"x": "1"}, "onetwo", " rest")
    assert [child.line for child in root.all("a")] == [2, 3]
    assert (root.text_of("a"), root.text_of("none")) == ("onetwo", "")


def test_the_limits_themselves_are_allowed() -> None:
    deep = b"<a>" * safe_xml.MAX_DEPTH + b"</a>" * safe_xml.MAX_DEPTH
    assert parse(deep, SPEC).tag == "a"
    wide = b"<a>" + b"<b/>" * (safe_xml.MAX_ELEMENTS - 1) + b"</a>"
    assert len(parse(wide, SPEC).children) == safe_xml.MAX_ELEMENTS - 1


def test_a_missing_file_and_a_folder_are_errors_of_the_course(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"there is no course file x\.xml"):
        read(tmp_path / "x.xml", "x.xml")
    with pytest.raises(CourseError, match="cannot be read"):
        read(tmp_path, "x.xml")
