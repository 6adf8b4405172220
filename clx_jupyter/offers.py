"""What a worker that shares no files may ask for: the part of a course that one job needs.

The files that its job names, those that its texts mention, link to or show, and what lies in the notebook's folder, as far as
that is small. All of it is found here, on the supervisor's side: a worker is given a list, and nothing that is not on it.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from clx_jupyter.course.scan import decode, scan
from clx_jupyter.errors import ClxError
from clx_jupyter.fingerprint import FileHashes
from clx_jupyter_workers import inputs

MAX_BESIDE = 16_000_000
"""Bytes of a file that goes along only because it lies beside the notebook, or in a folder that code names."""
MAX_ALL_BESIDE = 128_000_000
"""Bytes of all such files of one job; the smallest go first."""
MAX_BYTES = 8_000_000_000
"""Bytes of all files of one job."""
MAX_FILES = 20_000
"""Files of one job."""

_MAX_TEXT = 2_000_000
_NEVER = frozenset({".git", ".clx", "node_modules", "__pycache__", ".ipynb_checkpoints"})
_TELLTALES = ("pyvenv.cfg", ".clx-manifest.json")
_DIAGRAMS = (".drawio", ".pu", ".puml", ".plantuml")
_TEXTS = (".py", ".j2", ".md")


class OfferError(ClxError):
    """A job needs more than can be sent."""

    category = "bad-course"


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of an offer."""

    sha256: str
    size: int
    mode: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Offer:
    """All that the worker of one job may ask for."""

    root: Path
    shelf: Path
    #: What is needed, by path, POSIX and relative to the root.
    files: Mapping[str, Listed]
    #: What lies beside it, and may as well be missing.
    beside: Mapping[str, Listed]
    #: Folders that are there, also those without any of the files.
    folders: tuple[str, ...]
    #: Files that earlier notebooks handed on, by hash.
    shelved: frozenset[str]

    def to_json(self) -> dict[str, Any]:
        """The list as its worker gets it."""
        return {
            "files": _rows(self.files),
            "beside": _rows(self.beside),
            "folders": list(self.folders),
            "shelf": sorted(self.shelved),
        }


def _rows(files: Mapping[str, Listed]) -> dict[str, list[Any]]:
    return {path: [each.sha256, each.size, each.mode, each.mtime_ns] for path, each in files.items()}


def offer(job: Mapping[str, Any], hashes: FileHashes) -> Offer:
    """The offer for the frame of a job. It reads files, so it belongs in a thread.

    :raises OfferError: there is too much
    """
    course = _Course(Path(job["root"]), job.get("never_link") or ())
    search = _Search(course, job)
    search.all()
    files = _looked_up(course, sorted(search.named), hashes)
    _check(files, job["source"]["path"])
    beside = _looked_up(course, _small(course, search.beside() - files.keys()), hashes)
    given = {sha256 for before in job.get("after") or () for run in (before["runs"] or {}).values() for sha256 in run.values() if sha256}
    return Offer(course.root, Path(job["shelf"]), files, beside, tuple(sorted(search.folders)), frozenset(given))


def inside(root: Path, path: str) -> Path | None:
    """The real file that a path relative to *root* means; ``None`` where it leads out of it."""
    real = Path(os.path.realpath(root / path))
    return real if real.is_relative_to(os.path.realpath(root)) else None


def _looked_up(course: _Course, paths: Iterable[str], hashes: FileHashes) -> dict[str, Listed]:
    return {path: listed for path in paths if (listed := _listed(course, path, hashes))}


def _listed(course: _Course, path: str, hashes: FileHashes) -> Listed | None:
    try:
        status = (course.root / path).stat()
    except OSError:
        return None
    sha256 = hashes[path]
    return Listed(sha256, status.st_size, stat.S_IMODE(status.st_mode), status.st_mtime_ns) if sha256 else None


def _small(course: _Course, paths: Iterable[str]) -> list[str]:
    """As many of the files as are small enough, in the order of their size."""
    sizes = sorted((course.size(path), path) for path in paths)
    taken: list[str] = []
    room = MAX_ALL_BESIDE
    for size, path in sizes:
        if size > min(MAX_BESIDE, room) or len(taken) >= MAX_FILES // 2:
            break
        taken.append(path)
        room -= size
    return taken


def _check(files: Mapping[str, Listed], path: str) -> None:
    size = sum(each.size for each in files.values())
    if size > MAX_BYTES or len(files) > MAX_FILES:
        raise OfferError(
            f"{path} may need {len(files)} files of {size / 1e9:.1f} GB; a worker that shares no files gets at most {MAX_FILES} files "
            f"of {MAX_BYTES / 1e9:.0f} GB",
            "build it with local workers, or let its code name fewer files",
            path=path,
        )


class _Course(Set[str]):
    """The files of a course as a set that looks at the disk only when it is asked; what is private to tools is not in it."""

    def __init__(self, root: Path, never: Iterable[str]) -> None:
        self.root = root
        self._never = _NEVER | set(never)
        self._real = os.path.realpath(root)
        self._seen: dict[str, str] = {}
        self._tools: dict[str, bool] = {}

    def kind(self, path: str) -> str:
        """``file``, ``folder`` or empty."""
        if path not in self._seen:
            self._seen[path] = self._look(path)
        return self._seen[path]

    def _look(self, path: str) -> str:
        if posixpath.isabs(path) or "\0" in path or ".." in path.split("/"):
            return ""
        try:
            real = os.path.realpath(os.path.join(self._real, path))  # noqa: PTH118 - many paths, and Path is slow
            mode = os.stat(real).st_mode if real.startswith(self._real.rstrip(os.sep) + os.sep) else 0  # noqa: PTH116
            if mode and self._is_private(path, stat.S_ISDIR(mode)):
                return ""
        except (OSError, ValueError):  # also what is too long to be a name, or none at all
            return ""
        return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else ""

    def _is_private(self, path: str, is_folder: bool) -> bool:
        parts = path.split("/")
        above = ["/".join(parts[:number]) for number in range(1, len(parts) + 1)]
        if self._never.intersection(parts) or self._never.intersection(above):
            return True
        return any(map(self._is_tools, above if is_folder else above[:-1]))

    def _is_tools(self, folder: str) -> bool:
        if folder not in self._tools:
            self._tools[folder] = any((self.root / folder / name).is_file() for name in _TELLTALES)
        return self._tools[folder]

    @classmethod
    def _from_iterable(cls, it: Iterable[Any]) -> Any:
        """What operations with other sets give."""
        return set(it)

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self.kind(path) == "file"

    def __iter__(self) -> Iterator[str]:
        return self.below("")

    def __len__(self) -> int:
        return 1  # there is something to look for, and counting would be reading all of it

    def __bool__(self) -> bool:
        return True

    def size(self, path: str) -> int:
        """Bytes of a file; 0 for one that is gone."""
        try:
            return (self.root / path).stat().st_size
        except OSError:
            return 0

    def text(self, path: str) -> str:
        """What a small text file says."""
        try:
            data = (self.root / path).read_bytes() if path in self and self.size(path) <= _MAX_TEXT else b""
        except OSError:
            return ""
        return "" if b"\0" in data else decode(data)

    def names(self, folder: str) -> list[str]:
        """What a folder of the course shows to everyone, by path."""
        try:
            found = sorted(entry.name for entry in (self.root / folder).iterdir()) if self.kind(folder) == "folder" or not folder else []
        except OSError:
            return []
        return [posixpath.join(folder, name) for name in found if not name.startswith(".")]

    def below(self, folder: str) -> Iterator[str]:
        """All files below a folder, each folder once, however links lead to it."""
        todo, seen = [folder] if not folder or self.kind(folder) == "folder" else [], set[Path | None]()
        while todo:
            here = todo.pop()
            real = inside(self.root, here)
            if real not in seen:
                seen.add(real)
                for path in self.names(here):
                    if self.kind(path) == "folder":
                        todo.append(path)
                    elif path in self:
                        yield path


class _Search:
    """Follows a job from text to text."""

    def __init__(self, course: _Course, job: Mapping[str, Any]) -> None:
        self.course, self.job = course, job
        self.folder = posixpath.dirname(job["source"]["path"])
        self.named: set[str] = set()
        self.folders: set[str] = set()
        self._files = inputs.Files(course)
        self._whole: set[str] = {self.folder}
        self._matched: set[str] = set()
        self._todo: deque[tuple[str, str]] = deque()

    def all(self) -> None:
        """Find everything that is needed by name."""
        job, source = self.job, self.job["source"]
        first = [source["path"], (source.get("companion") or {}).get("path", ""), *(half["path"] for half in job.get("halves") or ())]
        self._add([*first, *(job.get("files") or ()), *(origin for origin, _ in job.get("includes") or ())])
        self._refer(((job.get("style") or {}).get("drawn") or {}).values())
        while self._todo:
            path, text = self._todo.popleft()
            self._read(path, text)

    def _add(self, paths: Iterable[str]) -> None:
        for path in paths:
            if path in self.course and path not in self.named:
                self.named.add(path)
                if path == self.job["source"]["path"] or path.endswith(_TEXTS):
                    self._todo.append((path, self._text(path)))

    def _text(self, path: str) -> str:
        if path.endswith(".ipynb"):
            try:
                return "\n".join(cell.source for cell in scan(path, (self.course.root / path).read_bytes()).cells)
            except OSError:
                return ""
        return self.course.text(path)

    def _read(self, path: str, text: str) -> None:
        """Take what one text mentions, imports, links to and shows, as seen from the notebook's folder."""
        self._add(found for word in inputs.words(text) for found in inputs.resolved(word, self.folder))
        for base in dict.fromkeys((self.folder, posixpath.dirname(path))):
            self._add(inputs.modules(text, base, self._files))
        quoted = inputs.strings(text)
        if inputs.globs_all(text, quoted):
            self._matched.update(self.course.below(self.folder))
        for word in quoted:
            for place in inputs.resolved(word.rstrip("/"), self.folder):
                self._several(place, inputs.is_pattern(word))
        self._refer(inputs.link_names(text) | inputs.shown_names(text))

    def _several(self, place: str, is_pattern: bool) -> None:
        """Note a folder that is named, and the files that match a pattern."""
        if is_pattern:
            folder = posixpath.dirname(place.partition("*")[0])
            self._matched.update(path for path in self.course.below(folder) if fnmatchcase(path, place))
        elif place not in (".", self.folder) and self.course.kind(place) == "folder":
            self._whole.add(place)

    def _refer(self, names: Iterable[str]) -> None:
        """Take what links lead to and pictures show: files, what stands in for them, folders."""
        for name in names:
            path = posixpath.normpath(posixpath.join(self.folder, name))
            if self.course.kind(path) == "folder":
                self.folders.add(path)
            elif path in self.course:
                self._add([path])
            elif not path.startswith(".."):
                self._add([posixpath.join(self.folder, "img-generated", name.removeprefix("img/")), *self._drawings(path)])

    def _drawings(self, path: str) -> Iterator[str]:
        """The diagram that a picture will be made from, where CLX and CLM look for it."""
        folder, stem = posixpath.dirname(posixpath.dirname(path)), posixpath.splitext(posixpath.basename(path))[0]
        for place in self.course.names(folder):
            if self.course.kind(place) == "folder":
                yield from (posixpath.join(place, stem + suffix) for suffix in _DIAGRAMS)

    def beside(self) -> set[str]:
        """What lies in the notebook's folder, and in folders that are named."""
        found = set(self._matched)
        for folder in self._whole - {""}:
            found.update(self.course.below(folder))
        if not self.folder:
            self._of_root(found)
        self.folders |= {posixpath.dirname(path) for path in found} - {""}
        self.folders |= {path for path in self.course.names(self.folder) if self.folder and self.course.kind(path) == "folder"}
        return found

    def _of_root(self, found: set[str]) -> None:
        """A notebook in the root itself sees the files there, and those folders from which it needs something."""
        needed = {path.split("/", 1)[0] for path in self.job.get("files") or () if "/" in path}
        for path in self.course.names(""):
            if path in self.course:
                found.add(path)
            elif path in needed:
                found.update(self.course.below(path))
