"""``clx status``, ``clx jobs`` and ``clx workers``: read-only looks at the state of a course."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from clx_jupyter.commands.by_hand import show_spec
from clx_jupyter.commands.which_course import place_of, state_of
from clx_jupyter.database_journal import journal_of
from clx_jupyter.errors import RequestError
from clx_jupyter.follow import read_report
from clx_jupyter.job_reader import DATABASE, Reader
from clx_jupyter.job_rows import row_json
from clx_jupyter.jobs import BUILD_ENDED, JobState
from clx_jupyter.state import Holder, living_holder

_ALL = 1_000_000
_LAST_WORKERS = 5


def _folder(options: argparse.Namespace) -> Path:
    return state_of(place_of(options))


# --- status -------------------------------------------------------------------


def status(options: argparse.Namespace) -> int:
    """Who builds now, and the latest builds."""
    folder = _folder(options)
    holder = living_holder(folder)
    reader = Reader(folder)
    builds = [_build(folder, row, holder, reader) for row in reader.builds()]
    if options.json:
        print(json.dumps(builds, ensure_ascii=False, indent=1))
    elif not builds:
        print(_nothing(folder))
    else:
        print(_who(holder, builds))
        print(f"job database: {journal_of(folder)}")
        table(("build", "state", "started", "took", "sources", "failed", "problems"), map(_status_row, builds))
    return 0


def _nothing(folder: Path) -> str:
    return "no record of a build is kept any more" if (folder / DATABASE).exists() else "nothing was built here yet"


def _build(folder: Path, row: dict[str, Any], holder: Holder | None, reader: Reader) -> dict[str, Any]:
    """A row of ``builds`` with its JSON read, the problems of its report, and the process that works on it, if any."""
    error = row_json(row["error"])
    report = read_report(folder, row["id"])
    problems = report["problems"] if report else [error] if error else []
    pid = holder.pid if holder and row["state"] not in BUILD_ENDED else None
    if row["state"] == "cancelled":  # jobs that never ran have ended as well, but nobody would say that they were done
        row = {**row, "done": row["done"] - reader.cancelled(row["id"])}
    return {**row, "request": row_json(row["request"]), "error": error, "problems": problems, "holder": pid}


def _who(holder: Holder | None, builds: Iterable[dict[str, Any]]) -> str:
    if holder is None:
        return "nobody builds here now"
    going_on = any(row["state"] not in BUILD_ENDED for row in builds)
    return f"{'building now' if going_on else 'ready to build'}: process {holder.pid} on {holder.host}"


def _status_row(row: dict[str, Any]) -> tuple[Any, ...]:
    left_open = row["state"] not in BUILD_ENDED and row["holder"] is None
    state, took = ("left open", "") if left_open else (row["state"], _seconds(row))
    return row["id"], state, _when(row["created"]), took, f"{row['done']} of {row['total']}", row["failed"] or "", _counted(row["problems"])


def _counted(problems: Sequence[dict[str, Any]]) -> str:
    """``2 errors: the first one's message``."""
    errors = [problem for problem in problems if problem["severity"] == "error"]
    names = ("error", "warning", "info")
    amounts = [sum(problem["severity"] == name for problem in problems) for name in names]
    counts = [f"{amount} {name}{'s' if amount > 1 else ''}" for name, amount in zip(names, amounts, strict=True) if amount]
    return ", ".join(counts).replace("info", "note") + (f": {_line(errors[0]['message'])}" if errors else "")


# --- jobs ---------------------------------------------------------------------


def jobs(options: argparse.Namespace) -> int:
    """The jobs of a build, or one of them as its worker gets it."""
    if options.spec is not None:
        place = place_of(options)
        return show_spec(place.root, state_of(place), options.spec)
    folder = _folder(options)
    reader = Reader(folder)
    _check_state(options.state)
    build = _chosen(reader, options.build)
    rows = [_job(row) for row in reader.jobs(build, _ALL) if options.state in (None, row["state"])] if build else []
    if options.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    elif not build:
        print(_nothing(folder))
    elif not rows:
        print(f"build {build} has no jobs" + (f" that are {options.state}" if options.state else ""))
    else:
        table(("job", "state", "source", "attempt", "cells", "took", "reason", "problem"), map(_job_row, rows))
    return 0


def _check_state(state: str | None) -> None:
    if state is not None and state not in list(JobState):
        raise RequestError(f"jobs are never {state!r}", f"they are: {', '.join(JobState)}")


def _chosen(reader: Reader, id: str | None) -> str | None:
    """The build that is meant: *id*, else the latest; ``None`` where there is none."""
    if id is not None and reader.build(id) is None:
        raise RequestError(f"there is no build {id!r} of this course", "`clx status` lists them")
    return id or next((str(row["id"]) for row in reader.builds(1)), None)


def _job(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "progress": row_json(row["progress"], {}), "problems": row_json(row["problems"], [])}


def _job_row(row: dict[str, Any]) -> tuple[Any, ...]:
    progress = row["progress"]
    cells = f"{progress.get('cell', 0)}/{progress['cells']}" if progress.get("cells") else ""
    return row["id"], row["state"], row["path"], row["attempt"], cells, _seconds(row), row["reason"], _counted(row["problems"])


# --- workers ------------------------------------------------------------------


def workers(options: argparse.Namespace) -> int:
    """The living workers, or the last ones."""
    folder = _folder(options)
    rows = Reader(folder).workers()
    if living_holder(folder) is None:
        # Whoever started them died without a word; workers end with it.
        rows = [{**row, "state": "gone", "job": None} for row in sorted(rows, key=lambda row: -row["id"])]
    shown = [row for row in rows if row["state"] != "gone"] or rows[:_LAST_WORKERS]
    if options.json:
        print(json.dumps(shown, indent=1))
    elif not shown:
        print("no worker has run here yet")
    else:
        looks = {"started": _when, "cpu": _percent, "memory": _megabytes}
        names = ("id", "state", "type", "executor", "pid", "job", "done", "failed", "cpu", "memory", "started")
        table(names, ([looks[name](row[name]) if name in looks else row[name] for name in names] for row in shown))
    return 0


# --- how it looks -------------------------------------------------------------


def table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print columns as wide as what stands in them."""
    cells = [tuple(names), *(tuple("" if value is None else str(value) for value in row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(names))]
    for row in cells:
        print("  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip())


def _when(seconds: float | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else ""


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} %"


def _megabytes(value: int | None) -> str:
    return "" if value is None else f"{value / 1e6:.0f} MB"


def _seconds(row: dict[str, Any]) -> str:
    """How long it took, or how long it has been going on."""
    return f"{max(0.0, (row['finished'] or time.time()) - row['started']):.1f} s" if row["started"] else ""


def _line(text: str) -> str:
    first = text.strip().partition("\n")[0]
    return first if len(first) <= 100 else f"{first[:99]}…"
