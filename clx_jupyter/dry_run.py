"""What a build would do, found out by reading alone: no lock is taken and no state folder made, so it may be asked beside a build."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from clx_jupyter.errors import ClxError, Problem
from clx_jupyter.executions import Executions
from clx_jupyter.fingerprint import FileHashes
from clx_jupyter.former_targets import FormerTargets
from clx_jupyter.job_reader import Reader
from clx_jupyter.jobs import BuildState
from clx_jupyter.planning import make_plan
from clx_jupyter.publishing import Publishing
from clx_jupyter.reports import Ended, build_report
from clx_jupyter.requests import Request


def dry_run(request: Request, folder: Path) -> dict[str, Any]:
    """The report of a build that makes nothing; *folder* is the state folder, there or not.

    Raises :class:`ClxError` for a database that cannot be read; a request that cannot be built gives a report that is ``invalid``.
    """
    reader = Reader(folder, lenient=True)
    known, rows, stamps = reader.known(request.file), reader.stored(request.file), reader.file_stamps()
    ended = Ended("", request, BuildState.SUCCEEDED, time.time(), 0, 0, _damage(reader), {})
    plan = publishing = None
    try:
        plan = make_plan(request, FileHashes(Path(request.root), stamps), known, rows, Executions(folder / "executions").whole)
        ended.problems.extend(plan.problems)
        publishing = Publishing(plan, request, rows, FormerTargets(folder, request.single or request.file))
        ended.problems.extend(publishing.problems)
    except ClxError as error:
        ended.problems.append(error.problem)
        return build_report(replace(ended, state=BuildState.INVALID), plan, publishing, error.problem)
    return build_report(ended, plan, publishing)


def _damage(reader: Reader) -> list[Problem]:
    hint = "the next build sets it aside; nothing is lost but time"
    return [Problem("internal", f"{reader.damage}: it is taken for empty here", hint, "warning")] if reader.damage else []
