"""The YAML that texts carry in headers and cell options, looked at before jupytext reads it: it may be small, and grow without bound."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import yaml

MAX_VALUES = 3_000
"""Keys and values of one header, aliases written out."""
MAX_DEPTH = 30
_LONG = 1_000
"""Characters of a text that count as one more value."""

_SIGN = re.compile(r"^[ \t]*(?:#'|#+|//+|--(?!-)|%+|;+)?[ \t]?")
_RULE = re.compile(r"-{3,}\s*")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class TooLarge(Exception):
    """A header that is refused: ``str()`` says why, ``line`` is its line in the text."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.line = line


def check(text: str) -> None:
    """Raise :class:`TooLarge` where a YAML header or the options of a cell have too many values or levels."""
    for start, lines in _blocks(text.split("\n")):
        _check("\n".join(lines), start)
        # jupytext reads the lines below `jupyter:` as a document of their own.
        first = next((number for number, line in enumerate(lines) if re.match(r"jupyter\s*:", line)), None)
        if first is not None:
            last = next((number for number in range(first + 1, len(lines)) if re.match(r"\S", lines[number])), len(lines))
            _check("\n".join(lines[first:last]), start + first)
            _check("\n".join([*lines[:first], *[""] * (last - first), *lines[last:]]), start)


def _blocks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """What stands between two lines of dashes or from the last one to the end, and runs of lines that begin with a colon; with its first line's number."""
    plain = {number: _SIGN.sub("", line, count=1) for number, line in enumerate(lines)}
    rules = [number for number, line in plain.items() if _RULE.fullmatch(line) or _RULE.fullmatch(lines[number])]
    for start, end in pairwise([*rules, len(lines)]):
        yield start + 2, [plain[number] for number in range(start + 1, end)]
    colons: list[int] = []
    for number in (number for number, line in enumerate(lines) if line.lstrip().startswith(":")):
        if colons and number != colons[-1] + 1:
            yield colons[0] + 1, [lines[each].lstrip()[1:] for each in colons]
            colons = []
        colons.append(number)
    if colons:
        yield colons[0] + 1, [lines[each].lstrip()[1:] for each in colons]


def _check(block: str, start: int) -> None:
    """Count the values of the first document; text that is no YAML is left to jupytext."""
    sizes: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = []
    count = 0
    try:
        for event in yaml.parse(block, Loader=_LOADER):
            line = start + (event.start_mark.line if event.start_mark else 0)
            if isinstance(event, yaml.AliasEvent):
                if any(anchor == event.anchor for anchor, _ in open_):
                    raise TooLarge(f"*{event.anchor} stands in its own value", line)
                count += sizes.get(event.anchor or "", 0)  # one that stands nowhere may be *emphasis* in a text
            elif isinstance(event, yaml.ScalarEvent):
                count += 1 + len(event.value) // _LONG
                if event.anchor:
                    sizes[event.anchor] = 1
            elif isinstance(event, yaml.CollectionStartEvent):
                open_.append((event.anchor, count))
                count += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, before = open_.pop()
                if anchor:
                    sizes[anchor] = count - before
            elif isinstance(event, yaml.DocumentEndEvent):
                return
            if count > MAX_VALUES:
                raise TooLarge(f"it has more than {MAX_VALUES:,} values", line)
            if len(open_) > MAX_DEPTH:
                raise TooLarge(f"its values are nested more than {MAX_DEPTH} deep", line)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        if "nesting" in str(getattr(error, "problem", "")):
            raise TooLarge(f"its values are nested more than {MAX_DEPTH} deep", start + (mark.line if mark else 0)) from error
