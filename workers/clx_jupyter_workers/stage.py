"""Finished bytes of a job, laid down under their hash for the supervisor to collect."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path


def put(folder: Path, data: bytes) -> tuple[str, int]:
    """Store *data* in *folder* under its sha256; gives the hash and the size.

    A temporary file is renamed, so nobody ever sees half a page. No fsync: pages are cheap to make again.
    """
    name = hashlib.sha256(data).hexdigest()
    path = folder / name
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, data)
    return name, len(data)


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
