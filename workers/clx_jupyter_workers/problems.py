"""What can go wrong, as data: one shape from the worker to the sidebar (``docs/report.md``)."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from typing import Any

CLASSES: dict[str, str] = {
    "missing-kernel": "no kernel for the notebook's language is installed",
    "missing-package": "the code imports something that is not installed",
    "network": "the code needs the network",
    "missing-file": "the code reads a file that is not there",
    "input": "the code asks for input, and nobody is there to answer",
    "timeout": "a time limit was reached",
    "out-of-memory": "the kernel ran out of memory",
    "kernel-died": "the kernel ended by itself",
    "cell-error": "the code of a cell raised an error",
    "expected-error-missing": "a cell tagged raises-exception raised nothing",
    "tool-missing": "a program, or a part of clx_jupyter, that is needed is not installed or does not work",
    "bad-source": "a source file cannot be read",
    "bad-course": "the course file, or what it asks for, is wrong",
    "leak": "private text would reach a public file",
    "link": "a link leads nowhere, or a page loads something from the network",
    "image": "an image is missing or is no image",
    "language": "a language of the course is missing something",
    "tag": "a tag or metadata key is unknown or contradicts another",
    "accessibility": "a page would be hard to use for some readers",
    "collision": "two things want the same place",
    "disk-full": "a disk is full",
    "internal": "an error of clx_jupyter itself",
}
"""Every class of problem and what it means; documented in ``docs/report.md``."""

KEPT_FAILURES = frozenset({"cell-error", "missing-file", "missing-package", "input"})
"""Failures of an execution that are kept with its key; every other class is tried again at the next build."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to tell the author: what, where and what to do about it.

    ``cell`` is the 0-based index in the source as written, ``None`` for cells that templates made. ``line`` is 1-based,
    in the file for text sources and in the cell for ``.ipynb``. ``path`` is POSIX, relative to the course root, and names
    the included file where that is the place. ``outputs`` are the published paths that this problem holds back.
    """

    category: str
    message: str
    hint: str = ""
    severity: str = "error"
    path: str | None = None
    cell: int | None = None
    cell_id: str | None = None
    line: int | None = None
    outputs: tuple[str, ...] = ()
    traceback: str = ""
    fix: dict[str, Any] | None = None

    @property
    def id(self) -> str:
        """A short name that stays the same from build to build while the cause does."""
        cause = "\0".join(map(str, (self.category, self.path, self.cell, self.message)))
        return hashlib.sha256(cause.encode()).hexdigest()[:12]

    def to_json(self) -> dict[str, Any]:
        """The object of the report, the REST interface and the frames."""
        row = asdict(self)
        category = row.pop("category")
        severity = row.pop("severity")
        return {"id": self.id, "severity": severity, "class": category, **row, "outputs": list(self.outputs)}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Problem:
        """The problem that :meth:`to_json` wrote."""
        known = {name: row[name] for name in cls.__dataclass_fields__ if name in row}
        known["category"] = row["class"]
        known["outputs"] = tuple(row.get("outputs", ()))
        return cls(**known)

    def with_(self, **changes: Any) -> Problem:
        """A copy with some fields replaced."""
        return replace(self, **changes)


class SourceError(Exception):
    """A source that cannot be converted at all; carries the :class:`Problem` to report."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem
