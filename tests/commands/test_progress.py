"""What a build shows while it runs."""

from __future__ import annotations

import contextlib
from pathlib import Path

from clx_jupyter.commands.progress import Progress
from clx_jupyter.live import Live
from clx_jupyter.requests import Request


def test_a_stream_that_takes_nothing_more_disturbs_no_build() -> None:
    stream = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115 - its end fails as well
    progress = Progress(stream)
    progress.note("a course")
    progress.show(Live("x", Request("/course"), total=2, done=1, notice="a notice"))
    progress.close()
    with contextlib.suppress(OSError):
        stream.close()
