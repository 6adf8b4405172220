"""Which files a source becomes: its targets, kinds, languages and formats, and where each one goes."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from clx_jupyter.course.clm_layout import course_folder, sanitised, section_folder, variant_path
from clx_jupyter.course.model import FORMATS, PRINTED, Course, Section, Source, Target, Topic, text_in
from clx_jupyter.errors import RequestError
from clx_jupyter.kinds import Kind
from clx_jupyter.languages import LANGUAGES
from clx_jupyter_workers import assets

SUFFIXES = {"html": ".html", "slides": ".slides.html", "notebook": ".ipynb", "pdf": ".pdf", "slides-pdf": ".slides.pdf"}
PAGES = ("html", "slides")
"""The formats whose files load styles and scripts."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One published file of a source."""

    target: Target
    kind: Kind
    #: ``""`` where the course has no human languages.
    language: str
    format: str
    #: Relative to the target's folder.
    path: str

    @property
    def name(self) -> str:
        """``kind/language/format``, as in the manifest."""
        return "/".join(filter(None, (self.kind.id, self.language, self.format)))

    @property
    def outputs(self) -> bool:
        """Whether it may carry results: pages and slides of kinds that run do, notebooks where the target says so."""
        return self.kind.executed and (self.format in (*PAGES, *PRINTED) or (self.format == "notebook" and self.target.outputs))


def language_in(name: str) -> str:
    """The language in a :attr:`Variant.name`; ``""`` where there is none."""
    parts = name.split("/")
    return parts[1] if len(parts) == 3 else ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a request asks for; an empty tuple means everything the course asks for."""

    targets: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    #: Paths relative to the course root.
    sources: tuple[str, ...] = ()
    #: Formats that are left out.
    without: tuple[str, ...] = ()
    #: Only kinds that are not public.
    private: bool = False
    #: Places of the sections that are meant, once :func:`settled` has found them.
    places: frozenset[int] | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self == Choice()

    def takes(self, index: int, topic: Topic, source: Source | None = None) -> bool:
        """Whether a source (any of the topic's, where none is given) of the section at *index* is asked for."""
        paths = {source.path} if source else {each.path for each in topic.sources}
        return (
            (self.places is None or index in self.places)
            and (not self.topics or topic.id in self.topics)
            and (not self.sources or not paths.isdisjoint(self.sources))
        )

    def allows(self, target: Target, kind: Kind, language: str, format: str) -> bool:
        """Whether a variant is asked for."""
        pairs = ((self.targets, target.name), (self.kinds, kind.id), (self.formats, format), (self.languages, language))
        if format in self.without or (self.private and kind.public):
            return False
        return all(not wanted or value in wanted for wanted, value in pairs)


def settled(course: Course, choice: Choice) -> Choice:
    """*choice* with its sections found. Raises :class:`RequestError` where it names what the course does not have."""
    check_choice(course, choice)
    if not choice.sections:
        return choice
    return replace(choice, places=frozenset(index for wanted in choice.sections for index in _sections(course, wanted)))


def _sections(course: Course, wanted: str) -> list[int]:
    """The sections that *wanted* means: by title, ``id:``, ``idx:`` or ``name:``; without these, by id, number or part of a title, the first that fits."""
    how, _, rest = wanted.partition(":")
    rules = {"id": _by_id, "idx": _by_number, "name": _by_part}
    if found := _by_title(course, wanted):
        return found
    if (rule := rules.get(how.strip().lower())) and rest.strip():
        found = rule(course, rest.strip())
    elif not (found := _by_id(course, wanted) or _by_number(course, wanted)) and len(found := _by_part(course, wanted)) > 1:
        titles = ", ".join(_label(course.sections[index]) for index in found)
        raise RequestError(f"several sections are called {wanted!r}: {titles}", "say which with id:, idx: or name:")
    if not found:
        listed = ", ".join(f"{section.number or index + 1} {_label(section)}" for index, section in enumerate(course.sections)) or "none"
        raise RequestError(f"the course has no section {wanted!r}", f"it has: {_short(listed)}")
    return found


def _by_title(course: Course, wanted: str) -> list[int]:
    return [index for index, section in enumerate(course.sections) if wanted in section.title.values()]


def _by_id(course: Course, wanted: str) -> list[int]:
    return [index for index, section in enumerate(course.sections) if wanted and section.id == wanted]


def _by_number(course: Course, wanted: str) -> list[int]:
    return [index for index, section in enumerate(course.sections) if str(section.number or index + 1) == wanted]


def _by_part(course: Course, wanted: str) -> list[int]:
    part = wanted.casefold()
    if not part or part.isdecimal():  # a number is a number, though "Week 2" holds it
        return []
    return [index for index, section in enumerate(course.sections) if any(part in title.casefold() for title in section.title.values())]


def _label(section: Section) -> str:
    return next(filter(None, section.title.values()), "") or section.id


def _short(text: str) -> str:
    return text if len(text) < 400 else f"{text[:400]} …"


def check_choice(course: Course, choice: Choice) -> None:
    """Raise :class:`RequestError` where the choice names what the course does not have."""
    known: dict[str, tuple[tuple[str, ...], Any]] = {
        "target": (choice.targets, [target.name for target in course.targets]),
        "kind": (choice.kinds, list(course.kinds)),
        "format": (choice.formats, list(FORMATS)),
        "language": (choice.languages, list(course.languages)),
        "topic": (choice.topics, [topic.id for section in course.sections for topic in section.topics]),
        "source": (choice.sources, [source.path for _, _, source in course.sources()]),
    }
    for what, (wanted, names) in known.items():
        for name in wanted:
            if name not in names:
                listed = ", ".join(dict.fromkeys(filter(None, names))) or "none"
                raise RequestError(f"the course has no {what} {name!r}", f"it has: {_short(listed)}")
    if choice.private and not any(not course.kinds[kind].public for target in course.targets for kind in target.kinds):
        raise RequestError("the course asks for no private kind, such as speaker", "leave --speaker-only out, or add one: --kind speaker")


def widened(course: Course, choice: Choice) -> Course:
    """The course with the kinds and formats that only this request asks for: private kinds go to ``staff``."""
    targets = list(course.targets)
    for kind in choice.kinds:
        if kind in course.kinds and not any(kind in target.kinds for target in targets):
            _add_kind(targets, course.kinds[kind])
    for format in choice.formats:
        if not any(format in target.formats for target in targets):
            targets = [replace(target, formats=(*target.formats, format)) for target in targets]
    sections = _slides_of_all(course.sections) if "slides" in choice.formats else course.sections
    return replace(course, targets=tuple(targets), sections=sections)


def _slides_of_all(sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """The sections with slides of every notebook, also where nobody marked any."""
    return tuple(
        replace(section, topics=tuple(replace(topic, sources=tuple(map(_with_slides, topic.sources))) for topic in section.topics))
        for section in sections
    )


def _with_slides(source: Source) -> Source:
    return replace(source, without=source.without - {"slides"}) if "slides" in source.without else source


def _add_kind(targets: list[Target], kind: Kind) -> None:
    at = next((n for n, target in enumerate(targets) if target.name == ("students" if kind.public else "staff")), None)
    if at is None and not kind.public:  # what is private goes to no target that may be public
        targets.append(replace(targets[0], name="staff", path=targets[0].path.parent / "staff", kinds=(kind.id,), outputs=True))
        return
    at = at or 0
    targets[at] = replace(targets[at], kinds=(*targets[at].kinds, kind.id))


def variants(course: Course, section: Section, source: Source, twins: Counter[str]) -> Iterator[Variant]:
    """Every file the course asks for of one source. *twins* counts how many sources share a path without its suffix."""
    for target in course.targets:
        languages = target.languages or course.languages or ("",)
        for language in languages:
            if language and source.languages and language not in source.languages:
                continue
            for kind in target.kinds:
                for format in target.formats:
                    if format in FORMATS and PRINTED.get(format, format) not in source.without:
                        path = path_of(course, section, source, kind, language, format, twins)
                        yield Variant(target, course.kinds[kind], language, format, path)


def twins_of(course: Course) -> Counter[str]:
    """How many sources there are for each path without suffix; versions in several languages are one."""
    return Counter(_stem(path) for path in {unversioned(source) for _, _, source in course.sources()})


def unversioned(source: Source) -> str:
    """The path of a source without the language that its name ends with, if it is the version for that language."""
    stem, suffix = posixpath.splitext(source.path)
    language = source.languages[0] if len(source.languages) == 1 else ""
    return stem.removesuffix(f".{language}") + suffix if language else source.path


def _stem(path: str) -> str:
    return posixpath.splitext(path)[0]


def path_of(course: Course, section: Section, source: Source, kind: str, language: str, format: str, twins: Counter[str]) -> str:
    """The path of one output, relative to the target's folder."""
    if course.layout != "source":
        return variant_path(course, section, source, kind, language, format)
    path = unversioned(source)
    stem = _stem(path) if twins[_stem(path)] == 1 else path
    if course.names == "numbered":
        # The folder stays: what pages and code name beside them is found by the same path.
        stem = posixpath.join(posixpath.dirname(path), numbered(source, language))
    return f"{folder(course, section, kind, language, format)}/{stem}{suffix(source, format)}"


def numbered(source: Source, language: str) -> str:
    """``NN Title``, as the name of a file."""
    return f"{source.number:02} {sanitised(text_in(source.title, language)) or posixpath.basename(_stem(source.path))}"


def folder(course: Course, section: Section, kind: str, language: str, format: str) -> str:
    """The folder, relative to the target's, that a section's files of one variant lie in."""
    if course.layout != "source":
        return section_folder(course, section, kind, language, format)
    return "/".join(filter(None, (kind, language if len(course.languages) > 1 else "", format)))


def pages_load_from(course: Course, language: str) -> str:
    """The folder, relative to the target's, of what pages load: where the course has a folder of its own, that may be published alone."""
    return posixpath.join("" if course.layout == "source" else course_folder(course, language), assets.FOLDER)


@lru_cache(32_768)
def relative_path(folder: str, path: str) -> str:
    """The path from a folder to a file or folder, both given relative to the target's."""
    start, to = [[part for part in each.split("/") if part] for each in (folder, path)]
    common = next((n for n, pair in enumerate(zip(start, to, strict=False)) if pair[0] != pair[1]), min(len(start), len(to)))
    return "/".join([".."] * (len(start) - common) + to[common:]) or "."


def address_of_assets(course: Course, variant: Variant) -> str:
    """The address, from a variant's page, of the folder it loads from; ``""`` for one that holds all itself, and for what is no page."""
    if variant.format not in PAGES or variant.target.self_contained:
        return ""
    return relative_path(posixpath.dirname(variant.path), pages_load_from(course, variant.language))


def suffix(source: Source, format: str) -> str:
    """The suffix of an output; code has that of the source's language."""
    if format in SUFFIXES:
        return SUFFIXES[format]
    own = PurePosixPath(source.path).suffix
    language = LANGUAGES.get(source.prog_lang)
    if language is None:
        return own if own not in (".ipynb", ".md") else ".txt"
    return own if own in language.suffixes else language.suffixes[0]
