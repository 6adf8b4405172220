"""``clx validate``, ``clx course`` and ``clx explain``: what a course is, without building anything."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from clx_jupyter.builds import make_plan
from clx_jupyter.cli import told
from clx_jupyter.course.load import Place, find, load
from clx_jupyter.course.model import text_in
from clx_jupyter.errors import RequestError
from clx_jupyter.fingerprint import FileHashes
from clx_jupyter.job_queue import Reader
from clx_jupyter.plan import Output, Plan, SourcePlan
from clx_jupyter.requests import Request
from clx_jupyter.state import state_folder


def _place(options: argparse.Namespace) -> tuple[Place, Path | None]:
    data_dir = Path(options.data_dir).absolute() if options.data_dir else None
    return find(Path(options.path or "."), data_dir), data_dir


def planned(place: Place, data_dir: Path | None) -> Plan:
    """The plan that a build would start with, from a read-only look at the state."""
    reader = Reader(state_folder(place.root, private=bool(place.single)))
    request = Request(str(place.root), place.file, place.single, data_dir=str(data_dir) if data_dir else None)
    return make_plan(request, FileHashes(place.root), reader.known(place.file), reader.stored(place.file))


def validate(options: argparse.Namespace) -> int:
    """Read the course and tell what is wrong with it."""
    place, data_dir = _place(options)
    course = load(place, data_dir=data_dir)
    if options.json:
        print(json.dumps([problem.to_json() for problem in course.problems], ensure_ascii=False, indent=1))
    else:
        for problem in course.problems:
            print(told(problem), file=sys.stderr)
        counts = Counter(problem.severity for problem in course.problems)
        sources = sum(1 for _ in course.sources())
        print(
            f"{text_in(course.title, course.default_language)}: {sources} sources, {counts['error']} errors, {counts['warning']} warnings"
        )
    return 1 if any(problem.severity == "error" for problem in course.problems) else 0


def course(options: argparse.Namespace) -> int:
    """The course as a tree with the state of each source."""
    place, data_dir = _place(options)
    plan = planned(place, data_dir)
    described = plan.course
    if options.json:
        print(json.dumps(_course_json(plan), ensure_ascii=False, indent=1))
        return 0
    print(text_in(described.title, described.default_language))
    print(f"  {described.notice}" if described.notice else "", end="\n" if described.notice else "")
    for target in described.targets:
        print(f"  {target.name}: {', '.join(target.kinds)} · {', '.join(target.formats)} · {target.path}")
    section = -1
    for source in plan.sources:
        if source.index != section:
            section = source.index
            print(f"{section + 1}. {text_in(source.section.title, described.default_language)}")
        print(f"   {text_in(source.source.title, described.default_language)}  ({source.source.path}): {state_of(source)}")
    return 0


def state_of(source: SourcePlan) -> str:
    """One line on a source: how many outputs are in which state, and why any would be made."""
    counts = Counter(output_state(output) for output in source.outputs)
    why = next((output.reason for output in source.wanted), "")
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) + (f" · {why}" if why else "")


def output_state(output: Output) -> str:
    """``fresh``, ``failed``, ``stale`` (there, but it would be made again) or ``missing``."""
    if not output.reason:
        return output.state
    return "stale" if Path(output.name).exists() else "missing"


def _output_json(output: Output) -> dict[str, Any]:
    variant = output.variant
    return {
        "path": output.name,
        "target": variant.target.name,
        "kind": variant.kind.id,
        "language": variant.language,
        "format": variant.format,
        "state": output_state(output),
        "reason": output.reason,
    }


def _source_json(source: SourcePlan) -> dict[str, Any]:
    return {
        "path": source.source.path,
        "section": dict(source.section.title),
        "topic": source.topic.id,
        "title": dict(source.source.title),
        "prog_lang": source.source.prog_lang,
        "kernel": source.kernel.name if source.kernel else None,
        "inputs": sorted(source.parts.inputs),
        "outputs": [_output_json(output) for output in source.outputs],
    }


def _course_json(plan: Plan) -> dict[str, Any]:
    course = plan.course
    targets = [{"name": each.name, "path": str(each.path), "kinds": each.kinds, "formats": each.formats} for each in course.targets]
    return {
        "title": dict(course.title),
        "file": course.file,
        "root": str(course.root),
        "languages": course.languages,
        "notice": course.notice,
        "targets": targets,
        "sources": [_source_json(source) for source in plan.sources],
        "problems": [problem.to_json() for problem in plan.problems],
    }


def explain(options: argparse.Namespace) -> int:
    """What one source becomes, what it depends on, and why it would be built."""
    data_dir = Path(options.data_dir).absolute() if options.data_dir else None
    file = Path(options.path).absolute()
    place = find(Path(options.course), data_dir) if options.course else find(file, data_dir)
    plan = planned(place, data_dir)
    found = [source for source in plan.sources if place.root / source.source.path == file]
    if not found:
        raise RequestError(f"{options.path} is no source of this course", "`clx course` lists them; --course names another course")
    if options.json:
        print(json.dumps([_source_json(source) for source in found], ensure_ascii=False, indent=1))
        return 0
    for source in found:
        kernel = f"{source.kernel.display_name} ({source.kernel.name})" if source.kernel else "none installed"
        print(f"{source.source.path}: {source.source.prog_lang}, kernel {kernel}")
        print("depends on: " + (", ".join(sorted(source.parts.inputs)) or "nothing but itself"))
        for output in source.outputs:
            print(f"  {output_state(output):8} {output.name}" + (f"  ({output.reason})" if output.reason else ""))
    return 0
