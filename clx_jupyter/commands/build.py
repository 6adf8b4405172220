"""``clx build`` and ``clx cancel``."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from clx_jupyter.audience import LEVELS, TITLES
from clx_jupyter.cli import shown, told
from clx_jupyter.commands.describe import number_of
from clx_jupyter.commands.progress import Progress
from clx_jupyter.commands.session import Session
from clx_jupyter.commands.which_course import place_of, state_of
from clx_jupyter.course.load import Place, check_named, find
from clx_jupyter.dry_run import dry_run
from clx_jupyter.errors import ClxError, Problem, RequestError
from clx_jupyter.follow import follow
from clx_jupyter.job_reader import Reader
from clx_jupyter.jobs import BUILD_ENDED
from clx_jupyter.reports import invalid_report, write_report
from clx_jupyter.requests import Request, post
from clx_jupyter.settings_files import read_settings
from clx_jupyter.state import create_state_folder, read_holder
from clx_jupyter.views import built_by
from clx_jupyter.watching import Watched


def build(options: argparse.Namespace) -> int:
    """Build, show progress on standard error, and sum up."""
    options.json = options.json or options.output_mode == "json"
    _check_report(options.report)
    try:
        settings, request = read_settings(), _request(options)
    except ClxError as error:
        report = invalid_report(error.problem, str(Path(options.path[0] if options.path else ".").absolute()))
        _hand_over(report, options)
        raise
    folder = state_of(request.place)
    progress = Progress(sys.stderr, quiet=options.output_mode == "quiet")
    session = Session(folder, progress, settings=settings, size=options.jobs, take_over=options.take_over)
    try:
        if options.dry_run:
            return _dry_run(request, folder, options, progress)
        return asyncio.run((_watch if options.watch else _once)(request, options, session))
    except ClxError as error:
        _hand_over(invalid_report(error.problem, request.root), options)
        raise


def _check_report(report: str | None) -> None:
    if report and not Path(report).absolute().parent.is_dir():
        raise RequestError(f"there is no folder for the report {report}", "create it first")


def _request(options: argparse.Namespace) -> Request:
    if both := next(_contradictions(options), ""):
        raise RequestError(f"{both} contradict each other", "leave one of them out")
    data_dir = Path(options.data_dir).absolute() if options.data_dir else None
    paths = [Path(path) for path in options.path] or [Path()]
    places = [built_by(find(path, data_dir)) for path in paths]
    place = _one(places)
    return Request(
        root=str(place.root), file=place.file, single=place.single,
        targets=tuple(options.target), languages=tuple(options.language), kinds=tuple(options.kind), formats=tuple(options.format),
        sections=(*options.section, *options.only_sections), topics=tuple(options.topic), sources=tuple(each.chosen for each in places if each.chosen),
        without=("html",) if options.no_html else (), private=options.speaker_only, rerun=options.rerun, env_file=_env_file(options),
        image_format=options.image_format, image_mode=options.image_mode, inline_images=options.inline_images,
        force=options.force, failed=options.failed, execute=not options.no_execute, adopt=options.adopt,
        timeout=options.timeout, data_dir=str(data_dir) if data_dir else None,
        output_dir=str(Path(options.output_dir).absolute()) if options.output_dir else None,
    )  # fmt: skip


def _contradictions(options: argparse.Namespace) -> Iterator[str]:
    """Pairs of options that cannot both be meant."""
    pairs = (
        ("no_execute", "rerun", "--no-execute and --force-execute"), ("watch", "dry_run", "--watch and --dry-run"),
        ("env_file", "no_env_file", "--env-file and --no-env-file"),
    )  # fmt: skip
    yield from (names for one, other, names in pairs if getattr(options, one) and getattr(options, other))
    if options.no_html and "html" in options.format:
        yield "--no-html and --format html"


def _env_file(options: argparse.Namespace) -> str | None:
    if options.env_file and not Path(options.env_file).is_file():
        raise RequestError(f"there is no file {options.env_file}", "--env-file names a file with lines such as NAME=value")
    return "" if options.no_env_file else str(Path(options.env_file).absolute()) if options.env_file else None


def _one(places: list[Place]) -> Place:
    """The one course that all paths mean."""
    first = places[0]
    if any((place.root, place.file, place.single) != (first.root, first.file, first.single) for place in places):
        raise RequestError("these paths belong to different courses", "build them one after the other")
    return check_named(first)


def _dry_run(request: Request, folder: Path, options: argparse.Namespace, progress: Progress) -> int:
    """Say what a build would do; only reads."""
    report = dry_run(request, folder)
    if report["notice"]:
        progress.note(report["notice"])
    return _tell(report, options, progress)


async def _once(request: Request, options: argparse.Namespace, session: Session) -> int:
    async with session:
        report = await session.run(request)
        await session.finish()
    return _tell(report, options, session.progress)


async def _watch(request: Request, options: argparse.Namespace, session: Session) -> int:
    """Build, then build again whatever changes, until an interrupt: 0, or 130 where that cancelled a build."""
    report_file = [Path(options.report).absolute()] if options.report else []
    watched = Watched(request.place, [Path(request.env_file)] if request.env_file else [], report_file)
    async with session:
        while True:
            # Before the build: what changes while it goes on is built next.
            look = await asyncio.to_thread(watched.look)
            _tell(await session.run(request), options, session.progress)
            if session.interrupted:
                return 130
            session.progress.note(f"watching {request.root}; Ctrl-C ends it")
            change = asyncio.create_task(watched.changed(look))
            if not await session.idle(change):
                return 0
            request = replace(request, force=False, rerun=False, failed=False, adopt=False)  # that was meant once
            names = watched.names(change.result()[0])
            session.progress.note(f"changed: {', '.join(names[:3])}" + (f" and {len(names) - 3} more" if len(names) > 3 else ""))


def _tell(report: dict[str, Any], options: argparse.Namespace, progress: Progress) -> int:
    """Hand a report over and sum it up; gives the exit code."""
    progress.close()
    _hand_over(report, options)
    if not options.json:
        _sum_up(report, options)
    return _exit_code(report, options)


def _hand_over(report: dict[str, Any], options: argparse.Namespace) -> None:
    if options.report:
        write_report(Path(options.report), report)
    if options.json:
        print(json.dumps(report, ensure_ascii=False, indent=None if options.watch else 1), flush=True)


_SAID = {"built": "built", "fresh": "fresh", "failed": "failed", "stale": "kept as it was", "skipped": "skipped", "missing": "missing",
         "cancelled": "cancelled", "withdrawn": "withdrawn"}  # fmt: skip


def _sum_up(report: dict[str, Any], options: argparse.Namespace) -> None:
    if options.dry_run:
        for needed in report["needed"]:
            print(f"{needed['source']}  runs: {needed['reason']}")
        for output in report["outputs"]:
            print(f"{output['path']}  {output['reason'] or output['state']}")
    elif options.output_mode == "verbose":
        for output in report["outputs"]:
            print(f"{output['path']}  {output['state']}" + (f" ({output['reason']})" if output["reason"] else ""))
    for problem in report["problems"]:
        print(told(Problem.from_json(problem)), file=sys.stderr)
    if options.output_mode == "quiet":
        return
    states = ["would be built" if options.dry_run and output["reason"] else _SAID[output["state"]] for output in report["outputs"]]
    counts = ", ".join(f"{count} {state}" for state, count in sorted(Counter(states).items())) or "nothing to build"
    if options.dry_run and report["status"] != "invalid":
        print(f"dry run: {counts}")
        return
    runs = f"{number_of(report['executions'], 'execution')}, {number_of(report['kernels_started'], 'kernel')}"
    print(
        report["status"] + (f": {counts} · {runs} · {report['seconds']:.1f} s" if report["status"] != "invalid" else ": nothing is built")
    )
    for line in _for_whom(report):
        print(line)


def _for_whom(report: dict[str, Any]) -> Iterator[str]:
    """``for students: output/students (Code-along)``, one line for each target, those for students first."""
    for target in sorted(report["targets"], key=lambda target: LEVELS.index(target["audience"])):
        folder = Path(report["output_root"], target["path"])
        if folder.is_dir():
            yield f"{TITLES[target['audience']] + ':':13} {shown(folder)} ({target['why']})"


def _exit_code(report: dict[str, Any], options: argparse.Namespace) -> int:
    if report.get("interrupted") or report["status"] == "cancelled":
        return 130
    if report["status"] == "invalid":
        return 2
    severities = {problem["severity"] for problem in report["problems"]}
    if options.strict and "warning" in severities:
        return 1
    return 1 if report["status"] == "failed" and not options.no_fail_on_error else 0


def cancel(options: argparse.Namespace) -> int:
    """Ask the holder to cancel, and wait until it has."""
    place = place_of(options)
    folder = state_of(place)
    reader = Reader(folder)
    open_builds = [row["id"] for row in reader.builds(1000) if row["state"] not in BUILD_ENDED]
    chosen = [id for id in open_builds if options.build in (None, id)]
    if not chosen and options.build is not None:
        row = reader.build(options.build)
        words = f"build {options.build} has ended: it is {row['state']}" if row else f"there is no build {options.build!r} of this course"
        raise RequestError(words, "`clx status` lists them")
    if not chosen:
        print("nothing is being built here", file=sys.stderr)
        return 0
    if read_holder(folder) is None:
        print("nobody builds here now; the next build settles what was left open", file=sys.stderr)
        return 0
    create_state_folder(folder, place.root)
    for id in chosen:
        asyncio.run(_cancel_one(folder, id))
        print(f"cancelled {id}")
    return 0


async def _cancel_one(folder: Path, id: str) -> None:
    post(folder, {"do": "cancel", "build": id})
    await follow(folder, id, lambda row, jobs: None)
