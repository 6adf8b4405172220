"""Writing a variant: its cells as HTML page, slides, notebook or script."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import jupytext
import nbformat.v4
from jupytext.config import JupytextConfiguration
from nbformat import NotebookNode, from_dict

from clx_jupyter_workers.notebook import slides
from clx_jupyter_workers.notebook.cells import Shown
from clx_jupyter_workers.notebook.execution import Result
from clx_jupyter_workers.notebook.pages import Attachments, Page, Pages
from clx_jupyter_workers.notebook.read import known_extension
from clx_jupyter_workers.notebook.references import with_placeholders

_ROLES = frozenset({"solution", "exercise"})
_OUR_COLOURS = frozenset({"yellow", "#FFEEBA"})
"""The colours of packaged kinds: on a page the style sheet knows better ones."""

Results = Mapping[int, Result]
"""Results by the cells' places in the whole notebook."""


@cache
def _pages(template: str = "clx") -> Pages:
    # The cells of a page and of its slides are the same: what one has rendered the other finds.
    return Pages() if template == "clx" else Pages(template, _pages().memory)


def warm_up() -> None:
    """Compile the page's template before the first job."""
    page = {"title": "", "language": "", "note": "", "assets": ""}
    _pages().render(from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}), page)


def notebook(cells: Sequence[Shown], metadata: Mapping[str, Any], results: Results | None) -> bytes:
    """The variant as ``.ipynb``; without *results* it has neither outputs nor counts."""
    text: str = nbformat.v4.writes(_node(cells, metadata, results or {}))
    return (text.rstrip("\n") + "\n").encode("utf-8", "surrogatepass")


def code(cells: Sequence[Shown], metadata: Mapping[str, Any], format: str) -> bytes:
    """The variant as a script in jupytext's percent format, without any metadata."""
    bare = JupytextConfiguration(notebook_metadata_filter="-all", cell_metadata_filter="-all")
    # What the source's own header said about metadata must not win over that.
    kept = {key: value for key, value in metadata.items() if key != "jupytext"}
    # Its first lines are no metadata: they belong to the script.
    if lines := {key: value for key, value in (metadata.get("jupytext") or {}).items() if key in ("encoding", "executable")}:
        kept["jupytext"] = lines
    extension, _, name = format.partition(":")
    text: str = jupytext.writes(
        _node(cells, kept, {}), fmt=known_extension({"extension": f".{extension}", "format_name": name}), config=bare
    )
    return (text if text.endswith("\n") else text + "\n").encode("utf-8", "surrogatepass")


def html(
    cells: Sequence[Shown], metadata: Mapping[str, Any], results: Results | None, page: Page, missing: Mapping[str, str]
) -> tuple[bytes, list[str]]:  # fmt: skip
    """The variant as one page, and the groups of files that it loads; shown files in *missing* become boxes that say so."""
    text, groups = _pages().render(_shown_node(cells, metadata, results, missing), page)
    return text.encode("utf-8", "replace"), groups


def slide_show(
    cells: Sequence[Shown], metadata: Mapping[str, Any], results: Results | None, page: Page, missing: Mapping[str, str]
) -> tuple[bytes, list[str]]:  # fmt: skip
    """The variant as slides, otherwise as :func:`html`."""
    node = _shown_node(cells, metadata, results, missing)
    columns = slides.deck(node.cells)
    node.cells = [cell for column in columns for slide in column for step in slide.all_steps() for cell in step.cells]
    text, groups = _pages("clx-slides").render(node, page, columns)
    return text.encode("utf-8", "replace"), groups


PAGES = {"html": html, "slides": slide_show}
"""Formats that are shown by a browser."""


def _shown_node(cells: Sequence[Shown], metadata: Mapping[str, Any], results: Results | None, missing: Mapping[str, str]) -> NotebookNode:
    node = _node(cells, metadata, results or {})
    for shown, cell in zip(cells, node.cells, strict=True):
        cell["role"], cell["colour"] = _role(shown)
        if cell.cell_type == "markdown":
            cell.source = with_placeholders(cell.source, missing)
            if "attachment:" in cell.source:
                cell["attachments"] = Attachments(cell.get("attachments", {}))  # type: ignore[no-untyped-call]
    return node


def _role(shown: Shown) -> tuple[str, str]:
    """What a cell is to its reader, and the colour that the course gives its box; both may be ``""``."""
    tag, colour = shown.box
    if tag:
        return tag, "" if colour in _OUR_COLOURS else colour
    if shown.cell.type == "code" and not shown.complete:
        return "fill-in", ""
    return next((tag for tag in shown.cell.tags if tag in _ROLES), ""), ""


def _node(cells: Sequence[Shown], metadata: Mapping[str, Any], results: Results) -> NotebookNode:
    rows = [_row(shown, results.get(shown.index) if shown.complete else None) for shown in cells]
    node: NotebookNode = from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": json.loads(json.dumps(metadata)), "cells": rows})
    return node


def _row(shown: Shown, result: Result | None) -> dict[str, Any]:
    cell = shown.cell
    row: dict[str, Any] = {"cell_type": cell.type, "id": cell.id, "metadata": cell.metadata, "source": cell.source}
    if cell.type == "code":
        row["outputs"] = result.outputs if result else []
        row["execution_count"] = result.execution_count if result else None
    elif cell.attachments:
        row["attachments"] = cell.attachments
    return row


def metadata_of(source: Mapping[str, Any], replaced: Mapping[str, Any] | None) -> dict[str, Any]:
    """The notebook's metadata: the source's, with what the course says in their place; no trace of how it was read."""
    result = {key: value for key, value in source.items() if key not in ("widgets", "clx")}
    if isinstance(known := result.get("jupytext"), dict):
        result["jupytext"] = {key: value for key, value in known.items() if key != "text_representation"}
        if not result["jupytext"]:
            del result["jupytext"]
    return result | dict(replaced or {})
