"""The folder a notebook runs in: a copy of its own folder at its place in the course, the rest of the course behind links.

What code writes beside the notebook stays in the copy; ``../data/x.csv`` and modules at the root are found.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from clx_jupyter_workers.notebook.paths import inside, join

MAX_COPY = 64 * 1024 * 1024
"""Larger files are linked: nobody changes them by accident, and a copy would take long."""

_STRING = re.compile(r"\"([^\"\n]{1,300}/[^\"\n]{0,300})\"|'([^'\n]{1,300}/[^'\n]{0,300})'")
_MOST_NAMED = 200
_NEVER = frozenset({".git", ".clx", "node_modules", "__pycache__", ".ipynb_checkpoints"})
_TELLTALES = ("pyvenv.cfg", ".clx-manifest.json")


class _Layout:
    def __init__(self, root: Path, folder: str, files: Iterable[str], never_link: Iterable[str]) -> None:
        self.root = root
        self.folder = folder
        self.needed = {path.split("/", 1)[0] for path in files if "/" in path}
        self.never = _NEVER | set(never_link)

    def skipped(self, path: Path) -> bool:
        """Virtual environments, outputs and what tools keep for themselves."""
        if path.name in self.never or path.relative_to(self.root).as_posix() in self.never:
            return True
        return path.is_dir() and any((path / name).exists() for name in _TELLTALES)

    def copies(self, entry: Path) -> bool:
        """Whether an entry of the notebook's folder is copied. In the course root only folders with needed files are."""
        return bool(self.folder) or not entry.is_dir() or entry.name in self.needed


@contextmanager
def scratch(
    place: Path, root: Path, folder: str, files: Iterable[str], includes: Iterable[tuple[str, str]] = (), never_link: Iterable[str] = ()
) -> Iterator[Path]:
    """The notebook's folder inside a fresh copy at *place*; all of it is gone afterwards."""
    remove(place)
    place.mkdir(mode=0o700, parents=True)
    try:
        _fill(place, _Layout(root, folder, files, never_link))
        target = place / folder
        target.mkdir(parents=True, exist_ok=True)
        for source, name in includes:
            _include(root, source, target, name)
        yield target
    finally:
        remove(place)


def _fill(place: Path, layout: _Layout) -> None:
    """Link what stands beside the way from the root to the notebook's folder, then copy that folder."""
    real, made = layout.root, place
    for part in layout.folder.split("/") if layout.folder else ():
        _link_all(real, made, layout, without=part)
        real, made = real / part, made / part
        made.mkdir()
    for entry in _entries(real, layout):
        target = made / entry.name
        if layout.copies(entry):
            _copy(entry, target, layout)
        else:
            _link(entry, target, layout.root)


def _entries(folder: Path, layout: _Layout) -> list[Path]:
    return [entry for entry in sorted(folder.iterdir()) if not layout.skipped(entry)] if folder.is_dir() else []


def _link_all(real: Path, made: Path, layout: _Layout, without: str) -> None:
    for entry in _entries(real, layout):
        if entry.name != without:
            _link(entry, made / entry.name, layout.root)


def _link(entry: Path, target: Path, root: Path) -> None:
    """Links of the course that lead out of it are left out."""
    if inside(root, entry.relative_to(root).as_posix()) is not None:
        target.symlink_to(entry, target_is_directory=entry.is_dir())


def _copy(entry: Path, target: Path, layout: _Layout) -> None:
    if inside(layout.root, entry.relative_to(layout.root).as_posix()) is None:
        return
    if entry.is_dir() and entry.is_symlink():
        # Not followed into the copy: it may point at its own parent.
        target.symlink_to(entry.resolve(), target_is_directory=True)
    elif entry.is_dir():
        target.mkdir()
        for child in _entries(entry, layout):
            _copy(child, target / child.name, layout)
    else:
        _copy_file(entry, target)


def _copy_file(entry: Path, target: Path) -> None:
    try:
        info = entry.stat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(info.st_mode):
        return
    if info.st_size > MAX_COPY:
        target.symlink_to(entry)
        return
    shutil.copy2(entry, target)
    # A read-only source must not keep the course's code from writing into its own copy.
    target.chmod(stat.S_IMODE(info.st_mode) | stat.S_IWUSR | stat.S_IRUSR)


def _include(root: Path, source: str, target: Path, name: str) -> None:
    """Place a file of the course under another name; a file that is there already wins."""
    real = inside(root, source)
    relative = join("", name)
    destination = target / relative
    if real is None or not real.is_file() or relative.startswith("..") or posixpath.isabs(relative) or destination.exists():
        return
    destination.parent.mkdir(parents=True, exist_ok=True)
    _copy_file(real, destination)


def named_paths(code: str, folder: str) -> list[str]:
    """Paths with a folder in them that quoted strings in *code* may mean, relative to the root and not leading out of it."""
    strings = dict.fromkeys(a or b for a, b in _STRING.findall(code))
    paths = dict.fromkeys(join(folder, text) for text in strings if not posixpath.isabs(text))
    return [path for path in paths if not path.startswith("..") and path != "."][:_MOST_NAMED]


def own(place: Path, paths: Iterable[str]) -> None:
    """Make what lies at these paths the copy's own: what code writes there stays in the copy.

    A link to a folder becomes a folder of links, a link to a file a copy of it. What is not there is not made.
    """
    for path in paths:
        at = place
        for part in path.split("/"):
            at = at / part
            if at.is_symlink():
                _replace_link(at)
            if not at.is_dir():
                break


def _replace_link(link: Path) -> None:
    real = link.resolve()
    if real.is_dir():
        link.unlink()
        link.mkdir()
        for entry in real.iterdir():
            (link / entry.name).symlink_to(entry, target_is_directory=entry.is_dir())
    elif real.is_file():
        link.unlink()
        _copy_file(real, link)


def remove(place: Path) -> None:
    """Delete the copy, also folders that the code made read-only."""
    if not place.exists():
        return
    for folder, _, _ in os.walk(place):
        Path(folder).chmod(0o700)
    shutil.rmtree(place, ignore_errors=True)
