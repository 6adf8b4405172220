"""A folder without a course file is a course: sub-folders are sections, marks in the notebooks decide the kinds."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from clx_jupyter.course import nbgrader
from clx_jupyter.course.model import Course, Section, Source, Target, Topic
from clx_jupyter.course.scan import Scan, decode, is_source, scan
from clx_jupyter.course.topics import title_in
from clx_jupyter.errors import CourseError, Problem
from clx_jupyter.manifest import CLM_MANIFEST, MANIFEST

NEVER_SCANNED = frozenset({"node_modules", "renv"})
OUTPUT_MARKS = frozenset({MANIFEST, CLM_MANIFEST})
"""Files that make a folder one of outputs, which are never sources."""

_NO_CONTENT = frozenset({"pyvenv.cfg", *OUTPUT_MARKS})

HIDDEN = (".", "_")
_NUMBER = re.compile(r"(\d+)")


def natural(name: str) -> list[tuple[int, int, str]]:
    """A sort key by which ``2.py`` comes before ``10.py``."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in _NUMBER.split(name) if part]


def skipped_folder(folder: Path) -> bool:
    """Folders that hold no course content: hidden ones, environments, our own outputs."""
    return _skipped_name(folder.name, HIDDEN) or any((folder / mark).exists() for mark in _NO_CONTENT)


def _skipped_name(name: str, hidden: tuple[str, ...]) -> bool:
    return name.startswith(hidden) or name in NEVER_SCANNED


def walk(root: Path, hidden: tuple[str, ...] = HIDDEN, *, strict: bool = False) -> Iterator[tuple[Path, list[Path]]]:
    """Every folder with its files, in natural order, a folder's own files before its sub-folders; links are not followed.

    Names that begin with one of *hidden* are left out, and sub-folders that cannot be read. With *strict* these raise
    :class:`CourseError`: what they hold would be taken for something that left the course.
    """
    for folder, names in names_below(root, hidden, strict=strict):
        place = root / folder
        yield place, [place / name for name in names]


def names_below(root: Path, hidden: tuple[str, ...] = HIDDEN, *, strict: bool = False) -> Iterator[tuple[str, list[str]]]:
    """As :func:`walk`, for many files: each folder relative to *root*, ``""`` for that itself, with the names of its files."""
    return _names_below(_entries(root), "", hidden, strict)


def _names_below(entries: list[os.DirEntry[str]], folder: str, hidden: tuple[str, ...], strict: bool) -> Iterator[tuple[str, list[str]]]:
    yield folder, [entry.name for entry in entries if _is_content(entry, hidden)]
    for entry in entries:
        if entry.is_dir(follow_symlinks=False) and not _skipped_name(entry.name, hidden):
            below = _entries_below(entry, strict)
            if not any(each.name in _NO_CONTENT for each in below):
                yield from _names_below(below, f"{folder}/{entry.name}" if folder else entry.name, hidden, strict)


def _entries_below(folder: os.DirEntry[str], strict: bool) -> list[os.DirEntry[str]]:
    try:
        return _entries(folder.path)
    except OSError as error:
        gone = isinstance(error, (FileNotFoundError, NotADirectoryError))  # somebody removed it just now
        if strict and not gone:
            hint = "let it be read; or move it out of the course, or give it a name that begins with a dot: then it is no part of it"
            raise CourseError(f"the folder {folder.path} cannot be read: {error.strerror}", hint) from error
        return []


def _entries(folder: str | Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        return sorted(found, key=lambda entry: (natural(entry.name), entry.name))


def _is_content(entry: os.DirEntry[str], hidden: tuple[str, ...]) -> bool:
    """Visible regular files; a link counts as the file it leads to only while that lies beside it or below."""
    try:
        if entry.name.startswith(hidden) or not entry.is_file():
            return False
        return not entry.is_symlink() or Path(entry.path).resolve().is_relative_to(Path(entry.path).parent.resolve())
    except (OSError, RuntimeError):  # a link that leads to itself
        return False


def is_text(name: str) -> bool:
    """Whether a name can be written down: old archives leave names behind that are no text in any encoding we know."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def has_sources(root: Path) -> bool:
    """Whether any notebook lies in the folder; stops at the first."""
    return any(is_source(file) for _, files in walk(root) for file in files)


@dataclass(frozen=True, slots=True)
class Rule:
    """The convention that the marks in a folder's notebooks follow, and the kinds it asks for."""

    students: tuple[str, ...]
    staff: tuple[str, ...]
    notice: str


_BLACK = Rule(("student",), ("completed",), "solutions are marked ({}): students get the Student version, staff the Solution")
WHITE = Rule(
    ("code-along",), ("completed", "speaker"), "cells to keep are marked ({}): students get the Code-along, staff Solution and Speaker"
)
_NONE = Rule(("completed",), (), "no solution marks found: students get the notebooks as they are")


def rule_of(scans: Mapping[str, Scan], chosen: str = "") -> Rule:
    """The rule for all sources together; *chosen* is the students' kind that a course file describes itself.

    Raises :class:`CourseError` where both conventions occur and nothing is chosen: a wrong guess would publish solutions.
    """
    black = {mark: path for path, found in scans.items() for mark in found.black if chosen != "code-along"}
    white = {mark: path for path, found in scans.items() for mark in found.white if chosen != "student"}
    if black and white:
        one, other = next(iter(sorted(black.items()))), next(iter(sorted(white.items())))
        raise CourseError(
            f"two conventions for solutions meet: {one[0]} in {one[1]} marks what to clear, {other[0]} in {other[1]} marks what to keep",
            "use one of the two in all notebooks, or choose the kinds of each target in a course.yaml",
            path=one[1],
        )
    if black:
        return replace(_BLACK, notice=_BLACK.notice.format(", ".join(sorted(black))))
    if white:
        return replace(WHITE, notice=WHITE.notice.format(", ".join(sorted(white))))
    return _NONE


def load_folder(root: Path, output: Path | None = None) -> Course:
    """The course that a plain folder is. *output* replaces ``<root>/output``."""
    output = output or root / "output"
    sections, scans, problems = look_into(root, output)
    return _course(root, output, sections, scans, problems)


def look_into(root: Path, output: Path) -> tuple[tuple[Section, ...], dict[str, Scan], tuple[Problem, ...]]:
    """The sections of a plain folder, the scan of each source by its path, and what is to be said; *output* is left out."""
    if not root.is_dir():
        raise CourseError(f"there is no folder {root}", "give the folder that holds the notebooks, or a course file")
    problems = [*nbgrader.notes(root)]
    sections, scans = [], {}
    for folder, files in walk(nbgrader.start_of(root), strict=True):
        if folder == output or output in folder.parents:
            continue
        section, found = _section(root, folder, files, problems)
        scans.update(found)
        if section.topics:
            sections.append(section)
    return tuple(sections), scans, tuple(problems)


def load_file(path: Path, output: Path | None = None) -> Course:
    """The course that a single notebook outside any course is; its outputs go to ``<name>-output`` beside it."""
    data = bytes_of(path)
    found = scan(path.name, data)
    section = Section({"": path.stem}, (Topic(path.name, (source(path.name, data, found),)),), "")
    course = _course(path.parent, output or path.parent / f"{path.name}-output", (section,), {path.name: found}, ())
    # One page of a single notebook is sent or uploaded as it is, and leads nowhere.
    targets = tuple(replace(target, self_contained=True) for target in course.targets)
    return replace(course, targets=targets, navigation=False)


def default_formats(scans: Mapping[str, Scan]) -> tuple[str, ...]:
    """The formats where no course file names any: slides only where somebody marked some."""
    return ("html", "slides", "notebook") if any(found.slides for found in scans.values()) else ("html", "notebook")


def slides_where_marked(sections: tuple[Section, ...], scans: Mapping[str, Scan]) -> tuple[Section, ...]:
    """The sections whose notebooks become slides only if somebody marked some there: nobody asked for them by name."""

    def settled(source: Source) -> Source:
        return source if scans[source.path].slides else replace(source, without=source.without | {"slides"})

    return tuple(
        replace(section, topics=tuple(replace(topic, sources=tuple(map(settled, topic.sources))) for topic in section.topics))
        for section in sections
    )


def default_targets(output: Path, rule: Rule, formats: tuple[str, ...]) -> tuple[Target, ...]:
    """The targets where no course file names any."""
    students = Target("students", output / "students", rule.students, formats)
    staff = Target("staff", output / "staff", rule.staff, formats, outputs=True)
    return (students, staff) if rule.staff else (students,)


def _course(root: Path, output: Path, sections: tuple[Section, ...], scans: dict[str, Scan], problems: tuple[Problem, ...]) -> Course:
    rule = rule_of(scans)
    targets = default_targets(output, rule, default_formats(scans))
    return Course(
        root=root, file="", title={"": root.name}, languages=(), sections=slides_where_marked(sections, scans), targets=targets,
        problems=problems, notice=rule.notice,
    )  # fmt: skip


def source(path: str, data: bytes, found: Scan) -> Source:
    """The source at *path* with these bytes and this scan, as far as it tells by itself."""
    title = (title_in(decode(data)) if found.jinja else {}) or found.headings or {"": PurePosixPath(path).stem}
    return Source(path, title, found.prog_lang or "python", found.kernel, jinja=found.jinja)


def _section(root: Path, folder: Path, files: list[Path], problems: list[Problem]) -> tuple[Section, dict[str, Scan]]:
    topics, scans = [], {}
    for file in notebooks(root, files, problems):
        path, data = file.relative_to(root).as_posix(), bytes_of(file)
        scans[path] = scan(path, data)
        topics.append(Topic(path, (source(path, data, scans[path]),)))
    name = folder.relative_to(root).as_posix() if folder != root else ""
    return Section({"": name or root.name}, tuple(topics), name), scans


def notebooks(root: Path, files: Iterable[Path], problems: list[Problem]) -> list[Path]:
    """The sources among the files of a folder; of a pair the text. What is to be said about them is added to *problems*."""
    found = []
    for file in filter(is_source, files):
        if is_text(str(file.relative_to(root))):
            found.append(file)
        else:
            shown = str(file.relative_to(root)).encode(errors="replace").decode()
            hint = "rename it, and the folders it lies in, with letters of today"
            problems.append(Problem("bad-source", f"the name {shown} cannot be read; the notebook is left out", hint))
    texts = {file.stem: file for file in found if file.suffix != ".ipynb"}
    pairs = {file: texts[file.stem] for file in found if file.suffix == ".ipynb" and file.stem in texts}
    for notebook, text in pairs.items():
        problems.extend(_pair_problem(root, text, notebook))
    return [file for file in found if file not in pairs]


def _pair_problem(root: Path, text: Path, notebook: Path) -> Iterator[Problem]:
    """A warning where the two files of a pair hold different code: the text is built, the notebook may be the newer one."""
    path = text.relative_to(root).as_posix()
    if _comparable(scan(path, bytes_of(text))) == _comparable(scan(notebook.name, bytes_of(notebook))):
        return
    newer = max((text, notebook), key=lambda file: file.stat().st_mtime_ns)
    yield Problem(
        "bad-source",
        f"{text.name} and {notebook.name} are a pair but hold different code; {text.name} is built, {newer.name} is newer",
        "synchronise them with `jupytext --sync`, or rename one",
        severity="warning",
        path=path,
    )


def _comparable(found: Scan) -> list[str]:
    """The code of the cells as lines, without blank lines, comment signs of magics and trailing space."""
    lines = [re.sub(r"^# ?(?=[%!])", "", line.rstrip()) for line in found.code.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def bytes_of(path: Path) -> bytes:
    """The bytes of a source; none where it cannot be read, which the worker reports."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
