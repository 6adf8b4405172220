"""A notebook as this worker sees it: plain cells, each of which knows where it was written."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from clx_jupyter_workers.notebook.tags import HIDING, OWN, key_meant

Metadata = dict[str, Any]
#: What was meant to be a cell's marker and is none (``# % tags=``, ``<!-- #regoin tags=``), so that its text stands in another cell.
_BROKEN_MARKER = re.compile(
    r"^\s*(?:#+|//+|--|;+|<!--|<\w+>|In\s*\[|`{3,}|~{3,}|\+|%|:?(?=tags:)|region\b)(?!\s*%%+(?:\s|$)).*\btags[\"']?\s*[=:].*$", re.MULTILINE
)
#: A line that goes on with the list of tags that the marker above began: jupytext takes it for text.
_GOES_ON = re.compile(r"[\s#/]*(?:[\"'][\w-]+[\"'][\s,]*)+")


PRIVATE_TAGS = frozenset({"private", "notes", "voiceover"})
_USUAL = {"tags", "lang", "slide_id", "for_slide", "slideshow", "nbgrader", "lines_to_next_cell", "collapsed", "scrolled", "jupyter"}
_OPTIONS = re.compile(r"\btags?\b|[\[\]{}\"]")


def _is_slip(key: str, value: object) -> bool:
    """Whether a metadata entry that is no tag hides the cell in the author's mind: ``tag=["private"]``, a title ``tags: [...]``."""
    if key == "title":
        return isinstance(value, str) and (value.strip() in PRIVATE_TAGS or _OPTIONS.search(value) is not None)
    name = key.lower()
    if name in PRIVATE_TAGS:
        return bool(value)
    if key == "tags" or not isinstance(value, (str, list)):
        return False
    # `tss=["fragment", "private"]`: nothing else that begins like this has values like these.
    hides = name.startswith("t") and isinstance(value, list) and any(word in HIDING for word in value)
    return hides or name.startswith("tag") or key_meant(key, value, OWN, ()) == "tags"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a cell was written, as people will look for it."""

    #: POSIX, relative to the course root; an included file where the cell stands there.
    path: str
    #: 0-based index in that file as written; ``None`` for cells that templates made.
    cell: int | None
    #: 1-based line where the cell's content starts; ``None`` in ``.ipynb``.
    line: int | None = None


@dataclass(slots=True)
class Cell:
    """One cell."""

    #: ``code``, ``markdown`` or ``raw``.
    type: str
    source: str
    origin: Origin
    metadata: Metadata = field(default_factory=dict)
    id: str | None = None
    outputs: list[dict[str, Any]] = field(default_factory=list)
    execution_count: int | None = None
    attachments: dict[str, Any] = field(default_factory=dict)

    @property
    def tags(self) -> list[str]:
        """The cell's tags in the order written."""
        tags = self.metadata.get("tags")
        if isinstance(tags, str):
            # `tags="private"` is what people mean by it: a slip of the pen must not publish the cell.
            tags = tags.replace(",", " ").split()
        return [str(tag) for tag in tags] if isinstance(tags, (list, tuple)) else []

    @property
    def unreadable(self) -> str:
        """The part of the marker line that jupytext could not understand."""
        return str(self.metadata.get("incorrectly_encoded_metadata") or "")

    @property
    def doubtful(self) -> str:
        """All that was most likely meant as tags and is none: also odd keys and titles, and markers that were taken for text."""
        if "tags" not in self.source and self.metadata.keys() <= _USUAL:
            return ""
        parts = [
            self.unreadable,
            *self._rest_of_tags(),
            *(f"{key}={value}" for key, value in self.metadata.items() if _is_slip(key, value)),
        ]
        if "tags" in self.source:
            parts += [found.group().strip() for found in _BROKEN_MARKER.finditer(self.source)]
        return " ".join(filter(None, parts))

    def _rest_of_tags(self) -> Iterator[str]:
        """The lines in which a list of tags goes on that the marker began and did not end."""
        inside = self.unreadable.count("[") > self.unreadable.count("]")
        for line in self.source.split("\n") if inside else ():
            if not (found := _GOES_ON.match(line)):
                return
            yield found.group()

    @property
    def language(self) -> str:
        """The human language it is for; ``""`` is every one."""
        return str(self.metadata.get("lang") or "")

    @property
    def limit(self) -> float | None:
        """The seconds that the cell allows itself (``timeout=60``); ``None`` where it says nothing that makes sense."""
        seconds = self.metadata.get("timeout")
        return float(seconds) if isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and seconds > 0 else None

    def without_results(self) -> Cell:
        """A copy to change at will, with no outputs."""
        return Cell(self.type, self.source, self.origin, copy.deepcopy(self.metadata), self.id, attachments=copy.deepcopy(self.attachments))


@dataclass(slots=True)
class Document:
    """Cells and the notebook's metadata."""

    cells: list[Cell]
    metadata: Metadata
    #: Origins carry file lines (text), or errors count lines in the cell (``.ipynb``).
    has_lines: bool = False
