"""A quick look at a source without the notebook libraries: kernel, language, title, tags, code.

Planning needs these of every source at every build, so this reads JSON and percent marks only; the worker reads for real.
What cannot be understood here is left to the worker, which says what is wrong with it.
"""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from typing import Any

from clx_jupyter.course.cell_options import is_solution, lang_of, tags
from clx_jupyter.kinds import BLACK_MARKS, PRIVATE_TAGS, WHITE_MARKS
from clx_jupyter.languages import BY_SUFFIX, named

TEXT_SUFFIXES = frozenset(
    {
        ".py", ".R", ".r", ".jl", ".cpp", ".c", ".cs", ".fs", ".fsx", ".java", ".groovy", ".scala", ".ts", ".js", ".rs", ".go", ".hs", ".ml",
        ".scm", ".ss", ".clj", ".lua", ".m", ".mac", ".wolfram", ".pro", ".gp", ".q", ".do", ".sas", ".jenner", ".sage", ".sos", ".coco",
        ".xsh", ".sh", ".ps1", ".tcl", ".robot", ".resource", ".lgt", ".logtalk", ".md", ".markdown", ".Rmd", ".qmd", ".myst", ".mystnb", ".mnb",
    }
)  # fmt: skip
"""Suffixes of text that jupytext reads; a file with one of them is a source only if it says so itself."""

_MARKDOWN = frozenset({".md", ".markdown", ".Rmd", ".qmd", ".myst", ".mystnb", ".mnb"})
_SIGN = r"(?:#+'?|//+|--|;+|%|/\*|\(\*|/)"
_PERCENT = re.compile(rf"^[ \t]*{_SIGN}[ \t]*%%+(?P<rest>(?:[ \t].*)?)$", re.MULTILINE)
_LIGHT = re.compile(rf"^[ \t]*{_SIGN}[ \t]*(?:\+|region\b|\{{\{{\{{)(?P<rest>.*)$", re.MULTILINE)
_COMMENTED = re.compile(rf"^[ \t]*{_SIGN}(?![ \t]*%%)(?P<rest>.*)$", re.MULTILINE)
_REGION = re.compile(r"^[ \t]*(?:<!--[ \t]*#(?:region|raw|md|markdown)\b|\+\+\+|:::+)(?P<rest>.*)$", re.MULTILINE)
_CELL_OPTIONS = re.compile(r"\A(?:---[ \t]*\n.*?\n---[ \t]*$|(?:(?::|#\|).*\n?)+)", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"^(?:#|//|--|;{1,3}|%) ?", re.MULTILINE)
_HEADING = re.compile(r"^[ \t]*#{1,6}[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_HEADER_END = re.compile(rf"^(?:{_SIGN} ?)?---[ \t]*$", re.MULTILINE)
_KERNEL_FIELD = re.compile(r"^\s+(name|language):\s*['\"]?([^'\"\n]+?)['\"]?\s*$", re.MULTILINE)
_UNTOLD = (PRIVATE_TAGS | BLACK_MARKS | WHITE_MARKS) - {"keep"} | {"answer", "del"}
_SLIDES = frozenset({"slide", "subslide"})
_SLIDE_TYPE = re.compile(r"\bslide_type[\"']?\s*[:=]\s*[\"']?(?:sub)?slide\b")
_HEADER_LIMIT = 20_000
_J2 = re.compile(r"^[ \t]*(?:#|//) ?j2\b", re.MULTILINE)
_FENCE = re.compile(r"^(?P<mark>```+|~~~+)(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=mark)[ \t]*$", re.MULTILINE | re.DOTALL)
# What hides parts of a cell, and slips of the pen in it: a source that holds one must never pass as one without marks.
_REGION_MARK = re.compile(
    r"BEGIN (?:SOLUTION|HIDDEN TESTS|MARK SCHEME)|^\W+(?i:begin[\s_-]*(?:solution|hidden[\s_-]*test|mark[\s_-]*scheme)s?)\W*$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as the scan sees it."""

    type: str
    source: str
    tags: frozenset[str] = frozenset()
    solution: bool = False
    #: A slide begins with it.
    slide: bool = False
    #: The human language it is for; ``""`` is every one.
    lang: str = ""


@dataclass(frozen=True, slots=True)
class Scan:
    """What planning knows of one source. ``kernel`` is ``None`` where the source does not say."""

    cells: tuple[Cell, ...] = ()
    kernel: str | None = None
    prog_lang: str = ""
    #: The first heading for each language that has one of its own, and ``""`` for all others; empty where there is none.
    headings: Mapping[str, str] = field(default_factory=dict)
    #: A line of the text begins with ``# j2`` or ``// j2``: Jinja is meant to expand it.
    jinja: bool = False

    @property
    def tags(self) -> frozenset[str]:
        """All tags of all cells."""
        return frozenset().union(*(cell.tags for cell in self.cells))

    @property
    def black(self) -> frozenset[str]:
        """Marks by which everything is kept except what is marked as a solution."""
        marks = {tag for tag in self.tags if tag.lower().rstrip("s") in BLACK_MARKS}
        marks |= {found.group().strip(" \t#/-;%'") for cell in self.cells if (found := _REGION_MARK.search(cell.source))}
        if any(cell.solution for cell in self.cells):
            marks.add("nbgrader")
        return frozenset(marks)

    @property
    def white(self) -> frozenset[str]:
        """Marks by which every code cell is blanked except what is marked to stay."""
        return self.tags & WHITE_MARKS

    @property
    def slides(self) -> bool:
        """Whether somebody marked where slides begin, by Jupyter's slide types or by tags of the same names."""
        return any(cell.slide or cell.tags & _SLIDES for cell in self.cells)

    @property
    def code(self) -> str:
        """The text of all code cells."""
        return "\n".join(cell.source for cell in self.cells if cell.type == "code")


def decode(data: bytes) -> str:
    """The text, whatever the encoding: wrong bytes become marks here and a clear error in the worker."""
    return data.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n").replace("\n\ufeff", "\n")


def is_source(path: Path) -> bool:
    """Whether a file is a notebook: ``.ipynb``, or text that carries a jupytext header or a percent mark.

    Text that is there and cannot be read counts as one: somebody has to learn why, and what was built of it must not be removed meanwhile.
    """
    if path.suffix == ".ipynb":
        return True
    if path.suffix not in TEXT_SUFFIXES:
        return False
    try:
        text = decode(path.read_bytes())
    except OSError as error:
        return error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO)
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
    return Scan(cells, kernel, named(language), _headings(cells), _J2.search(text) is not None)


def _headings(cells: tuple[Cell, ...]) -> dict[str, str]:
    """The first heading that every reader of a language may see: the title stands on all pages."""
    found = [(cell.lang, heading) for cell in cells if (heading := _heading(cell))]
    languages = {language for language, _ in found} - {""}
    by_language = {each: next(heading for language, heading in found if language in ("", each)) for each in sorted(languages)}
    return {"": found[0][1], **by_language} if found else {}


def _heading(cell: Cell) -> str:
    if cell.type != "markdown" or cell.solution or cell.tags & _UNTOLD or _REGION_MARK.search(cell.source):
        return ""
    match = _HEADING.search(cell.source)
    return re.sub(r"[*_`]|<[^>]*>|\[([^\]]*)\]\([^)]*\)", lambda m: m.group(1) or "", match.group(1)).strip() if match else ""


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


def _percent_cells(text: str) -> list[Cell]:
    start = _HEADER_END.match(text)
    end = _HEADER_END.search(text, start.end(), start.end() + _HEADER_LIMIT) if start else None
    first = end.end() if end else 0
    marks = list(_PERCENT.finditer(text, first))
    # What stands before the first mark is a cell too; in jupytext's light scripts, which have none, it is all there is.
    leading = text[first : marks[0].start() if marks else len(text)].strip("\n")
    # Marks of light scripts must be seen whatever else there is; where their cells end does not matter.
    pattern = _COMMENTED if "cell_markers" in text[:first] else _LIGHT  # a header may name marks of its own
    light = _cell("code", leading, "\n".join(match.group("rest") for match in pattern.finditer(text, first)))
    cells = [light] if leading.strip() or light.tags or light.solution else []
    for mark, following in zip_longest(marks, marks[1:]):
        body = text[mark.end() : following.start() if following else len(text)].strip("\n")
        rest = mark.group("rest")
        markdown = "[markdown]" in rest or "[md]" in rest
        cells.append(_cell("markdown", _COMMENT.sub("", body), rest) if markdown else _cell("code", body, rest))
    return cells


def _cell(kind: str, source: str, options: str) -> Cell:
    return Cell(kind, source, tags(options), is_solution(options), _SLIDE_TYPE.search(options) is not None, lang_of(options))


def _markdown_cells(text: str) -> list[Cell]:
    cells, end = [], 0
    for match in _FENCE.finditer(text):
        cells.append(_prose(text[end : match.start()]))
        options = _CELL_OPTIONS.match(match.group("body"))
        cells.append(_cell("code", match.group("body"), match.group("info") + "\n" + (options.group() if options else "")))
        end = match.end()
    cells.append(_prose(text[end:]))
    return cells


def _prose(text: str) -> Cell:
    # It may hold several regions, so it is of no language.
    return replace(_cell("markdown", text, "\n".join(match.group("rest") for match in _REGION.finditer(text))), lang="")


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
    language = next((name for name in (spec.get("language"), info.get("name")) if isinstance(name, str) and name), prog_lang)
    name = spec.get("name")
    return Scan(cells, name if isinstance(name, str) else None, named(language), _headings(cells))


def _ipynb_cells(notebook: dict[str, Any]) -> list[Any]:
    """The cells; nbformat 3 keeps them in worksheets."""
    if isinstance(cells := notebook.get("cells"), list):
        return cells
    sheets = notebook.get("worksheets")
    found = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)] if isinstance(sheets, list) else []
    return [cell for cells in found if isinstance(cells, list) for cell in cells]


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _ipynb_cell(cell: dict[str, Any]) -> Cell:
    metadata = _dict(cell.get("metadata"))
    named = metadata.get("tags")
    if isinstance(named, str):  # no notebook should; the worker reads it like this too
        named = named.replace(",", " ").split()
    source = cell.get("source", cell.get("input", ""))
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    kind = str(cell.get("cell_type"))
    if kind == "heading":
        kind, text = "markdown", "# " + text
    solution = _dict(metadata.get("nbgrader")).get("solution") is True
    slide = _dict(metadata.get("slideshow")).get("slide_type") in ("slide", "subslide")
    marked = frozenset(map(str, named)) if isinstance(named, list) else frozenset()
    return Cell(kind, text, marked, solution, slide, str(metadata.get("lang") or ""))
