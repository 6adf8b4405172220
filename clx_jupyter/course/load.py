"""From a path a person gave to a course: which root, which course file, which reader."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clx_jupyter.course import clm, folder, yaml_course
from clx_jupyter.course.model import Course
from clx_jupyter.course.scan import is_source
from clx_jupyter.course.yaml_spec import BESIDE, NAME
from clx_jupyter.errors import CourseError, Problem
from clx_jupyter.state import has_state


@dataclass(frozen=True, slots=True)
class Place:
    """Where a course is. All paths are absolute."""

    root: Path
    #: The course file relative to the root; ``""`` for a plain folder.
    file: str = ""
    #: The one notebook of a course that is a single file outside any course.
    single: str = ""
    #: A source that was pointed at inside a course, relative to the root. Where no file is named, the one that last built it counts.
    chosen: str = ""


def find(path: Path, data_dir: Path | None = None) -> Place:
    """The course that *path* means: a folder, a course file, or a notebook (in its course, if it lies in one).

    Raises :class:`CourseError` where there is nothing, or nothing that could be a course.
    """
    # One spelling for one place: outputs are known by their whole paths.
    path = Path(os.path.normpath(path.expanduser().absolute()))
    if path.is_dir():
        return Place(path, NAME if os.path.lexists(path / NAME) else "")
    if not path.is_file():
        raise CourseError(f"there is no file or folder {path}", "give a folder of notebooks, a notebook or a course file")
    if path.suffix == ".xml":
        root = clm.root_of(path, data_dir)
        return Place(root, path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path))
    if path.name.endswith(BESIDE):
        spec = path.name.removesuffix(BESIDE) + ".xml"
        raise CourseError(f"{path.name} is no course by itself", f"it belongs to {spec} beside it: give that file", path=path.name)
    if path.suffix in (".yaml", ".yml"):
        return Place(path.parent, path.name)
    if not is_source(path):
        raise CourseError(
            f"{path.name} is no notebook",
            "notebooks are .ipynb files, and text with a jupytext header or percent marks (# %%)",
            path=path.name,
        )
    for parent in path.parents:
        if os.path.lexists(parent / NAME):
            if _is_of(parent / NAME, path):
                return Place(parent, NAME, chosen=path.relative_to(parent).as_posix())
        elif has_state(parent):
            return Place(parent, chosen=path.relative_to(parent).as_posix())
    return Place(path.parent, single=path.name)


def _is_of(file: Path, path: Path) -> bool:
    """Whether a notebook is a source of a course file; of one that cannot be read it counts as one, so that somebody learns why."""
    try:
        return any(file.parent / source.path == path for _, _, source in yaml_course.load(file).sources())
    except CourseError:
        return True


def check_named(place: Place) -> Place:
    """*place* itself. Raises :class:`CourseError` for the folder of course files, where one of them must be named, and for a folder without notebooks."""
    if place.file or place.single:
        return place
    if (place.root / "slides").is_dir() and (specs := candidates(place.root)):
        raise CourseError(f"{place.root.name} holds course files: {', '.join(specs[:8])}", f"name one, such as {specs[0]}")
    if not folder.has_sources(place.root):
        raise CourseError(
            f"there are no notebooks in {place.root.name or place.root}",
            "notebooks are .ipynb files, and text with a jupytext header or percent marks (# %%)",
        )
    return place


def load(place: Place, *, data_dir: Path | None = None, output_dir: Path | None = None, images: Mapping[str, Any] | None = None) -> Course:
    """Read the course at *place*; *images* are fields of :class:`Images` that count instead of the course's own."""
    course = _read(place, data_dir, output_dir, images)
    course = replace(course, images=replace(course.images, **images)) if images else course
    if course.images.mode == "shared" and course.layout == "source":
        message = "pictures cannot be shared: only courses of CLX and CLM have a folder for all their pictures"
        problem = Problem("bad-course", message, "leave --image-mode out", "warning", path=course.file or None)
        return replace(course, problems=(*course.problems, problem))
    return course


def _read(place: Place, data_dir: Path | None, output_dir: Path | None, images: Mapping[str, Any] | None) -> Course:
    if place.single:
        return folder.load_file(place.root / place.single, output_dir)
    if place.file.endswith(".xml"):
        return clm.load(place.root / place.file, data_dir=data_dir, output_dir=output_dir, images=images)
    if place.file:
        return yaml_course.load(place.root / place.file, output_dir)
    course = folder.load_folder(place.root, output_dir)
    return replace(course, problems=(*_misnamed(place.root), *course.problems))


def _misnamed(root: Path) -> list[Problem]:
    """A warning for a course file that nobody will find by its name."""
    names = [name for name in ("course.yml", "Course.yaml", "Course.yml") if (root / name).is_file()]
    return [
        Problem(
            "bad-course", f"{name} is not read: this folder is built as one without a course file", f"call it {NAME}", "warning", path=name
        )
        for name in names[:1]
    ]


def candidates(root: Path) -> list[str]:
    """Course files below *root* that a person may mean, relative to it."""
    return sorted(path.relative_to(root).as_posix() for pattern in (NAME, "*.xml", "course-specs/*.xml") for path in root.glob(pattern))
