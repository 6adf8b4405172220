"""One archive per target: what was published there, as a zip file that is the same bytes for the same files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from clx_jupyter.audience import PRIVATE, Audience, audience
from clx_jupyter.course.clm_layout import sanitised
from clx_jupyter.course.model import Course, Target, text_in
from clx_jupyter.errors import MissingError, RequestError
from clx_jupyter.manifest import CLM_MANIFEST, MANIFEST, Entry, course_names, read_manifest

_BLOCK = 1 << 20
_MAX_TITLE = 80
_ZIP64_FROM = 1 << 30  # bytes: a file that grows while it is read must not run into the limit of 2 GiB

#: No time of a file says anything that its readers need, and each one would make other bytes: all have the earliest that zip knows.
_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Archive:
    """What goes into the archive of a target."""

    target: Target
    #: The archive's name without ``.zip``, and of the one folder in it.
    stem: str
    audience: Audience
    #: What the manifest says of each file, by its path below the target, in the order of the archive.
    files: dict[str, Entry]
    #: Files of the manifest that are not there any more, or are links now.
    gone: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the file."""
        return f"{self.stem}.zip"

    @property
    def size(self) -> int:
        """Bytes of all files together, as the manifest has them."""
        return sum(entry.size for entry in self.files.values())


def target_of(course: Course, name: str) -> Target:
    """The target of this name. Raises :class:`RequestError` where the course has none."""
    for target in course.targets:
        if target.name == name:
            return target
    names = ", ".join(target.name for target in course.targets) or "none"
    raise RequestError(f"the course has no target {name!r}", f"it has: {names}")


def archive_of(course: Course, target: Target, single: str = "") -> Archive:
    """What the archive of *target* holds now: the files of this course in its manifest, the last good version of each.

    *single* is the notebook of a course that is nothing else. Raises :class:`MissingError` where nothing was published, and
    :class:`ClxError` for a manifest that cannot be read.
    """
    listed = published(course, target, single)
    files = {path: entry for path, entry in listed.items() if is_there(target.path, path)}
    if not files:
        raise MissingError(f"nothing is built in the target {target.name} yet", "build the course, then ask for the archive again")
    kinds = [entry.variant.split("/")[0] for entry in files.values() if "/" in entry.variant]
    whom = audience(course, (*target.kinds, *sorted(kinds)))
    title = _in_file_name(text_in(course.title, course.default_language))[:_MAX_TITLE] or "course"
    stem = f"{title}-{_in_file_name(target.name) or 'target'}" + ("-PRIVATE" if whom.level == PRIVATE else "")
    return Archive(target, stem, whom, files, tuple(path for path in listed if path not in files))


def published(course: Course, target: Target, single: str = "") -> dict[str, Entry]:
    """What the manifest of *target* says of the files of this course, by their sorted paths. Raises :class:`ClxError` as :func:`read_manifest`."""
    names = set(course_names(single or course.file, course.root, target.path))
    return {path: entry for path, entry in sorted(read_manifest(target.path).items()) if not names.isdisjoint(entry.courses)}


def _in_file_name(text: str) -> str:
    """Words as a part of a file name that nobody has to quote."""
    return re.sub(r"-[-_]+", "-", re.sub(r"[^\w.+-]+", "-", sanitised(text))).strip("-._")


def is_there(target: Path, path: str) -> bool:
    """Whether a path of a manifest names a file inside the target, and no link that leads elsewhere."""
    parts = PurePosixPath(path).parts
    if not parts or PurePosixPath(path).is_absolute() or ".." in parts or "\\" in path or path in (MANIFEST, CLM_MANIFEST):
        return False
    file = target / path
    try:
        return file.is_file() and not file.is_symlink() and file.parent.resolve().is_relative_to(target.resolve())
    except (OSError, RuntimeError, ValueError):  # a loop of links; a name that no disk holds
        return False


def strangers(target: Path) -> list[str]:
    """Files below *target* that no build put there: they are in no archive. Hidden ones do not count."""
    known = read_manifest(target)
    found = []
    for folder, folders, files in os.walk(target):
        folders[:] = [name for name in folders if not name.startswith(".")]
        names = (Path(folder, name).relative_to(target).as_posix() for name in files if not name.startswith("."))
        found += [name for name in names if name not in known]
    return sorted(found)


class _Sink:
    """Where the zip file is written to: it holds what nobody took yet."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, data: bytes) -> int:
        """As of a file that cannot seek."""
        self._held += data
        return len(data)

    def flush(self) -> None:
        """Nothing to do."""

    def take(self, least: int = 0) -> Iterator[bytes]:
        """What is held, once it is more than *least* bytes."""
        if len(self._held) > least:
            taken, self._held = bytes(self._held), bytearray()
            yield taken


def packed(archive: Archive, odd: Callable[[str], None] = lambda path: None) -> Iterator[bytes]:
    """The bytes of the zip file, piece by piece, however large its files are.

    *odd* is called with the path of each file that is not what was published: changed since (it goes in as it is), or gone.
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as made:  # type: ignore[call-overload]
        for path, entry in archive.files.items():
            file = None
            with contextlib.suppress(OSError):  # a build may have removed it meanwhile
                file = (archive.target.path / path).open("rb")
            if file is None:
                odd(path)
                continue
            info, digest = zipfile.ZipInfo(f"{archive.stem}/{path}", _TIME), hashlib.sha256()
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, (stat.S_IFREG | 0o644) << 16
            info.file_size = os.fstat(file.fileno()).st_size
            with file, made.open(info, "w", force_zip64=info.file_size > _ZIP64_FROM) as member:
                while block := file.read(_BLOCK):
                    digest.update(block)
                    member.write(block)
                    yield from sink.take(_BLOCK)
            if digest.hexdigest() != entry.sha256:
                odd(path)
    yield from sink.take()
