"""The folders that a course published into by its own wish: one that is no target any more is emptied of what is ours.

Folders that somebody chose for one build (``-o``) are not among them: what was built there is theirs to keep.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from clx_jupyter.manifest import write_atomically

_FILE = "targets.json"


class FormerTargets:
    """The record in a state folder, for one course file."""

    def __init__(self, folder: Path, course: str) -> None:
        self._file, self._course = folder / _FILE, course

    def _all(self) -> dict[str, list[str]]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
            return {str(course): [str(path) for path in paths] for course, paths in found.items()}
        except (OSError, ValueError, AttributeError, TypeError):  # it is worth no build: what lies there stays
            return {}

    def besides(self, targets: Iterable[str]) -> list[Path]:
        """The folders that were targets once and are none now."""
        return [Path(path) for path in self._all().get(self._course, []) if path not in set(targets)]

    def add(self, targets: Iterable[str]) -> None:
        """Note folders before anything is published there."""
        self._write(sorted({*self._all().get(self._course, []), *targets}))

    def keep(self, targets: Iterable[str]) -> None:
        """Forget all but these."""
        self._write(sorted(targets))

    def _write(self, paths: list[str]) -> None:
        record = self._all()
        if record.get(self._course, []) != paths:
            write_atomically(self._file, json.dumps(record | {self._course: paths}).encode(), mode=0o600)
