"""Following a build that another process runs, by looking into its database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clx_jupyter.errors import ClxError
from clx_jupyter.job_reader import Reader
from clx_jupyter.jobs import BUILD_ENDED
from clx_jupyter.requests import ring
from clx_jupyter.state import Lock

Show = Callable[[dict[str, Any], list[dict[str, Any]]], None]

_LOOK = 0.2


async def follow(folder: Path, id: str, show: Show) -> dict[str, Any] | None:
    """Show the rows of build *id* and of its running jobs until it ends; gives its report.

    ``None``: the holder is gone before the build ended, or before it even knew of it. Raises :class:`ClxError` where it ended
    without a report.
    """
    reader = Reader(folder)
    while True:
        # Asked first: all that a holder left who is gone by now is there for the look that follows.
        gone = Lock.is_free(folder)
        row = reader.build(id)
        if row is not None:
            show(row, [job for job in reader.jobs(id) if job["state"] == "running"])
            if row["state"] in BUILD_ENDED:
                # The report is written before the end is recorded: now it is there, or never will be.
                if (report := read_report(folder, id)) is None:
                    raise ClxError(
                        f"the build {id} ended as {row['state']}, and no report of it could be written",
                        f"see that {folder} has room, then build again",
                    )
                return report
        if gone:
            return None
        if row is None:
            ring(folder)  # the holder may not have heard, or have been busy giving up a folder that was moved
        await asyncio.sleep(_LOOK)


def read_report(folder: Path, id: str) -> dict[str, Any] | None:
    """The report of an ended build, ``None`` where there is none (it was cleaned up)."""
    try:
        report: dict[str, Any] = json.loads((folder / "builds" / f"{id}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return report
