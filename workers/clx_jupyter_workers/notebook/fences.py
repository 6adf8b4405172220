"""Fenced blocks in the text cells of percent scripts, where jupytext would take too much for one and swallow the cells that follow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

# jupytext (1.19) knows no fence behind a list's mark: it takes the end of such a block for the beginning of another.
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")
_IN_LIST = re.compile(r"^\s*(?:(?:[-*+]|\d+[.)])\s+)+(`{3,}|~{3,})([^`]*)$")
# A marker with one of these is meant as one, wherever it stands.
_MEANT = re.compile(r"\[(?:markdown|md|raw)\]|\b(?:tags|lang)\s*=")


def misread(lines: Sequence[str], marker: re.Pattern[str], comment: str) -> Iterator[int]:
    """Numbers of the lines that jupytext takes for the beginning of a block which in truth does not begin there, or never ends.

    A block ends in the cell it begins in: at the latest before a line that is no comment, or before a marker that names a type, tags or a language.
    """
    text, end = False, -1
    for number, line in enumerate(lines):
        if number <= end:
            continue
        if marker.match(line):
            text = any(name in line for name in ("[markdown]", "[md]", "[raw]"))
        elif text and line.startswith(comment):
            body = _body(line, comment)
            plain, listed = _FENCE.match(body), _IN_LIST.match(body)
            found = plain or listed
            if found is None or (found[1][0] == "`" and "`" in found[2]):
                continue
            closing = _closing(lines, number, found[1], marker, comment)
            if plain and closing is None:
                yield number
            elif listed and closing is not None:
                yield closing
            if closing is not None:
                end = closing


def _body(line: str, comment: str) -> str:
    return line[len(comment) :].removeprefix(" ")


def _closing(lines: Sequence[str], opened: int, fence: str, marker: re.Pattern[str], comment: str) -> int | None:
    for number in range(opened + 1, len(lines)):
        line = lines[number]
        if (line.strip() and not line.startswith(comment)) or (marker.match(line) and _MEANT.search(line)):
            return None
        body = _body(line, comment).strip()
        if len(body) >= len(fence) and set(body) == {fence[0]}:
            return number
    return None
