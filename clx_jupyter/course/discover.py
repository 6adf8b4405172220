"""Which courses there are below a folder, without reading more of it than needed."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clx_jupyter.course import safe_xml
from clx_jupyter.course.folder import HIDDEN, is_text, skipped_folder, walk
from clx_jupyter.course.model import text_in
from clx_jupyter.course.scan import is_source
from clx_jupyter.course.xml_spec import LANGUAGES, title
from clx_jupyter.course.yaml_spec import NAME, title_of
from clx_jupyter.errors import ClxError
from clx_jupyter.state import has_state

DEPTH = 3
SCAN_LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """A course that somebody may mean: a course file, or a folder. ``path`` is absolute."""

    path: Path
    title: str
    kind: str
    built: bool


@dataclass(slots=True)
class Found:
    """What a search gave; ``more``: it stopped at its limit."""

    candidates: list[Candidate]
    more: bool = False


def discover(root: Path, limit: int = SCAN_LIMIT) -> Found:
    """Course files and folders that were built before, down to three folders below *root*; else *root* itself if it holds notebooks.

    *root* also stands beside folders that were built before: it may be meant as a whole. *limit* is the number of files
    and folders that are looked at.
    """
    found = Found([])
    for folder, names in folders_below(root, limit):
        if names is None:
            found.more = True
            break
        specs = [Candidate(folder / name, called, "xml", _built(folder)) for name in names if (called := _title(folder / name, root))]
        if NAME in names and _is_file_below(folder / NAME, root):
            specs.append(Candidate(folder / NAME, _yaml_title(folder / NAME), "yaml", has_state(folder)))
        found.candidates += specs
        if not specs and has_state(folder):
            found.candidates.append(Candidate(folder, folder.name, "folder", True))
    whole = any(each.path == root for each in found.candidates)
    specs_here = any(each.kind != "folder" and each.path.parent in (root, root / "course-specs") for each in found.candidates)
    if not whole and not specs_here and _holds_sources(root, limit):
        found.candidates.insert(0, Candidate(root, root.name, "folder", False))
    return found


def _holds_sources(root: Path, limit: int) -> bool:
    for _, files in walk(root):
        limit -= len(files)
        if any(is_source(file) for file in files):
            return True
        if limit < 0:
            break
    return False


def folders_below(root: Path, limit: int = SCAN_LIMIT) -> Iterator[tuple[Path, list[str] | None]]:
    """*root* and the folders down to three below it, the nearest first, with the visible names in each.

    ``None`` instead of names: more than *limit* names were seen, and the search ends there.
    """
    waiting, seen = deque([(root, 0)]), 0
    while waiting:
        folder, depth = waiting.popleft()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:  # not ours to read
            continue
        seen += len(entries)
        if seen > limit:
            yield folder, None
            return
        entries = [entry for entry in entries if is_text(entry.name)]
        yield folder, [entry.name for entry in entries if not entry.name.startswith(HIDDEN)]
        if depth < DEPTH:
            folders = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
            waiting.extend((each, depth + 1) for each in folders if not skipped_folder(each))


def _title(path: Path, root: Path) -> str:
    """The title of a course file; empty where the file is none. One that is broken counts: whoever picks it learns what is wrong."""
    if path.suffix != ".xml":
        return ""
    try:
        if not _is_file_below(path, root):
            return ""
        element = safe_xml.read(path, path.name)
        return (text_in(title(element), LANGUAGES[0]) or path.stem) if element.tag == "course" else ""
    except OSError:
        return ""
    except ClxError:
        return path.stem if path.parent.name == "course-specs" else ""


def _is_file_below(path: Path, root: Path) -> bool:
    try:
        return path.is_file() and path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return False


def _yaml_title(path: Path) -> str:
    """The title of a ``course.yaml``; one that is broken counts by its folder, as one without a title does."""
    try:
        return text_in(title_of(path), "") or path.parent.name
    except ClxError:
        return path.parent.name


def _built(folder: Path) -> bool:
    """Whether the root of a course file in this folder holds a state; the root is the folder or the one above."""
    return any(has_state(place) for place in (folder, folder.parent))
