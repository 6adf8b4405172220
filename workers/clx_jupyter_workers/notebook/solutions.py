"""nbgrader's release rules: solution regions become stubs, hidden tests and mark schemes go (``docs/kinds.md``)."""

from __future__ import annotations

import re

from jupytext.languages import _SCRIPT_EXTENSIONS

from clx_jupyter_workers.notebook.document import Cell
from clx_jupyter_workers.problems import Problem

_STUBS = {
    "python": "# YOUR CODE HERE\nraise NotImplementedError()",
    "R": "# YOUR CODE HERE\nfail()",
    "julia": '# YOUR CODE HERE\nerror("No Answer Given!")',
    "octave": "% YOUR CODE HERE\nerror('No Answer Given!')",
    "matlab": "% YOUR CODE HERE\nerror('No Answer Given!')",
    "sas": "/* YOUR CODE HERE */\n %notImplemented;",
}
_COMMENTS = {str(known["language"]).lower(): str(known["comment"]) for known in _SCRIPT_EXTENSIONS.values()}
_CLOSED = {"/*": " */", "(*": " *)"}
_OTHER = "YOUR CODE HERE"
_TEXT = "YOUR ANSWER HERE"
_STUB_LINES = frozenset(line.strip() for text in (*_STUBS.values(), _TEXT) for line in text.split("\n"))
_INDENT = re.compile(r"\s*")
_REGIONS = ("SOLUTION", "HIDDEN TESTS", "MARK SCHEME")
EDGE = re.compile(rf"(BEGIN|END) ({'|'.join(_REGIONS)})")
# nbgrader would publish what stands in these; nobody means that.
_SLIP = re.compile(r"^\W+((?:begin|end)[\s_-]*(?:solution|hidden[\s_-]*test|mark[\s_-]*scheme)s?)\W*$", re.IGNORECASE)


class RegionError(Exception):
    """A region does not begin and end as it should: nobody can tell what is the solution."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        #: 1-based, in the cell.
        self.line = line


def clear(cell: Cell, prog_lang: str) -> bool:
    """Clear a cell in place as nbgrader's release does; gives whether its text changed.

    :raises RegionError: a region is unclosed, nested, ends without a beginning, or its edge is misspelled
    """
    stub = stub_of(prog_lang) if cell.type == "code" else _TEXT
    text, replaced = _without_regions(cell.source, stub)
    nbgrader = cell.metadata.get("nbgrader")
    if isinstance(nbgrader, dict) and nbgrader.get("solution") is True and not replaced:
        text = stub
    changed = text != cell.source
    cell.source = text
    if changed:
        cell.attachments = {name: data for name, data in cell.attachments.items() if f"attachment:{name}" in text}
    return changed


def stub_of(prog_lang: str) -> str:
    """What stands for cleared code: nbgrader's stub; in languages that it does not know, a comment."""
    sign = _COMMENTS.get(prog_lang.lower(), "//")
    return _STUBS.get(prog_lang) or f"{sign} {_OTHER}{_CLOSED.get(sign, '')}"


def is_stub(line: str) -> bool:
    """Whether a line is one of those that stand for cleared text."""
    return line.strip() in _STUB_LINES or _OTHER in line


def _without_regions(source: str, stub: str) -> tuple[str, bool]:
    lines: list[str] = []
    region, opened, replaced = "", 0, False
    for number, line in enumerate(source.split("\n"), 1):
        edge = EDGE.search(line)
        if edge is None:
            if slip := _SLIP.match(line):
                raise RegionError(f"{slip[1]!r} is no mark of a region: it must be written like BEGIN SOLUTION or END SOLUTION.", number)
            if not region:
                lines.append(line)
            continue
        kind, name = edge.groups()
        _check(kind, name, region, number)
        if kind == "BEGIN":
            region, opened = name, number
            if name == "SOLUTION":
                lines += _indented(stub, line)
                replaced = True
        else:
            region = ""
    if region:
        raise RegionError(f"The region 'BEGIN {region}' has no end.", opened)
    return "\n".join(lines), replaced


def without_edges(source: str) -> str:
    """The text without the lines that mark regions, also those that only look so."""
    return "\n".join(line for line in source.split("\n") if not EDGE.search(line) and not _SLIP.match(line))


def _check(kind: str, name: str, region: str, number: int) -> None:
    if kind == "BEGIN" and region:
        raise RegionError(f"'BEGIN {name}' stands inside the region 'BEGIN {region}'.", number)
    if kind == "END" and name != region:
        raise RegionError(f"'END {name}' ends no region of this name.", number)


def _indented(stub: str, like: str) -> list[str]:
    found = _INDENT.match(like)
    indent = found.group() if found else ""
    return [indent + line for line in stub.split("\n")]


def region_problem(cell: Cell, error: RegionError, has_lines: bool) -> Problem:
    """What to tell the author about a broken region."""
    origin = cell.origin
    line = origin.line + error.line - 1 if has_lines and origin.line is not None else error.line
    hint = "Begin and end each region in the same cell; students get nothing of this source until then."
    return Problem("bad-source", error.message, hint, path=origin.path, cell=origin.cell, cell_id=cell.id, line=line)
