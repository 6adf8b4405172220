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
from clx_jupyter_workers.notebook.document import Document
from clx_jupyter_workers.notebook.jinja import expand
from clx_jupyter_workers.notebook.marks import Marks
from clx_jupyter_workers.notebook.paths import inside
from clx_jupyter_workers.problems import SourceError


class Changed(Exception):
    """The source is not the one the job was planned for."""


@dataclass(slots=True)
class Source:
    """The text of a source and what it expands to."""

    path: str
    text: str
    sha256: str
    root: Path
    reader: Mapping[str, Any]
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
        marks = Marks(str(self.reader.get("comment") or "#")) if self.percent else None
        if self.reader.get("jinja"):
            text = expand(self.text, self.path, root=self.root, reader=self.reader, language=language, format=format, marks=marks)
        else:
            text = marks.mark(self.text, self.path) if marks else self.text
        if text not in self._by_text:
            self._by_text[text] = (
                read.read_ipynb(text, self.path) if is_ipynb else read.read_text(text, self.path, long_form, marks, self.text)
            )
        return self._by_text[text]


def load(root: Path, path: str, sha256: str, reader: Mapping[str, Any]) -> Source:
    """Read a source from the course.

    :raises Changed: it is gone, or has another hash
    :raises SourceError: it is no text
    """
    real = inside(root, path)
    try:
        data = real.read_bytes() if real is not None else None
    except (FileNotFoundError, IsADirectoryError):
        data = None
    if data is None or (sha256 and hashlib.sha256(data).hexdigest() != sha256):
        raise Changed(path)
    return Source(path, read.decode(data, path), hashlib.sha256(data).hexdigest(), root, reader)
