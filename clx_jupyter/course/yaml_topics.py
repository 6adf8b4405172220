"""Topics of ``course.yaml``: from a path as written to the sources it means, and the files that appear beside them.

All paths are POSIX strings relative to the course root. A *slot* is what has one place in the course: one source, or the
versions of it in several languages (``x.de.py``, ``x.en.py``); it is named by its path without the language.
"""

from __future__ import annotations

import difflib
import filecmp
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clx_jupyter.course.folder import HIDDEN, notebooks, walk
from clx_jupyter.course.model import Asset
from clx_jupyter.course.nbgrader import start_of
from clx_jupyter.course.scan import TEXT_SUFFIXES, is_source
from clx_jupyter.course.walk import OUTSIDE, leads_outside
from clx_jupyter.course.withheld import secret_kept
from clx_jupyter.course.yaml_spec import Include
from clx_jupyter.errors import Problem

Slots = Mapping[str, tuple[tuple[str, str], ...]]
"""Slots by name, each with (path, language) of its versions; the language of a source for all is ``""``."""

_SUGGESTIONS = 50
_HALF = re.compile(r"(?P<stem>.+)\.(?P<language>[A-Za-z-]+)")


def half(path: str, languages: Iterable[str]) -> tuple[str, str]:
    """The slot of a source and its language, ``""`` where its name says none of *languages*."""
    stem, suffix = posixpath.splitext(path)
    match = _HALF.fullmatch(stem)
    return (match["stem"] + suffix, match["language"]) if match and match["language"] in languages else (path, "")


@dataclass(slots=True)
class Finder:
    """Finds the sources of one course. *skipped* are the folders of its outputs; what is to be said is added to *problems*."""

    root: Path
    file: str
    languages: tuple[str, ...]
    skipped: frozenset[Path]
    problems: list[Problem] = field(default_factory=list)
    _folders: dict[str, dict[str, dict[str, list[str]]]] = field(default_factory=dict)
    #: All that a topic may be, once somebody needs to know.
    _known: list[str] = field(default_factory=list)

    def everything(self) -> Iterator[tuple[str, Slots]]:
        """Every folder with sources, in natural order."""
        yield from self._below(start_of(self.root))

    def below(self, folder: str) -> Slots:
        """The slots in a folder and the folders in it."""
        return {name: versions for _, slots in self._below(self.root / folder) for name, versions in slots.items()}

    def _below(self, start: Path) -> Iterator[tuple[str, Slots]]:
        for folder, files in walk(start, strict=True):
            if not any(folder == out or out in folder.parents for out in self.skipped):
                found = notebooks(self.root, files, self.problems)
                if slots := self._slots(file.relative_to(self.root).as_posix() for file in found):
                    yield folder.relative_to(self.root).as_posix(), slots

    def find(self, path: str, line: int) -> Slots:
        """The slots that a path in the course file means; empty, with a problem, where it means nothing or too much."""
        wanted = posixpath.normpath(path)
        if leads_outside(self.root, wanted):
            self.wrong(f"{path} is no topic: {OUTSIDE}", "copy it into the course", line)
            return {}
        full = self.root / wanted
        if full.is_file():
            return self._file(wanted, line)
        beside = self._beside(wanted)
        if full.is_dir() and (path.endswith("/") or not beside):
            return self.below(wanted) or self._nothing(f"there are no notebooks in {path}", line)
        options = [*([f"{wanted}/"] if full.is_dir() else []), *beside]
        if len(options) == 1:
            return self._slots(beside[options[0]])
        if not options:
            return self._nothing(f"there is no {path}", line, wanted)
        self.wrong(f"{path} may mean {' or '.join(options)}", "write which of them is meant", line)
        return {}

    def _file(self, path: str, line: int) -> Slots:
        if not is_source(self.root / path):
            what = (
                "has no jupytext header"
                if path.endswith((".md", ".markdown", ".Rmd", ".qmd"))
                else "has no percent marks (# %%) and no jupytext header"
            )
            if posixpath.splitext(path)[1] not in TEXT_SUFFIXES:
                what = "is not of a kind that notebooks are written in"
            self.wrong(
                f"{path} is no notebook: it {what}", "make it one (`jupytext --to py:percent` and the like), or list another file", line
            )
            return {}
        slot, language = half(path, self.languages)
        return self._slots(self._beside(slot).get(slot, [path]) if language else [path])

    def _beside(self, path: str) -> dict[str, list[str]]:
        """The sources that *path* may mean without its suffix, its language or both, by slot."""
        folder = posixpath.dirname(path)
        if folder not in self._folders:
            self._folders[folder] = self._listed(folder)
        return self._folders[folder].get(path, {})

    def _listed(self, folder: str) -> dict[str, dict[str, list[str]]]:
        """The sources of one folder by slot, by everything that may mean it."""
        place = self.root / folder
        files = sorted(file for file in place.iterdir() if file.is_file()) if place.is_dir() else []
        found: dict[str, dict[str, list[str]]] = {}
        for file in notebooks(self.root, files, []):
            path = file.relative_to(self.root).as_posix()
            slot = half(path, self.languages)[0]
            for name in (slot, posixpath.splitext(slot)[0]):
                found.setdefault(name, {}).setdefault(slot, []).append(path)
        return found

    def _slots(self, paths: Iterable[str]) -> Slots:
        found: dict[str, list[tuple[str, str]]] = {}
        for path in paths:
            slot, language = half(path, self.languages)
            found.setdefault(slot, []).append((path, language))
        for slot, versions in list(found.items()):
            if len(versions) > 1 and any(not language for _, language in versions):
                self._ambiguous(slot, [path for path, language in versions if language])
                del found[slot]
        return {slot: tuple(sorted(versions, key=lambda version: self._order(version[1]))) for slot, versions in found.items()}

    def _order(self, language: str) -> int:
        return self.languages.index(language) if language else -1

    def _ambiguous(self, slot: str, others: list[str]) -> None:
        message = f"{slot} is there for all languages and for one ({', '.join(others)}); none is built"
        self.problems.append(Problem("collision", message, "remove one or the other", path=slot))

    def check_versions(self, slots: Slots, languages: Iterable[str]) -> None:
        """Name what is not there in each of *languages*, where a notebook has a file for each language."""
        for slot, versions in slots.items():
            there = [language for _, language in versions]
            if "" not in there and (missing := [language for language in languages if language not in there]):
                stem, suffix = posixpath.splitext(slot)
                message = f"{' and '.join(path for path, _ in versions)}: nothing is there for {' and '.join(missing)}"
                hint = f"add {stem}.{missing[0]}{suffix}, or call it {slot} if it is for all languages"
                self.problems.append(Problem("language", message, hint, "warning", path=versions[0][0]))

    def _nothing(self, message: str, line: int, path: str = "") -> Slots:
        if not self._known and path:
            every = [*Finder(self.root, self.file, self.languages, self.skipped).everything()]
            self._known = [*(slot for _, slots in every for slot in slots), *(folder for folder, _ in every if folder != ".")]
        self.unknown(message, path, self._known if path else [], line)
        return {}

    def unknown(self, message: str, path: str, known: Sequence[str], line: int) -> None:
        """Say that a path means nothing, and which of the *known* ones may be meant."""
        if len(self.problems) > _SUGGESTIONS:  # who renamed a folder needs no thousand hints
            known = []
        names = {each: None for each in known if posixpath.basename(each) == posixpath.basename(path)}
        found = [*(names | dict.fromkeys(difflib.get_close_matches(path, known, n=3)))][:3]
        self.wrong(message, f"did you mean {' or '.join(found)}?" if found else "correct the path, or remove it", line)

    def wrong(self, message: str, hint: str, line: int) -> None:
        """Say what is wrong in a line of the course file."""
        self.problems.append(Problem("bad-course", message, hint, path=self.file, line=line))


# --- includes ---------------------------------------------------------------------


@dataclass(slots=True)
class Includes:
    """The files that appear beside sources. What is to be said is added to *problems*."""

    root: Path
    file: str
    problems: list[Problem]
    _files: dict[Include, list[tuple[str, str]]] = field(default_factory=dict)
    #: Who has which place below a variant's folder.
    _taken: dict[str, str] = field(default_factory=dict)

    def of(self, source: str, includes: Iterable[Include]) -> tuple[tuple[tuple[str, str], ...], tuple[Asset, ...]]:
        """The files beside *source*: (path in the course, path relative to the source's folder), and their copies beside its outputs."""
        folder = posixpath.dirname(source)
        found: dict[str, str] = {}
        for include in includes:
            for path, at in self._all(include):
                if self._is_free(folder, path, at, include):
                    found[at] = path
        assets = tuple(Asset(path, posixpath.join(folder, at)) for at, path in found.items())
        return tuple((path, at) for at, path in found.items()), assets

    def _all(self, include: Include) -> list[tuple[str, str]]:
        if include not in self._files:
            self._files[include] = [pair for pair in self._look(include) if self._may(pair[0])]
        return self._files[include]

    def _look(self, include: Include) -> Iterator[tuple[str, str]]:
        full = self.root / include.path
        if leads_outside(self.root, include.path):
            self._say(f"{include.path} is not included: {OUTSIDE}", "copy it into the course", include)
        elif full.is_file():
            yield include.path, posixpath.join(include.to or "", posixpath.basename(include.path))
        elif full.is_dir() and include.path != ".":
            to = posixpath.basename(include.path) if include.to is None else include.to
            for _, files in walk(full, strict=True):
                yield from (
                    (file.relative_to(self.root).as_posix(), posixpath.normpath(posixpath.join(to, file.relative_to(full).as_posix())))
                    for file in files
                )
        elif not include.optional:
            hint = "name the folder or file that is needed" if full.is_dir() else "correct it, or write `optional: true`"
            what = "the course as a whole cannot be included" if full.is_dir() else f"there is no {include.path}, which is included"
            self._say(what, hint, include, "error")

    def _may(self, path: str) -> bool:
        """Whether a file may be published where an include asks for it."""
        name = posixpath.basename(path)
        if name.startswith(HIDDEN[0]):
            self.problems.append(secret_kept(path))
            return False
        if is_source(self.root / path):
            message = f"{path} is a notebook and cannot be included: it would be published with its solutions"
            self.problems.append(Problem("bad-course", message, "list it as a topic", "warning", path=path))
            return False
        return True

    def _is_free(self, folder: str, path: str, at: str, include: Include) -> bool:
        place = posixpath.normpath(posixpath.join(folder, at))
        if place == path:
            return False
        if (self.root / place).exists():
            if not (self.root / place).is_file() or not filecmp.cmp(self.root / place, self.root / path, shallow=False):
                self._say(
                    f"{path} is not included beside the sources in {folder or 'the course'}: {place} is there already",
                    "remove one of the two",
                    include,
                )
            return False
        holder = self._taken.setdefault(place, path)
        if holder != path:
            self._say(f"{holder} and {path} are both included as {place}; only the first is", "give one of them another `to`", include)
        return holder == path

    def _say(self, message: str, hint: str, include: Include, severity: str = "warning") -> None:
        self.problems.append(Problem("bad-course", message, hint, severity, path=self.file, line=include.line))
