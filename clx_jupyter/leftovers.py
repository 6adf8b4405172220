"""Outputs in folders that were targets of a course once: what a build cannot see any more."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from clx_jupyter.course.load import Place
from clx_jupyter.course.model import Course
from clx_jupyter.job_reader import Reader
from clx_jupyter.job_rows import row_json
from clx_jupyter.manifest import MANIFEST, course_names, parted, read_manifest
from clx_jupyter.publish import Tree
from clx_jupyter.reports import output_root

_ALL = 1_000_000


def former_targets(place: Place, course: Course, reader: Reader) -> list[Path]:
    """Folders below the root, or beside its targets, that hold files of the course and are none of its targets.

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


def remove_outputs(folder: Path, place: Place, course: Course) -> tuple[list[str], Tree]:
    """Remove the course's files from a former target; only while they hold what was published. Gives their paths, and the tree with its problems."""
    names = course_names(place.single or course.file, place.root, folder)
    mark = parted(names[0])[1]

    def alive(name: str) -> bool:
        other, its = parted(name)
        return its not in ("", mark) or (bool(other) and (place.root / other).is_file())

    tree = Tree(folder, names=names, alive=alive)
    gone = tree.prune(lambda _: False)
    tree.save()
    if not json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]:
        (folder / MANIFEST).unlink()
        if not any(folder.iterdir()):
            folder.rmdir()
    return gone, tree
