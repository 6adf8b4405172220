"""Finished bytes of a job, laid down under their hash for the supervisor to collect."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

_CHUNK = 1 << 20


def put(folder: Path, data: bytes) -> tuple[str, int]:
    """Store *data* in *folder* under its sha256; gives the hash and the size.

    A temporary file is renamed, so nobody ever sees half a page. No fsync: pages are cheap to make again.
    """
    name = hashlib.sha256(data).hexdigest()
    path = folder / name
    if not path.exists():
        _make(folder)
        _write(path, data)
    return name, len(data)


def put_file(folder: Path, source: Path) -> str:
    """Store a copy of the file *source* in *folder* under its sha256; gives the hash."""
    _make(folder)
    digest = hashlib.sha256()
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as stream, source.open("rb") as content:
            while part := content.read(_CHUNK):
                digest.update(part)
                stream.write(part)
        Path(temporary).replace(folder / digest.hexdigest())
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return digest.hexdigest()


def _make(folder: Path) -> None:
    """Make the folder and the one above it, no more: where somebody deleted the course, nothing of it is made again."""
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def _write(path: Path, data: bytes) -> None:
    # mkstemp creates with mode 0600, whatever the umask.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
