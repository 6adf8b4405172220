"""``clx status``, ``clx jobs`` and ``clx workers``: read-only looks at the state of a course."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from clx_jupyter.course.load import find
from clx_jupyter.job_queue import Reader
from clx_jupyter.state import Holder, Lock, read_holder, state_folder


def _folder(options: argparse.Namespace) -> Path:
    place = find(Path(options.path or "."), Path(options.data_dir).absolute() if options.data_dir else None)
    return state_folder(place.root, private=bool(place.single))


def status(options: argparse.Namespace) -> int:
    """Who builds now, and the latest builds."""
    folder = _folder(options)
    builds = Reader(folder).builds()
    holder = _living_holder(folder)
    if options.json:
        print(json.dumps({"holder": holder.pid if holder else None, "builds": builds}, indent=1))
        return 0
    if not builds:
        print("nothing was built here yet")
        return 0
    print(f"building now: process {holder.pid} on {holder.host}" if holder else "nobody builds here now")
    rows = [
        (
            row["id"],
            row["state"],
            _when(row["created"]),
            _seconds(row),
            f"{row['done']} of {row['total']}",
            f"{row['failed']} failed" if row["failed"] else "",
        )
        for row in builds
    ]
    _table(("build", "state", "started", "took", "sources", ""), rows)
    return 0


def _living_holder(folder: Path) -> Holder | None:
    """The holder; the file of one that died counts as nobody."""
    holder = read_holder(folder)
    return holder if holder and not Lock.is_free(folder) else None


def jobs(options: argparse.Namespace) -> int:
    """The jobs of a build."""
    reader = Reader(_folder(options))
    latest = reader.builds(1)
    build = options.build or (latest[0]["id"] if latest else None)
    rows = [row for row in reader.jobs(build) if build and options.state in (None, row["state"])]
    if options.json:
        print(json.dumps(rows, indent=1))
        return 0
    if not rows:
        print("no jobs" if build else "nothing was built here yet")
        return 0
    _table(
        ("job", "state", "source", "attempt", "cells", "took", "reason"),
        [(row["id"], row["state"], row["path"], row["attempt"], _cells(row), _seconds(row), row["reason"]) for row in rows],
    )
    return 0


def workers(options: argparse.Namespace) -> int:
    """The living workers, or the last ones."""
    rows = Reader(_folder(options)).workers()
    living = [row for row in rows if row["state"] != "gone"] or rows[:5]
    if options.json:
        print(json.dumps(living, indent=1))
        return 0
    if not living:
        print("no worker has run here yet")
        return 0
    names = ("id", "state", "type", "executor", "pid", "job", "done", "failed", "started")
    _table(names, [tuple(_when(row[name]) if name == "started" else row[name] for name in names) for row in living])
    return 0


def _cells(row: dict[str, Any]) -> str:
    progress = json.loads(row["progress"] or "{}")
    return f"{progress['cell']}/{progress['cells']}" if progress.get("cells") else ""


def _when(seconds: float | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else ""


def _seconds(row: dict[str, Any]) -> str:
    return f"{row['finished'] - row['started']:.1f} s" if row["finished"] and row["started"] else ""


def _table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Columns as wide as what stands in them."""
    cells = [tuple(names), *(tuple("" if value is None else str(value) for value in row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(names))]
    for row in cells:
        print("  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip())
