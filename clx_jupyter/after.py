"""Which sources run before which (``after`` in a course), and what has to run so that their files are there. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from clx_jupyter.course.model import Course, Section, Source, Topic
from clx_jupyter.errors import KEPT_FAILURES, Problem
from clx_jupyter.fingerprint import Parts, digest
from clx_jupyter.plan import Known, SourcePlan

Whole = Callable[[Mapping[str, Any]], bool]
"""Whether all files that a run wrote are still kept."""


@dataclass(frozen=True, slots=True)
class Site:
    """A source where a section uses it."""

    index: int
    section: Section
    topic: Topic
    source: Source

    @property
    def place(self) -> str:
        """Its name in the database: a topic may be used in several sections."""
        return f"{self.index}:{self.source.path}"


def sites(course: Course) -> Iterator[Site]:
    """Every source at every place it has, in course order."""
    for index, section in enumerate(course.sections):
        for topic in section.topics:
            for source in topic.sources:
                yield Site(index, section, topic, source)


class Order:
    """The order that ``after`` asks for. What cannot be followed is left out, and told in ``problems``."""

    def __init__(self, course: Course) -> None:
        self.problems: list[Problem] = []
        self._sites: dict[str, list[Site]] = {}
        for site in sites(course):
            self._sites.setdefault(site.source.path, []).append(site)
        self._after = {path: self._known(path, places[0].source.after) for path, places in self._sites.items() if places[0].source.after}
        self._sorted = self._sort()
        self._leading = {path for before in self._after.values() for path in before}

    def _known(self, path: str, after: Iterable[str]) -> dict[str, None]:
        for missing in (name for name in after if name not in self._sites):
            hint = "after: names sources of this course, relative to its root"
            self.problems.append(Problem("bad-course", f"{path} comes after {missing}, which is no source of the course", hint, path=path))
        return dict.fromkeys(name for name in after if name in self._sites)

    def _sort(self) -> list[str]:
        while True:
            try:
                return list(TopologicalSorter(self._after).static_order())
            except CycleError as error:
                circle: list[str] = error.args[1]
                # Each one in it must run before the next.
                del self._after[circle[1]][circle[0]]
                text = f"{' after '.join(reversed(circle))}: these can never run"
                self.problems.append(Problem("bad-course", text, f"take one of them out of after: of {circle[1]}", path=circle[1]))

    def before(self, site: Site) -> list[Site]:
        """Those that *site* comes after; of a source used in several sections the one in the same section, else the first."""
        found = []
        for path in self._after.get(site.source.path, ()):
            places = self._sites[path]
            found.append(next((each for each in places if each.index == site.index), places[0]))
        return found

    def leads(self, path: str) -> bool:
        """Whether any source comes after this one."""
        return path in self._leading

    def with_all_before(self, chosen: Iterable[Site]) -> list[Site]:
        """*chosen* and all that must have run before, each one after those it needs."""
        todo = list(chosen)
        found = {site.place: site for site in todo}
        while todo:
            for site in self.before(todo.pop()):
                if site.place not in found:
                    found[site.place] = site
                    todo.append(site)
        rank = {path: number for number, path in enumerate(self._sorted)}
        return sorted(found.values(), key=lambda site: rank.get(site.source.path, -1))


def joined(own: Parts, before: Iterable[SourcePlan]) -> Parts:
    """The fingerprint of a source that depends on what others do: it holds theirs."""
    others = list(before)
    if not others:
        return own
    inputs: dict[str, str] = {}
    for other in others:
        inputs |= {**other.parts.inputs, other.source.path: other.parts.source}
    inputs |= own.inputs
    settings = digest([own.settings, [[other.parts.kernel, other.parts.settings] for other in others]])
    return Parts(own.source, inputs, own.kernel, settings, own.version)


_LASTING = {*KEPT_FAILURES, "bad-source"}


def may_differ(cause: Problem, before: Iterable[SourcePlan]) -> bool:
    """Whether a failure of a source may be gone because of those it comes after, though nothing changed.

    One of them is made again or failed for a reason that may be gone; or all of them left their files by now, and the
    failure, which no cell has, was that they did not.
    """
    others = list(before)
    if any(other.has_job or any(each.severity == "error" and each.category not in _LASTING for each in other.problems) for other in others):
        return True
    return bool(others) and cause.cell is None and all(other.runs for other in others)


def require(plans: Iterable[SourcePlan], whole: Whole) -> None:
    """Have the code run whose files are needed and not kept. *plans*: each one after those it needs."""
    for plan in reversed(list(plans)):
        languages = plan.running
        if not languages or plan.spec["execute"]["mode"] == "never":
            continue
        for before in plan.before:
            own = dict.fromkeys(before.languages) or {"": None}
            needed = {language if language in own else next(iter(own)) for language in languages}
            if not all(language in before.runs and whole(before.runs[language]) for language in needed):
                before.needed_by.append(plan.source.path)
                before.spec["execute"]["run"] = sorted({*before.spec["execute"]["run"], *needed})


def left_by(other: SourcePlan, known: Known | None, whole: Whole) -> dict[str, Any]:
    """What a source left for those after it; no runs where it did not succeed."""
    runs = known.runs if known and known.parts == other.parts.to_json() else {}
    failed = known is not None and any(problem.severity == "error" for problem in known.problems)
    return {
        "path": other.source.path,
        "runs": {language: {**_kept(run["given"]), **_kept(run["written"])} for language, run in runs.items() if whole(run)},
        "state": "failed" if failed else "was not run",
    }


def _kept(files: Mapping[str, str]) -> dict[str, str]:
    return {name: sha256 for name, sha256 in files.items() if sha256}
