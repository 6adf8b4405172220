"""What is being published into a target: the notes of builds whose manifest is not written yet.

A manifest is written once, at the end of a build. Whoever is killed before leaves files that no manifest names, and
perhaps half a temporary one. The journal beside the manifest says which are ours and where to look; it is gone as soon
as the manifest says the same.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from clx_jupyter.manifest import Entry, entry_of, row_of, sweep

JOURNAL = ".clx-journal-"
"""What the names of journals begin with; the mark of a course root follows, for several may publish into one target."""


class Journal:
    """The notes of the builds of one course root in one target; whoever holds the root is the only one who writes them."""

    def __init__(self, target: Path, mark: str) -> None:
        self._target, self.path = target, target / f"{JOURNAL}{mark}"
        #: What the names of temporary files begin with.
        self.prefix = f".clx-{mark}-"

    def begin(self, path: str) -> None:
        """Note that a temporary file is about to be made beside *path*."""
        self._target.mkdir(parents=True, exist_ok=True)
        self._note({"at": path})

    def ready(self, path: str, entry: Entry) -> None:
        """Note what is about to be renamed to *path*."""
        self._note({"at": path, **row_of(entry)})

    def _note(self, row: dict[str, Any]) -> None:
        # The line's end comes first: what a full disk cut off before does not spoil this one.
        line = ("\n" + json.dumps(row, ensure_ascii=False)).encode("utf-8", "surrogateescape")
        note = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            while line:
                line = line[os.write(note, line) :]
        except OSError as error:
            error.filename = str(self.path)
            raise
        finally:
            os.close(note)

    def _rows(self) -> Iterator[dict[str, Any]]:
        try:
            lines = self.path.read_bytes().decode("utf-8", "surrogateescape").split("\n")
        except OSError:
            return
        for line in lines:
            with contextlib.suppress(ValueError):
                row = json.loads(line)
                if isinstance(row, dict) and isinstance(row.get("at"), str):
                    yield row

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """What was noted, the oldest first; of one path there may be several, and none needs to lie there."""
        for row in self._rows():
            path = row.pop("at")
            with contextlib.suppress(TypeError, KeyError):
                if row:
                    yield path, entry_of(row)

    def sweep(self) -> None:
        """Remove temporary files that a killed build left, and folders that it made for nothing."""
        sweep(self._target, self.prefix)
        for path in {row["at"] for row in self._rows()}:
            file = self._target / path
            sweep(file.parent, self.prefix)
            if not file.exists():
                remove_empty(file.parent, self._target)

    def settle(self, manifest: Mapping[str, Entry], lies: Callable[[str, Entry], bool]) -> None:
        """Forget what the manifest says now, and what does not lie there any more. What is left belongs to builds that go on."""
        if not self.path.exists():
            return
        left = {
            (path, entry.sha256): entry for path, entry in self.entries()
            if not (path in manifest and manifest[path].sha256 == entry.sha256) and lies(path, entry)
        }  # fmt: skip
        self.path.unlink()
        for (path, _), entry in left.items():
            self.ready(path, entry)


def remove_empty(folder: Path, root: Path) -> None:
    """Remove *folder* and those above it, as long as nothing is in them, be they there or not; *root* stays."""
    with contextlib.suppress(OSError):
        while folder != root and folder.is_relative_to(root):
            with contextlib.suppress(FileNotFoundError):
                folder.rmdir()
            folder = folder.parent
