"""Course files in XML, read within bounds: no document type, no entities, nothing outside the file, limits on size and depth.

The result is a tree of plain elements that know their line, so that whoever reads a course can say where something is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers.expat import errors as expat

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from clx_jupyter.errors import CourseError

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 50
MAX_ELEMENTS = 50_000


@dataclass(slots=True)
class Element:
    """An element as written. Comments and processing instructions are not part of the tree."""

    tag: str
    attributes: dict[str, str]
    #: The line of its start tag, from 1.
    line: int
    #: The text before its first child.
    text: str = ""
    #: The text after its first child, which most elements should not have.
    rest: str = ""
    children: list[Element] = field(default_factory=list)

    def find(self, tag: str) -> Element | None:
        """The first child with this tag."""
        return next(self.all(tag), None)

    def all(self, tag: str) -> Iterator[Element]:
        """The children with this tag, in document order."""
        return (child for child in self.children if child.tag == tag)

    def text_of(self, tag: str) -> str:
        """The text of the first child with this tag, without space around it; ``""`` if there is none."""
        child = self.find(tag)
        return child.text.strip() if child else ""


@dataclass(slots=True)
class _Open:
    """An element whose end tag is still to come, and the text collected for it."""

    element: Element
    text: list[str] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)


class _Builder:
    """Builds the tree from the parser's events and refuses it as soon as it grows too deep or too large."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.open: list[_Open] = []
        self.root: Element | None = None
        self.count = 0
        self.parser: DefusedXMLParser | None = None

    @property
    def line(self) -> int:
        """The line the parser is at."""
        return int(self.parser.parser.CurrentLineNumber) if self.parser else 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if self.count > MAX_ELEMENTS:
            raise _refused(self.path, self.line, f"it holds more than {MAX_ELEMENTS:,} elements")
        if len(self.open) >= MAX_DEPTH:
            raise _refused(self.path, self.line, f"its elements are nested more than {MAX_DEPTH} deep")
        element = Element(tag, dict(attributes), self.line)
        if self.open:
            self.open[-1].element.children.append(element)
        else:
            self.root = element
        self.open.append(_Open(element))

    def end(self, _tag: str) -> None:
        done = self.open.pop()
        done.element.text = "".join(done.text)
        done.element.rest = "".join(done.rest)

    def data(self, text: str) -> None:
        if self.open:
            top = self.open[-1]
            (top.rest if top.element.children else top.text).append(text)

    def close(self) -> Element | None:
        return self.root


def read(file: Path, path: str) -> Element:
    """The root element of *file*; *path* is its name in error messages (POSIX, relative to the course root).

    Raises :class:`CourseError` if the file cannot be read, is no XML or breaks a limit.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise CourseError(f"there is no course file {path}", "check the name and the folder", path=path) from None
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}", "check that it is a file you may read", path=path) from None
    return parse(data, path)


def parse(data: bytes, path: str) -> Element:
    """The root element of the document *data*. Raises :class:`CourseError`, see :func:`read`."""
    if len(data) > MAX_BYTES:
        raise _refused(path, None, f"it is larger than {MAX_BYTES // 1024 // 1024} MB")
    builder = _Builder(path)
    parser = builder.parser = DefusedXMLParser(target=builder, forbid_dtd=True)
    try:
        parser.feed(data)  # in one piece: older expats take quadratic time for a long token that comes in many
        parser.close()
    except ParseError as error:
        raise _broken(error, builder) from None
    except DefusedXmlException:
        raise _refused(path, builder.line, "it declares a document type", "remove <!DOCTYPE …>") from None
    except (LookupError, ValueError):
        raise CourseError(f"{path} is in an encoding that cannot be read", "save it as UTF-8", path=path, line=1) from None
    assert builder.root is not None  # expat refuses a document without an element
    return builder.root


def _refused(path: str, line: int | None, why: str, hint: str = "a course file stays far below that") -> CourseError:
    return CourseError(f"{path} is refused: {why}", hint, path=path, line=line)


_AMPERSAND = "write & as &amp; and < as &lt;"
_WORDS = {
    expat.XML_ERROR_INVALID_TOKEN: ("a character stands where XML does not allow it", _AMPERSAND),
    expat.XML_ERROR_UNDEFINED_ENTITY: ("an entity that nobody defined", _AMPERSAND),
    expat.XML_ERROR_UNCLOSED_TOKEN: ("a tag or comment begins and never ends", "close it with > or -->"),
    expat.XML_ERROR_JUNK_AFTER_DOC_ELEMENT: ("something follows the end of the course", "keep everything inside <course>…</course>"),
    expat.XML_ERROR_DUPLICATE_ATTRIBUTE: ("an attribute is given twice", "keep one of them"),
    expat.XML_ERROR_UNKNOWN_ENCODING: ("its encoding is not known", "save it as UTF-8"),
    expat.XML_ERROR_INCORRECT_ENCODING: ("it is not in the encoding that it names", "save it as UTF-8"),
    expat.XML_ERROR_PARTIAL_CHAR: ("it ends in the middle of a character", "save it as UTF-8"),
    expat.XML_ERROR_UNBOUND_PREFIX: ("a name has a prefix that nobody declared", "write the name without prefix"),
}
_UNCLOSED = {expat.XML_ERROR_TAG_MISMATCH, expat.XML_ERROR_NO_ELEMENTS}


def _broken(error: ParseError, builder: _Builder) -> CourseError:
    """The error of the parser in words, with the place and, for tags, which one is open."""
    line, column = error.position
    said = expat.messages.get(error.code, "")
    if said in _UNCLOSED and builder.open:
        tag, opened = builder.open[-1].element.tag, builder.open[-1].element.line
        what, hint = f"<{tag}> from line {opened} is not closed", f"add </{tag}>, or correct the name of the closing tag"
    elif said in _UNCLOSED:
        what, hint = "the file is empty", "a course file starts with <course>"
    else:
        what, hint = _WORDS.get(said, (said or "something is wrong", "check the file with an XML editor"))
    return CourseError(f"{builder.path} is not valid XML: {what} (column {column + 1})", hint, path=builder.path, line=line)
