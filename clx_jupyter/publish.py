"""Publishing: accepted files into targets, whole or not at all, and nothing of the user's touched.

Every target has a manifest of what is ours. A file is replaced or removed only while it still holds what we wrote.
Files are renamed into place without a sync each: pages are cheap to make again, and one that a power cut emptied is
recognised by its size (``docs/why.md``).
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from clx_jupyter.errors import Problem, RequestError
from clx_jupyter.fingerprint import file_digest
from clx_jupyter.manifest import CLM_MANIFEST, MANIFEST, Entry, parted, read_clm_manifest, read_manifest, write_atomically, write_manifest

ASSET = "asset"
"""The variant of copied files in the manifest."""


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
    """One target folder and its manifest, for the builds of one course.

    *names* are what the course is called in the manifest now, and what it was called before; *alive* says of the name of another
    course whether it still exists, so that what it published is its own.
    """

    def __init__(
        self, root: Path, *, adopt: bool = False, names: Sequence[str] = ("",), alive: Callable[[str], bool] = lambda _: False
    ) -> None:  # fmt: skip
        self.root = root
        self.entries = read_manifest(root)
        self.adopt, self.course, self._alive = adopt, names[0], alive
        self._names = frozenset(names)
        self.problems: list[Problem] = []
        self._changes: dict[str, Entry | None] = {}
        if not self._known():
            for path, entry in self._of_clm.items():
                if path not in self.entries:
                    self._set(path, entry)

    @cached_property
    def _of_clm(self) -> dict[str, Entry]:
        return read_clm_manifest(self.root, self.course)

    def _known(self) -> bool:
        """Whether the course published here before."""
        return any(map(self._mine, self.entries.values()))

    def _mine(self, entry: Entry) -> bool:
        return not self._names.isdisjoint(entry.courses)

    def _set(self, path: str, entry: Entry | None) -> None:
        self._changes[path] = entry
        if entry is None:
            self.entries.pop(path, None)
        else:
            self.entries[path] = entry

    def others(self, path: str) -> list[str]:
        """The other courses whose file lies at *path*."""
        entry = self.entries.get(path)
        return [course for course in entry.courses if course not in self._names and self._alive(course)] if entry else []

    def shared(self) -> bool:
        """Whether another course that still exists publishes here, too."""
        courses = {course for entry in self.entries.values() for course in entry.courses}
        return any(course not in self._names and self._alive(course) for course in courses)

    def holds(self, path: str, key: str) -> str | None:
        """The hash of what lies at *path*, if it is what we wrote under *key*; ``None`` where it is not."""
        entry, file = self.entries.get(path), self.root / path
        if entry is None or entry.key != key or entry.course != self.course or not file.is_file() or file.is_symlink():
            return None
        return entry.sha256 if file_digest(file) == entry.sha256 else None

    def _hashes(self, path: str, accepted: str | None) -> set[str]:
        """Of what may lie at *path* and is ours: what the manifest says, what was last accepted, and what CLM wrote."""
        records = (self.entries.get(path), self._of_clm.get(path))
        return {accepted} - {None} | {record.sha256 for record in records if record}  # type: ignore[return-value]

    def ours(self, path: str, accepted: str | None = None) -> bool:
        """Whether what lies at *path* may be replaced: nothing, what a record says, or the bytes of *accepted*."""
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
        return file_digest(file) in self._hashes(path, accepted)

    def put(self, path: str, content: Path | bytes, entry: Entry, accepted: str | None = None) -> str:
        """Publish *content*, a file or its bytes, at *path*.

        Gives ``written``, ``same`` (it already holds these bytes; nothing was touched) or ``kept`` (somebody else's file lies
        there: it stays, and a problem says so). *accepted* is the hash last accepted for this path.
        """
        file, entry = self.root / path, replace(entry, course=self.course)
        if why := self._impossible(path):
            self._refuse(path, why)
            return "kept"
        same = file.is_file() and not file.is_symlink() and file.stat().st_size == entry.size and file_digest(file) == entry.sha256
        others, old = self.others(path), self.entries.get(path)
        if others and old and not _shared(old, entry, same):
            self.problems.append(owned_by_others(f"{self.root.name}/{path}", self.course, others[0], entry.source))
            return "kept"
        if others:  # whoever published it first stays the first, so that building in turn changes nothing
            owners = [course for course in (old.courses if old else ()) if course in (*others, self.course)]
            first, *also = dict.fromkeys((*owners, self.course))
            entry = replace(entry, course=first, also=tuple(also))
        if not same and not self.ours(path, accepted):
            self._refuse(path, "was changed by somebody, or is not ours")
            return "kept"
        if not same and isinstance(content, bytes):
            write_atomically(file, content)
        elif not same and isinstance(content, Path):
            _copy(content, file)
        self._record(path, entry)
        return "same" if same else "written"

    def _impossible(self, path: str) -> str:
        """Why nothing may be written to a path, whatever lies there."""
        if any(part.casefold() == ".git" for part in PurePosixPath(path).parts):
            return "lies in a repository's own folder"
        if path in (MANIFEST, CLM_MANIFEST):
            return "is the name of a manifest"
        file = self.root / path
        if not self._inside(file):
            return "leads out of the target through a link"
        if any(folder.exists() and not folder.is_dir() for folder in file.parents):
            return "has a file where a folder must be"
        return ""

    def _record(self, path: str, entry: Entry) -> None:
        """Note what is published; why it was first made is kept while it stays the same."""
        old = self.entries.get(path)
        if old is None or replace(old, reason="") != replace(entry, reason=""):
            self._set(path, entry)

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
        ours = self._hashes(path, accepted)
        self._set(path, None)
        file = self.root / path
        if not ours or not file.is_file() or file.is_symlink() or not self._inside(file):
            return False
        if file.stat().st_size and file_digest(file) not in ours:
            self._refuse(path, "left the course but was changed since")
            return False
        file.unlink()
        _remove_empty(file.parent, self.root)
        return True

    def prune(self, keep: Callable[[str], bool]) -> list[str]:
        """Remove what the course no longer asks for: its entries that *keep* turns down. Gives their paths.

        A file that another course publishes too becomes that course's alone.
        """
        gone = [path for path, entry in self.entries.items() if self._mine(entry) and not keep(path)]
        removed = []
        for path in gone:
            if others := self.others(path):
                self._set(path, replace(self.entries[path], course=others[0], also=tuple(others[1:])))
            elif self.remove(path):
                removed.append(path)
        return removed

    def save(self) -> None:
        """Write the manifest; where nothing was ever published there is none.

        Another build may have saved since this one read it: what that one changed stays.
        """
        entries = read_manifest(self.root) | {path: entry for path, entry in self._changes.items() if entry}
        for path in (path for path, entry in self._changes.items() if entry is None):
            entries.pop(path, None)
        self.entries, self._changes = entries, {}
        if entries or self.root.is_dir():
            write_manifest(self.root, entries)

    def occupied(self, paths: Iterable[str]) -> str | None:
        """A planned path where a file lies that no record mentions, in a target where the course published nothing; ``None`` if there is none."""
        if self._known() or not self.root.is_dir():
            return None
        return next((path for path in paths if path not in self.entries and (self.root / path).is_file()), None)


def _shared(old: Entry, new: Entry, same: bool) -> bool:
    """Whether two courses may publish one file: copies of one file, or of equal ones. What is rendered is of one course."""
    return old.variant == new.variant == ASSET and (same or old.source == new.source)


def owned_by_others(path: str, course: str, other: str, source: str) -> Problem:
    """The error for a path that two courses want, both by their names in the manifest."""
    (file, mark), (other_file, other_mark) = parted(course), parted(other)
    far = mark != other_mark
    return Problem(
        "collision",
        f"{path} belongs to {'a course of another folder: ' if far else 'the course '}{other_file or 'a folder of notebooks'};"
        f" {file or 'this folder'} would write it too",
        "give one of the courses another title, project-slug or target" + ("; `clx build --adopt` takes its files over" if far else ""),
        path=source or None,
        outputs=(path,),
    )


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
