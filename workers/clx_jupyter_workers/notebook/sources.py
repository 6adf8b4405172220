"""The source of a job, read and expanded: one document per language and format class, each distinct text read once."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clx_jupyter_workers.notebook import read
from clx_jupyter_workers.notebook.companion import merge
from clx_jupyter_workers.notebook.document import Document, Origin
from clx_jupyter_workers.notebook.failures import at
from clx_jupyter_workers.notebook.jinja import expand
from clx_jupyter_workers.notebook.marks import Marks
from clx_jupyter_workers.notebook.paths import inside
from clx_jupyter_workers.problems import Problem, SourceError


class Changed(Exception):
    """The source is not the one the job was planned for."""


SPOKEN = frozenset({"voiceover", "notes"})
"""Tags of cells that only the speaker's kinds show."""


@dataclass(frozen=True, slots=True)
class File:
    """A text file of the course."""

    path: str
    text: str
    sha256: str


@dataclass(slots=True)
class Source:
    """The text of a source and what it expands to."""

    path: str
    text: str
    sha256: str
    root: Path
    reader: Mapping[str, Any]
    #: Its voiceover companion.
    spoken: File | None = None
    #: What reading found, for as many languages and formats as were asked for.
    problems: list[Problem] = field(default_factory=list)
    _by_request: dict[tuple[str, str], Document] = field(default_factory=dict)
    _by_text: dict[str, Document] = field(default_factory=dict)
    _included: dict[str, list[str] | None] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Its folder, relative to the root."""
        return posixpath.dirname(self.path)

    def document(self, language: str, format: str) -> Document:
        """The notebook in a language, for a format (templates may ask for it)."""
        request = (language, format) if self.reader.get("jinja") else ("", "")
        if request not in self._by_request:
            self._by_request[request] = self._read(language, format)
        return self._by_request[request]

    def documents(self) -> list[Document]:
        """All distinct ones so far."""
        return list({id(document): document for document in self._by_request.values()}.values())

    def lines(self, path: str) -> list[str] | None:
        """The lines of this text source, or of a text that it includes; ``None`` where that is no text of the course."""
        if path == self.path:
            return None if read.is_ipynb(self.path, self.reader.get("format")) else self.text.split("\n")
        if path not in self._included:
            real = inside(self.root, path)
            try:
                self._included[path] = read.decode(real.read_bytes(), path).split("\n") if real is not None else None
            except (OSError, SourceError):
                self._included[path] = None
        return self._included[path]

    def raw_cells(self) -> list[Any]:
        """The cells of an ``.ipynb`` as its JSON has them, however wrong they are."""
        try:
            raw = json.loads(self.text)
        except (ValueError, RecursionError):
            return []
        cells = raw.get("cells") if isinstance(raw, dict) else None
        return cells if isinstance(cells, list) else []

    @property
    def percent(self) -> bool:
        """Whether it is a text with percent marks."""
        if read.is_ipynb(self.path, self.reader.get("format")):
            return False
        return read.text_format(self.text, self.path, self.reader.get("format")).get("format_name") in ("percent", "hydrogen")

    def _read(self, language: str, format: str) -> Document:
        is_ipynb = read.is_ipynb(self.path, self.reader.get("format"))
        long_form = {} if is_ipynb else read.text_format(self.text, self.path, self.reader.get("format"))
        marks = Marks(self._comment) if self.percent else None
        text, lines = self._marked(marks)
        if self.reader.get("jinja"):
            try:
                text = expand(text, self.path, root=self.root, reader=self.reader, language=language, format=format, marks=marks)
            except SourceError as error:
                raise _placed(error, self.path, lines) from error
        if text not in self._by_text:
            self._by_text[text] = (
                read.read_ipynb(text, self.path) if is_ipynb else read.read_text(text, self.path, long_form, marks, self.text)
            )
            self._keep_spoken(self._by_text[text])
        return self._by_text[text]

    @property
    def _comment(self) -> str:
        return str(self.reader.get("comment") or "#")

    def _marked(self, marks: Marks | None) -> tuple[str, list[Origin]]:
        """The text with marks and the companion's cells, and where each line of it was written if there is a companion."""
        if marks is None or self.spoken is None:
            if self.spoken is not None:
                message = f"{self.spoken.path} is in no page: only decks in percent format can have their spoken text in a file of its own."
                self._report(Problem("tag", message, f"Write the notes into {self.path}.", "warning", path=self.spoken.path))
            return marks.mark(self.text, self.path) if marks else self.text, []
        merged = merge(self.text, self.spoken.text, self._comment)
        for line, slide in merged.lost:
            self._report(_lost(self.spoken.path, self.path, line, slide))
        deck, spoken = marks.mark(self.text, self.path), marks.mark(self.spoken.text, self.spoken.path)
        lines = merged.lines(deck.split("\n"), spoken.split("\n"))
        origins = [Origin(self.spoken.path if of_companion else self.path, None, line) for line, of_companion, _ in lines]
        return "\n".join(text for _, _, text in lines), origins

    def _keep_spoken(self, document: Document) -> None:
        """What stands in a companion is spoken text, whatever its tags say: it reaches nobody who must not read it."""
        for cell in document.cells if self.spoken else ():
            if self.spoken and cell.origin.path == self.spoken.path and not SPOKEN.intersection(cell.tags):
                cell.metadata["tags"] = [*cell.tags, "voiceover"]
                message = "A cell of a voiceover companion has neither the tag voiceover nor notes; it counts as voiceover."
                self._report(Problem("tag", message, "Give it the tag.", "warning", **at(cell, None, True)))

    def _report(self, problem: Problem) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def _lost(companion: str, deck: str, line: int, slide: str) -> Problem:
    if slide:
        message = f"The spoken text in line {line} is in no page: {deck} has no slide with slide_id {slide!r}."
        return Problem("tag", message, "Mend for_slide, or the slide_id of the slide.", "warning", path=companion, line=line)
    message = f"The spoken text in line {line} is in no page: it names no slide."
    return Problem("tag", message, 'Give it for_slide="…" with the slide_id of its slide.', "warning", path=companion, line=line)


def _placed(error: SourceError, path: str, lines: list[Origin]) -> SourceError:
    """The error with the file and line where people wrote the line that it names in a merged text."""
    line = error.problem.line
    if error.problem.path != path or line is None or not 0 < line <= len(lines):
        return error
    return SourceError(error.problem.with_(path=lines[line - 1].path, line=lines[line - 1].line))


def load(root: Path, path: str, sha256: str, reader: Mapping[str, Any], companion: Mapping[str, Any] | None = None) -> Source:
    """Read a source from the course, with its *companion* (an object with ``path`` and ``sha256``).

    :raises Changed: one of them is gone, or has another hash
    :raises SourceError: it is no text
    """
    deck = _file(root, path, sha256)
    spoken = _file(root, companion["path"], companion.get("sha256", "")) if companion else None
    return Source(deck.path, deck.text, deck.sha256, root, reader, spoken)


def _file(root: Path, path: str, sha256: str) -> File:
    real = inside(root, path)
    try:
        data = real.read_bytes() if real is not None else None
    except (FileNotFoundError, IsADirectoryError):
        data = None
    found = hashlib.sha256(data).hexdigest() if data is not None else ""
    if data is None or (sha256 and found != sha256):
        raise Changed(path)
    return File(path, read.decode(data, path), found)
