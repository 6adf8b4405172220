"""Outputs that cannot lie where they are planned: two at one place, or under names that are too long. Known before anything is built."""

from __future__ import annotations

import posixpath
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from clx_jupyter.errors import Problem
from clx_jupyter.plan import SourcePlan

_MAX_NAME = 255
"""Bytes in the name of a file: Linux's limit, and not above that of macOS and Windows."""


def without_collisions(sources: Iterable[SourcePlan]) -> list[Problem]:
    """Two sources that want one path, on whatever file system: the first keeps it, the second is not built there."""
    owners: dict[str, str] = {}
    problems = []
    for source in sources:
        for output in list(source.outputs):
            owner = owners.setdefault(as_one(output.name), source.place)
            if owner != source.place:
                source.outputs.remove(output)
                problems.append(
                    Problem(
                        "collision",
                        f"{source.source.path} and {owner.partition(':')[2]} would both become {output.name}",
                        "rename one of them, or give one another title",
                        path=source.source.path,
                    )
                )
    return problems


def as_one(path: str) -> str:
    """The same for all paths that macOS or Windows takes for one file: letter case, and letters composed of several characters."""
    return path.lower() if path.isascii() else unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())


def without_long_names(sources: Iterable[SourcePlan]) -> list[Problem]:
    """Take outputs away whose names no file system takes; gives a problem for each source that has some."""
    problems = []
    for source in sources:
        names = {output.name: len(posixpath.basename(output.name).encode("utf-8", "surrogatepass")) for output in source.outputs}
        if too_long := [name for name, size in names.items() if size > _MAX_NAME]:
            source.outputs = [output for output in source.outputs if output.name not in too_long]
            suffixes = ", ".join(dict.fromkeys(PurePosixPath(name).suffix for name in too_long))
            problems.append(
                Problem(
                    "bad-source",
                    f"the name is too long: with {suffixes} it has {max(names.values())} bytes, and {_MAX_NAME} are possible",
                    "give the file a shorter name",
                    path=source.source.path,
                )
            )
    return problems
