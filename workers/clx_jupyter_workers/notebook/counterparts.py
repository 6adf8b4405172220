"""Cells of one language that have no counterpart in another, in notebooks that hold several languages.

The cells of two languages are aligned in order (Needleman and Wunsch, 1970): equal cells are worth a pair, a cell without one costs,
and a pair far apart costs a little, so that of many like cells the right one is found missing, whether the languages stand cell by
cell or in blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from clx_jupyter_workers.notebook import tags
from clx_jupyter_workers.notebook.document import Cell, Document
from clx_jupyter_workers.problems import Problem

_ALONE, _UNLIKE, _FAR, _FARTHEST = 1.0, 1.5, 0.01, 20
_LIMIT = 1_000_000
"""Above this many comparisons only numbers are told."""
_HEADING = re.compile(r"^(#+)\s+\S", re.MULTILINE)
#: Notes and spoken text are often written in one language only; what is deleted needs no counterpart.
_EXEMPT = frozenset({"notes", "voiceover", "del"})


@dataclass(frozen=True, slots=True)
class _Entry:
    cell: Cell
    #: Its place in the notebook.
    index: int
    #: The slide's own name, by which counterparts know each other.
    name: str
    #: The level of its first heading; 0 without one.
    level: int
    #: How it begins a slide, if it does.
    slide: str
    #: Its tags that decide who sees what of it.
    marks: frozenset[str]
    #: Its author says that it needs no counterpart.
    may_be_alone: bool


def _entry(cell: Cell, index: int) -> _Entry:
    heading = _HEADING.search(cell.source) if cell.type == "markdown" else None
    own = cell.tags
    return _Entry(
        cell, index, str(cell.metadata.get("slide_id") or "").lstrip("!"), len(heading[1]) if heading else 0,
        next((tag for tag in ("slide", "subslide") if tag in own), ""), tags.MARKS.intersection(own), "allow-untranslated" in own,
    )  # fmt: skip


def missing_counterparts(document: Document, languages: Sequence[str]) -> list[Problem]:
    """Problems for cells of the *languages* without a counterpart, and for counterparts with different tags or types.

    Cells that templates made are left out: the title macro writes all languages at once. So are notes and voiceover; cells tagged
    ``allow-untranslated`` may stand alone.
    """
    by_language: dict[str, list[_Entry]] = {language: [] for language in languages}
    for index, cell in enumerate(document.cells):
        if cell.language in by_language and cell.origin.cell is not None and not _EXEMPT.intersection(cell.tags):
            by_language[cell.language].append(_entry(cell, index))
    used = [language for language in languages if any(not entry.may_be_alone for entry in by_language[language])]
    if len(languages) < 2 or not used:
        return []
    first = used[0]
    found = []
    for other in languages:
        if not by_language[other]:
            found.append(_wholly_missing(by_language[first], used, other))
        elif other != first:
            found += _compare(by_language[first], by_language[other], first, other, document.has_lines)
    return found


def _wholly_missing(entries: list[_Entry], used: list[str], other: str) -> Problem:
    text = f"The notebook has cells in {' and '.join(used)}, and none in {other}."
    return Problem("language", text, _HINT, "warning", entries[0].cell.origin.path)


_HINT = "Add what is missing, or tag cells that need no counterpart 'allow-untranslated'."


def _compare(one: list[_Entry], two: list[_Entry], first: str, second: str, has_lines: bool) -> Iterator[Problem]:
    if len(one) * len(two) > _LIMIT:
        if len(one) != len(two):
            text = f"The notebook has {len(one)} cells in {first} and {len(two)} in {second}."
            yield Problem("language", text, _HINT, "warning", one[0].cell.origin.path)
        return
    alone: list[tuple[_Entry, str, str]] = []
    for left, right in _aligned(one, two):
        if left is not None and right is not None:
            yield from _told(alone, has_lines)
            alone = []
            yield from _differences(left, right, first, second, has_lines)
            continue
        entry, has, lacks = (left, first, second) if left is not None else (right, second, first)
        if alone and alone[0][1] != has:
            yield from _told(alone, has_lines)
            alone = []
        assert entry is not None
        if not entry.may_be_alone:
            alone.append((entry, has, lacks))
    yield from _told(alone, has_lines)


def _told(alone: list[tuple[_Entry, str, str]], has_lines: bool) -> Iterator[Problem]:
    """One problem for a run of cells without counterparts."""
    if alone:
        entry, has, lacks = alone[0]
        what = f"This cell in {has} has" if len(alone) == 1 else f"{len(alone)} cells in {has}, from here on, have"
        yield _problem(entry, f"{what} no counterpart in {lacks}.", _HINT, has_lines)


def _differences(left: _Entry, right: _Entry, first: str, second: str, has_lines: bool) -> Iterator[Problem]:
    if left.cell.type != right.cell.type:
        text = f"This cell is {right.cell.type} in {second}, and its counterpart in {first} is {left.cell.type}."
        yield _problem(right, text, "Make both the same, or move the one that belongs elsewhere.", has_lines)
        return
    if left.marks != right.marks:
        names = ", ".join(f"'{tag}'" for tag in sorted(left.marks ^ right.marks))
        text = f"This cell in {second} and its counterpart in {first} differ in the tag {names}."
        yield _problem(right, text, "Give both the same tags, or students of one language get something else.", has_lines)


def _problem(entry: _Entry, message: str, hint: str, has_lines: bool) -> Problem:
    origin = entry.cell.origin
    return Problem("language", message, hint, "warning", origin.path, origin.cell, entry.cell.id, origin.line if has_lines else None)


def _aligned(one: list[_Entry], two: list[_Entry]) -> list[tuple[_Entry | None, _Entry | None]]:
    """The cheapest way to pair the entries of two languages in order."""
    row = [number * _ALONE for number in range(len(two) + 1)]
    steps: list[bytearray] = []
    order = one[0].index < two[0].index
    for left in one:
        new, step = [row[0] + _ALONE], bytearray(len(two) + 1)
        for column, right in enumerate(two, 1):
            pair, skip, insert = row[column - 1] + _cost(left, right, order), row[column] + _ALONE, new[column - 1] + _ALONE
            best = min(pair, skip, insert)
            step[column] = 0 if best == pair else 1 if best == skip else 2
            new.append(best)
        steps.append(step)
        row = new
    found: list[tuple[_Entry | None, _Entry | None]] = []
    i, j = len(one), len(two)
    while i or j:
        move = steps[i - 1][j] if i and j else 1 if i else 2
        i, j = i - (move != 2), j - (move != 1)
        found.append((one[i] if move != 2 else None, two[j] if move != 1 else None))
    return found[::-1]


def _cost(left: _Entry, right: _Entry, order: bool) -> float:
    """What a pair costs; two cells that are no pair cost 2. *order*: the left one's language comes first in this notebook."""
    # Without the order a cell could as well belong to the neighbour before it as to the one behind.
    far = _FAR * (min(abs(left.index - right.index), _FARTHEST) + ((left.index < right.index) != order))
    if left.name and right.name:
        return far if left.name == right.name else 2 * _ALONE + far
    if left.cell.type != right.cell.type:
        return _UNLIKE + far
    unlike = 0.6 * (left.slide != right.slide) + 0.4 * (bool(left.level) != bool(right.level)) + 0.2 * (left.level != right.level)
    return unlike + 0.3 * (left.marks != right.marks) + far
