"""``clx build`` and ``clx cancel``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from clx_jupyter.builds import Builds
from clx_jupyter.cli import told
from clx_jupyter.commands.progress import Progress
from clx_jupyter.course.load import Place, check_named, find
from clx_jupyter.errors import ClxError, Problem, RequestError
from clx_jupyter.follow import follow
from clx_jupyter.job_queue import Reader
from clx_jupyter.jobs import BUILD_ENDED
from clx_jupyter.reports import invalid_report, write_report
from clx_jupyter.requests import Request, new_id, post
from clx_jupyter.state import create_state_folder, read_holder, state_folder


def build(options: argparse.Namespace) -> int:
    """Build, show progress on standard error, and sum up."""
    _check_report(options.report)
    try:
        request = _request(options)
    except ClxError as error:
        report = invalid_report(error.problem, str(Path(options.path[0] if options.path else ".").absolute()))
        _hand_over(report, options)
        raise
    place = request.place
    folder = state_folder(place.root, private=bool(place.single))
    progress = Progress(sys.stderr)
    report = asyncio.run(_run(request, folder, options, progress))
    progress.close()
    _hand_over(report, options)
    if not options.json:
        _sum_up(report, options)
    return _exit_code(report, options)


def _check_report(report: str | None) -> None:
    if report and not Path(report).absolute().parent.is_dir():
        raise RequestError(f"there is no folder for the report {report}", "create it first")


def _request(options: argparse.Namespace) -> Request:
    data_dir = Path(options.data_dir).absolute() if options.data_dir else None
    paths = [Path(path) for path in options.path] or [Path()]
    places = [_in_its_course(find(path, data_dir)) for path in paths]
    place = _one(places)
    return Request(
        root=str(place.root), file=place.file, single=place.single,
        targets=tuple(options.target), languages=tuple(options.language), kinds=tuple(options.kind), formats=tuple(options.format),
        sections=tuple(options.section), topics=tuple(options.topic), sources=tuple(each.chosen for each in places if each.chosen),
        force=options.force, failed=options.failed, execute=not options.no_execute, dry_run=options.dry_run, adopt=options.adopt,
        timeout=options.timeout, data_dir=str(data_dir) if data_dir else None,
        output_dir=str(Path(options.output_dir).absolute()) if options.output_dir else None,
    )  # fmt: skip


def _in_its_course(place: Place) -> Place:
    """A chosen source belongs to the course file that last built it; its folder alone does not tell which that is."""
    return replace(place, file=Reader(state_folder(place.root)).course_of(place.chosen)) if place.chosen and not place.file else place


def _one(places: list[Place]) -> Place:
    """The one course that all paths mean."""
    first = places[0]
    if any((place.root, place.file, place.single) != (first.root, first.file, first.single) for place in places):
        raise RequestError("these paths belong to different courses", "build them one after the other")
    return check_named(first)


async def _run(request: Request, folder: Path, options: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Build as the holder of the root, or hand the request to the process that is, and follow it there."""
    id = new_id()
    while True:
        builds = await Builds.open(Path(request.root), folder=folder, size=options.jobs, take_over=options.take_over, resume=False)
        if builds is not None:
            return await _build_here(builds, request, id, progress)
        holder = read_holder(folder)
        progress.note(f"{'process ' + str(holder.pid) if holder else 'another process'} builds here already; it takes this request")
        message = post(folder, {"do": "build", "build": id, "request": request.to_json()})
        if (report := await follow(folder, id, message, progress.show_row)) is not None:
            return report
        # The holder ended before it took the request: this process is next.
        message.unlink(missing_ok=True)


async def _build_here(builds: Builds, request: Request, id: str, progress: Progress) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    interrupted = False
    cancelling: list[asyncio.Task[None]] = []

    def interrupt() -> None:
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            progress.note("cancelling; finished outputs stay")
            cancelling.append(loop.create_task(builds.cancel(id)))
        else:
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, interrupt)
    try:
        builds.watch(lambda live: progress.show(live) if live.id == id else None)
        await builds.start(request, id)
        report = await builds.wait(id)
        builds.look()
        while builds.busy:
            await asyncio.sleep(0.2)
    finally:
        await builds.close()
    if interrupted:
        report["interrupted"] = True
    return report


def _hand_over(report: dict[str, Any], options: argparse.Namespace) -> None:
    if options.report:
        write_report(Path(options.report), report)
    if options.json:
        print(json.dumps(report, ensure_ascii=False, indent=1))


_SAID = {"built": "built", "fresh": "fresh", "failed": "failed", "stale": "kept as it was", "skipped": "skipped", "missing": "missing",
         "cancelled": "cancelled", "withdrawn": "withdrawn"}  # fmt: skip


def _sum_up(report: dict[str, Any], options: argparse.Namespace) -> None:
    if options.dry_run:
        for output in report["outputs"]:
            print(f"{output['path']}  {output['reason'] or 'fresh'}")
    for problem in report["problems"]:
        print(told(Problem.from_json(problem)), file=sys.stderr)
    counts: dict[str, int] = {}
    for output in report["outputs"]:
        counts[output["state"]] = counts.get(output["state"], 0) + 1
    parts = [f"{count} {_SAID.get(state, state)}" for state, count in sorted(counts.items())]
    print(
        f"{report['status']}: {', '.join(parts) or 'nothing to build'} · {report['executions']} executions,"
        f" {report['kernels_started']} kernels · {report['seconds']:.1f} s"
    )
    if report["output_root"] and not options.dry_run:
        targets = sorted({(output["target"], output["path"].split("/")[0]) for output in report["outputs"]})
        print(f"outputs: {report['output_root']}" + (f" ({', '.join(folder for _, folder in targets)})" if targets else ""))


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
    place = find(Path(options.path or "."), Path(options.data_dir).absolute() if options.data_dir else None)
    folder = state_folder(place.root, private=bool(place.single))
    reader = Reader(folder)
    open_builds = [row["id"] for row in reader.builds(1000) if row["state"] not in BUILD_ENDED]
    chosen = [id for id in open_builds if options.build in (None, id)]
    if not chosen:
        print("nothing is being built here" if options.build is None else f"no build {options.build} goes on here", file=sys.stderr)
        return 0 if options.build is None else 1
    if read_holder(folder) is None:
        print("nobody builds here now; the next build settles what was left open", file=sys.stderr)
        return 0
    create_state_folder(folder, place.root)
    for id in chosen:
        asyncio.run(_cancel_one(folder, id))
        print(f"cancelled {id}")
    return 0


async def _cancel_one(folder: Path, id: str) -> None:
    message = post(folder, {"do": "cancel", "build": id})
    await follow(folder, id, message, lambda row, jobs: None)
