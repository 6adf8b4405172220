"""Who writes a file that a notebook did not find: an earlier run of another source, or its code by the look of it. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from clx_jupyter.after import sites
from clx_jupyter.course.model import Course, Source
from clx_jupyter.course.scan import scan
from clx_jupyter.errors import Problem
from clx_jupyter.plan import Known, Plan

_QUOTED = re.compile(r"'([^'\n]+)'")
_STRING = re.compile(r"\"([^\"\n]{1,300})\"|'([^'\n]{1,300})'")
_CALL = re.compile(r"([\w.:]+)\s*\(([^()]*)$")
_WRITES = re.compile(
    r"(?:^|[.:])(?:to_\w+|write\w*|save\w*|dump\w*|fwrite|im(?:write|save)|ggsave|sink|pdf|png|svg|urlretrieve)$|(?:^|[.:])write\.\w+$"
)
_OPENS = re.compile(r"(?:^|\.)(?:open|file|Path)$")
_MODE = re.compile(r"\s*,\s*(?:mode\s*=\s*)?[\"'][rb+t]*[wax]")
_WRITE_METHOD = re.compile(r"\s*\)\s*\.write_(?:text|bytes)\b|\s*\)\s*\.open\(\s*(?:mode\s*=\s*)?[\"'][wax]")
_MAGIC = re.compile(r"^%%writefile[ \t]+(?:-a[ \t]+)?(\S+)", re.MULTILINE)


def with_writer(problem: Problem, source: Source, course: Course, known: Mapping[str, Known]) -> Problem:
    """A ``missing-file`` of *source*, with a hint that names the source which writes that file, if any does."""
    names = _QUOTED.findall(problem.message) if problem.category == "missing-file" and problem.cell is not None else []
    writer = writer_of(names[-1], source, course, known) if names else None
    if writer is None:
        return problem
    ways = "ship it, or declare `after:` in course.yaml" if course.layout == "source" else "ship it with the topic"
    return problem.with_(hint=f"{posixpath.basename(names[-1])} is written by {writer}; {ways}")


def with_writers(problems: list[Problem], place: str, plan: Plan, known: Mapping[str, Known]) -> list[Problem]:
    """The problems of the source at *place*, each missing file with who writes it."""
    source = plan.at(place)
    return [with_writer(problem, source.source, plan.course, known) for problem in problems] if source else problems


def writer_of(name: str, source: Source, course: Course, known: Mapping[str, Known]) -> str | None:
    """The path of another source that wrote, or by its code would write, a file of this name.

    The very path counts before the mere name, and a run that is remembered before what code looks like.
    """
    others = [site for site in sites(course) if site.source.path not in (source.path, *source.after)]
    wanted = posixpath.normpath(posixpath.join(posixpath.dirname(source.path), name))
    remembered = [(site.source.path, path) for site in others if site.place in known for path in _written(known[site.place])]
    by_code = (
        (site.source.path, posixpath.normpath(posixpath.join(posixpath.dirname(site.source.path), path)))
        for site in others
        for path in _writes(course.root / site.source.path, posixpath.basename(name))
    )
    return _best(remembered, wanted) or _best(list(by_code), wanted)


def _best(candidates: list[tuple[str, str]], wanted: str) -> str | None:
    exact = next((writer for writer, path in candidates if path == wanted), None)
    base = posixpath.basename(wanted)
    return exact or next((writer for writer, path in candidates if posixpath.basename(path) == base), None)


def _written(known: Known) -> Iterator[str]:
    for run in known.runs.values():
        yield from run["written"]


def _writes(file: Path, base: str) -> Iterator[str]:
    """Paths with this last part that the code of a source writes to, as they stand there."""
    try:
        content = file.read_bytes()
    except OSError:
        return
    if base.encode() not in content:
        return
    for cell in scan(file.name, content).cells:
        if cell.type == "code":
            yield from writes(cell.source, base)


def writes(code: str, base: str) -> Iterator[str]:
    """Paths with the last part *base* in calls that write, such as ``df.to_csv("clean.csv")`` or ``open("clean.csv", "w")``."""
    for found in _MAGIC.finditer(code):
        if posixpath.basename(found.group(1)) == base:
            yield found.group(1)
    for found in _STRING.finditer(code):
        path = found.group(1) or found.group(2)
        if posixpath.basename(path) != base:
            continue
        called = _CALL.search(code, max(0, found.start() - 300), found.start())
        if called and (_WRITES.search(called.group(1)) or (_OPENS.search(called.group(1)) and _opened_to_write(code, found.end()))):
            yield path


def _opened_to_write(code: str, end: int) -> bool:
    return bool(_MODE.match(code, end) or _WRITE_METHOD.match(code, end))
