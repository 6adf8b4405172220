"""Looks at a course and its builds, for every door: what a build would start with, and the state of each output and source."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

from clx_jupyter.audience import audience
from clx_jupyter.course.load import Place
from clx_jupyter.course.model import Course, Section, Target, text_in
from clx_jupyter.errors import Problem
from clx_jupyter.executions import Executions
from clx_jupyter.fingerprint import FileHashes
from clx_jupyter.follow import read_report
from clx_jupyter.job_reader import Reader
from clx_jupyter.job_rows import row_json
from clx_jupyter.jobs import BUILD_ENDED, BuildState
from clx_jupyter.live import Live
from clx_jupyter.navigation import DOOR
from clx_jupyter.plan import Known, Output, Plan, SourcePlan
from clx_jupyter.planning import make_plan
from clx_jupyter.reports import output_root
from clx_jupyter.requests import FLAGS, LISTS, Request
from clx_jupyter.state import living_holder, state_folder
from clx_jupyter.variants import Choice

States = Mapping[str, str]
"""What became of each output when it was last built, by its name."""

_FAILED_BEFORE = "failed before"  # the planner's reason for all that has no good result and would be tried again

#: The state of a source is the first of these that one of its outputs has.
_WORST_FIRST = ("failed", "withdrawn", "skipped", "cancelled", "stale", "missing", "built", "fresh")

#: What of a request the builds of a course tell about themselves.
CHOSEN = (*FLAGS, *LISTS, "single")

ContentsPath = Callable[[str | Path], str | None]
"""The path by which people know a file (an absolute path), ``None`` where they cannot see it."""


def folder_of(place: Place) -> Path:
    """The state folder of a course."""
    return state_folder(place.root, private=bool(place.single))


def built_by(place: Place) -> Place:
    """The place with the course file that last built the chosen source; a notebook's folder alone does not tell which that is."""
    return replace(place, file=Reader(folder_of(place)).course_of(place.chosen)) if place.chosen and not place.file else place


@dataclass(frozen=True, slots=True)
class Planned:
    """What a build would start with, what is known of each source by its place, and the last word on every output."""

    plan: Plan
    known: Mapping[str, Known]
    last: States
    #: What is wrong with the job database, if it is damaged: the plan takes it for empty then.
    damage: str = ""


def planned(
    place: Place, data_dir: Path | None = None, choice: Choice | None = None, *, output_dir: Path | None = None, force: bool = False
) -> Planned:
    """A read-only look at a course, or a part of it, and its state; with *force* as if everything were to be made."""
    reader, choice = Reader(folder_of(place), lenient=True), choice or Choice()
    known, stored = reader.known(place.file), reader.stored(place.file)
    request = Request(
        str(place.root), place.file, place.single, data_dir=str(data_dir) if data_dir else None,
        output_dir=str(output_dir) if output_dir else None,
        sections=choice.sections, topics=choice.topics, sources=choice.sources, force=force,
    )  # fmt: skip
    plan = make_plan(
        request, FileHashes(place.root, reader.file_stamps()), known, stored, Executions(folder_of(place) / "executions").whole
    )
    return Planned(plan, known, {name: row.state for name, row in stored.items()}, reader.damage)


def output_state(output: Output, last: States) -> str:
    """``fresh``, ``stale`` (there, but it would be made again), ``missing``, or what became of it last, such as ``failed``."""
    if not output.reason:
        return output.state
    state = last.get(output.name, "built")
    if output.reason == _FAILED_BEFORE and state != "built":
        return state
    return "stale" if Path(output.name).exists() else "missing"


def source_state(states: Sequence[str]) -> str:
    """The worst state among those of a source's outputs; ``fresh`` where it has none."""
    return next((state for state in _WORST_FIRST if state in states), "fresh")


def tree_of(plan: Plan) -> Iterator[tuple[Section, list[tuple[str, list[SourcePlan]]]]]:
    """The sections of a plan, each with its topics' ids and their sources; a section without any comes too."""
    by_section = {index: list(group) for index, group in groupby(plan.sources, key=lambda source: source.index)}
    for index, section in enumerate(plan.course.sections):
        topics = groupby(by_section.get(index, []), key=lambda source: source.topic.id)
        yield section, [(topic, list(group)) for topic, group in topics]


def variant_view(output: Output, last: States) -> dict[str, Any]:
    """What an output is, and in which state, apart from where it lies."""
    variant = output.variant
    return {
        "target": variant.target.name,
        "kind": variant.kind.id,
        "language": variant.language,
        "format": variant.format,
        "state": output_state(output, last),
        "reason": output.reason,
    }


# --- a course -------------------------------------------------------------------


def course_view(place: Place, contents_path: ContentsPath) -> dict[str, Any]:
    """A course as ``docs/rest-api.md`` describes it, but for its ids and builds."""
    look = planned(place)
    plan, last = look.plan, look.last
    course, language = plan.course, plan.course.default_language
    root = output_root(course) if course.targets else course.root
    kinds = dict.fromkeys(kind for target in course.targets for kind in target.kinds)
    sections = [
        {
            "title": text_in(section.title, language),
            "topics": [
                {
                    "id": topic,
                    "title": text_in(sources[0].topic.title, language) or PurePosixPath(topic).name,
                    "sources": [_source_view(source, last, language, root, contents_path) for source in sources],
                }
                for topic, sources in topics
            ],
        }
        for section, topics in tree_of(plan)
    ]
    return {
        "file": course.file,
        "title": text_in(course.title, language),
        "notice": f"{look.damage}; the next build sets it aside" if look.damage else course.notice,
        "folder": contents_path(course.root) or "",
        "built": bool(last),
        "languages": list(course.languages),
        "kinds": [{"id": kind, "label": course.kinds[kind].label, "public": course.kinds[kind].public} for kind in kinds],
        "formats": list(dict.fromkeys(format for target in course.targets for format in target.formats)),
        "targets": [_target_view(target, course, contents_path) for target in course.targets],
        "pages": list(_pages(plan, root, contents_path)),
        "counts": _counts(plan),
        "prog_langs": dict(Counter(source.source.prog_lang for source in plan.sources).most_common()),
        "sections": sections,
        "problems": _problems(look),
    }


def _target_view(target: Target, course: Course, contents_path: ContentsPath) -> dict[str, Any]:
    return {
        "name": target.name,
        "folder": _short(target.path, course.root),
        "path": contents_path(target.path),
        "kinds": list(target.kinds),
        "formats": list(target.formats),
        "audience": audience(course, target.kinds).level,
    }


def _problems(look: Planned) -> list[dict[str, Any]]:
    """What the plan says and what the last builds said, each once."""
    problems = {problem.id: problem for problem in look.plan.problems}
    for source in look.plan.sources:
        problems |= {problem.id: problem for problem in (look.known[source.place].problems if source.place in look.known else ())}
    if look.damage:
        damaged = Problem("internal", look.damage, "the next build sets it aside: nothing is lost but time", "warning")
        problems[damaged.id] = damaged
    return [problem.to_json() for problem in problems.values()]


def _pages(plan: Plan, root: Path, contents_path: ContentsPath) -> Iterator[dict[str, Any]]:
    """The start pages that are there: of a target that has several, the page that leads to them first."""
    if plan.navigation is None:
        return
    found = [(target, DOOR, "", "") for target in plan.navigation.doors()]
    found += [(page.target, page.path, page.kind.id, page.language) for page in plan.navigation.pages]
    for target, path, kind, language in found:
        file = target.path / path
        if file.is_file():
            name = file.relative_to(root).as_posix()
            yield {"target": target.name, "kind": kind, "language": language, "path": contents_path(file), "name": name}


def _short(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _counts(plan: Plan) -> dict[str, int]:
    runs = [
        source for source in plan.sources
        if source.kernel and source.source.execute.mode != "never" and any(output.variant.outputs for output in source.outputs)
    ]  # fmt: skip
    paths = {source.source.path for source in plan.sources}
    return {
        "sources": len(paths),
        "topics": sum(len(section.topics) for section in plan.course.sections),
        "sections": len(plan.course.sections),
        "folders": len({str(PurePosixPath(path).parent) for path in paths}),
        "outputs": sum(len(source.outputs) for source in plan.sources),
        "runs": len({source.source.path for source in runs}),
    }


def _source_view(source: SourcePlan, last: States, language: str, root: Path, contents_path: ContentsPath) -> dict[str, Any]:
    outputs = [_output_view(output, last, root, contents_path) for output in source.outputs]
    return {
        "path": source.source.path,
        "place": source.place,
        "title": text_in(source.source.title, language),
        "prog_lang": source.source.prog_lang,
        "state": source_state([output["state"] for output in outputs]),
        "reason": next((output.reason for output in source.wanted), ""),
        "outputs": outputs,
    }


def _output_view(output: Output, last: States, root: Path, contents_path: ContentsPath) -> dict[str, Any]:
    name = os.path.relpath(output.name, root).replace(os.sep, "/")
    return {"path": contents_path(output.name), "name": name, **variant_view(output, last)}


# --- builds ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BuildLook:
    """A look at the builds of one course; ``live`` gives a build that this very process works on."""

    place: Place
    live: Callable[[str], Live | None]
    contents_path: ContentsPath

    @property
    def reader(self) -> Reader:
        """The database."""
        return Reader(folder_of(self.place), lenient=True)

    def builds(self, limit: int = 20) -> list[dict[str, Any]]:
        """The latest builds, the newest first."""
        return [self._seen(row)[0] for row in self._rows(limit)]

    def open(self) -> list[dict[str, Any]]:
        """The builds that go on, or wait for somebody to go on with them."""
        seen = [self._seen(row)[0] for row in self._rows(50) if row["state"] not in BUILD_ENDED]
        return [build for build in seen if build["state"] not in BUILD_ENDED]

    def _rows(self, limit: int) -> list[dict[str, Any]]:
        rows = [row for row in self.reader.builds(10 * limit) if row["course"] == self.place.file]
        return [row for row in rows if _is_about(row_json(row["request"]), self.place)][:limit]

    def build(self, id: str, since: float = 0.0) -> dict[str, Any] | None:
        """One build with its jobs that changed *since* a time, and its problems; ``None`` if there is none of this name."""
        row, live = self.reader.build(id), self.live(id)
        if row is None and live is not None:  # somebody deleted the state: its end is told all the same
            row = _live_as_row(live)
        if row is None or row["course"] != self.place.file or not _is_about(row_json(row["request"]), self.place):
            return None
        now = time.time()
        view, report = self._seen(row)
        # A build that was resumed has given up jobs of places that were planned anew: the latest one counts.
        jobs = list({job["place"]: job for job in self.reader.jobs(id, 1_000_000)}.values())
        told = [problem for job in jobs for problem in row_json(job["problems"], [])]
        return {
            **view,
            "now": now,
            "jobs": [_job_view(job, live, now) for job in jobs if _changed(job, since)],
            "problems": report["problems"] if report else told,
            "outputs": self._outputs(report) if report and (view["request"]["sources"] or self.place.single) else [],
        }

    def _seen(self, row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """A build without its jobs, and its report once it has ended."""
        live, request = self.live(row["id"]), row_json(row["request"])
        shown = _as_of_now(live) if live else row_as_live(row)
        ended = shown.state in BUILD_ENDED
        if ended and row["finished"] is None:  # it ended after the row was read
            row = self.reader.build(row["id"]) or row
        report = (shown.report or read_report(folder_of(self.place), row["id"])) if ended else None
        holder = None if ended else living_holder(folder_of(self.place))
        counts = Counter(output["state"] for output in report["outputs"]) if report else None
        view = {
            "id": row["id"],
            "file": row["course"],
            "number": shown.number,
            "state": shown.state,
            "here": live is not None,
            "holder": {"host": holder.host, "pid": holder.pid} if holder else None,
            "created": row["created"],
            "started": row["started"],
            "finished": row["finished"],
            "now": time.time(),
            "total": shown.total,
            "done": shown.done,
            "failed": shown.failed,
            "left": shown.left(),
            "request": {name: request[name] for name in CHOSEN if name in request},
            "notice": live.notice if live else (report or {}).get("notice", ""),
            "paused": live.paused if live and not ended else "",
            "error": row_json(row["error"]),
            "counts": dict(counts) if counts is not None else None,
        }
        return view, report

    def _outputs(self, report: Mapping[str, Any]) -> list[dict[str, Any]]:
        root, fields = Path(report["output_root"]), ("target", "source", "kind", "language", "format", "state", "reason")
        return [
            {"path": self.contents_path(root / row["path"]), "name": row["path"], **{name: row[name] for name in fields}}
            for row in report["outputs"]
        ]  # fmt: skip


def _as_of_now(live: Live) -> Live:
    """A build of this process at one instant: it goes on, perhaps to its end, while it is looked at."""
    number, state = live.number, live.state  # in this order: whoever changes a build counts last, so nothing is older than its number
    return replace(live, number=number, state=state)


def row_as_live(row: Mapping[str, Any]) -> Live:
    """A build of another process, by its row."""
    request = Request.from_json(row_json(row["request"]))
    state, started = BuildState(row["state"]), row["started"] or row["created"]
    return Live(row["id"], request, row["number"], state, started, total=row["total"], done=row["done"], failed=row["failed"])


def _live_as_row(live: Live) -> dict[str, Any]:
    """The row of a build of this process that stands nowhere any more."""
    told = {
        "id": live.id,
        "course": live.request.file,
        "number": live.number,
        "state": live.state,
        "request": json.dumps(live.request.to_json()),
    }
    return {**told, "created": live.started, "started": live.started, "finished": None, "error": None}


def _is_about(request: Mapping[str, Any], place: Place) -> bool:
    """Whether a build made something of this course: one notebook outside any course shares its folder's state with its neighbours."""
    return str(request.get("single", "")) == place.single


def _changed(job: Mapping[str, Any], since: float) -> bool:
    latest: float = max(job["created"], job["started"] or 0.0, job["finished"] or 0.0)
    return job["state"] == "running" or latest >= since


def _job_view(job: Mapping[str, Any], live: Live | None, now: float) -> dict[str, Any]:
    frame = row_json(job["progress"], {}) if job["state"] == "running" else {}
    if live and job["state"] == "running":
        frame = live.running.get(job["path"], frame)
    return {
        "path": job["path"],
        "place": job["place"],
        "state": job["state"],
        "cell": frame.get("cell") or 0,
        "cells": frame.get("cells") or 0,
        "phase": frame.get("phase") or "",
        "seconds": round((job["finished"] or now) - job["started"], 3) if job["started"] else 0.0,
        "reason": job["reason"],
    }
