"""The report of a build (``docs/report.md``, ``docs/report.schema.json``)."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clx_jupyter.audience import audience
from clx_jupyter.course.model import Course, text_in
from clx_jupyter.errors import Problem
from clx_jupyter.job_rows import StoredOutput
from clx_jupyter.jobs import BuildState
from clx_jupyter.manifest import write_atomically
from clx_jupyter.plan import Output, Plan, SourcePlan
from clx_jupyter.requests import Request

if TYPE_CHECKING:
    from clx_jupyter.publishing import Asset, Publishing
    from clx_jupyter.start_pages import Page

VERSION = 1


@dataclass(frozen=True, slots=True)
class Ended:
    """What a build leaves behind for its report; ``made`` are the rows of the outputs its jobs ended, with their seconds, by name."""

    id: str
    request: Request
    state: BuildState
    started: float
    executions: int
    kernels: int
    problems: list[Problem]
    made: Mapping[str, tuple[StoredOutput, float]]


def output_root(course: Course) -> Path:
    """The folder that paths of outputs in a report are relative to: the targets' common parent."""
    return Path(os.path.commonpath([target.path.parent for target in course.targets]))


def build_report(ended: Ended, plan: Plan | None, publishing: Publishing | None, error: Problem | None = None) -> dict[str, Any]:
    """The whole report; *error* is what made the request itself impossible."""
    root = output_root(plan.course) if plan and plan.course.targets else None
    folders = _folders(plan.course, root) if plan and root else {}
    outputs = [_output(ended, folders, publishing, source, output) for source in plan.sources for output in source.outputs] if plan else []
    problems = _problems(ended, plan, error)
    _name_outputs(outputs, problems)
    state = ended.state
    if state is BuildState.SUCCEEDED and any(problem["severity"] == "error" for problem in problems.values()):
        state = BuildState.FAILED
    return {
        "version": VERSION,
        "status": str(state),
        "state": str(state),
        "build": ended.id,
        "course": ended.request.file,
        "title": text_in(plan.course.title, plan.course.default_language) if plan else "",
        "notice": plan.course.notice if plan else "",
        "course_root": ended.request.root,
        "output_root": str(root) if root else "",
        "started": datetime.fromtimestamp(ended.started, UTC).isoformat(),
        "seconds": round(max(0.0, time.time() - ended.started), 3),
        "executions": ended.executions,
        "kernels_started": ended.kernels,
        "targets": _targets(plan),
        "outputs": outputs,
        "needed": [{"source": each.source.path, "reason": each.reason} for each in plan.needed] if plan else [],
        "assets": _located(publishing.assets.values(), folders) if publishing else [],
        "pages": _located(publishing.pages.values(), folders) if publishing else [],
        "problems": list(problems.values()),
    }


def _targets(plan: Plan | None) -> list[dict[str, Any]]:
    """The targets that this build was about, and whom each is for."""
    if plan is None:
        return []
    root, rows = output_root(plan.course) if plan.course.targets else None, []
    chosen = {output.variant.target.name for source in plan.sources for output in source.outputs}
    for target in plan.course.targets:
        if root and target.name in chosen:
            whom = audience(plan.course, target.kinds)
            path = target.path.relative_to(root).as_posix()
            rows.append({"name": target.name, "path": path, "kinds": list(target.kinds), "audience": whom.level, "why": whom.why})
    return rows


def _output(ended: Ended, folders: Mapping[str, str], publishing: Publishing | None, source: SourcePlan, output: Output) -> dict[str, Any]:
    variant = output.variant
    state, reason, seconds = output.state, output.reason, 0.0
    if made := ended.made.get(output.name):
        state, reason, seconds = made[0].state, made[0].reason, made[1]
    elif output.reason:
        state = "cancelled" if ended.state is BuildState.CANCELLED else "stale" if Path(output.name).exists() else "missing"
    stored = publishing.stored.get(output.name) if publishing else None
    return {
        "path": f"{folders[variant.target.name]}/{variant.path}",
        "target": variant.target.name,
        "source": source.source.path,
        "section": text_in(source.section.title, variant.language),
        "topic": source.topic.id,
        "title": text_in(source.source.title, variant.language),
        "kind": variant.kind.id,
        "language": variant.language,
        "format": variant.format,
        "state": state,
        "reason": reason,
        "seconds": round(seconds, 3),
        "sha256": stored.sha256 if stored else None,
    }


def _problems(ended: Ended, plan: Plan | None, error: Problem | None) -> dict[str, dict[str, Any]]:
    """All problems by id: those of this build, and those of sources that were not built again."""
    remembered = [problem for source in plan.sources if not source.has_job for problem in source.problems] if plan else []
    found = [*ended.problems, *remembered, *([error] if error else [])]
    return {problem.id: problem.to_json() for problem in found}


def _name_outputs(outputs: list[dict[str, Any]], problems: dict[str, dict[str, Any]]) -> None:
    """Note at each error which outputs of its source it holds back."""
    held: dict[str, list[str]] = {}
    for output in outputs:
        if output["state"] in ("failed", "skipped", "withdrawn"):
            held.setdefault(output["source"], []).append(output["path"])
    for problem in problems.values():
        if problem["severity"] == "error" and not problem["outputs"] and problem["path"] in held:
            problem["outputs"] = held[problem["path"]]


def _folders(course: Course, root: Path) -> dict[str, str]:
    """The folder of each target relative to *root*."""
    return {target.name: target.path.relative_to(root).as_posix() for target in course.targets}


def _located(files: Iterable[Asset | Page], folders: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rows of files, their paths relative to the common folder of the targets."""
    return [
        {**{field.name: getattr(file, field.name) for field in fields(file)}, "path": f"{folders[file.target]}/{file.path}"}
        for file in files
    ]


def invalid_report(problem: Problem, root: str) -> dict[str, Any]:
    """The report of a request that never became a build."""
    ended = Ended("", Request(root), BuildState.INVALID, time.time(), 0, 0, [], {})
    return build_report(ended, None, None, problem)


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Write a report whole."""
    write_atomically(path, (json.dumps(report, ensure_ascii=False, indent=1) + "\n").encode(), mode=0o600)
