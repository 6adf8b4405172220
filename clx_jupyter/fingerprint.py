"""Hashes of what results depend on: equal fingerprint, fresh result."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=sorted)
_SMALL = 65_536
"""Bytes up to which a file is read at once: no buffer for larger ones is made for it."""
_UNSURE_NS = 2_000_000_000
"""A file changed less than this before it was hashed may change again without a new time stamp (2 s: FAT's)."""


def digest(value: Any) -> str:
    """sha256 of a value as canonical JSON."""
    return hashlib.sha256(_CANONICAL.encode(value).encode("utf-8", "surrogatepass")).hexdigest()


def file_digest(path: str | Path) -> str:
    """sha256 of a file's bytes."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (the files of a course are many)
        if os.fstat(file.fileno()).st_size > _SMALL:
            return hashlib.file_digest(file, "sha256").hexdigest()
        return hashlib.sha256(file.read()).hexdigest()


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a file looked like when it was hashed."""

    mtime_ns: int
    size: int
    inode: int
    sha256: str


class FileHashes:
    """Hashes of the files below a root, computed once per state of a file."""

    def __init__(self, root: Path, known: Mapping[str, Stamp] | None = None) -> None:
        self._root = root
        self._given, self._known = known or {}, dict(known or {})
        self.fresh: dict[str, Stamp] = {}
        """What was hashed since the start; worth keeping for the next build."""

    def __getitem__(self, path: str) -> str:
        """sha256 of the file, ``""`` where there is none."""
        file = f"{self._root}/{path}"
        try:
            status = os.stat(file)  # noqa: PTH116
            stamp = self._known.get(path)
            if stamp and (stamp.mtime_ns, stamp.size, stamp.inode) == _looks(status):
                return stamp.sha256
            sha256 = file_digest(file)
        except OSError:
            return ""
        self._known[path] = Stamp(*_looks(status), sha256)
        if time.time_ns() - status.st_mtime_ns > _UNSURE_NS:
            self.fresh[path] = self._known[path]
        return sha256

    def again(self) -> FileHashes:
        """Hashes of the files as they are now; what surely did not change is not read again."""
        return FileHashes(self._root, {**self._given, **self.fresh})


def _looks(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_mtime_ns, status.st_size, status.st_ino


@dataclass(frozen=True)
class Parts:
    """The parts of a source's fingerprint, kept so that the next build can say which of them changed."""

    source: str
    inputs: Mapping[str, str]
    kernel: str
    settings: str
    version: int

    @cached_property
    def key(self) -> str:
        """The fingerprint itself."""
        return digest([self.source, dict(self.inputs), self.kernel, self.settings, self.version])

    def to_json(self) -> dict[str, Any]:
        """A plain object for the database."""
        return {
            "source": self.source,
            "inputs": dict(self.inputs),
            "kernel": self.kernel,
            "settings": self.settings,
            "version": self.version,
        }


def reason(old: Mapping[str, Any] | None, new: Parts) -> str:
    """Why a source with the parts *old* must be made again with the parts *new*; ``""`` if nothing differs."""
    if old is None:
        return "new"
    if old["source"] != new.source:
        return "source changed"
    if changed := _changed_inputs(old["inputs"], new.inputs):
        return changed
    if old["kernel"] != new.kernel:
        return "kernel or its packages changed"
    if old["settings"] != new.settings:
        return "settings changed"
    return "clx_jupyter was upgraded" if old["version"] != new.version else ""


def _changed_inputs(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    for path in sorted(set(old) | set(new)):
        if path not in old:
            return f"{path} added"
        if path not in new:
            return f"{path} removed"
        if old[path] != new[path]:
            return f"{path} changed"
    return ""
