"""YAML as a tree that remembers lines, read within limits.

Scalars are those of YAML 1.2 and JSON, as editors read them: ``no`` is a text (and a language), not ``false``. Anchors,
aliases and tags have no use in a course file; without them nothing can grow or turn into code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from clx_jupyter.errors import CourseError

MAX_BYTES = 2_000_000
MAX_DEPTH = 20
MAX_VALUES = 30_000
"""Keys and values of one file: more than courses of thousands of topics have, read in less than half a second."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    spelling: value for word, value in (("true", True), ("false", False)) for spelling in (word, word.title(), word.upper())
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Node:
    """A value and the line it begins in. Mappings hold nodes by key, lists hold nodes, everything else is a plain value."""

    value: Any
    line: int
    #: The lines of a mapping's keys.
    keys: dict[str, int] = field(default_factory=dict)

    def get(self, key: str) -> Node | None:
        """The node under *key* of a mapping."""
        found: Node | None = self.value.get(key)
        return found

    def plain(self) -> Any:
        """The value without lines, as JSON has it."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        return [node.plain() for node in self.value] if isinstance(self.value, list) else self.value


def read(file: Path, name: str) -> Node:
    """The one document of *file*, which errors call *name*. Raises :class:`CourseError` where it cannot be read or is no plain YAML."""
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise CourseError(f"the file cannot be read: {error.strerror}", "see that it is there and may be read", path=name) from error
    return parse(data, name)


def parse(data: bytes, name: str) -> Node:
    """The document with these bytes; see :func:`read`."""
    if len(data) > MAX_BYTES:
        raise CourseError(f"the file is larger than {MAX_BYTES // 1_000_000} MB", "a course file is text of some kilobytes", path=name)
    text = _decoded(data, name)
    try:
        return _Builder(text, name).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        message = " ".join(filter(None, (error.context, error.problem))) or "it cannot be understood"
        raise CourseError(f"this is no valid YAML: {message}", _hint(text, line), path=name, line=line) from error
    except yaml.YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        raise CourseError("a character here is not allowed in YAML", "remove control characters", path=name, line=line) from error


def _hint(text: str, line: int | None) -> str:
    written = (text.splitlines() or [""])[: line or 0][-1:]
    if written and "\t" in written[0][: len(written[0]) - len(written[0].lstrip())]:
        return "indent with spaces, never with tabs"
    return "look at this line and the one above: indentation, quotes, colons"


def _decoded(data: bytes, name: str) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise CourseError("the file is UTF-16, not UTF-8", "save it as UTF-8", path=name, line=1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CourseError("this line is not UTF-8", "save the file as UTF-8", path=name, line=line) from error


class _Builder:
    """Nodes from the parser's events, one by one: what is refused is refused before the rest is read."""

    def __init__(self, text: str, name: str) -> None:
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))
        self._name = name
        self._values = 0

    def document(self) -> Node:
        """The one document. Raises ``yaml.YAMLError`` too."""
        next(self._events)  # the stream begins
        if not isinstance(next(self._events), yaml.DocumentStartEvent):
            raise self._error("the file is empty", "begin with `version: 1`", 1)
        node = self._node(next(self._events), 0)
        next(self._events)  # the document ends
        after = next(self._events)
        if isinstance(after, yaml.DocumentStartEvent):
            hint = "remove the second `---` and what belongs to another file"
            raise self._error("a course file is one document", hint, _line(after))
        return node

    def _error(self, message: str, hint: str, line: int) -> CourseError:
        return CourseError(message, hint, path=self._name, line=line)

    def _node(self, event: Any, depth: int) -> Node:
        line = _line(event)
        self._values += 1
        if self._values > MAX_VALUES:
            raise self._error(f"the file holds more than {MAX_VALUES:,} keys and values", "name folders instead of single files", line)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise self._error(
                "anchors (&) and aliases (*) are not used in course files", "write the value itself, or put the text in quotes", line
            )
        if event.tag is not None:
            raise self._error(f"tags such as {event.tag} are not used in course files", "write the plain value", line)
        if depth > MAX_DEPTH:
            raise self._error(f"values are nested more than {MAX_DEPTH} deep", "look at the brackets in this line", line)
        if isinstance(event, yaml.ScalarEvent):
            return Node(_scalar(event.value) if event.implicit[0] else event.value, line)
        if isinstance(event, yaml.SequenceStartEvent):
            return Node([self._node(item, depth + 1) for item in self._until(yaml.SequenceEndEvent)], line)
        return self._mapping(line, depth)

    def _mapping(self, line: int, depth: int) -> Node:
        values: dict[str, Node] = {}
        keys: dict[str, int] = {}
        for event in self._until(yaml.MappingEndEvent):
            at = _line(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise self._error("a key must be a plain word", "write `key: value`; put text that begins with { or [ in quotes", at)
            self._node(event, depth)
            if event.value in keys:
                raise self._error(f"{event.value!r} stands here twice, first in line {keys[event.value]}", "keep one of the two", at)
            keys[event.value] = at
            values[event.value] = self._node(next(self._events), depth + 1)
        return Node(values, line, keys)

    def _until(self, end: type) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield event


def _line(event: Any) -> int:
    number: int = event.start_mark.line
    return number + 1


def _scalar(text: str) -> Any:
    """The value of a word without quotes."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
