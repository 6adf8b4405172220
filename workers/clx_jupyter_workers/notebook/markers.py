"""The line that begins a cell of a percent text, piece by piece: which characters a correction must change."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Fix = dict[str, Any]
"""A correction as data (``docs/report.md``, "Fixes")."""

# A key, and the sign after it; people also write a colon, or nothing before the bracket.
_KEY = re.compile(r"(?<![\w\"'.-])(?P<key>[A-Za-z_][\w-]*)(?P<sign>\s*[=:]\s*(?=\S)|(?=\[[\"'\w]))")
_NEXT = re.compile(r"[\s,]+[A-Za-z_][\w-]*\s*=|$")
_CLOSING = {"[": "]", "{": "}", "(": ")"}
_LONGEST = 4000
"""Nobody writes longer markers by hand; looking for slips in them could take long."""
WORD = re.compile(r"[\w:-]+")


class Unreadable(ValueError):
    """The value of an attribute is no literal."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """``key=value`` as it stands in the line."""

    key: str
    #: Offsets in the line.
    start: int
    sign: str
    value_start: int
    raw: str

    @property
    def value(self) -> Any:
        """What it means. Raises :class:`Unreadable`."""
        if "=" not in self.sign:
            raise Unreadable(self.raw)
        text = {"true": "True", "false": "False", "null": "None"}.get(self.raw, self.raw)
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
            raise Unreadable(self.raw) from error

    @property
    def readable(self) -> bool:
        """Whether it has a value."""
        try:
            _ = self.value
        except Unreadable:
            return False
        return True

    @property
    def words(self) -> list[str]:
        """The words in the value, whatever stands between them."""
        return WORD.findall(self.raw)


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker line."""

    text: str
    #: 1-based, in the file.
    number: int
    attributes: tuple[Attribute, ...]
    #: What stands between ``%%`` and the first attribute, and where.
    title: str
    title_start: int

    def named(self, key: str) -> list[Attribute]:
        """The attributes of this name."""
        return [attribute for attribute in self.attributes if attribute.key == key]

    def one(self, key: str) -> Attribute | None:
        """The attribute of this name, where there is exactly one."""
        found = self.named(key)
        return found[0] if len(found) == 1 else None

    def change(self, start: int, old: str, new: str) -> Fix:
        """The correction that puts *new* in the place of *old*, which stands at the offset *start*."""
        return {"line": self.number, "was": self.text, "column": start, "old": old, "new": new}


def _begin(line: str, comment: str) -> re.Match[str] | None:
    return re.match(rf"\s*{re.escape(comment)}\s*%%+(?=\s|$)", line)


def is_marker(line: str, comment: str) -> bool:
    """Whether a line begins a cell."""
    return _begin(line, comment) is not None


def parse(line: str, number: int, comment: str) -> Marker | None:
    """The marker in a line of a percent text; ``None`` where it is none, is very long, or where its options are one JSON object."""
    begin = _begin(line, comment)
    if begin is None or "{{" in line or len(line) > _LONGEST:
        return None
    attributes: list[Attribute] = []
    position = begin.end()
    while found := _KEY.search(line, position):
        raw = _value(line, found.end())
        attributes.append(Attribute(found["key"], found.start(), found["sign"], found.end(), raw))
        position = max(found.end() + len(raw), found.end())
    end = attributes[0].start if attributes else len(line)
    title = line[begin.end() : end]
    if title.strip().startswith("{"):
        return None
    return Marker(line, number, tuple(attributes), title.strip(), begin.end() + len(title) - len(title.lstrip()))


_MIXED = re.compile(r"^\s*\S+\s*%%+\s.*?(?P<json>\{.*\})(?=\s+[A-Za-z_][\w-]*=)")


def in_one_style(line: str, number: int) -> Fix | None:
    """The correction of a marker whose options are a JSON object *and* ``key=value``; ``None`` where they are not."""
    found = _MIXED.match(line) if len(line) <= _LONGEST else None
    try:
        options = json.loads(found["json"]) if found else None
    except (ValueError, RecursionError):
        options = None
    if found is None or not isinstance(options, dict) or not all(key.isidentifier() for key in options):
        return None
    new = " ".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in options.items())
    return {"line": number, "was": line, "column": found.start("json"), "old": found["json"], "new": new}


def _value(line: str, start: int) -> str:
    """The text of the value that begins at *start*: balanced where it is well-formed, else up to the next attribute."""
    first = line[start : start + 1]
    if first in _CLOSING:
        end = _closed(line, start)
    elif first in "\"'":
        end = line.find(first, start + 1) + 1
    else:
        found = re.compile(r"\S+").match(line, start)
        end = found.end() if found else 0
    if end and line[end : end + 1] == ",":
        end += 1  # it belongs to the value: Python reads a tuple, and so does jupytext
    if end and (end == len(line) or line[end].isspace()) and not ("=" in line[start:end] and first in "\"'" and "[" in line[start:end]):
        return line[start:end]
    following = _NEXT.search(line, start)
    return line[start : following.start() if following else len(line)].rstrip()


def _closed(line: str, start: int) -> int:
    """The offset after the bracket that closes the one at *start*; 0 where none does."""
    open_, quote = [], ""
    for position in range(start, len(line)):
        character = line[position]
        if quote:
            quote = "" if character == quote and line[position - 1] != "\\" else quote
        elif character in "\"'":
            quote = character
        elif character in _CLOSING:
            open_.append(_CLOSING[character])
        elif open_ and character == open_[-1]:
            open_.pop()
            if not open_:
                return position + 1
        elif character in _CLOSING.values():
            return 0
    return 0


Lines = Callable[[str], list[str] | None]
"""The lines of a course file by its path; ``None`` where it cannot be read."""


class Editor:
    """Corrections to the metadata of one cell. Each method gives ``None`` where it cannot be done safely."""

    def rename(self, key: str, new: str) -> Fix | None:
        """Give a key another name."""

    def value(self, key: str, new: Any) -> Fix | None:
        """Give a key another value: a text, or a list of texts."""

    def tag(self, old: str, new: str) -> Fix | None:
        """Write a tag otherwise."""

    def remove(self, key: str) -> Fix | None:
        """Take a key away."""


def literal(value: Any) -> str:
    """A text or a list of texts as it stands in a marker."""
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return '"' + str(value).replace('"', "") + '"'


class MarkerEditor(Editor):
    """Corrections to a marker line."""

    def __init__(self, marker: Marker) -> None:
        self._marker = marker

    def rename(self, key: str, new: str) -> Fix | None:
        found = self._marker.one(key)
        if found is None or self._marker.named(new):
            return None
        if new == "tags" and not found.raw.startswith("["):
            return self._marker.change(found.start, key + found.sign + found.raw, f"tags={literal(found.words)}")
        return self._marker.change(found.start, key, new)

    def value(self, key: str, new: Any) -> Fix | None:
        found = self._marker.one(key)
        if found is None:
            return None
        return self._marker.change(found.start, found.key + found.sign + found.raw, f"{key}={literal(new)}")

    def tag(self, old: str, new: str) -> Fix | None:
        found = self._marker.one("tags")
        places = list(re.finditer(rf"(?<=[\"']){re.escape(old)}(?=[\"'])", found.raw)) if found else []
        if found is None or len(places) != 1:
            return None
        return self._marker.change(found.value_start + places[0].start(), old, new)

    def remove(self, key: str) -> Fix | None:
        found = self._marker.one(key)
        if found is None:
            return None
        before = self._marker.text[: found.start]
        start = len(before.rstrip())
        return self._marker.change(start, before[start:] + found.key + found.sign + found.raw, "")


class JsonEditor(Editor):
    """Corrections to a cell of an ``.ipynb``: ``at`` leads to the value in the file, or with ``key: true`` to the key."""

    def __init__(self, cell: int, metadata: Mapping[str, Any]) -> None:
        self._cell = cell
        self._metadata = metadata

    def _at(self, *path: str | int) -> list[str | int]:
        return ["cells", self._cell, "metadata", *path]

    def rename(self, key: str, new: str) -> Fix | None:
        if key not in self._metadata or new in self._metadata or (new == "tags" and isinstance(self._metadata[key], str)):
            return None
        return {"at": self._at(key), "key": True, "old": key, "new": new}

    def value(self, key: str, new: Any) -> Fix | None:
        return {"at": self._at(key), "old": self._metadata[key], "new": new} if key in self._metadata else None

    def tag(self, old: str, new: str) -> Fix | None:
        tags = self._metadata.get("tags")
        if not isinstance(tags, list) or tags.count(old) != 1:
            return None
        return {"at": self._at("tags", tags.index(old)), "old": old, "new": new}
