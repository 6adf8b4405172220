"""Start pages, and which page comes before and after which. Pure.

Only what readers may see is told: titles are the public headings that the pages themselves carry.
"""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clx_jupyter.after import Site, sites
from clx_jupyter.collisions import as_one
from clx_jupyter.course.model import Course, Section, Target, text_in
from clx_jupyter.kinds import Kind
from clx_jupyter.links import relative
from clx_jupyter.variants import Variant, folder

DOOR = "index.html"
"""In the target's folder: the page that leads to all start pages of the target."""

_HOMES = ("html", "slides")
"""Formats that a browser shows: the start page lies in the folder of the first that the target has."""

Links = dict[str, dict[str, str]]
"""Address and title of the pages that a page leads to: ``previous``, ``next``, ``start``, those there are."""


def wanted(course: Course) -> bool:
    """Whether the course has start pages: not by themselves in CLX's and CLM's layouts, whose published repositories must stay as they are."""
    return course.layout == "source" if course.navigation is None else course.navigation


@dataclass(frozen=True, slots=True)
class StartPage:
    """One start page: of one kind and language in one target."""

    target: Target
    kind: Kind
    language: str
    #: Relative to the target's folder.
    path: str
    #: What it lists, in course order: each source where a section uses it, with its files in all formats.
    entries: tuple[tuple[Site, tuple[Variant, ...]], ...]


class Navigation:
    """The start pages and neighbours of a course; *found* are all its variants, by the place of their source."""

    def __init__(self, course: Course, found: Mapping[str, Sequence[Variant]]) -> None:
        self.course = course
        self.pages = _start_pages(course, found) if wanted(course) else []
        self._chains = {
            (page.target.name, page.kind.id, page.language): _Chain(page, text_in(course.title, page.language)) for page in self.pages
        }  # fmt: skip

    def links(self, variant: Variant) -> Links:
        """Where a page leads; nothing for what is no page, or where the course has no navigation."""
        chain = self._chains.get((variant.target.name, variant.kind.id, variant.language))
        return chain.links(variant.path) if chain and variant.format == "html" else {}

    def doors(self) -> list[Target]:
        """The targets with more than one start page, which therefore have a page that leads to them."""
        return [target for target in self.course.targets if sum(page.target.name == target.name for page in self.pages) > 1]


class _Chain:
    """The pages of one target, kind and language, one after the other."""

    def __init__(self, page: StartPage, title: str) -> None:
        self._start = (page.path, title)
        self._pages: list[tuple[str, str]] = []
        self._at: dict[str, int] = {}
        self._links: dict[str, Links] = {}
        for site, variants in page.entries:
            for variant in variants:
                # Of two that want one place, the first gets it.
                if variant.format == "html" and (name := as_one(variant.path)) not in self._at:
                    self._at[name] = len(self._pages)
                    self._pages.append((variant.path, text_in(site.source.title, page.language)))

    def links(self, path: str) -> Links:
        """Where the page leads; asked for its key, for its job, and by whoever publishes it."""
        if path not in self._links:
            at = self._at[as_one(path)]
            near = {"previous": at - 1, "next": at + 1}
            found = {name: self._pages[place] for name, place in near.items() if 0 <= place < len(self._pages)}
            found["start"] = self._start
            self._links[path] = {name: {"href": relative(to, path), "title": title} for name, (to, title) in found.items()}
        return self._links[path]


def _start_pages(course: Course, found: Mapping[str, Sequence[Variant]]) -> list[StartPage]:
    groups: dict[tuple[str, str, str], dict[str, tuple[Site, list[Variant]]]] = {}
    taken: set[str] = set()
    for site in sites(course):
        for variant in found[site.place]:
            if variant.format in _HOMES:
                taken.add(as_one(variant.path))
            group = groups.setdefault((variant.target.name, variant.kind.id, variant.language), {})
            group.setdefault(site.place, (site, []))[1].append(variant)
    pages = []
    for target in course.targets:
        home = next((format for format in _HOMES if format in target.formats), "")
        for language in (target.languages or course.languages or ("",)) if home else ():
            for kind in target.kinds:
                if listed := groups.get((target.name, kind, language)):
                    base = folder(course, Section({}, ()), kind, language, home)
                    entries = tuple((site, tuple(variants)) for site, variants in listed.values())
                    pages.append(StartPage(target, course.kinds[kind], language, _free(base, taken), entries))
    return pages


def _free(base: str, taken: set[str]) -> str:
    """``index.html``, unless that is the page of a source: it keeps its name, and the start page takes the next one."""
    names = itertools.chain(("index.html", "contents.html"), (f"contents-{number}.html" for number in itertools.count(2)))
    return next(path for name in names if as_one(path := posixpath.join(base, name)) not in taken)
