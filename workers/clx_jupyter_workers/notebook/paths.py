"""Paths in the course: POSIX and relative for people, absolute and checked for the file system."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path


def inside(root: Path, relative: str) -> Path | None:
    """The file at *relative* below *root*; ``None`` where links or ``..`` lead out of the course."""
    real = os.path.realpath(root / relative)
    real_root = os.path.realpath(root)
    if real != real_root and not real.startswith(real_root.rstrip(os.sep) + os.sep):
        return None
    return Path(real)


def join(folder: str, name: str) -> str:
    """A normalised path relative to the root; it begins with ``..`` where it leaves the root."""
    return posixpath.normpath(posixpath.join(folder, name))
