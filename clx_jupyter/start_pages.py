"""Start pages as data and as HTML: what they list is what the build left there, so no link of theirs is dead."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clx_jupyter import words
from clx_jupyter.course.model import Course, Target, text_in
from clx_jupyter.fingerprint import digest
from clx_jupyter.job_rows import StoredOutput
from clx_jupyter.links import relative
from clx_jupyter.navigation import DOOR, Navigation, StartPage
from clx_jupyter.variants import Choice, Variant, pages_load_from
from clx_jupyter_workers import VERSION, assets

if TYPE_CHECKING:
    from jinja2 import Template

START = "start"
"""The format of start pages in the manifest's ``variant``."""

LOADS = "page"
"""The group of files that start pages load."""

_MAIN = ("html", "slides")
_DOWNLOADED = frozenset({"notebook", "code"})

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """A start page, for the report; ``kind`` and ``language`` are empty for the page that leads to all of a target."""

    target: str
    path: str
    kind: str
    language: str
    state: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Made:
    """A start page that is ready to be written; equal ``key``, equal bytes."""

    target: Target
    path: str
    kind: str
    language: str
    data: Data
    #: The folder, relative to the target's, of what it loads.
    loads_from: str

    @property
    def key(self) -> str:
        """The fingerprint of its bytes."""
        return digest([self.data, self.loads_from, VERSION, assets.digest() if self.target.self_contained else ""])

    @property
    def variant(self) -> str:
        """Its name in the manifest."""
        return "/".join(filter(None, (self.kind, self.language, START)))

    def html(self) -> bytes:
        """The page itself."""
        loads = assets.Loads(posixpath.relpath(self.loads_from, posixpath.dirname(self.path) or "."))
        page = _template().render(self.data, style=loads.style, script=loads.script).encode("utf-8", "replace")
        return assets.contained(page) if self.target.self_contained else page


@cache
def _template() -> Template:
    # Not above: most builds write no start page, and need not wait for the import.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("clx_jupyter", "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True).get_template("start.html.j2")


def made_pages(navigation: Navigation, choice: Choice, rows: Mapping[str, StoredOutput]) -> Iterator[Made]:
    """The start pages that *choice* asks for, of a course whose outputs have these *rows*."""
    course = navigation.course
    chosen = [page for page in navigation.pages if _takes(choice, page)]
    there = [page for page in navigation.pages if page in chosen or (page.target.path / page.path).is_file()]
    for page in chosen:
        siblings = [each for each in there if each.target.name == page.target.name]
        data = _Lister(course, page, siblings, rows).data()
        yield Made(page.target, page.path, page.kind.id, page.language, data, pages_load_from(course, page.language))
    for target in course.targets:
        listed = [page for page in there if page.target.name == target.name]
        if len(listed) > 1 and any(page in chosen for page in listed):
            yield Made(target, DOOR, "", "", _door(course, target, listed), pages_load_from(course, listed[0].language))


def _takes(choice: Choice, page: StartPage) -> bool:
    return any(choice.allows(page.target, page.kind, page.language, format) for format in page.target.formats)


def _words(language: str) -> Data:
    return {"language": language or "en", "direction": words.direction(language), "words_language": words.known(language or "en")}


def _by(course: Course, language: str) -> str:
    """Who made the course: the authors its sources name, unless they are many, and the organization."""
    authors = list(dict.fromkeys(source.author for _, _, source in course.sources() if source.author))
    named = ", ".join(authors) if len(authors) <= 3 else ""
    return " · ".join(filter(None, (named, text_in(course.organization, language))))


def _door(course: Course, target: Target, pages: list[StartPage]) -> Data:
    language = course.default_language
    said, entries = words.words(language or "en"), []
    for kind in target.kinds:
        if group := [page for page in pages if page.kind.id == kind]:
            label, public = words.kind_label(group[0].kind, language), group[0].kind.public
            in_languages = [
                {"href": relative(page.path, DOOR), "label": words.language_name(page.language), "language": page.language, "download": False, "note": ""}
                for page in group
            ]  # fmt: skip
            several = len(group) > 1
            entries.append({
                "title": label, "number": "", "href": relative(group[0].path, DOOR),
                "note": "" if public else said["private"], "files": in_languages if several else [],
            })  # fmt: skip
    page = {
        "title": text_in(course.title, language), "kind": "", "private": False, "by": _by(course, language), "kinds": [], "languages": [],
        "door": "", "sections": [{"title": said["versions"], "number": "", "topics": [{"title": "", "entries": entries}]}],
    }  # fmt: skip
    return {"page": page | _words(language), "words": said}


class _Lister:
    """Puts one start page together."""

    def __init__(self, course: Course, page: StartPage, siblings: list[StartPage], rows: Mapping[str, StoredOutput]) -> None:
        self.course, self.page, self.siblings, self.rows = course, page, siblings, rows
        self.language = page.language
        self.folder = page.target.path.as_posix()
        self.words = words.words(page.language or "en")
        self.numbered = self.course.layout != "source" or self.course.names == "numbered"

    def data(self) -> Data:
        page, course, siblings = self.page, self.course, self.siblings
        # A public page says nothing of private ones, though they lie in the same folder.
        shown = [each for each in siblings if each.kind.public or not page.kind.public]
        said = {
            "title": text_in(course.title, self.language),
            "kind": words.kind_label(page.kind, self.language),
            "private": not page.kind.public,
            "by": _by(course, self.language),
            "kinds": [self._choice(each, words.kind_label(each.kind, self.language)) for each in shown if each.language == self.language],
            "languages": [
                self._choice(each, words.language_name(each.language)) | {"language": each.language}
                for each in shown if each.kind.id == page.kind.id
            ],
            "door": relative(DOOR, page.path) if len(siblings) > 1 and len(shown) == len(siblings) else "",
            "sections": self._sections(),
        }  # fmt: skip
        return {"page": said | _words(self.language), "words": self.words}

    def _choice(self, other: StartPage, label: str) -> Data:
        return {"href": "" if other is self.page else relative(other.path, self.page.path), "label": label, "language": ""}

    def _sections(self) -> list[Data]:
        sections = []
        for index, group in groupby(self.page.entries, key=lambda entry: entry[0].index):
            section = self.course.sections[index]
            topics = []
            for _, each in groupby(group, key=lambda entry: entry[0].topic.id):
                entries = list(each)
                items = [self._entry(text_in(site.source.title, self.language), site.source.number, files) for site, files in entries]
                title = text_in(entries[0][0].topic.title, self.language)
                alone = len(items) == 1 and title == items[0]["title"]
                topics.append({"title": "" if alone or not title else title, "entries": items})
            title = text_in(section.title, self.language)
            if len(self.course.sections) == 1 and title == text_in(self.course.title, self.language):
                title = ""
            sections.append({"title": title, "number": str(section.number or index + 1) if self.numbered else "", "topics": topics})
        return sections

    def _entry(self, title: str, number: int, variants: tuple[Variant, ...]) -> Data:
        by_format = {variant.format: variant for variant in variants}
        main = next((by_format[format] for format in _MAIN if format in by_format), None)
        others = [variant for variant in variants if variant is not main]
        states = {variant.format: self._state(variant) for variant in variants}
        files = [self._file(variant, states[variant.format]) for variant in others]
        href, note = "", "" if main or any(states.values()) else self.words["missing"]
        if main:
            there = states[main.format]
            href = relative(main.path, self.page.path) if there else ""
            note = {"": self.words["missing"], "earlier": self.words["earlier"]}.get(there, "")
        return {
            "title": title, "number": str(number) if self.numbered and number else "", "href": href, "note": note,
            "files": files if any(states.values()) else [],
        }  # fmt: skip

    def _file(self, variant: Variant, state: str) -> Data:
        return {
            "href": relative(variant.path, self.page.path) if state else "",
            "label": self.words[variant.format if variant.format != "html" else "page"],
            "language": "",
            "download": variant.format in _DOWNLOADED,
            "note": {"": self.words["missing"], "earlier": self.words["earlier"]}.get(state, ""),
        }

    def _state(self, variant: Variant) -> str:
        """``there``, ``earlier`` (the last good file, of an older build), or ``""`` where there is none."""
        name = f"{self.folder}/{variant.path}"
        row = self.rows.get(name)
        if row is None or row.sha256 is None or row.state == "withdrawn" or not Path(name).is_file():
            return ""
        return "there" if row.state == "built" else "earlier"
