"""The file ``<name>.clx.yaml`` beside a course file ``<name>.xml``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from clx_jupyter.course.yaml_spec import BESIDE, BesideSpec, read_beside
from clx_jupyter.errors import Problem


def beside_of(file: Path, root: Path, otherwise: BesideSpec) -> BesideSpec:
    """What the file beside the course file says, *otherwise* where there is none. Raises :class:`CourseError`."""
    path = file.with_name(file.stem + BESIDE)
    return read_beside(path, _name(path, root)) if path.is_file() else otherwise


def strays(file: Path, root: Path) -> Iterator[Problem]:
    """A warning for each file that would stand beside a course file which is not there: most likely its name is misspelt."""
    for path in sorted(file.parent.glob(f"*{BESIDE}")):
        spec = path.name.removesuffix(BESIDE) + ".xml"
        if not path.with_name(spec).exists():
            message = f"{path.name} is not read: there is no {spec} beside it"
            yield Problem("bad-course", message, f"call it {file.stem}{BESIDE}", "warning", path=_name(path, root))


def _name(path: Path, root: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()
