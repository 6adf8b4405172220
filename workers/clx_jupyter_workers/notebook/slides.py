"""The cells of a notebook as a deck: columns of slides, their steps and their notes. Pure.

Slides begin where the author marked them: by Jupyter's slide types or by the tags of the same names (as CLM and RISE have
them). In a notebook without any such mark each heading begins one, and so does what would not fit on the slide before it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from clx_jupyter_workers.notebook.tags import SLIDE_TAGS

TYPES = frozenset({"slide", "subslide", "fragment", "skip", "notes"})
ROOM = 18.0
"""Lines that a slide takes before what follows goes to the next one, where nobody marked any; a little smaller, half as many more fit."""

_WIDTH = 78
_PICTURE = 9.0
_TAGS = (*SLIDE_TAGS, "fragment", "skip")
_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r"\s{0,3}(#{1,6})(?:\s|$)")
_SHOWN = re.compile(r"!\[|<img\b|<svg\b")


@dataclass(slots=True)
class Step:
    """Cells that come together: at once with the slide, one key later (a fragment), or for its speaker only (notes)."""

    fragment: bool = False
    notes: bool = False
    cells: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class Slide:
    """What stands on the stage at one time, and what its speaker says to it."""

    steps: list[Step] = field(default_factory=list)
    notes: list[Any] = field(default_factory=list)

    def add(self, cell: Any, fragment: bool = False) -> None:
        """Show *cell*, as a step of its own or with what stands last."""
        if fragment or not self.steps:
            self.steps.append(Step(fragment))
        self.steps[-1].cells.append(cell)

    def all_steps(self) -> list[Step]:
        """The steps, and the notes behind them: they belong to the slide as a whole."""
        return [*self.steps, *([Step(notes=True, cells=self.notes)] if self.notes else [])]


def kind_of(cell: Any) -> str:
    """What a cell is on slides: one of :data:`TYPES`, or ``""`` for one that goes on where the last one is. A tag wins over the metadata."""
    tags = [tag for tag in cell.metadata.get("tags") or () if tag in _TAGS]
    if tags:
        return "notes" if tags[0] == "voiceover" else str(tags[0])
    slideshow = cell.metadata.get("slideshow")
    kind = slideshow.get("slide_type") if isinstance(slideshow, dict) else None
    return kind if isinstance(kind, str) and kind in TYPES else ""


def deck(cells: Iterable[Any]) -> list[list[Slide]]:
    """The slides of *cells* (nbformat's): columns from left to right, each from top to bottom; never empty ones."""
    marked = [(kind_of(cell), cell) for cell in cells]
    if not any(kind in ("slide", "subslide") for kind, _ in marked):
        marked = list(_divided(marked))
    columns: list[list[Slide]] = []
    early: list[Any] = []
    begins = ""
    for kind, cell in marked:
        if kind in ("slide", "subslide"):
            begins = "slide" if "slide" in (begins, kind) else kind
        if kind == "notes":
            (columns[-1][-1].notes if columns else early).append(_bare(cell))
        elif kind != "skip" and (cell.source.strip() or cell.cell_type == "code"):
            if begins == "slide" or not columns:
                columns.append([Slide()])
            elif begins:
                columns[-1].append(Slide())
            begins = ""
            columns[-1][-1].add(cell, kind == "fragment")
    if early and columns:
        columns[0][0].notes[:0] = early
    return columns


def _bare(cell: Any) -> Any:
    """A note without the box and the label that it has on pages: the speaker's window has its own."""
    plain = copy(cell)
    plain["role"], plain["colour"] = "", ""
    return plain


# --- notebooks that nobody made for slides ---


def _divided(marked: Sequence[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The same with marks: a slide at each heading of level 1 and 2, one below it at level 3, and wherever the last one is full."""
    parts = [(kind, part) for kind, cell in marked for part in ([cell] if kind else _at_headings(cell))]
    filled, alone = 0.0, False
    for number, (kind, cell) in enumerate(parts):
        if kind in ("skip", "notes"):
            yield kind, cell
            continue
        level, lines = _level(cell), _lines(cell)
        following = parts[number + 1][1] if number + 1 < len(parts) and not parts[number + 1][0] else None
        # Text stays with the code it speaks of, a heading with whatever comes.
        together = lines + (_lines(following) if following is not None and cell.cell_type == "markdown" != following.cell_type else 0)
        if 1 <= level <= 2:
            mark = "slide"
        elif level == 3 or (filled and not alone and filled + together > ROOM and kind != "fragment"):
            mark = "subslide"
        else:
            mark = kind
        filled = lines + (0 if mark in ("slide", "subslide") else filled)
        alone = bool(level) and "\n" not in cell.source.strip()
        yield mark, cell


def _level(cell: Any) -> int:
    """The level of the heading that a cell begins with, 0 if it begins with none."""
    match = _HEADING.match(cell.source.lstrip("\n")) if cell.cell_type == "markdown" else None
    return len(match.group(1)) if match else 0


def _at_headings(cell: Any) -> Iterator[Any]:
    """A cell of text in parts that begin with its headings of level 1 to 3."""
    lines = cell.source.split("\n")
    starts = [0] + [number for number in _headings(lines) if "".join(lines[:number]).strip()] if cell.cell_type == "markdown" else [0]
    if len(starts) == 1:
        yield cell
        return
    for n, (start, end) in enumerate(zip(starts, [*starts[1:], len(lines)], strict=True)):
        part = copy(cell)
        part.source = "\n".join(lines[start:end]).strip("\n")
        if n:
            part.id = f"{cell.get('id', '')}-{n + 1}"
        yield part


def _headings(lines: Sequence[str]) -> Iterator[int]:
    fence = ""
    for number, line in enumerate(lines):
        if mark := _FENCE.match(line):
            if not fence:
                fence = mark.group(1)
            elif mark.group(1).startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif not fence and (match := _HEADING.match(line)) and len(match.group(1)) <= 3:
            yield number


def _lines(cell: Any) -> float:
    """About how many lines of a slide a cell takes."""
    source: str = cell.source
    if cell.cell_type == "code":
        return 0.8 * (source.count("\n") + 2) + sum(map(_output_lines, cell.get("outputs", ())))
    text = sum(math.ceil(len(line) / _WIDTH) for line in source.split("\n") if line.strip())
    pictures = len(_SHOWN.findall(source))
    return text + source.count("\n\n") * 0.5 + (_level(cell) > 0) + pictures * _PICTURE


def _output_lines(output: Any) -> float:
    data = output.get("data") or {}
    if any(name.startswith("image/") or "plotly" in name or "bokeh" in name or "widget" in name for name in data):
        return _PICTURE
    if "text/html" in data:
        html: str = "".join(data["text/html"])
        return _PICTURE if "<svg" in html or "<iframe" in html or "<script" in html else 1 + 1.1 * html.count("<tr")
    text: str = "".join(output.get("text") or data.get("text/plain") or output.get("evalue") or "")
    return 0.8 * (text.count("\n") + 1)
