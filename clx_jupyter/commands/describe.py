"""``clx validate``, ``clx course`` and ``clx explain``: what a course is, without building anything."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from clx_jupyter.cli import told
from clx_jupyter.course.load import check_named, find, load
from clx_jupyter.course.model import Text, text_in
from clx_jupyter.errors import Problem, RequestError
from clx_jupyter.plan import Plan, SourcePlan
from clx_jupyter.views import States, built_by, output_state, planned, tree_of, variant_view


def _data_dir(options: argparse.Namespace) -> Path | None:
    return Path(options.data_dir).absolute() if options.data_dir else None


# --- validate -----------------------------------------------------------------


def validate(options: argparse.Namespace) -> int:
    """Read the course and tell what is wrong with it."""
    data_dir = _data_dir(options)
    course = load(check_named(find(Path(options.path or "."), data_dir)), data_dir=data_dir)
    if options.json:
        print(json.dumps([problem.to_json() for problem in course.problems], ensure_ascii=False, indent=1))
    else:
        _tell(course.problems)
        sources = sum(1 for _ in course.sources())
        print(f"{text_in(course.title, course.default_language)}: {number_of(sources, 'source')}, {counted(course.problems)}")
    return 1 if any(problem.severity == "error" for problem in course.problems) else 0


def _tell(problems: Sequence[Problem]) -> None:
    for problem in problems:
        print(told(problem), file=sys.stderr)


def counted(problems: Sequence[Problem]) -> str:
    """How many errors and warnings there are."""
    counts = Counter(problem.severity for problem in problems)
    return f"{number_of(counts['error'], 'error')}, {number_of(counts['warning'], 'warning')}"


def number_of(count: int, what: str) -> str:
    """``1 error``, ``2 errors``."""
    return f"{count} {what}{'' if count == 1 else 's'}"


# --- course -------------------------------------------------------------------


def course(options: argparse.Namespace) -> int:
    """The course as a tree with the state of each source."""
    data_dir = _data_dir(options)
    place = check_named(find(Path(options.path or "."), data_dir))
    look = planned(place, data_dir)
    plan, last = look.plan, look.last
    if options.json:
        print(json.dumps(_course_json(plan, last), ensure_ascii=False, indent=1))
        return 0
    for line in (*_head(plan), *_tree(plan, last)):
        print(line)
    if plan.problems:
        print(f"{counted(plan.problems)}; `clx validate` and `clx build --dry-run` tell them")
    return 0


def _head(plan: Plan) -> Iterator[str]:
    described = plan.course
    languages = f"  ({', '.join(described.languages)})" if described.languages else ""
    yield text_in(described.title, described.default_language) + languages
    if described.notice:
        yield f"  {described.notice}"
    for target in described.targets:
        yield f"  {target.name}: {', '.join(target.kinds)} · {', '.join(target.formats)} · {target.path}"


def _tree(plan: Plan, last: States) -> Iterator[str]:
    """Sections, topics and sources; a topic that is nothing but its one source has no line of its own."""
    language = plan.course.default_language
    for number, (section, topics) in enumerate(tree_of(plan), 1):
        yield f"{number}. {text_in(section.title, language)}"
        for topic, sources in topics:
            named = [source.source.path for source in sources] != [topic]
            if named:
                yield f"   {topic}"
            yield from (f"   {'  ' if named else ''}{_source_line(source, language, last)}" for source in sources)


def _source_line(source: SourcePlan, language: str, last: States) -> str:
    title: Text = source.source.title
    return f"{text_in(title, language)}  ({source.source.path}): {state_of(source, last)}"


def state_of(source: SourcePlan, last: States) -> str:
    """One line on a source: how many outputs are in which state, and why any would be made."""
    counts = Counter(output_state(output, last) for output in source.outputs)
    why = next((output.reason for output in source.wanted), "")
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) + (f" · {why}" if why else "")


def _source_json(source: SourcePlan, last: States) -> dict[str, Any]:
    return {
        "path": source.source.path,
        "section": dict(source.section.title),
        "topic": source.topic.id,
        "title": dict(source.source.title),
        "prog_lang": source.source.prog_lang,
        "kernel": source.kernel.name if source.kernel else None,
        "inputs": sorted(source.parts.inputs),
        "problems": [problem.to_json() for problem in source.problems],
        "outputs": [{"path": output.name, **variant_view(output, last)} for output in source.outputs],
    }


def _course_json(plan: Plan, last: States) -> dict[str, Any]:
    course = plan.course
    targets = [{"name": each.name, "path": str(each.path), "kinds": each.kinds, "formats": each.formats} for each in course.targets]
    return {
        "title": dict(course.title),
        "file": course.file,
        "root": str(course.root),
        "languages": course.languages,
        "notice": course.notice,
        "targets": targets,
        "sources": [_source_json(source, last) for source in plan.sources],
        "problems": [problem.to_json() for problem in plan.problems],
    }


# --- explain ------------------------------------------------------------------


def explain(options: argparse.Namespace) -> int:
    """What one source becomes, what it depends on, and why it would be built."""
    data_dir, file = _data_dir(options), Path(options.path).absolute()
    place = check_named(find(Path(options.course), data_dir)) if options.course else built_by(find(file, data_dir))
    look = planned(place, data_dir)
    plan, last = look.plan, look.last
    found = [source for source in plan.sources if (place.root / source.source.path).resolve() == file.resolve()]
    if not found:
        raise RequestError(f"{options.path} is no source of this course", "`clx course` lists them; --course names another course")
    if options.json:
        print(json.dumps([{"course": place.file, **_source_json(source, last)} for source in found], ensure_ascii=False, indent=1))
        return 0
    for source in found:
        for line in _explained(source, last):
            print(line)
        _tell(source.problems)
    return 0


def _explained(source: SourcePlan, last: States) -> Iterator[str]:
    kernel = f"{source.kernel.display_name} ({source.kernel.name})" if source.kernel else "none is installed for it"
    yield f"{source.source.path}: {source.source.prog_lang}, kernel: {kernel}"
    yield "depends on: " + (", ".join(sorted(source.parts.inputs)) or "nothing but itself")
    for output in source.outputs:
        yield f"  {output_state(output, last):8} {output.name}" + (f"  ({output.reason})" if output.reason else "")
