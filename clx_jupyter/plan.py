"""What a plan is: for each source what there is to make, what of it is fresh, and why the rest is not. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clx_jupyter.course.model import Course, Section, Source, Topic
from clx_jupyter.errors import Problem
from clx_jupyter.fingerprint import Parts
from clx_jupyter.kernels import Kernel
from clx_jupyter.variants import Choice, Variant

if TYPE_CHECKING:
    from clx_jupyter.navigation import Navigation


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier build left behind of a source: the parts of its fingerprint, its problems, and its runs by language.

    A run: its ``key``, the files it wrote (``written``) and those it got from sources before it (``given``), with their hashes,
    and whether they were kept for sources that come after (``handed_on``).
    """

    parts: Mapping[str, Any]
    problems: tuple[Problem, ...]
    runs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """The last word on one output path. ``fresh`` also says that the file is there as it was published."""

    key: str
    state: str
    fresh: bool
    problem: str = ""


@dataclass(slots=True)
class Output:
    """One output of a plan."""

    variant: Variant
    #: Its absolute path, which is its name in the database.
    name: str
    render: str
    key: str
    #: Why it is made; ``""``: it is fresh.
    reason: str
    #: Its state where nothing is made: ``fresh`` or ``failed``.
    state: str = "fresh"
    problem: str = ""


@dataclass(slots=True)
class SourcePlan:
    """One source: what is to be made of it, and the job that makes it."""

    section: Section
    index: int
    topic: Topic
    source: Source
    parts: Parts
    outputs: list[Output]
    spec: dict[str, Any]
    kernel: Kernel | None
    problems: list[Problem] = field(default_factory=list)
    #: The sources it comes after.
    before: list[SourcePlan] = field(default_factory=list)
    #: The languages the course asks for.
    languages: tuple[str, ...] = ()
    #: Runs of an earlier build that still count.
    runs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Sources that need files which its code writes, and which are not kept.
    needed_by: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        """Its name in the database: a topic may be used in several sections."""
        return f"{self.index}:{self.source.path}"

    @property
    def running(self) -> set[str]:
        """The languages in which its code has to run, or a kept result of it has to be there."""
        shown = {output.variant.language for output in self.wanted if output.variant.outputs}
        return {*shown, *self.spec["execute"]["run"]}

    @property
    def has_job(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.wanted or self.needed_by)

    @property
    def reason(self) -> str:
        """Why there is."""
        if self.wanted:
            return self.wanted[0].reason
        return f"{self.needed_by[0]} needs its files" if self.needed_by else ""

    @property
    def wanted(self) -> list[Output]:
        """The outputs that a job must make."""
        return [output for output in self.outputs if output.reason]


@dataclass(slots=True)
class Plan:
    """All there is to do for one request. ``all_paths`` are the outputs the whole course asks for, chosen or not."""

    course: Course
    choice: Choice
    sources: list[SourcePlan]
    all_paths: dict[str, set[str]]
    problems: list[Problem]
    #: Sources that were not chosen, whose code must run for some that were.
    needed: list[SourcePlan] = field(default_factory=list)
    #: Of the whole course, chosen or not.
    navigation: Navigation | None = None
    _by_place: dict[str, SourcePlan] = field(default_factory=dict)

    @property
    def jobs(self) -> list[SourcePlan]:
        """The sources there is anything to do for."""
        return [*self.needed, *(source for source in self.sources if source.has_job)]

    def at(self, place: str) -> SourcePlan | None:
        """The source at a place, chosen or needed."""
        if not self._by_place:  # every job of a build asks
            self._by_place = {source.place: source for source in (*self.sources, *self.needed)}
        return self._by_place.get(place)


@dataclass(frozen=True, slots=True)
class Options:
    """How a request builds, apart from what it chooses."""

    force: bool = False
    #: Only sources of which something failed before.
    failed: bool = False
    execute: bool = True
    #: Run code although a kept result matches.
    rerun: bool = False
    timeout: float | None = None
    #: sha256 of each environment value kernels get, by name.
    environment: Mapping[str, str] = field(default_factory=dict)
