"""Publishing: accepted files into targets, whole or not at all, and nothing of the user's touched.

Every target has a manifest of what is ours, and a journal of what a build has put there since the manifest was written.
A file is replaced or removed only while it still holds what we wrote. Files are renamed into place without a sync each:
pages are cheap to make again, and one that a power cut emptied is recognised by its size (``docs/why.md``).
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import IO

from clx_jupyter.errors import Problem, RequestError
from clx_jupyter.fingerprint import file_digest
from clx_jupyter.journal import JOURNAL, Journal, remove_empty
from clx_jupyter.manifest import (
    CLM_MANIFEST,
    MANIFEST,
    Entry,
    course_names,
    mark_of,
    parted,
    read_clm_manifest,
    read_manifest,
    replacing,
    write_manifest,
)

ASSET = "asset"
"""The variant of copied files in the manifest."""

_BLOCK = 1 << 20
_TRIES = 5


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
    course whether it still exists, so that what it published is its own; *mark* is the mark of the course root.
    """

    def __init__(
        self, root: Path, *, adopt: bool = False, names: Sequence[str] = ("",), alive: Callable[[str], bool] = lambda _: False, mark: str = ""
    ) -> None:  # fmt: skip
        self.root = root
        self.entries = read_manifest(root)
        self._read = dict(self.entries)
        self._journal = Journal(root, mark)
        self.adopt, self.course, self._alive = adopt, names[0], alive
        self._names = frozenset(names)
        self.problems: list[Problem] = []
        self._changes: dict[str, Entry | None] = {}
        self._sound: set[str] = set()
        for path, entry in self._journal.entries():
            if self.entries.get(path) != entry and self._lies(path, entry):
                self._set(path, entry)
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
        entry = self.entries.get(path)
        if entry is None or entry.key != key or entry.course != self.course:
            return None
        return entry.sha256 if self._lies(path, entry) else None

    def _lies(self, path: str, entry: Entry) -> bool:
        """Whether a file with the bytes of *entry* lies at *path*."""
        file = self.root / path
        try:
            status = file.lstat()
        except (OSError, ValueError):
            return False
        return stat.S_ISREG(status.st_mode) and status.st_size == entry.size and file_digest(file) == entry.sha256

    def tidy(self) -> None:
        """Remove what a build that was killed left half done. No other build of this root may publish meanwhile."""
        self._journal.sweep()

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
        found = file_digest(file)
        return found in self._hashes(path, accepted) or found in self._hashes_of_others(path)

    def _hashes_of_others(self, path: str) -> set[str]:
        """What another build of the same root has published at *path* since this one began."""
        entry = read_manifest(self.root).get(path)
        noted = {each.sha256 for at, each in self._journal.entries() if at == path}
        return noted | ({entry.sha256} if entry and self._mine(entry) else set())

    def put(self, path: str, content: Path | bytes, entry: Entry, accepted: str | None = None) -> str:
        """Publish *content*, a file or its bytes, at *path*.

        Gives ``written``, ``same`` (it already holds these bytes; nothing was touched) or ``kept`` (somebody else's file lies
        there: it stays, and a problem says so). *accepted* is the hash last accepted for this path.
        """
        entry = replace(entry, course=self.course)
        if why := self._impossible(path):
            self._refuse(path, why)
            return "kept"
        same = self._lies(path, entry)
        others, old = self.others(path), self.entries.get(path)
        if others and old and not _shared(old, entry, same):
            self.problems.append(owned_by_others(f"{self.root.name}/{path}", self.course, others[0], entry.source))
            return "kept"
        if others:  # whoever published it first stays the first, so that building in turn changes nothing
            owners = [course for course in (old.courses if old else ()) if course in (*others, self.course)]
            first, *also = dict.fromkeys((*owners, self.course))
            entry = replace(entry, course=first, also=tuple(also))
        if not same:
            why = self._in_the_way(path, set())  # now: while a build goes on, a folder may be replaced by a link
            if why or not self.ours(path, accepted):
                self._refuse(path, why or "was changed by somebody, or is not ours")
                return "kept"
            entry = self._write(path, content, entry)
        self._record(path, entry)
        return "same" if same else "written"

    def _write(self, path: str, content: Path | bytes, entry: Entry) -> Entry:
        """Put *content* in place. Gives the entry for the bytes that were written: a file of the course may have changed since it was hashed."""
        if not (self.root / MANIFEST).exists():  # it marks the folder as one of outputs, which is never read as a course
            write_manifest(self.root, {}, prefix=self._journal.prefix)
        self._journal.begin(path)
        with replacing(self.root / path, prefix=self._journal.prefix) as file:
            sha256, size = _fill(file, content)
            if entry.variant == ASSET:
                entry = replace(entry, sha256=sha256, size=size, key=sha256)
            elif sha256 != entry.sha256:
                raise OSError(errno.EIO, "what was to be published is not whole", str(content))
            file.flush()
            self._journal.ready(path, entry)
        return entry

    def _impossible(self, path: str) -> str:
        """Why nothing may be written to a path, whatever lies there. A folder that was looked at before is not looked at again."""
        if ".git" in path.casefold().split("/"):
            return "lies in a repository's own folder"
        if path in (MANIFEST, CLM_MANIFEST) or path.startswith(JOURNAL):
            return "is the name of a manifest"
        return self._in_the_way(path, self._sound)

    def _in_the_way(self, path: str, sound: set[str]) -> str:
        """Why the folder of *path* cannot be used; *sound* are folders known to be real ones of the target, and gets those found now."""
        folder = ""
        parts = path.replace(os.sep, "/").split("/")
        if ".." in parts or Path(path).is_absolute():
            return "leads out of the target"
        for part in parts[:-1]:
            folder = f"{folder}/{part}" if folder else part
            if folder in sound:
                continue
            place = self.root / folder
            if (link := place.is_symlink()) and not self._inside(place):
                return "leads out of the target through a link"
            if not place.is_dir():
                return "has a file where a folder must be" if link or place.exists() else ""
            if not link:
                sound.add(folder)
        return ""

    def _record(self, path: str, entry: Entry) -> None:
        """Note what is published; why it was first made is kept while it stays the same."""
        old = self.entries.get(path)
        if old != entry and (old is None or replace(old, reason=entry.reason) != entry):
            self._set(path, entry)

    def _inside(self, place: Path) -> bool:
        try:
            return place.resolve().is_relative_to(self.root.resolve())
        except RuntimeError:  # a link that leads to itself
            return False

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
        if not ours or file.is_symlink() or self._in_the_way(path, set()):
            return False
        if not file.exists():  # somebody took it away, and left its folder
            remove_empty(file.parent, self.root)
        if not file.is_file():
            return False
        if file.stat().st_size and file_digest(file) not in ours:
            self._refuse(path, "left the course but was changed since")
            return False
        file.unlink()
        remove_empty(file.parent, self.root)
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

    def leave(self, keep: Callable[[str], bool]) -> list[str]:
        """Remove what the course published here, and the manifest and the folder if nothing else is in them. Gives the paths of what went.

        Where something stays that people changed, the manifest stays too: without it that would be read as a source of the course.
        """
        if not self.root.is_dir():
            return []
        gone = self.prune(keep)
        self.save()
        if all(each.is_dir() or each == self.root / MANIFEST for each in self.root.rglob("*")):
            (self.root / MANIFEST).unlink(missing_ok=True)
            remove_empty(self.root, self.root.parent)
        return gone

    def save(self) -> None:
        """Write the manifest; where nothing was ever published there is none.

        Another build may have saved since this one read it: what that one changed stays.
        """
        entries = read_manifest(self.root)
        changes = {path: entry for path, entry in self._changes.items() if not self._is_newer(path, entries.get(path))}
        entries |= {path: entry for path, entry in changes.items() if entry}
        for path in (path for path, entry in changes.items() if entry is None):
            entries.pop(path, None)
        if (changes or not (self.root / MANIFEST).exists()) and (entries or self.root.is_dir()):
            write_manifest(self.root, entries, prefix=self._journal.prefix)
        self.entries, self._changes, self._read = entries, {}, dict(entries)
        self._journal.settle(entries, self._lies)

    def _is_newer(self, path: str, entry: Entry | None) -> bool:
        """Whether *entry* is of a build that ended meanwhile, and what that one published lies there still."""
        return entry is not None and entry != self._read.get(path) and self._lies(path, entry)

    def occupied(self, paths: Iterable[str]) -> str | None:
        """A planned path where a file lies that no record mentions, in a target where the course published nothing; ``None`` if there is none."""
        if self._known() or not self.root.is_dir():
            return None
        return next((path for path in paths if path not in self.entries and (self.root / path).is_file()), None)


def tree_of_course(target: Path, root: Path, file: str, *, adopt: bool = False) -> Tree:
    """The tree of *target* for the course *file* (or the single notebook) at *root*."""
    names = course_names(file, root, target)
    mine = parted(names[0])[1]

    def alive(name: str) -> bool:
        other, mark = parted(name)
        # Nothing can be known of courses of other roots but that they were built.
        return bool(other) and (root / other).is_file() if mark in ("", mine) else not adopt

    return Tree(target, adopt=adopt, names=names, alive=alive, mark=mark_of(root))


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


def _fill(file: IO[bytes], content: Path | bytes) -> tuple[str, int]:
    """Write *content* into *file*; gives the hash and the size. A file that changes while it is read is read again."""
    if isinstance(content, bytes):
        return _pour(file, io.BytesIO(content))
    for _ in range(_TRIES):
        with content.open("rb") as source:
            before = os.fstat(source.fileno())
            written = _pour(file, source)
            after = os.fstat(source.fileno())
        if (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size):
            break
    return written


def _pour(file: IO[bytes], source: IO[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    file.truncate()
    while block := source.read(_BLOCK):
        file.write(block)
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size
