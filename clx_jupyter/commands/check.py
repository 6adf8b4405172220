"""``clx check``: all that is wrong with a course and can be told without running it, and its corrections."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clx_jupyter.capacity import default_size
from clx_jupyter.checking import Checked, Checker, job_of
from clx_jupyter.cli import told
from clx_jupyter.commands.describe import counted, number_of
from clx_jupyter.course.load import Place, check_named, find
from clx_jupyter.errors import Problem, RequestError
from clx_jupyter.fixes import Fix, apply, described
from clx_jupyter.settings_files import read_settings
from clx_jupyter.variants import Choice
from clx_jupyter.views import built_by, planned

_FEW = 5
"""Of more notebooks than these that lack alternative text only the number is told: nothing may hide among them."""

_PASSES = 5
"""Corrections may uncover others in the same line; after so many rounds whatever is left stays."""


def check(options: argparse.Namespace) -> int:
    """Check, correct where that is asked for, and tell."""
    data_dir = Path(options.data_dir).absolute() if options.data_dir else None
    place, sources = _place(options.path, data_dir)
    choice = Choice(sections=tuple(options.section), topics=tuple(options.topic), sources=sources)
    # What is fresh counts as well: where links lead is planned only for what is to be made.
    plan = planned(place, data_dir, choice, force=True).plan
    # Nothing runs and nothing is printed, so neither kernels nor programs are missed.
    course = [problem for problem in plan.problems if problem.category not in ("missing-kernel", "tool-missing")]
    jobs = {each.source.path: job_of(each, place.root) for each in plan.sources}
    run = _Run(place.root, jobs, options.jobs or read_settings().workers or default_size(), options.fix)
    asyncio.run(run.all())
    problems = list({problem.id: problem for problem in (*course, *run.problems())}.values())
    if options.json:
        print(json.dumps(_json(place, len(jobs), problems, run.fixed), ensure_ascii=False, indent=1))
    else:
        _tell(problems, run.fixed, len(jobs))
    severities = {problem.severity for problem in problems}
    return 1 if "error" in severities or (options.strict and "warning" in severities) else 0


def _place(paths: Sequence[str], data_dir: Path | None) -> tuple[Place, tuple[str, ...]]:
    """The course, and the sources in it that are named; the first path may be the course itself."""
    first, *others = [Path(path) for path in paths] or [Path()]
    place = built_by(find(first, data_dir))
    named = [place.chosen] if place.chosen else []
    for path in others:
        real = Path(path).expanduser().absolute()
        if not real.is_relative_to(place.root):
            raise RequestError(f"{path} does not lie in the course {place.root}", "check one course after the other")
        named.append(real.relative_to(place.root).as_posix())
    return check_named(place), tuple(named)


@dataclass(slots=True)
class _Run:
    """One check, with its rounds of corrections."""

    root: Path
    jobs: dict[str, dict[str, Any]]
    size: int
    fix: bool
    checked: dict[str, Checked] = field(default_factory=dict)
    fixed: list[tuple[str, Fix]] = field(default_factory=list)

    async def all(self) -> None:
        async with Checker(self.size) as checker:
            again = list(self.jobs)
            for _ in range(_PASSES if self.fix else 1):
                self.checked |= await checker.check((self.jobs[path] for path in again), _progress)
                again = self._correct(again) if self.fix else []
                if not again:
                    break
            else:
                self.checked |= await checker.check((self.jobs[path] for path in again), _progress)

    def _correct(self, sources: list[str]) -> list[str]:
        """Correct what these sources' problems say; gives the sources to check again."""
        wanted: dict[str, list[Fix]] = {}
        for source in sources:
            for problem in self.checked[source].problems:
                if problem.fix and problem.path and problem.fix not in wanted.setdefault(problem.path, []):
                    wanted[problem.path].append(problem.fix)
        changed = set()
        for path, fixes in wanted.items():
            if not (self.root / path).resolve().is_relative_to(self.root.resolve()):
                continue
            made = apply(self.root / path, fixes, self.checked[path].sha256 if path in self.checked else "")
            self.fixed += [(path, fix) for fix in made]
            changed |= {path} if made else set()
        # Several sources may include the text that was corrected.
        return [source for source in self.jobs if any(problem.path in changed for problem in self.checked[source].problems)]

    def problems(self) -> list[Problem]:
        """All that remains, in the order of the course and of the lines."""
        return [
            problem
            for source in self.jobs
            for problem in sorted(self.checked[source].problems, key=lambda each: (each.path != source, each.path or "", _where(each)))
        ]


def _where(problem: Problem) -> tuple[int, int]:
    return (-1 if problem.cell is None else problem.cell, problem.line or 0) if problem.line is None else (problem.cell or 0, problem.line)


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[2K" + (f"checked {done} of {total} sources" if done < total else ""))
        sys.stderr.flush()


def _tell(problems: Sequence[Problem], fixed: Sequence[tuple[str, Fix]], sources: int) -> None:
    for path, fix in fixed:
        place = f"{path}:{fix['line']}" if "line" in fix else f"{path}, cell {fix['at'][1] + 1}"
        print(f"corrected: {place}: {described(fix)}")
    quiet = {
        "show pictures without alternative text": [problem for problem in problems if problem.category == "accessibility"],
        "load something from the network": [problem for problem in problems if problem.category == "link" and problem.severity == "info"],
    }
    many = [problem for found in quiet.values() if len(found) > _FEW for problem in found]
    for problem in problems:
        if problem not in many:
            print(told(problem) + (f"\n  fix: {described(problem.fix)}" if problem.fix else ""))
    for what, found in quiet.items():
        if len(found) > _FEW:
            print(f"info: {number_of(len({problem.path for problem in found}), 'notebook')} {what} (--json names them)")
    corrected = f"{number_of(len(fixed), 'correction')} made, " if fixed else ""
    print(f"{number_of(sources, 'source')}: {corrected}{counted(problems)}")
    fixable = sum(1 for problem in problems if problem.fix)
    if fixable:
        print(f"{fixable} of them can be corrected: clx check --fix")


def _json(place: Place, sources: int, problems: Sequence[Problem], fixed: Sequence[tuple[str, Fix]]) -> dict[str, Any]:
    return {
        "version": 1,
        "course": place.file,
        "course_root": str(place.root),
        "sources": sources,
        "problems": [problem.to_json() for problem in problems],
        "fixed": [{"path": path, "fix": fix} for path, fix in fixed],
    }
