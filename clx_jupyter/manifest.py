"""A target's record of what was published there: ``.clx-manifest.json`` (format: ``docs/report.md``)."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clx_jupyter.errors import ClxError

MANIFEST = ".clx-manifest.json"
CLM_MANIFEST = ".clm-manifest.json"
"""What CLM leaves in each target."""

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One published file. ``variant`` is ``kind/language/format``, or ``asset`` for copied files."""

    sha256: str
    size: int
    course: str
    source: str
    variant: str
    key: str
    reason: str


def read_manifest(root: Path) -> dict[str, Entry]:
    """The entries by path relative to *root*, empty where there is no manifest.

    Raises :class:`ClxError` for a manifest that is damaged or comes from a newer version: nothing may be published over it.
    """
    path = root / MANIFEST
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["version"] != _VERSION:
            raise ClxError(f"{path} was written by a newer version of clx_jupyter", "upgrade clx-jupyter", path=str(path))
        return {name: Entry(**row) for name, row in data["files"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ClxError(
            f"{path} is damaged", "move it aside: files that hold what would be written are recognised as ours again", path=str(path)
        ) from error


def write_manifest(root: Path, entries: dict[str, Entry]) -> None:
    """Write the manifest whole (temporary file, sync, rename); an unchanged one keeps its time and inode."""
    path = root / MANIFEST
    rows: dict[str, Any] = {name: asdict(entries[name]) for name in sorted(entries)}
    text = json.dumps({"version": _VERSION, "files": rows}, ensure_ascii=False, indent=1) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    write_atomically(path, text.encode(), sync=True)


def write_atomically(path: Path, data: bytes, *, mode: int = 0o644, sync: bool = False) -> None:
    """Replace *path* by *data* so that a reader sees the old bytes or the new ones, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".clx-", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            if sync:
                os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
