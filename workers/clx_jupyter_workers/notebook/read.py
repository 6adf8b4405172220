"""From the bytes of a source to a notebook whose cells know where they were written."""

from __future__ import annotations

import json
import posixpath
import re
from typing import Any

import jupytext
import nbformat
import yaml
from jupytext.formats import guess_format, read_format_from_metadata
from jupytext.myst import MystMetadataParsingError

from clx_jupyter_workers.notebook import headers
from clx_jupyter_workers.notebook.document import Cell, Document, Origin
from clx_jupyter_workers.notebook.marks import ATTRIBUTE, Marks
from clx_jupyter_workers.problems import Problem, SourceError

_NEWEST = 4


_MEND = "Restore it from version control, or save it again with the program that wrote it."


def bad_source(path: str, message: str, hint: str = _MEND, line: int | None = None, cell: int | None = None) -> SourceError:
    """The error for a source that cannot be read."""
    return SourceError(Problem("bad-source", message, hint, path=path, line=line, cell=cell))


def decode(data: bytes, path: str) -> str:
    """The text of a source file: UTF-8, line ends as ``\\n``, no byte-order mark."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise bad_source(path, "The file is UTF-16, not UTF-8 (line 1).", "Save it as UTF-8.", 1)
    if (nul := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, nul) + 1
        raise bad_source(path, f"Line {line} holds a NUL byte: this is a binary file, or UTF-16 text.", "Save it as UTF-8 text.", line)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        message = f"Line {line} is not UTF-8 (byte 0x{byte:02x}); the file looks like Latin-1 or Windows-1252."
        raise bad_source(path, message, "Save it as UTF-8.", line) from error
    # Files that were joined have the mark at the beginning of lines, too, where no cell would be seen to begin.
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n\ufeff", "\n")


def is_ipynb(path: str, format: str | None) -> bool:
    """Whether a source is a Jupyter notebook, not text."""
    return format == "ipynb" or (format is None and path.lower().endswith(".ipynb"))


# --- .ipynb ---


def read_ipynb(text: str, path: str) -> Document:
    """A notebook file of nbformat 3 or 4."""
    raw = _parse_json(text, path)
    node = _current(raw, path)
    keeps_ids = raw.get("nbformat_minor", 0) >= 5 and raw["nbformat"] == _NEWEST
    cells = [_cell_of(cell, index, path, keeps_ids) for index, cell in enumerate(node["cells"])]
    return Document(cells, json.loads(json.dumps(node.get("metadata") or {})))


def _parse_json(text: str, path: str) -> dict[str, Any]:
    if not text.strip():
        raise bad_source(path, "The file is empty.", "Delete it, or open it in Jupyter and save a notebook.")
    try:
        raw = json.loads(text)
    except RecursionError as error:
        raise bad_source(path, "The file is no notebook: its JSON is nested too deeply.") from error
    except ValueError as error:
        line = getattr(error, "lineno", None)
        at_end = getattr(error, "pos", 0) >= len(text.rstrip()) - 1
        what = "it ends in the middle" if at_end else str(error).split(":")[0].lower()
        message = f"The file is no valid JSON (line {line}): {what}."
        raise bad_source(path, message, "Restore it from a checkpoint or from version control.", line) from error
    if not isinstance(raw, dict) or not isinstance(raw.get("nbformat"), int):
        raise bad_source(path, "The file is JSON, but no Jupyter notebook: it names no 'nbformat'.")
    return raw


def _current(raw: dict[str, Any], path: str) -> dict[str, Any]:
    """The notebook in nbformat 4, checked."""
    major = raw["nbformat"]
    if major > _NEWEST:
        raise bad_source(path, f"The notebook was written by a newer Jupyter (nbformat {major}; up to {_NEWEST} is known).")
    if major < 3:
        raise bad_source(path, f"The notebook is too old (nbformat {major}).", "Open it in Jupyter and save it again.")
    if major == 3:
        raw = _upgraded(raw, path)
    _check_structure(raw, path)
    try:
        node = nbformat.versions[4].to_notebook_json(raw, minor=raw.get("nbformat_minor", 0))
    except (KeyError, TypeError, AttributeError, ValueError) as error:  # outputs that are not what they must be
        raise bad_source(path, f"The notebook is not valid: {error}") from error
    for invalid in nbformat.validator.iter_validate(node, relax_add_props=True):
        raise bad_source(path, f"The notebook is not valid: {str(invalid).splitlines()[0]}")
    result: dict[str, Any] = node
    return result


def _upgraded(raw: dict[str, Any], path: str) -> dict[str, Any]:
    try:
        node = nbformat.versions[3].to_notebook_json(raw, minor=raw.get("nbformat_minor", 0))
        result: dict[str, Any] = json.loads(json.dumps(nbformat.convert(node, 4)))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise bad_source(path, f"The notebook of nbformat 3 cannot be upgraded: {error!r}") from error
    for cell in result["cells"]:
        cell.pop("id", None)
    return {**result, "nbformat_minor": 4}


def _check_structure(raw: dict[str, Any], path: str) -> None:
    if not isinstance(raw.get("nbformat_minor", 0), int):
        raise bad_source(path, "The notebook's 'nbformat_minor' is no number.")
    cells = raw.get("cells")
    if not isinstance(cells, list):
        raise bad_source(path, "The file is no notebook: it has no list of 'cells'.")
    if not isinstance(raw.get("metadata", {}), dict):
        raise bad_source(path, "The notebook's 'metadata' is no object.")
    for index, cell in enumerate(cells):
        if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
            raise bad_source(path, f"Cell {index + 1} is no code, markdown or raw cell.", cell=index)
        source = cell.get("source")
        lines = source if isinstance(source, list) else [source]
        if not all(isinstance(line, str) for line in lines):
            raise bad_source(path, f"The 'source' of cell {index + 1} is no text.", cell=index)
        if not isinstance(cell.get("outputs", []), list) or not isinstance(cell.get("metadata", {}), dict):
            raise bad_source(path, f"Cell {index + 1} has outputs or metadata of the wrong type.", cell=index)
        if not isinstance(cell.get("attachments", {}), dict):
            raise bad_source(path, f"The attachments of cell {index + 1} are of the wrong type.", cell=index)


def _cell_of(node: dict[str, Any], index: int, path: str, keeps_ids: bool) -> Cell:
    plain = json.loads(json.dumps(node))
    return Cell(
        plain["cell_type"], plain["source"].replace("\r\n", "\n").replace("\r", "\n"), Origin(path, index), plain.get("metadata") or {},
        plain.get("id") if keeps_ids else None, plain.get("outputs") or [], plain.get("execution_count"), plain.get("attachments") or {},
    )  # fmt: skip


# --- text ---

_ALIASES = {".c": ".cpp", ".rust": ".rs"}
"""jupytext knows C by its C++ reader, and ``.rust`` by ``.rs``."""

# What jupytext lets through for texts that are not what their header says.
_UNREADABLE = (
    MystMetadataParsingError,
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    RecursionError,
    yaml.YAMLError,
    nbformat.ValidationError,
)


def text_format(text: str, path: str, format: str | None) -> dict[str, str]:
    """jupytext's long form of the format: its extension, and its name where one is known."""
    suffix = posixpath.splitext(path)[1] or ".py"
    try:
        headers.check(text)
    except headers.TooLarge as error:
        message = f"The YAML header cannot be read: {error} (line {error.line})."
        raise bad_source(path, message, "Keep what the notebook needs, and write no aliases (*) in it.", error.line) from error
    if format is not None:
        extension, _, name = format.rpartition(":")
        # "py:percent" names an extension by itself; the file's own suffix decides the comment sign where it differs.
        return {"extension": suffix, "format_name": name} if extension else {"extension": suffix}
    try:
        known = _ALIASES.get(suffix, suffix)
        name = read_format_from_metadata(text, known) or guess_format(text, known)[0]
    except _UNREADABLE as error:
        raise _unreadable(error, path, {"extension": suffix}) from error
    return {"extension": suffix, **({"format_name": name} if name else {})}


def read_text(text: str, path: str, format: dict[str, str], marks: Marks | None, written: str) -> Document:
    """A text notebook.

    *marks* are those that the text carries (percent formats); otherwise the cells are looked for in the text as
    *written*, before templates were expanded.
    """
    known = known_extension(format)
    try:
        node = jupytext.reads(text, known)
    except _UNREADABLE as error:
        raise _unreadable(error, path, format) from error
    cells = [
        Cell(row["cell_type"], row["source"], Origin(path, None), _plain(row["metadata"]), attachments=_plain(row.get("attachments", {})))
        for row in node["cells"]
    ]
    if marks is not None:
        marks.collect(cells, path)
    else:
        _search(cells, path, written, unchanged=written == text)
    return Document(cells, _without_marks(_plain(node["metadata"])), has_lines=True)


def known_extension(format: dict[str, str]) -> dict[str, str]:
    """The format by an extension that jupytext knows, with the same comment sign."""
    return {**format, "extension": _ALIASES.get(format["extension"], format["extension"])}


def _plain(node: Any) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(json.dumps(node, default=str))
    return result


def _unreadable(error: Exception, path: str, format: dict[str, str]) -> SourceError:
    if isinstance(error, OSError):  # jupytext's own error where pandoc or Quarto is not installed
        return SourceError(Problem("tool-missing", _first_line(error), "Install it, or save the text in another format.", path=path))
    return bad_source(path, f"The file cannot be read as {_name(format)}: {_first_line(error)}", line=_line_of(error))


def _name(format: dict[str, str]) -> str:
    return " ".join(filter(None, ["jupytext", format.get("format_name", ""), f"({format['extension']})"]))


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _line_of(error: Exception) -> int | None:
    """The line that an error of the YAML header names."""
    mark = getattr(error, "problem_mark", None)
    return None if mark is None else int(mark.line) + 1


def _without_marks(metadata: dict[str, Any]) -> dict[str, Any]:
    """The notebook's metadata without what the marks left in jupytext's note of the keys it met."""
    known = metadata.get("jupytext")
    if isinstance(known, dict) and isinstance(known.get("cell_metadata_filter"), str):
        entries = {entry.strip() for entry in known["cell_metadata_filter"].split(",")} - {ATTRIBUTE, ""}
        # Sorted: jupytext joins a set, whose order changes from process to process.
        known["cell_metadata_filter"] = ",".join(sorted(entries))
    return metadata


_SIGN = re.compile(r"^\s*(?:#+|//+|--|%+|;+)?'? ?")


def _search(cells: list[Cell], path: str, written: str, unchanged: bool) -> None:
    """Give origins by looking for each cell's first line, one after the other, in the text."""
    lines = written.split("\n")
    position = 0
    for index, cell in enumerate(cells):
        first = next((line.strip() for line in cell.source.split("\n") if line.strip()), "")
        line = _find(lines, first, position) if first else None
        position = line if line is not None else position
        cell.origin = Origin(path, index if unchanged else None, line)


def _find(lines: list[str], wanted: str, start: int) -> int | None:
    """1-based number of the line with this text, commented or not, from *start* on."""
    for number in range(start, len(lines)):
        if lines[number].strip() == wanted or _SIGN.sub("", lines[number]).strip() == wanted:
            return number + 1
    return None
