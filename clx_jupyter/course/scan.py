"""A quick look at a source without the notebook libraries: kernel, language, title, tags, code.

Planning needs these of every source at every build, so this reads JSON and percent marks only; the worker reads for real.
What cannot be understood here is left to the worker, which says what is wrong with it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from clx_jupyter.kinds import BLACK_MARKS, WHITE_MARKS
from clx_jupyter.languages import BY_SUFFIX, named

TEXT_SUFFIXES = frozenset(
    {
        ".py", ".R", ".r", ".jl", ".cpp", ".c", ".cs", ".java", ".ts", ".js", ".rs", ".go", ".scm", ".clj", ".m", ".q", ".sage", ".lua",
        ".ml", ".f90", ".do", ".sas", ".groovy", ".hs", ".kt", ".scala", ".sh", ".ps1", ".md", ".markdown", ".Rmd", ".qmd",
    }
)  # fmt: skip
"""Suffixes of text that jupytext reads; a file with one of them is a source only if it says so itself."""

_MARKDOWN = frozenset({".md", ".markdown", ".Rmd", ".qmd"})
_PERCENT = re.compile(r"^(?:#|//|--|;{1,3}|%) ?%%(?P<rest>(?:[ \t].*)?)$", re.MULTILINE)
_TAGS = re.compile(r"\btags[\"']?\s*[=:]\s*(?:\[|c\()([^\])]*)[\])]|\btags\s*=\s*\"([^\"]*)\"")
_LIGHT = re.compile(r"^(?:#|//|--|;{1,3}|%) ?\+(?P<rest>[ \t].*)$", re.MULTILINE)
_REGION = re.compile(r"^(?:<!-- #region|\+\+\+)(?P<rest>.*)$", re.MULTILINE)
_CELL_OPTIONS = re.compile(r"\A(?:---\n.*?\n---$|(?:(?::|#\|).*\n?)+)", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"^(?:#|//|--|;{1,3}|%) ?", re.MULTILINE)
_HEADING = re.compile(r"^[ \t]*#{1,6}[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_HEADER_END = re.compile(r"^(?:(?:#|//|--|;{1,3}|%) ?)?---[ \t]*$", re.MULTILINE)
_KERNEL_FIELD = re.compile(r"^\s+(name|language):\s*['\"]?([^'\"\n]+?)['\"]?\s*$", re.MULTILINE)
_HEADER_LIMIT = 20_000
_J2 = re.compile(r"^[ \t]*(?:#|//) ?j2\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as the scan sees it."""

    type: str
    source: str
    tags: frozenset[str] = frozenset()
    solution: bool = False


@dataclass(frozen=True, slots=True)
class Scan:
    """What planning knows of one source. ``kernel`` and ``heading`` are ``None`` where the source does not say."""

    cells: tuple[Cell, ...] = ()
    kernel: str | None = None
    prog_lang: str = ""
    heading: str | None = None
    #: A line of the text begins with ``# j2`` or ``// j2``: Jinja is meant to expand it.
    jinja: bool = False

    @property
    def tags(self) -> frozenset[str]:
        """All tags of all cells."""
        return frozenset().union(*(cell.tags for cell in self.cells))

    @property
    def black(self) -> frozenset[str]:
        """Marks by which everything is kept except what is marked as a solution."""
        marks = set(self.tags & BLACK_MARKS)
        if any("BEGIN SOLUTION" in cell.source for cell in self.cells):
            marks.add("BEGIN SOLUTION")
        if any(cell.solution for cell in self.cells):
            marks.add("nbgrader")
        return frozenset(marks)

    @property
    def white(self) -> frozenset[str]:
        """Marks by which every code cell is blanked except what is marked to stay."""
        return self.tags & WHITE_MARKS

    @property
    def code(self) -> str:
        """The text of all code cells."""
        return "\n".join(cell.source for cell in self.cells if cell.type == "code")


def decode(data: bytes) -> str:
    """The text, whatever the encoding: wrong bytes become marks here and a clear error in the worker."""
    return data.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n")


def is_source(path: Path) -> bool:
    """Whether a file is a notebook: ``.ipynb``, or text that carries a jupytext header or a percent mark."""
    if path.suffix == ".ipynb":
        return True
    if path.suffix not in TEXT_SUFFIXES:
        return False
    try:
        text = decode(path.read_bytes())
    except OSError:
        return False
    header = _header(text)
    if path.suffix in _MARKDOWN:
        return "kernelspec:" in header or "jupytext:" in header
    return "jupytext:" in header or "kernelspec:" in header or _PERCENT.search(text) is not None


def scan(path: str, data: bytes, prog_lang: str = "python") -> Scan:
    """The scan of the source at *path* (its suffix counts) with the bytes *data*; *prog_lang* where nothing names a language."""
    suffix = PurePosixPath(path).suffix
    if suffix == ".ipynb":
        return _scan_ipynb(data, prog_lang)
    text = decode(data)
    cells = tuple(_markdown_cells(text) if suffix in _MARKDOWN else _percent_cells(text))
    kernel, language = _kernel(_header(text))
    if not language:
        language = BY_SUFFIX[suffix].name if suffix in BY_SUFFIX else (prog_lang if suffix in _MARKDOWN else suffix[1:])
    return Scan(cells, kernel, named(language), _first_heading(cells), _J2.search(text) is not None)


def _first_heading(cells: tuple[Cell, ...]) -> str | None:
    for cell in cells:
        if cell.type == "markdown" and (match := _HEADING.search(cell.source)):
            return re.sub(r"[*_`]|<[^>]*>|\[([^\]]*)\]\([^)]*\)", lambda m: m.group(1) or "", match.group(1)).strip() or None
    return None


def _header(text: str) -> str:
    """The YAML header without its comment signs, ``""`` if there is none."""
    start = _HEADER_END.match(text)
    if not start:
        return ""
    end = _HEADER_END.search(text, start.end(), start.end() + _HEADER_LIMIT)
    return _COMMENT.sub("", text[start.end() : end.start()]) if end else ""


def _kernel(header: str) -> tuple[str | None, str]:
    _, found, block = header.partition("kernelspec:")
    if not found:
        return None, ""
    block = re.split(r"^\S", block, maxsplit=1, flags=re.MULTILINE)[0]
    fields = dict(reversed(_KERNEL_FIELD.findall(block)))
    return fields.get("name"), fields.get("language", "")


def _tags(text: str) -> frozenset[str]:
    match = _TAGS.search(text)
    if not match:
        return frozenset()
    return frozenset(piece.strip(" \t\"'") for piece in (match.group(1) or match.group(2) or "").split(",")) - {""}


def _percent_cells(text: str) -> list[Cell]:
    marks = list(_PERCENT.finditer(text))
    if not marks:  # jupytext's light scripts: the marks must be seen, where cells end does not matter
        tags = frozenset().union(*(_tags(match.group("rest")) for match in _LIGHT.finditer(text)))
        return [Cell("code", text, tags)]
    cells = []
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        body = text[mark.end() : following.start() if following else len(text)].strip("\n")
        rest = mark.group("rest")
        markdown = "[markdown]" in rest or "[md]" in rest
        cells.append(Cell("markdown", _COMMENT.sub("", body), _tags(rest)) if markdown else Cell("code", body, _tags(rest)))
    return cells


def _markdown_cells(text: str) -> list[Cell]:
    fence = re.compile(r"^(?P<mark>```+|~~~+)(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=mark)[ \t]*$", re.MULTILINE | re.DOTALL)
    cells, end = [], 0
    for match in fence.finditer(text):
        cells.append(_prose(text[end : match.start()]))
        options = _CELL_OPTIONS.match(match.group("body"))
        tags = _tags(match.group("info")) | (_tags(options.group()) if options else frozenset())
        cells.append(Cell("code", match.group("body"), tags))
        end = match.end()
    cells.append(_prose(text[end:]))
    return cells


def _prose(text: str) -> Cell:
    return Cell("markdown", text, frozenset().union(*(_tags(match.group("rest")) for match in _REGION.finditer(text))))


def _scan_ipynb(data: bytes, prog_lang: str) -> Scan:
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return Scan()
    if not isinstance(notebook, dict):
        return Scan()
    metadata = _dict(notebook.get("metadata"))
    spec, info = _dict(metadata.get("kernelspec")), _dict(metadata.get("language_info"))
    cells = tuple(_ipynb_cell(cell) for cell in _ipynb_cells(notebook) if isinstance(cell, dict))
    language = spec.get("language") or info.get("name") or prog_lang
    name = spec.get("name")
    return Scan(cells, name if isinstance(name, str) else None, named(str(language)), _first_heading(cells))


def _ipynb_cells(notebook: dict[str, Any]) -> list[Any]:
    """The cells; nbformat 3 keeps them in worksheets."""
    if isinstance(cells := notebook.get("cells"), list):
        return cells
    sheets = notebook.get("worksheets")
    return [cell for sheet in sheets if isinstance(sheet, dict) for cell in sheet.get("cells", ())] if isinstance(sheets, list) else []


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _ipynb_cell(cell: dict[str, Any]) -> Cell:
    metadata = _dict(cell.get("metadata"))
    tags = metadata.get("tags")
    source = cell.get("source", cell.get("input", ""))
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    kind = str(cell.get("cell_type"))
    if kind == "heading":
        kind, text = "markdown", "# " + text
    solution = _dict(metadata.get("nbgrader")).get("solution") is True
    return Cell(kind, text, frozenset(map(str, tags)) if isinstance(tags, list) else frozenset(), solution)
