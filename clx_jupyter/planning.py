"""From a request to its plan: the course as it is on the disk, and what the database knows of it. Only reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from clx_jupyter.after import Whole
from clx_jupyter.executions import hashed, kernel_environment
from clx_jupyter.fingerprint import FileHashes
from clx_jupyter.job_rows import StoredOutput
from clx_jupyter.kernels import installed
from clx_jupyter.plan import Known, Options, Plan, Row
from clx_jupyter.planner import Planner
from clx_jupyter.requests import Request
from clx_jupyter.variants import settled
from clx_jupyter_workers.browsers import chromium


def make_plan(
    request: Request, hashes: FileHashes, known: Mapping[str, Known], rows: Mapping[str, StoredOutput], whole: Whole
) -> Plan:  # fmt: skip
    """Read the course and plan the request. Raises :class:`ClxError` where that cannot be done."""
    course = request.course()
    choice = settled(course, request.choice)
    environment = hashed(kernel_environment(course.environment, str(course.env_file) if course.env_file else None))
    options = Options(request.force, request.failed, request.execute, request.rerun, request.timeout, environment)
    stored = {name: _row(row) for name, row in rows.items()}
    return Planner(course, hashes, installed(), known, stored, options, whole, chromium()).plan(choice)


def _row(stored: StoredOutput) -> Row:
    stays = stored.state != "stale" or Path(stored.name).exists()
    fresh = is_untouched(stored) if stored.state == "built" else stays
    return Row(stored.key, stored.state, fresh, stored.problem)


def is_untouched(stored: StoredOutput) -> bool:
    """Whether the published file still looks as it did when it was published."""
    try:
        status = Path(stored.name).stat()
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (stored.size, stored.mtime_ns)
