"""``clx jobs --spec``: a job as a worker gets it, to be done by hand (``docs/protocol.md``)."""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
from pathlib import Path

from clx_jupyter.errors import RequestError
from clx_jupyter.job_reader import Reader
from clx_jupyter.job_rows import JOB_COLUMNS, job_of
from clx_jupyter.job_spec import job_frame
from clx_jupyter_workers.browsers import chromium


def show_spec(root: Path, folder: Path, id: int) -> int:
    """Print the frame of a job whose files go to a new temporary folder.

    The values of variables that the course names are left out, and the files of notebooks that it comes after.
    """
    rows = Reader(folder).rows(f"SELECT {JOB_COLUMNS} FROM jobs WHERE id = ?", (id,))
    if not rows:
        raise RequestError(f"there is no job {id} of this course", "`clx jobs` lists those of the latest build")
    job = job_of(list(rows[0].values()))
    work = Path(tempfile.mkdtemp(prefix="clx-by-hand-"))
    frame = job_frame(job, root=root, environment={}, after=[], shelf=folder / "executions" / "files", browser=chromium().program)
    places = {"stage": str(work / "stage"), "scratch": str(work / "scratch")}
    print(json.dumps({"t": "job", "job": job.id, "attempt": job.attempt + 1, **frame, **places}, ensure_ascii=False, indent=1))
    print(
        f"do it: {shlex.quote(sys.executable)} -P -m clx_jupyter_workers.{job.type} --job FILE; what it makes lands in {work}",
        file=sys.stderr,
    )
    return 0
