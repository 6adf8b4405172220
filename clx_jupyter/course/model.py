"""The frozen description of a course that every reader gives and everything else works on.

Paths are POSIX strings relative to the course root unless they are :class:`pathlib.Path` objects, which are absolute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clx_jupyter.errors import Problem
from clx_jupyter.kinds import KINDS, Kind

FORMATS = ("html", "slides", "notebook", "code", "pdf", "slides-pdf")
"""Every format that is made."""

PRINTED = {"pdf": "html", "slides-pdf": "slides"}
"""Formats that a browser prints, and the format that it prints for each."""

CLM_FORMATS = ("html", "notebook", "code")
"""What a target of a CLX or CLM course gets that lists none: published courses must not change by themselves."""

Text = Mapping[str, str]
"""A text in one or more languages, by language code; ``""`` is the text of every other language."""


def text_in(text: Text, language: str) -> str:
    """The text in *language*, else the text for all, else any."""
    return text.get(language) or text.get("") or next(iter(text.values()), "")


@dataclass(frozen=True, slots=True)
class Execute:
    """How the code of a source runs. Times are seconds."""

    #: ``auto`` (what has no kept result), ``never``, ``always``.
    mode: str = "auto"
    cell_timeout: float = 300.0
    timeout: float = 1800.0
    startup_timeout: float = 60.0
    #: Errors do not end the run and are taken out of the pages (CLM's ``skip-errors``).
    allow_errors: bool = False
    #: Python modules that kernels may load ahead.
    preload: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """An output folder and the variants that belong there."""

    name: str
    #: Absolute.
    path: Path
    kinds: tuple[str, ...]
    formats: tuple[str, ...] = CLM_FORMATS
    languages: tuple[str, ...] = ()
    #: Notebooks carry the results of the run.
    outputs: bool = False
    #: Each page is one file that loads nothing.
    self_contained: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """One notebook, whatever it is written in."""

    path: str
    title: Text
    #: The programming language of its code: ``python``, ``R``, ``cpp``, ...
    prog_lang: str
    #: The kernel its metadata names; ``None``: the language decides.
    kernel: str | None = None
    #: Its human languages, all of the course's where it is empty; a half of a split pair has one.
    languages: tuple[str, ...] = ()
    #: Its place in the section from 1 (CLX and CLM number their outputs).
    number: int = 0
    execute: Execute = Execute()
    #: Formats it is never built in (CLM's ``topic/@html``).
    without: frozenset[str] = frozenset()
    #: Files that belong to it as a whole: any change makes its code run again. ``None``: only what its text mentions.
    scope: tuple[str, ...] | None = None
    #: Files that appear in the run's folder under another name: (path in the course, path relative to the notebook's folder).
    includes: tuple[tuple[str, str], ...] = ()
    #: Line comments ``# j2`` and ``{{ … }}`` are expanded by Jinja before anything else.
    jinja: bool = False
    author: str = ""
    #: A file with its spoken text, merged into it before anything else (CLM's voiceover companions); ``""``: there is none.
    companion: str = ""
    #: References to rewrite because two files wanted one place: old to new, relative to the page.
    renames: tuple[tuple[str, str], ...] = ()
    #: Pictures that lie in the course's own folder of the output: old reference, and place in that folder.
    shared: tuple[tuple[str, str], ...] = ()
    #: Pictures of diagrams that are there in the format the course asks for: reference to one in another format, and to this one.
    drawn: tuple[tuple[str, str], ...] = ()
    #: Paths of the sources whose code must run before its own, because it reads files that they write.
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that is copied beside the outputs of its section: an image, data."""

    path: str
    #: Where it goes, relative to the section's folder (with the layout ``source``: the variant's).
    dest: str
    #: Empty: every language.
    languages: tuple[str, ...] = ()
    #: Formats it does not go to.
    without: frozenset[str] = frozenset()
    #: It goes to the course's folder instead, once for each language; ``dest`` is relative to that.
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Topic:
    """A unit of teaching: its sources in order and the files that go with them."""

    id: str
    sources: tuple[Source, ...]
    assets: tuple[Asset, ...] = ()
    #: Empty where its sources' own titles say all.
    title: Text = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Section:
    """An ordered, titled part of a course."""

    title: Text
    topics: tuple[Topic, ...]
    id: str = ""
    #: Its number in the course file, where switched-off sections count too; 0: its place in the course.
    number: int = 0


@dataclass(frozen=True, slots=True)
class DirGroup:
    """Files copied as they are into the course's folder of every target (CLX and CLM)."""

    #: Where they go, relative to the course's folder in the output.
    name: Text
    #: (path in the course, path below ``name``).
    files: tuple[tuple[str, str], ...]
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Images:
    """How pictures are published."""

    #: Of rendered diagrams: ``svg`` or ``png``.
    format: str = "svg"
    #: Pictures stand in the pages and notebooks themselves, as data URLs.
    inline: bool = False
    #: ``duplicated``: beside every variant; ``shared``: once for each language.
    mode: str = "duplicated"


@dataclass(frozen=True, slots=True)
class Course:
    """All that is built together."""

    #: Absolute; holds ``.clx/``.
    root: Path
    #: The course file relative to the root; ``""`` for a plain folder.
    file: str
    title: Text
    languages: tuple[str, ...]
    sections: tuple[Section, ...]
    targets: tuple[Target, ...]
    #: ``source`` (path and stem of the source), ``clm`` or ``clx`` (their folders and numbers).
    layout: str = "source"
    prog_lang: str = ""
    organization: Text = field(default_factory=dict)
    #: Name of the course's folder in CLM's layout, without the language.
    slug: str = ""
    dir_groups: tuple[DirGroup, ...] = ()
    images: Images = Images()
    kinds: Mapping[str, Kind] = field(default_factory=lambda: KINDS)
    #: Names (never values) of further variables that kernels get, and where values come from.
    environment: tuple[str, ...] = ()
    env_file: Path | None = None
    #: The interpreter that runs its Python code, there or not; ``None``: that of the installed kernel.
    kernel_python: Path | None = None
    #: Folders of the course's own Jinja macros, searched first.
    templates: tuple[str, ...] = ()
    #: What reading it found: nothing here stops the build.
    problems: tuple[Problem, ...] = ()
    #: One sentence for the build's first line: which rule was found, what it means.
    notice: str = ""
    #: File names of outputs: ``source`` (that of the source), ``numbered`` (``NN Title``); ``""``: as the layout has them.
    names: str = ""
    #: Start pages, and links to the previous and next page; ``None``: as the layout has them.
    navigation: bool | None = None

    def sources(self) -> Iterator[tuple[Section, Topic, Source]]:
        """Every source with its place, in course order; a topic used in two sections comes twice."""
        for section in self.sections:
            for topic in section.topics:
                for source in topic.sources:
                    yield section, topic, source

    @property
    def default_language(self) -> str:
        """The first language; ``""`` where the course names none."""
        return self.languages[0] if self.languages else ""
