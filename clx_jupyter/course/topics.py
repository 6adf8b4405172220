"""Topics of CLX and CLM courses: from an id to a folder or file below ``slides/``, and which of its files is what.

Source of the rules: CLM 1.35. They look at paths relative to the course root, so that a course may lie anywhere.
All paths are POSIX strings relative to the course root unless they are called ``at``: relative to the topic's folder.
"""

from __future__ import annotations

import difflib
import filecmp
import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from clx_jupyter.course.companions import companion_of, orphans
from clx_jupyter.course.model import Text
from clx_jupyter.course.scan import decode
from clx_jupyter.course.walk import LEDGER, OUTSIDE, Walk, entries_of, ignored, ignored_folder, leads_outside, walk
from clx_jupyter.course.withheld import copies_of, copy_kept, is_secret, published
from clx_jupyter.course.xml_spec import IncludeSpec, TopicSpec
from clx_jupyter.errors import Problem
from clx_jupyter.languages import LANGUAGES
from clx_jupyter_workers.inputs import imported_names

SLIDES = "slides"

_NEVER_INCLUDED = frozenset({"node_modules"})

_DECK_PREFIXES = ("slides_", "topic_", "project_")
_DECK_SUFFIXES = frozenset({".c", ".cpp", ".cs", ".java", ".md", ".py", ".rs", ".rust", ".ts"})
_DIAGRAM_SUFFIXES = frozenset({".pu", ".puml", ".plantuml", ".drawio"})
_IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".svg"})
_HALF = re.compile(r"(?P<stem>.+)\.(?P<language>de|en)$")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a topic was found."""

    id: str
    path: str
    module: str
    is_file: bool

    @property
    def folder(self) -> str:
        """The folder its files are relative to; a file topic's is that of the module."""
        return posixpath.dirname(self.path) if self.is_file else self.path


@dataclass(frozen=True, slots=True)
class TopicFile:
    """A file that belongs to a topic, with its class: ``notebook``, ``image``, ``data`` or ``diagram``."""

    path: str
    at: str
    type: str


@dataclass(frozen=True, slots=True)
class Deck:
    """A notebook of a topic. ``languages`` is empty but for the half of a split pair."""

    path: str
    title: Text
    languages: tuple[str, ...] = ()
    #: The file with its spoken text; ``""``: there is none.
    companion: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """All of a topic, its notebooks in the order of their numbers."""

    decks: tuple[Deck, ...] = ()
    #: Images and data, those of includes too.
    files: tuple[TopicFile, ...] = ()
    diagrams: tuple[TopicFile, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def scope(self) -> tuple[str, ...]:
        """The files that code of the topic may read."""
        return tuple(
            file.path for file in self.files if file.type == "image" or published(file.at) or is_secret(posixpath.basename(file.at))
        )


def file_type(path: str) -> str:
    """The class of a file by its name: ``diagram``, ``notebook``, ``image`` or ``data``."""
    name = posixpath.basename(path)
    suffix = posixpath.splitext(name)[1]
    if suffix in _DIAGRAM_SUFFIXES:
        return "diagram"
    if name.startswith(_DECK_PREFIXES) and suffix in _DECK_SUFFIXES:
        return "notebook"
    return "image" if suffix in _IMAGE_SUFFIXES and "imgdata" not in path.split("/") else "data"


def half(path: str) -> tuple[str, str]:
    """The name both halves of a split pair share, and this one's language (``""`` where it is no half)."""
    stem, suffix = posixpath.splitext(path)
    match = _HALF.match(stem)
    return (match["stem"] + suffix, match["language"]) if match else (path, "")


def file_language(name: str) -> str:
    """The language an asset is for, by the last part of its stem: ``x.de.png``; ``""``: all."""
    return half(name)[1]


def id_of(name: str) -> str:
    """The id in the name of a topic's folder or file: all after the second ``_``, without the suffix."""
    return "_".join(name.rsplit(".", maxsplit=1)[0].split("_")[2:])


def find_topics(root: Path) -> tuple[dict[str, list[Place]], tuple[Problem, ...]]:
    """Every topic below ``slides/`` by its id, each in the order in which it counts; links that lead outside are left out."""
    found: dict[str, list[Place]] = {}
    outside = Walk()
    for module in _entries(root, SLIDES, outside):
        if not module.is_dir():
            continue
        for entry in _entries(root, f"{SLIDES}/{module.name}", outside):
            if name := id_of(entry.name):
                place = Place(name, f"{SLIDES}/{module.name}/{entry.name}", module.name, not entry.is_dir())
                found.setdefault(name, []).append(place)
    return found, tuple(outside.problems())


def _entries(root: Path, folder: str, outside: Walk) -> Iterator[os.DirEntry[str]]:
    for entry in entries_of(root, folder, outside):
        path, is_folder = f"{folder}/{entry.name}", entry.is_dir()
        if entry.name.startswith(("_", ".")) or ignored(entry.name, is_folder):
            continue
        if entry.is_symlink() and leads_outside(root, path):
            outside.left_out[path] = OUTSIDE
        elif is_folder or entry.is_file():
            yield entry


def resolve(found: dict[str, list[Place]], topic: TopicSpec, spec: str) -> tuple[Place | None, tuple[Problem, ...]]:
    """The place of *topic*, and what is to be said about it; *spec* is the course file."""
    places = found.get(topic.id, [])
    here = [place for place in places if not topic.module or place.module == topic.module]
    if not here:
        return None, (_not_found(found, topic, places, spec),)
    if len(here) == 1:
        return here[0], ()
    message = f"topic {topic.id!r} is there {len(here)} times: {', '.join(place.path for place in here)}"
    hint = f"the first one is used; {'rename the others' if topic.module else 'name its module in the course file, or rename the others'}"
    return here[0], (Problem("bad-course", message, hint, "warning", path=spec, line=topic.line),)


def _not_found(found: dict[str, list[Place]], topic: TopicSpec, elsewhere: list[Place], spec: str) -> Problem:
    if not topic.id:
        return Problem("bad-course", f"a topic in line {topic.line} has no id", "write <topic>its id</topic>", path=spec, line=topic.line)
    where = f" in module {topic.module!r}" if topic.module else f" below {SLIDES}/"
    if elsewhere:
        hint = f"it is in {', '.join(place.module for place in elsewhere)}"
    elif near := difflib.get_close_matches(topic.id, found, n=3):
        hint = f"did you mean {' or '.join(near)}?"
    else:
        hint = f"make a folder {SLIDES}/<module>/topic_100_{topic.id}, or remove the topic"
    return Problem("bad-course", f"topic {topic.id!r} is not there{where}", hint, path=spec, line=topic.line)


def contents(root: Path, place: Place, includes: tuple[IncludeSpec, ...], prog_lang: str, spec: str) -> Contents:
    """The files of the topic at *place*; *prog_lang* is the course's, *spec* names the course file in problems."""
    walked = _neighbours(root, place, prog_lang) if place.is_file else walk(root, place.path)
    prefix = len(place.folder) + 1
    own = [TopicFile(path, path[prefix:], file_type(path)) for path in walked.files]
    own.sort(key=lambda file: "/" not in file.at)  # those in sub-folders come first, and have the first numbers
    included, include_problems = _included(root, place, includes, spec)
    decks, deck_problems = _decks(root, [file for file in own if file.type == "notebook"])
    if not place.is_file:  # beside a file topic lie those of other topics
        deck_problems += orphans(root, [file.path for file in own if file.type == "notebook"], walked.files)
    files = [*own, *included]
    diagrams = tuple(file for file in files if file.type == "diagram")
    undrawn = _not_rendered(place, diagrams, {file.at for file in files})
    kept = copies_of((deck.path for deck in decks), (file.path for file in files if file.type == "data"))
    return Contents(
        decks=decks,
        files=tuple(file for file in files if file.type in ("image", "data") and file.path not in kept),
        diagrams=diagrams,
        problems=(
            *walked.problems(),
            *include_problems,
            *deck_problems,
            *map(copy_kept, sorted(kept)),
            *undrawn,
        ),
    )


_IMAGE = re.compile(r'<img\s+src="([^"]+)"')


def _neighbours(root: Path, place: Place, prog_lang: str) -> Walk:
    """A file topic: the file, the images it shows and the modules it imports, as far as they are there."""
    text = _read(root, place.path)
    suffix = LANGUAGES[prog_lang].suffixes[0] if prog_lang in LANGUAGES else ".py"
    names = [*_IMAGE.findall(text), *(name + suffix for name in sorted(imported_names(text)))]
    found = Walk([place.path])
    for name in dict.fromkeys(names):
        path = posixpath.normpath(posixpath.join(place.folder, name))
        if not path.startswith(place.folder + "/") or path in found.files or not (root / path).is_file():
            continue
        if leads_outside(root, path):
            found.left_out[path] = OUTSIDE
        elif not any(map(ignored_folder, path.split("/"))) and not ignored(posixpath.basename(path), False):
            found.files.append(path)
    return found


def _included(root: Path, place: Place, includes: Iterable[IncludeSpec], spec: str) -> tuple[list[TopicFile], list[Problem]]:
    """The files of includes at their places in the topic. Files that lie there already win."""
    found, problems = [], []
    synced = (root / place.folder / LEDGER).is_file()
    for include in includes:
        walked = _include_walk(root, include)
        if not walked.files and not walked.left_out and not include.optional:
            message = f"topic {place.id!r} includes {include.source!r}, which is not there or empty"
            problems.append(Problem("bad-course", message, 'correct it, or write optional="true"', path=spec, line=include.line))
        problems.extend(walked.problems())
        for path in walked.files:
            file = TopicFile(path, _at(include, path), file_type(_at(include, path)))
            problem = _shadowed(root, place, file, synced) or (_included_deck(file) if file.type == "notebook" else None)
            if problem:
                problems.append(problem)
            elif not (root / place.folder / file.at).exists():
                found.append(file)
    return found, problems


def _at(include: IncludeSpec, path: str) -> str:
    return include.at + path[len(include.source) :]


def _include_walk(root: Path, include: IncludeSpec) -> Walk:
    target = root / include.source
    if leads_outside(root, include.source):
        return Walk(left_out={include.source: OUTSIDE})
    if target.is_file():
        return Walk([include.source])
    if target.is_dir():
        return walk(root, include.source, lambda name, is_folder: ignored(name, is_folder) or name in _NEVER_INCLUDED)
    return Walk()


def _shadowed(root: Path, place: Place, file: TopicFile, synced: bool) -> Problem | None:
    local = root / place.folder / file.at
    if synced or not local.is_file() or filecmp.cmp(local, root / file.path, shallow=False):
        return None
    message = f"{file.path} is not included: topic {place.id!r} has a file of its own at {file.at}"
    return Problem("bad-course", message, "remove one of the two", "warning", path=posixpath.join(place.folder, file.at))


def _included_deck(file: TopicFile) -> Problem:
    message = f"{file.path} is a notebook and cannot be included: it would be published with its solutions"
    return Problem("bad-course", message, "list its topic in the section, or rename the file", "warning", path=file.path)


def _not_rendered(place: Place, diagrams: Iterable[TopicFile], known: set[str]) -> Iterator[Problem]:
    """A warning for every diagram without a picture in the topic."""
    for diagram in diagrams:
        beside, stem = picture_of(diagram)
        folders = {posixpath.join(base, folder) for base in ("", beside) for folder in ("img", "img-generated")}
        if not any(f"{folder}/{stem}{suffix}" in known for folder in folders for suffix in (".png", ".svg")):
            picture = posixpath.join(place.folder, beside, "img", f"{stem}.png")
            message = f"{diagram.path} is not rendered, and there is no picture of it"
            yield Problem("tool-missing", message, f"export it to {picture}", "warning", path=diagram.path)


def picture_of(diagram: TopicFile) -> tuple[str, str]:
    """Where the folder ``img`` with a diagram's picture lies, relative to the topic's, and the picture's name without suffix."""
    return posixpath.dirname(posixpath.dirname(diagram.at)), posixpath.splitext(posixpath.basename(diagram.at))[0]


def _decks(root: Path, files: list[TopicFile]) -> tuple[tuple[Deck, ...], list[Problem]]:
    """The notebooks, halves of a pair beside each other; a pair beside its whole is left out."""
    families: dict[str, dict[str, str]] = {}
    for file in files:
        name, language = half(file.path)
        families.setdefault(name, {})[language] = file.path
    decks: list[Deck] = []
    problems = []
    for name, members in families.items():
        if problem := _pair_problem(name, members):
            problems.append(problem)
        if "" not in members or len(members) == 1:
            for language, path in sorted(members.items()):
                companion, companion_problems = companion_of(root, path)
                problems.extend(companion_problems)
                decks.append(_deck(root, path, language, companion))
    return tuple(decks), problems


def _pair_problem(name: str, members: dict[str, str]) -> Problem | None:
    if len(members) == 1 and "" not in members:
        (path,) = members.values()
        missing = "en" if "de" in members else "de"
        stem, suffix = posixpath.splitext(posixpath.basename(name))
        return Problem("language", f"{path} has no other half", f"add {stem}.{missing}{suffix}, or name it {stem}{suffix}", path=path)
    if len(members) > 1 and "" in members:
        others = " and ".join(path for language, path in sorted(members.items()) if language)
        message = f"{name} is there as a whole and in halves ({others}); none is built"
        return Problem("collision", message, "remove one or the other", path=name)
    return None


def _deck(root: Path, path: str, language: str, companion: str) -> Deck:
    stem = posixpath.splitext(posixpath.basename(path))[0]
    return Deck(path, title_in(_read(root, path)) or {"": stem}, (language,) if language else (), companion)


def _read(root: Path, path: str) -> str:
    """The text of a file; ``""`` if it cannot be read, which the worker reports."""
    try:
        return decode((root / path).read_bytes())
    except OSError:
        return ""


_STRING = r"""\s*(["'])(.*?)\{}\s*"""
_HEADER = re.compile(r"{{\s*header\s*\(" + _STRING.format(1) + "," + _STRING.format(3) + r"\)\s*}}")
_HEADER_IN = re.compile(r"{{\s*header_(de|en)\s*\(" + _STRING.format(2) + r"\)\s*}}")


def title_in(text: str) -> Text:
    """The title that a deck's ``header`` macro names, as written; empty if it has none."""
    if match := _HEADER.search(text):
        return {"de": match[2], "en": match[4]}
    return {match[1]: match[3] for match in reversed(list(_HEADER_IN.finditer(text)))}


def numbers(paths: Iterable[str]) -> dict[str, int]:
    """The number of each notebook of a section, from 1 in the order of *paths*; the halves of a pair share one."""
    families: dict[str, int] = {}
    return {path: families.setdefault(half(path)[0], len(families) + 1) for path in paths}
