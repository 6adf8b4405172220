"""Origins that survive Jinja: each cell marker of a percent text carries its place as a metadata attribute while it travels."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import jupytext

from clx_jupyter_workers.notebook.document import Cell, Origin
from clx_jupyter_workers.notebook.fences import misread

ATTRIBUTE = "clx_origin"
_LEFT_OVER = re.compile(rf',? ?"?{ATTRIBUTE}"?[=:] ?"(\d+)"')
# `# !pip install x` stays a comment, as in CLM; jupytext would make it active. Other commented magics become active.
_COMMENTED_INSTALL = re.compile(
    r"^(\s*# ?)(?=[!%]\s*(?:sudo\s+)?(?:pip3?|pipx|py(?:thon)?[\d.]*\s+-m\s+pip|uv|conda|mamba|micromamba|poetry|apt(?:-get)?|brew|npm|yarn|pnpm)"
    r"(?:\s+\S+){0,3}?\s+(?:install|uninstall|add|remove|update|upgrade)(?:\s|$))"
)
# Stands in a line while jupytext reads it: what it does not take for a magic, or for a fence, it leaves alone.
_QUIET = "\ue000"
# All options as one JSON object; `key={...}` is the other style.
_JSON_OPTIONS = re.compile(r"^[^={]*\{.*\}$")


@dataclass(slots=True)
class _Mark:
    path: str
    line: int
    #: Cells of templates (macros) have no index of their own.
    template: bool
    false: bool = False


class Marks:
    """The markers seen while one text was expanded."""

    def __init__(self, comment: str) -> None:
        self._marker = re.compile(rf"^\s*{re.escape(comment)}\s*%%+(?=\s|$)")
        self._marks: list[_Mark] = []
        self._comment = comment
        self._leading: dict[str, str] = {}

    def mark(self, text: str, path: str, template: bool = False) -> str:
        """The text with an attribute on each of its cell markers; the number of lines stays the same."""
        lines = text.split("\n")
        first, markdown = None, False
        for number in list(misread(lines, self._marker, self._comment)):
            lines[number] = re.sub(r"([`~]{3})", rf"{_QUIET}\1", lines[number], count=1)
        for number, line in enumerate(lines):
            if self._marker.match(line):
                first = number if first is None else first
                markdown = "[markdown]" in line or "[md]" in line or "[raw]" in line
                lines[number] = self._with_attribute(line, path, number, template)
            elif not markdown and self._comment == "#":
                lines[number] = _COMMENTED_INSTALL.sub(rf"\1{_QUIET}", line)
        self._leading.setdefault(path, "\n".join(text.split("\n")[:first]))
        return "\n".join(lines)

    def _with_attribute(self, line: str, path: str, number: int, template: bool) -> str:
        self._marks.append(_Mark(path, number + 2, template))
        value = str(len(self._marks) - 1)
        body = line.rstrip()
        if _JSON_OPTIONS.match(body):
            empty = not body[:-1].rstrip().endswith("{")
            return f'{body[:-1]}{", " if empty else ""}"{ATTRIBUTE}": "{value}"}}'
        # What stands behind the marker comes back where it was none.
        return f'{body} {ATTRIBUTE}="{value}"{line[len(body) :]}'

    def collect(self, cells: Iterable[Cell], path: str) -> None:
        """Give every cell its origin and take the attributes away again."""
        taken = [(cell, self._take(cell)) for cell in cells]
        for position, (cell, mark) in enumerate(taken):
            if mark is not None:
                cell.origin = self._origin(mark)
            elif position == 0 and self._is_leading(cell, path):
                cell.origin = Origin(path, 0, self._leading_line(cell, path))
            else:
                cell.origin = Origin(path, None)

    def _take(self, cell: Cell) -> int | None:
        self._clean(cell)
        value = cell.metadata.pop(ATTRIBUTE, None)
        if value is None:
            value = self._from_odd_metadata(cell)
        return int(value) if value is not None else None

    def _clean(self, cell: Cell) -> None:
        """A marker inside a string or a fenced block was none: its text is restored, and it does not count."""
        cell.source = cell.source.replace(_QUIET, "")
        if ATTRIBUTE in cell.source:
            for number in _LEFT_OVER.findall(cell.source):
                self._marks[int(number)].false = True
            cell.source = _LEFT_OVER.sub("", cell.source)

    def _from_odd_metadata(self, cell: Cell) -> str | None:
        """Marker lines that jupytext cannot parse end up as text in the metadata."""
        for key, value in cell.metadata.items():
            if isinstance(value, str) and (found := _LEFT_OVER.search(value)):
                cell.metadata[key] = _LEFT_OVER.sub("", value)
                return found.group(1)
        return None

    def _origin(self, number: int) -> Origin:
        mark = self._marks[number]
        if mark.template:
            return Origin(mark.path, None, mark.line)
        before = sum(1 for other in self._marks[:number] if other.path == mark.path and not other.false)
        return Origin(mark.path, before + self._has_leading_cell(mark.path), mark.line)

    def _has_leading_cell(self, path: str) -> int:
        """1 where an editor shows what stands before the first marker as a cell of its own."""
        leading = self._leading.get(path, "")
        return 1 if leading.strip() and jupytext.reads(leading, "py:percent" if self._comment == "#" else "cpp:percent").cells else 0

    def _is_leading(self, cell: Cell, path: str) -> bool:
        first = next((line for line in cell.source.splitlines() if line.strip()), "")
        return bool(first) and first.strip() in self._leading.get(path, "")

    def _leading_line(self, cell: Cell, path: str) -> int:
        first = cell.source.lstrip("\n").split("\n")[0].strip()
        lines = self._leading[path].split("\n")
        return next((number for number, line in enumerate(lines, 1) if first and first in line), 1)
