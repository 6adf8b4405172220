"""Where links between sources lead in the outputs: to the same kind, language and format, or to the nearest there is. Pure.

The worker rewrites the links; what it needs to know of the rest of the course is a small table for the names that a source
mentions.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from clx_jupyter.course.clm_layout import course_folder
from clx_jupyter.course.model import PRINTED, Course, Section, Source, text_in
from clx_jupyter.course.scan import decode
from clx_jupyter.course.topics import half, id_of
from clx_jupyter.errors import Problem
from clx_jupyter.fingerprint import digest
from clx_jupyter.languages import BY_SUFFIX
from clx_jupyter.variants import Variant, path_of, relative_path, unversioned, variants
from clx_jupyter_workers.inputs import COURSE_LINK, link_names

_NEAREST = {
    "html": ("slides", "notebook", "code", "pdf", "slides-pdf"), "slides": ("html", "notebook", "code", "slides-pdf", "pdf"),
    "notebook": ("html", "slides", "code", "pdf", "slides-pdf"), "code": ("notebook", "html", "slides", "pdf", "slides-pdf"),
    "pdf": ("slides-pdf", "html", "slides", "notebook", "code"), "slides-pdf": ("pdf", "slides", "html", "notebook", "code"),
}  # fmt: skip
_SUFFIXES = frozenset({".ipynb", ".md", ".qmd", *BY_SUFFIX})

Hrefs = dict[str, dict[str, str]]
"""Addresses by the name that a source uses and by ``kind/language/format``; ``""``: there is no such output.
A name without any address leads to an output as it is."""


@dataclass(frozen=True, slots=True)
class _Place:
    section: Section
    index: int
    source: Source


@dataclass(slots=True)
class _Found:
    """The sources a name may mean: one, its halves, or one in several sections."""

    places: list[_Place] = field(default_factory=list)
    #: Other notebooks that it could mean as well.
    others: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """A name that a source uses, and what it means, best first; without places it leads to an output as it is."""

    name: str
    places: tuple[_Place, ...] = ()


class Links:
    """The links of one course. *twins* as in :func:`clx_jupyter.variants.variants`."""

    def __init__(self, course: Course, twins: Counter[str]) -> None:
        self._course, self._twins = course, twins
        #: What is to be said of the links asked about so far.
        self.problems: list[Problem] = []
        self._formats = [[target.name, target.kinds, target.formats, target.languages] for target in course.targets]
        self._names: dict[str, set[str]] = {}
        self._signatures: dict[int, str] = {}
        self._paths: dict[tuple[int, str, str, str], str] = {}
        self._by_path: dict[str, list[_Place]] = {}
        self._by_stem: dict[str, list[_Place]] = {}
        self._by_topic: dict[str, list[_Place]] = {}
        for index, section in enumerate(course.sections):
            for topic in section.topics:
                for source in topic.sources:
                    place = _Place(section, index, source)
                    for path in {source.path, unversioned(source)}:
                        self._by_path.setdefault(path, []).append(place)
                        self._by_stem.setdefault(posixpath.splitext(path)[0], []).append(place)
                    self._by_topic.setdefault(topic.id, []).append(place)

    def names(self, source: Source, text: str) -> set[str]:
        """What links of *source*, whose *text* this is, and of texts that its Jinja takes in, may lead to."""
        names = link_names(text)
        if source.companion:
            names |= self._names_in(source.companion, text_of(self._course.root / source.companion))
        if source.jinja:
            for path, content in taken_in(self._course.root, [*self._course.templates, posixpath.dirname(source.path)], text):
                names |= self._names_in(path, content)
        return names

    def _names_in(self, path: str, text: str) -> set[str]:
        if path not in self._names:
            self._names[path] = link_names(text)
        return self._names[path]

    def of(self, index: int, source: Source, names: Iterable[str], found: list[Variant]) -> list[Link]:
        """Those of *names*, as *source* in the section number *index* uses them, that lead to outputs; *found* are its variants."""
        links = []
        for name in sorted(names):
            meant = self._topic(name) if name.startswith(COURSE_LINK) else self._file(source, name)
            if meant.places:
                links.append(Link(name, tuple(_first(meant.places, index))))
                self.problems += [_ambiguous(source, name, meant)] if meant.others else []
            elif self._is_output(source, name, found):
                links.append(Link(name))
        return links

    def fingerprints(self, links: Iterable[Link]) -> dict[str, str]:
        """What must stay the same for the addresses of *links* to stay the same."""
        return {f"the link to {link.name}": digest([self._formats, [self._signature(place) for place in link.places]]) for link in links}

    def addresses(self, links: Iterable[Link], found: list[Variant], wanted: Iterable[Variant]) -> Hrefs:
        """The addresses of *links* in the variants *wanted* of a source whose variants are *found*."""
        formats: dict[str, set[str]] = {}
        for variant in found:
            own = set(variant.target.formats)
            # One file serves all targets that have it, so the linked output must be in all of them.
            formats[variant.name] = formats.get(variant.name, own) & own
        unique = {variant.name: variant for variant in wanted}
        return {
            link.name: {name: self._address(variant, formats[name], link.places) for name, variant in unique.items()} if link.places else {}
            for link in links
        }

    # --- what a name means ----------------------------------------------------

    def _file(self, source: Source, name: str) -> _Found:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source.path), name))
        if path in self._by_path:
            return _Found(self._with_halves(self._by_path[path]))
        stem, suffix = posixpath.splitext(path)
        if suffix in _SUFFIXES and (source.scope is None or not (self._course.root / path).exists()):
            # The other file of a pair, or what the notebook is called in Jupyter.
            places = self._by_stem.get(stem, [])
            if len({unversioned(place.source) for place in places}) == 1:
                return _Found(self._with_halves(places))
        return _Found()

    def _with_halves(self, places: list[_Place]) -> list[_Place]:
        whole = unversioned(places[0].source)
        return self._by_path.get(whole, places) if places[0].source.languages else places

    def _topic(self, name: str) -> _Found:
        reference = name.removeprefix(COURSE_LINK)
        places, stem = self._by_topic.get(reference, []), ""
        if not places:
            topic, _, stem = reference.rpartition("/")
            places = self._by_topic.get(topic, [])
            places = [place for place in places if stem in _stems(place.source.path)]
        places = sorted(places, key=lambda place: (place.source.number, posixpath.basename(place.source.path)))
        families = list(dict.fromkeys(unversioned(place.source) for place in places))
        return _Found([place for place in places if unversioned(place.source) == families[0]], len(families) - 1 if families else 0)

    # --- where it is in the outputs -------------------------------------------

    def _address(self, variant: Variant, formats: set[str], places: Iterable[_Place]) -> str:
        language = variant.language
        place = next((each for each in places if not language or not each.source.languages or language in each.source.languages), None)
        if place is None:
            return ""
        for format in (variant.format, *_NEAREST.get(variant.format, ())):
            if format in formats and PRINTED.get(format, format) not in place.source.without:
                return relative(self._path(place, variant, format), variant.path)
        return ""

    def _signature(self, place: _Place) -> str:
        """Changes whenever an output of it moves."""
        if id(place) not in self._signatures:
            source, course = place.source, self._course
            pages = [path_of(course, place.section, source, "", language, "html", self._twins) for language in course.languages or ("",)]
            self._signatures[id(place)] = digest([pages, source.languages, sorted(source.without), source.prog_lang])
        return self._signatures[id(place)]

    def _path(self, place: _Place, variant: Variant, format: str) -> str:
        key = (id(place), variant.kind.id, variant.language, format)
        if key not in self._paths:
            self._paths[key] = path_of(self._course, place.section, place.source, *key[1:], self._twins)
        return self._paths[key]

    # --- links that lead to outputs already -----------------------------------

    def _is_output(self, source: Source, name: str, found: list[Variant]) -> bool:
        """Whether a page has an output, or a file of a directory group, at the place that the name means for it."""
        if name.startswith(COURSE_LINK) or (self._course.root / posixpath.dirname(source.path) / name).exists():
            return False
        return any(posixpath.normpath(posixpath.join(posixpath.dirname(variant.path), name)) in self._outputs for variant in found)

    @cached_property
    def _outputs(self) -> frozenset[str]:
        course = self._course
        pages = {
            variant.path for section in course.sections for topic in section.topics for source in topic.sources
            for variant in variants(course, section, source, self._twins)
        }  # fmt: skip
        return frozenset(pages | set(_grouped(course)))


def _first(places: list[_Place], index: int) -> list[_Place]:
    """The places with those in the section number *index* in front."""
    return sorted(places, key=lambda place: place.index != index)


def relative(path: str, page: str) -> str:
    """The address of *path* in *page*, both relative to the target's folder."""
    return quote(relative_path(posixpath.dirname(page), path))


_TAKEN_IN = re.compile(r"\b(?:include|import|from|extends)\s+[\"']([^\"'\n]+)[\"']")


def taken_in(root: Path, folders: Iterable[str], text: str) -> Iterator[tuple[str, str]]:
    """Path and content of the course files that the Jinja of *text* includes or imports, looked for in *folders*, and theirs in turn."""
    seen: set[str] = set()
    todo = [text]
    while todo:
        for name in _TAKEN_IN.findall(todo.pop()):
            path = next((path for folder in folders if (root / (path := posixpath.normpath(posixpath.join(folder, name)))).is_file()), "")
            if path and path not in seen and not path.startswith("../"):
                seen.add(path)
                content = text_of(root / path)
                todo.append(content)
                yield path, content


def text_of(path: Path) -> str:
    """The text of a file, ``""`` if it cannot be read."""
    try:
        return decode(path.read_bytes())
    except OSError:
        return ""


def _grouped(course: Course) -> Iterator[str]:
    for group in course.dir_groups:
        for language in group.languages or course.languages:
            base = posixpath.join(course_folder(course, language), text_in(group.name, language))
            yield from (posixpath.normpath(posixpath.join(base, below)) for _, below in group.files)


def _stems(path: str) -> set[str]:
    """What a notebook may be called after its topic's id: its stem, without the language of a half, or that without prefix and number."""
    stems = {posixpath.splitext(posixpath.basename(each))[0] for each in (path, half(path)[0])}
    return stems | {id_of(f"{stem}.py") for stem in stems} - {""}


def _ambiguous(source: Source, name: str, found: _Found) -> Problem:
    message = f"the link {name} may mean {found.others + 1} notebooks; {found.places[0].source.path} is taken"
    return Problem("link", message, f"write {name}/ and the notebook's stem", "warning", path=source.path)
