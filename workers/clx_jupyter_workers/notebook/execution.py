"""The result of running a notebook's code, as it is kept (``docs/protocol.md``)."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from typing import Any

from clx_jupyter_workers.problems import Problem

VERSION = 1


@dataclass(slots=True)
class Result:
    """What one cell gave."""

    outputs: list[dict[str, Any]] = field(default_factory=list)
    execution_count: int | None = None


@dataclass(slots=True)
class Execution:
    """One run: a result for each running cell by its place in the run, up to the failure if there was one."""

    cells: list[Result] = field(default_factory=list)
    failure: Problem | None = None
    #: Place of the failing cell in the run.
    failed_cell: int | None = None
    #: The failure's line counted in the cell: markdown above it may change while the execution stays.
    failed_line: int | None = None
    #: Warnings found while running; they are kept with it.
    warnings: list[Problem] = field(default_factory=list)
    seconds: float = 0.0
    language_info: dict[str, Any] = field(default_factory=dict)
    #: Files that the code wrote, relative to the course's root, with their hashes; ``""`` for one that was not handed on.
    written: dict[str, str] = field(default_factory=dict)
    #: Whether the files were kept for notebooks that come after.
    handed_on: bool = False

    def dump(self, key: str) -> bytes:
        """Gzipped JSON, the same bytes for the same result."""
        failure = None
        if self.failure is not None:
            failure = {"cell": self.failed_cell, "line": self.failed_line, "problem": self.failure.to_json()}
        row = {
            "version": VERSION, "key": key, "failure": failure, "seconds": self.seconds, "language_info": self.language_info,
            "cells": [{"outputs": cell.outputs, "execution_count": cell.execution_count} for cell in self.cells],
            "warnings": [warning.to_json() for warning in self.warnings], "written": self.written, "handed_on": self.handed_on,
        }  # fmt: skip
        return gzip.compress(json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass"), compresslevel=5, mtime=0)


def load(body: bytes, key: str) -> Execution | None:
    """The execution that :meth:`Execution.dump` wrote; ``None`` for another version, or a damaged one."""
    try:
        row = json.loads(gzip.decompress(body).decode("utf-8", "surrogatepass"))
        if row["version"] != VERSION or row["key"] != key:
            return None
        return _from_row(row)
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None


def _from_row(row: dict[str, Any]) -> Execution:
    failure = row.get("failure") or {}
    return Execution(
        [Result(cell["outputs"], cell["execution_count"]) for cell in row["cells"]],
        Problem.from_json(failure["problem"]) if failure else None,
        failure.get("cell"), failure.get("line"), [Problem.from_json(warning) for warning in row.get("warnings", ())],
        float(row.get("seconds", 0)), row.get("language_info", {}), row.get("written", {}), bool(row.get("handed_on")),
    )  # fmt: skip
