"""Which files a source becomes: its targets, kinds, languages and formats, and where each one goes."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from clx_jupyter.course.clm_layout import sanitised, section_folder, variant_path
from clx_jupyter.course.model import FORMATS, Course, Section, Source, Target, text_in
from clx_jupyter.errors import RequestError
from clx_jupyter.kinds import Kind
from clx_jupyter.languages import LANGUAGES

SUFFIXES = {"html": ".html", "notebook": ".ipynb"}


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
        """Whether it may carry results: pages of kinds that run do, notebooks where the target says so."""
        return self.kind.executed and (self.format == "html" or (self.format == "notebook" and self.target.outputs))


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

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self == Choice()

    def takes(self, section: Section, index: int, topic: str, source: Source) -> bool:
        """Whether a source at this place is asked for; sections go by title, id or number from 1."""
        names = {section.id, str(index + 1), *section.title.values()}
        return (
            (not self.sections or any(wanted in names for wanted in self.sections))
            and (not self.topics or topic in self.topics)
            and (not self.sources or source.path in self.sources)
        )

    def allows(self, variant: Variant) -> bool:
        """Whether a variant is asked for."""
        pairs = (
            (self.targets, variant.target.name),
            (self.kinds, variant.kind.id),
            (self.formats, variant.format),
            (self.languages, variant.language),
        )
        return all(not wanted or value in wanted for wanted, value in pairs)


def check_choice(course: Course, choice: Choice) -> None:
    """Raise :class:`RequestError` where the choice names what the course does not have."""
    sections = [name for n, section in enumerate(course.sections) for name in (section.id, str(n + 1), *section.title.values())]
    known: dict[str, tuple[tuple[str, ...], Any]] = {
        "target": (choice.targets, [target.name for target in course.targets]),
        "kind": (choice.kinds, list(course.kinds)),
        "format": (choice.formats, list(FORMATS)),
        "language": (choice.languages, list(course.languages)),
        "section": (choice.sections, sections),
        "topic": (choice.topics, [topic.id for section in course.sections for topic in section.topics]),
        "source": (choice.sources, [source.path for _, _, source in course.sources()]),
    }
    for what, (wanted, names) in known.items():
        for name in wanted:
            if name not in names:
                listed = ", ".join(dict.fromkeys(filter(None, names))) or "none"
                raise RequestError(f"the course has no {what} {name!r}", f"it has: {listed if len(listed) < 400 else listed[:400] + ' …'}")


def widened(course: Course, choice: Choice) -> Course:
    """The course with the kinds and formats that only this request asks for: private kinds go to ``staff``."""
    targets = list(course.targets)
    for kind in choice.kinds:
        if kind in course.kinds and not any(kind in target.kinds for target in targets):
            _add_kind(targets, course.kinds[kind])
    for format in choice.formats:
        if not any(format in target.formats for target in targets):
            targets = [replace(target, formats=(*target.formats, format)) for target in targets]
    return replace(course, targets=tuple(targets))


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
                    if format in FORMATS and format not in source.without:
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


def suffix(source: Source, format: str) -> str:
    """The suffix of an output; code has that of the source's language."""
    if format in SUFFIXES:
        return SUFFIXES[format]
    own = PurePosixPath(source.path).suffix
    language = LANGUAGES.get(source.prog_lang)
    if language is None:
        return own if own not in (".ipynb", ".md") else ".txt"
    return own if own in language.suffixes else language.suffixes[0]
