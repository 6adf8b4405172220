"""All that can be said about a source without running it: for every build, and for jobs that only check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from clx_jupyter_workers.notebook import failures, lint, references
from clx_jupyter_workers.notebook.counterparts import missing_counterparts
from clx_jupyter_workers.notebook.document import Document
from clx_jupyter_workers.notebook.sources import Changed, Source, load
from clx_jupyter_workers.problems import Problem, SourceError

EVERYTHING: Mapping[str, Any] = {"id": "check", "public": False, "remove": ()}
"""The rule by which a check looks at each cell, whoever gets it in the end."""


def problems(source: Source, document: Document, job: Mapping[str, Any]) -> Iterator[Problem]:
    """What tags, metadata and languages of a notebook get wrong."""
    words = lint.words_of(job, document)
    yield from lint.lint(document, words, source.lines)
    if words.strict and source.percent:
        yield from lint.almost_markers(source.path, source.lines(source.path) or [], words.comment)
    yield from missing_counterparts(document, words.languages)


def between_halves(source: Source, document: Document, job: Mapping[str, Any]) -> Iterator[Problem]:
    """Cells of one half of a split pair without a counterpart in the other; a job that checks names the other halves."""
    languages, made = list(job["source"].get("languages") or ()), list(document.cells)
    for half in job.get("halves") or ():
        try:
            other = load(source.root, half["path"], "", job["reader"]).document(half["language"], "html")
        except (Changed, SourceError):
            continue  # its own check tells
        languages.append(half["language"])
        made += other.cells
    if len(languages) > 1:
        yield from missing_counterparts(Document(made, {}, document.has_lines), languages)


def explained(source: Source, error: SourceError, job: Mapping[str, Any]) -> SourceError:
    """The error of a source that cannot be read, with its place and a correction where the reason is known."""
    if error.problem.line is not None or error.problem.path != source.path:
        return error
    lines = source.lines(source.path)
    if lines is not None:
        found = lint.refused_tags(source.path, lines, str(job["reader"].get("comment") or "#"))
    else:
        found = lint.refused_tags_of_notebook(source.path, source.raw_cells())
    return SourceError(found) if found else error


def undescribed(document: Document) -> Iterator[Problem]:
    """A word on pictures that say nothing to those who cannot see them: one for a notebook, or they would hide all others."""
    found = [
        (cell, picture)
        for cell in document.cells
        if cell.type == "markdown" and cell.origin.cell is not None
        for picture in references.undescribed(cell.source)
    ]
    if found:
        cell, first = found[0]
        where = failures.at(cell, cell.source.count("\n", 0, first.offset) + 1, document.has_lines)
        text = (
            "A picture has no alternative text." if len(found) == 1 else f"{len(found)} pictures, this one first, have no alternative text."
        )
        yield Problem("accessibility", text, 'Say what it shows: ![text](…) or alt="text".', "info", **where)
