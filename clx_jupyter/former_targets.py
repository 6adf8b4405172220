"""The folders that were targets of a course once: one that is no target any more is emptied of what is ours.

Builds know them by a record in the state folder. Where that was lost, ``clx clean --outputs`` finds them by their manifests.
Folders that somebody chose for one build (``-o``) are not among them: what was built there is theirs to keep.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from clx_jupyter.course.load import Place
from clx_jupyter.course.model import Course
from clx_jupyter.errors import Problem
from clx_jupyter.job_reader import Reader
from clx_jupyter.job_rows import row_json
from clx_jupyter.manifest import MANIFEST, course_names, read_manifest, write_atomically
from clx_jupyter.publish import tree_of_course
from clx_jupyter.reports import output_root

_FILE = "targets.json"
_ALL = 1_000_000


class FormerTargets:
    """The record in a state folder, for one course file."""

    def __init__(self, folder: Path, course: str) -> None:
        self._file, self._course = folder / _FILE, course

    def _all(self) -> dict[str, list[str]]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
            return {str(course): [str(path) for path in paths] for course, paths in found.items()}
        except (OSError, ValueError, AttributeError, TypeError):  # it is worth no build: what lies there stays
            return {}

    def besides(self, targets: Iterable[str]) -> list[Path]:
        """The folders that were targets once and are none now."""
        return [Path(path) for path in self._all().get(self._course, []) if path not in set(targets)]

    def add(self, targets: Iterable[str]) -> None:
        """Note folders before anything is published there."""
        self._write(sorted({*self._all().get(self._course, []), *targets}))

    def keep(self, targets: Iterable[str]) -> None:
        """Forget all but these."""
        self._write(sorted(targets))

    def _write(self, paths: list[str]) -> None:
        record = self._all()
        if record.get(self._course, []) != paths:
            write_atomically(self._file, json.dumps(record | {self._course: paths}).encode(), mode=0o600)


# --- without the record -------------------------------------------------------


def left_behind(place: Place, course: Course, reader: Reader) -> list[Path]:
    """Folders below the root, or beside its targets, that hold files of the course and are none of its targets, whatever the record says.

    Not those that a build was told to write to (``--output-dir``).
    """
    now = {target.path.resolve() for target in course.targets}
    requests = [row_json(row["request"], {}) for row in reader.builds(_ALL)]
    told = [Path(request["output_dir"]).resolve() for request in requests if request.get("output_dir")]
    near = [place.root.resolve(), *([output_root(course).resolve()] if course.targets else [])]
    found = {folder.resolve() for folder in (*_below(place.root), *_built_into(reader.stored(place.file)))} - now
    former = [folder for folder in sorted(found) if any(map(folder.is_relative_to, near)) and not any(map(folder.is_relative_to, told))]
    return [folder for folder in former if _files(folder, place, course)]


def _below(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if MANIFEST in files:
            yield Path(folder)


def _built_into(names: Iterable[str]) -> Iterator[Path]:
    """The folders with a manifest above outputs, by what the database says."""
    parents = {Path(name).parent for name in names}
    for parent in parents:
        if above := next((each for each in (parent, *parent.parents) if (each / MANIFEST).is_file()), None):
            yield above


def _files(folder: Path, place: Place, course: Course) -> list[str]:
    names = course_names(place.single or course.file, place.root, folder)
    return [path for path, entry in read_manifest(folder).items() if not set(names).isdisjoint(entry.courses)]


def leave(folder: Path, root: Path, file: str) -> tuple[list[str], list[Problem]]:
    """Remove what a course published in a former target, only while it holds what was published. Gives the paths, and what stays with the reason."""
    tree = tree_of_course(folder, root, file)
    return tree.leave(lambda _: False), tree.problems
