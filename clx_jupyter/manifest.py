"""A target's record of what was published there: ``.clx-manifest.json`` (format: ``docs/report.md``)."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from typing import IO, Any

from clx_jupyter.course.yaml_spec import NAME
from clx_jupyter.errors import ClxError

MANIFEST = ".clx-manifest.json"
CLM_MANIFEST = ".clm-manifest.json"
"""What CLM leaves in each target."""

TEMPORARY = ".clx-"
"""What the names of temporary files begin with."""

_SUFFIX = ".tmp"
_VERSION = 1
_MARK = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """One published file. ``variant`` is ``kind/language/format``, or ``asset`` for copied files; ``course`` is a :func:`course_name`."""

    sha256: str
    size: int
    course: str
    source: str
    variant: str
    key: str
    reason: str
    #: Other courses of the root that publish the same copied file here.
    also: tuple[str, ...] = ()

    @property
    def courses(self) -> tuple[str, ...]:
        """All whose file it is."""
        return (self.course, *self.also)


def entry_of(row: dict[str, Any]) -> Entry:
    """The entry that :func:`row_of` gave."""
    return Entry(**{**row, "also": tuple(row.get("also", ()))})


def row_of(entry: Entry) -> dict[str, Any]:
    """An entry as it stands in the file."""
    row = {name: getattr(entry, name) for name in _FIELDS}  # asdict copies each value, and there are ten thousand of these
    if not entry.also:
        del row["also"]
    return row


_FIELDS = tuple(field.name for field in fields(Entry))


def read_manifest(root: Path) -> dict[str, Entry]:
    """The entries by path relative to *root*, empty where there is no manifest.

    Raises :class:`ClxError` for a manifest that is damaged or comes from a newer version: nothing may be published over it.
    """
    path = root / MANIFEST
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["version"] != _VERSION:
            raise ClxError(f"{path} was written by a newer version of clx_jupyter", "upgrade clx-jupyter", path=str(path))
        return {name: entry_of(row) for name, row in data["files"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ClxError(
            f"{path} is damaged", "move it aside: files that hold what would be written are recognised as ours again", path=str(path)
        ) from error


def course_name(file: str, root: Path, target: Path) -> str:
    """How a course is called in the manifest of *target*: by its file, with a mark of its root where other roots may publish to the target too."""
    if target.is_relative_to(root):
        return file
    return f"{file}@{mark_of(root)}"


def mark_of(root: Path) -> str:
    """A short name for a course root, where several may meet."""
    return hashlib.sha256(str(root).encode("utf-8", "surrogateescape")).hexdigest()[:_MARK]


def course_names(file: str, root: Path, target: Path) -> list[str]:
    """What a course is called in the manifest of *target*, and what it may have been called before: a folder that got a ``course.yaml``,
    or lost it, is still the same course."""
    files = [file, *({"", NAME} - {file} if file in ("", NAME) else ())]
    return [course_name(each, root, target) for each in files]


def parted(course: str) -> tuple[str, str]:
    """The course file and the mark of its root in a :func:`course_name`."""
    file, at, mark = course.rpartition("@")
    return (file, mark) if at and re.fullmatch(f"[0-9a-f]{{{_MARK}}}", mark) else (course, "")


def read_clm_manifest(root: Path, course: str) -> dict[str, Entry]:
    """What CLM's manifest in *root* says of the course called *course*: the files there as entries of that course, by path.

    Empty where there is none, where it is about another course, or where it cannot be read.
    """
    try:
        data = json.loads((root / CLM_MANIFEST).read_text(encoding="utf-8"))
        if not course or data["spec"] != PurePosixPath(parted(course)[0]).name:
            return {}
        rows = [(str(row["path"]), str(row["content_hash"]).removeprefix("sha256:")) for row in data["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    found = {}
    for path, sha256 in rows:
        file = root / path
        if not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts and file.is_file():
            found[path] = Entry(sha256, file.stat().st_size, course, "", "adopted", "", "taken over from CLM")
    return found


def write_manifest(root: Path, entries: dict[str, Entry], *, prefix: str = TEMPORARY) -> None:
    """Write the manifest whole (temporary file, sync, rename); an unchanged one keeps its time and inode."""
    path = root / MANIFEST
    rows = {name: row_of(entries[name]) for name in sorted(entries)}
    text = json.dumps({"version": _VERSION, "files": rows}, ensure_ascii=False, indent=1) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    write_atomically(path, text.encode(), sync=True, prefix=prefix)


def write_atomically(path: Path, data: bytes, *, mode: int = 0o644, sync: bool = False, prefix: str = TEMPORARY) -> None:
    """Replace *path* by *data* so that a reader sees the old bytes or the new ones, never a part."""
    with replacing(path, mode=mode, sync=sync, prefix=prefix) as file:
        file.write(data)


@contextlib.contextmanager
def replacing(path: Path, *, mode: int = 0o644, sync: bool = False, prefix: str = TEMPORARY) -> Iterator[IO[bytes]]:
    """A temporary file beside *path*, renamed over it at the end. An error leaves nothing behind, and names the file."""
    name = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=_SUFFIX, dir=path.parent)
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fchmod(file.fileno(), mode)
            if sync:
                os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException as error:
        if name:
            Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, name):  # a write on a full disk names no file
            error.filename, error.filename2 = str(path), None
        raise


def sweep(folder: Path, prefix: str = TEMPORARY) -> None:
    """Remove temporary files of this name that a process left which was killed. Only where nobody writes any now."""
    with contextlib.suppress(OSError):
        for file in folder.iterdir():
            if re.fullmatch(f"{re.escape(prefix)}\\w{{8}}{re.escape(_SUFFIX)}", file.name):
                file.unlink(missing_ok=True)
