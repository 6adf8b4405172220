"""The files below a folder of a course: what is no part of one is left out, and so is what links lead out of it."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from clx_jupyter.errors import Problem

IGNORED_FOLDERS = frozenset({
    "__pycache__", ".cargo", ".clm", ".clm-cache", ".clx", ".git", ".idea", ".ipynb_checkpoints", ".mypy_cache", ".pytest_cache", ".tox",
    ".venv", ".vs", ".vscode", "bin", "build", "chroma_db", "chroma_langchain_db", "chroma_rag_db", ".qdrant", "qdrant_data", "qdrant_db",
    "CMakeFiles", "data-local", "dist", "img-large", "img-local", "localdata", "obj", "out", "target", "voiceover",
})  # fmt: skip
_IGNORED_FOLDER = re.compile(r".*\.egg-info|.*cmake-build-|.*\.bkp|.*\.bak|chroma_.*db|qdrant_")
_IGNORED_SUFFIXES = frozenset({".keras", ".bkp", ".bin"})
LEDGER = ".clm-include"
"""A file of CLM that says what it copied into a topic."""


def ignored_folder(name: str) -> bool:
    """Whether folders of this name are no part of a course."""
    return name in IGNORED_FOLDERS or _IGNORED_FOLDER.match(name) is not None


def ignored(name: str, is_folder: bool) -> bool:
    """Whether a folder or file of this name is no part of a course."""
    return ignored_folder(name) if is_folder else name == LEDGER or posixpath.splitext(name)[1] in _IGNORED_SUFFIXES


@dataclass(slots=True)
class Walk:
    """The files below a folder in the order of their names, and what was left out with the reason."""

    files: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        """One warning for everything that was left out."""
        if self.left_out:
            path, why = next(iter(self.left_out.items()))
            others = f" (and {len(self.left_out) - 1} more)" if len(self.left_out) > 1 else ""
            yield Problem("bad-course", f"{path}{others} is left out: {why}", "copy it into the course", "warning", path=path)


def walk(root: Path, folder: str, skip: Callable[[str, bool], bool] = ignored) -> Walk:
    """The files below *folder*. Links are followed where they stay in the course, each folder once.

    *skip* says by name, and whether it is a folder, what is not looked at.
    """
    found = Walk()
    _walk(str(root), folder, skip, found, {os.path.realpath(root / folder)})
    return found


def entries_of(root: str | Path, folder: str, found: Walk) -> list[os.DirEntry[str]]:
    """The entries of a folder by name; a folder that cannot be read is left out."""
    try:
        with os.scandir(f"{root}/{folder}") as scan:
            return sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        found.left_out[folder] = f"it cannot be read ({error.strerror})"
        return []


def _walk(root: str, folder: str, skip: Callable[[str, bool], bool], found: Walk, seen: set[str]) -> None:
    for entry in entries_of(root, folder, found):
        path, is_folder = posixpath.join(folder, entry.name), entry.is_dir()
        if skip(entry.name, is_folder):
            continue
        if entry.is_symlink() and (why := _refusal(root, path, is_folder, seen)) is not None:
            found.left_out.update({path: why} if why else {})
        elif is_folder:
            _walk(root, path, skip, found, seen)
        elif entry.is_file():
            found.files.append(path)


OUTSIDE = "it is a link that leads outside the course"


def leads_outside(root: str | Path, path: str) -> bool:
    """Whether links make *path* lie outside the course root."""
    real, home = os.path.realpath(f"{root}/{path}"), os.path.realpath(root)
    return real != home and not real.startswith(home.rstrip(os.sep) + os.sep)


def _refusal(root: str, path: str, is_folder: bool, seen: set[str]) -> str | None:
    """Why a link is not followed; ``""`` if nobody needs to know, ``None`` if it is followed."""
    if leads_outside(root, path):
        return OUTSIDE
    if not is_folder:
        return None
    real = os.path.realpath(f"{root}/{path}")
    if real in seen or any(known.startswith(real + os.sep) for known in seen):
        return ""
    seen.add(real)
    return None
