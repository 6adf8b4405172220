"""Publishing: accepted files into targets, whole or not at all, and nothing of the user's touched.

Every target has a manifest of what is ours. A file is replaced or removed only while it still holds what we wrote.
Files are renamed into place without a sync each: pages are cheap to make again, and one that a power cut emptied is
recognised by its size (``docs/why.md``).
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from clx_jupyter.errors import Problem, RequestError
from clx_jupyter.fingerprint import file_digest
from clx_jupyter.manifest import Entry, read_manifest, write_manifest


def check_target(target: Path, root: Path) -> None:
    """Raise :class:`RequestError` for a target whose clean-up could reach what is not ours."""
    target, root = target.resolve(), root.resolve()
    refused = {root: "the course itself", Path.home().resolve(): "a home folder", root / "slides": "the sources"}
    why = refused.get(target) or ("above the course" if target in root.parents else "")
    if not why and (target / ".git").exists() and target in (root, *root.parents):
        why = "a repository"
    if why:
        raise RequestError(f"{target} is {why} and cannot be a target", "choose a folder of its own, such as output")


class Tree:
    """One target folder and its manifest."""

    def __init__(self, root: Path, *, adopt: bool = False) -> None:
        self.root = root
        self.entries = read_manifest(root)
        self.adopt = adopt
        self.problems: list[Problem] = []

    def ours(self, path: str, accepted: str | None = None) -> bool:
        """Whether what lies at *path* may be replaced: nothing, what the manifest says, or the bytes of *accepted*."""
        file = self.root / path
        if not file.exists() and not file.is_symlink():
            return True
        if file.is_symlink() or not file.is_file():
            return False
        entry = self.entries.get(path)
        if entry is None and accepted is None:
            return self.adopt
        if file.stat().st_size == 0 and (accepted is not None if entry is None else entry.size > 0):
            return True
        return file_digest(file) in {entry.sha256 if entry else None, accepted}

    def put(self, path: str, content: Path, entry: Entry, accepted: str | None = None) -> str:
        """Publish the file *content* at *path*.

        Gives ``written``, ``same`` (it already holds these bytes; nothing was touched) or ``kept`` (somebody else's file lies
        there: it stays, and a problem says so). *accepted* is the hash last accepted for this path.
        """
        file = self.root / path
        if not self._inside(file):
            self._refuse(path, "leads out of the target through a link")
            return "kept"
        if any(folder.exists() and not folder.is_dir() for folder in file.parents):
            self._refuse(path, "has a file where a folder must be")
            return "kept"
        if file.is_file() and not file.is_symlink() and file.stat().st_size == entry.size and file_digest(file) == entry.sha256:
            self._record(path, entry)
            return "same"
        if not self.ours(path, accepted):
            self._refuse(path, "was changed by somebody, or is not ours")
            return "kept"
        _copy(content, file)
        self._record(path, entry)
        return "written"

    def _record(self, path: str, entry: Entry) -> None:
        """Note what is published; why it was first made is kept while it stays the same."""
        old = self.entries.get(path)
        if old is None or replace(old, reason="") != replace(entry, reason=""):
            self.entries[path] = entry

    def _inside(self, file: Path) -> bool:
        root = self.root.resolve()
        return file.parent.resolve().is_relative_to(root)

    def _refuse(self, path: str, why: str) -> None:
        self.problems.append(
            Problem(
                "collision",
                f"{self.root.name}/{path} {why}; it stays as it is",
                "move it away or delete it, then build again",
                severity="warning",
                outputs=(f"{self.root.name}/{path}",),
            )
        )

    def remove(self, path: str, accepted: str | None = None) -> bool:
        """Remove a file of ours; one that was changed since stays and is reported, and is ours no longer."""
        entry = self.entries.pop(path, None)
        file = self.root / path
        ours = {entry.sha256 if entry else None, accepted} - {None}
        if not ours or not file.is_file() or file.is_symlink() or not self._inside(file):
            return False
        if file.stat().st_size and file_digest(file) not in ours:
            self._refuse(path, "left the course but was changed since")
            return False
        file.unlink()
        _remove_empty(file.parent, self.root)
        return True

    def prune(self, course: str, keep: Callable[[str, Entry], bool]) -> list[str]:
        """Remove what the course no longer asks for: entries of *course* that *keep* turns down. Gives their paths."""
        gone = [path for path, entry in self.entries.items() if entry.course == course and not keep(path, entry)]
        return [path for path in gone if self.remove(path)]

    def save(self) -> None:
        """Write the manifest; where nothing was ever published there is none."""
        if self.entries or self.root.is_dir():
            write_manifest(self.root, self.entries)

    def occupied(self, paths: Iterable[str]) -> str | None:
        """A planned path where a file lies although the target has no manifest; ``None`` if there is none."""
        if self.entries or not self.root.is_dir():
            return None
        return next((path for path in paths if (self.root / path).is_file()), None)


def _copy(content: Path, file: Path) -> None:
    """Copy beside the destination, then rename over it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix=".clx-", suffix=".tmp", dir=file.parent, delete=False) as temporary:
        name = Path(temporary.name)
        try:
            with content.open("rb") as source:
                shutil.copyfileobj(source, temporary, 1 << 20)
            temporary.close()
            name.chmod(0o644)
            name.replace(file)
        except BaseException:
            name.unlink(missing_ok=True)
            raise


def _remove_empty(folder: Path, root: Path) -> None:
    with contextlib.suppress(OSError):
        while folder != root:
            folder.rmdir()
            folder = folder.parent
