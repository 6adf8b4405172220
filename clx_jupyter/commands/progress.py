"""What a build shows while it runs: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import shutil
import time
from typing import Any, TextIO

from clx_jupyter.cli import one_line
from clx_jupyter.job_rows import row_json
from clx_jupyter.live import Live
from clx_jupyter.views import row_as_live

_BAR = 24
_LINES_EVERY = 5.0


class Progress:
    """Draws the state of builds on a stream, unless *quiet*; people read it, programs read the report."""

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._terminal = stream.isatty()
        self._last = ("", 0.0, -1)
        self._noticed = ""
        self._drawn = False

    def note(self, text: str) -> None:
        """Say something once, on a line of its own."""
        if not self._quiet:
            self._clear()
            self._write(f"clx: {text}\n")

    def show(self, live: Live) -> None:
        """Draw a build of this process."""
        if live.notice != self._noticed:
            self._noticed = live.notice
            if live.notice:
                self.note(live.notice)
        running = [(path, frame.get("cell", 0), frame.get("cells", 0)) for path, frame in live.running.items()]
        self._draw(live.total, live.done, live.failed, running, live.left())

    def show_row(self, row: dict[str, Any], jobs: list[dict[str, Any]]) -> None:
        """Draw a build of another process, by its rows."""
        running = []
        for job in jobs:
            frame = row_json(job["progress"], {})
            running.append((job["path"], frame.get("cell", 0), frame.get("cells", 0)))
        live = row_as_live(row)
        self._draw(live.total, live.done, live.failed, running, live.left())

    def _draw(self, total: int, done: int, failed: int, running: list[tuple[str, int, int]], left: float | None) -> None:
        if not total or self._quiet:
            return
        counts = f"{done} of {total} sources" + (f" · {failed} failed" if failed else "")
        rest = f" · {_duration(left)} left" if left is not None and done < total else ""
        now = "".join(f" · {one_line(path)}" + (f" {cell}/{cells} cells" if cells else "") for path, cell, cells in running[:2])
        if self._terminal:
            filled = round(_BAR * done / total)
            width = shutil.get_terminal_size().columns - 1
            self._write("\r\x1b[2K" + f"{'█' * filled}{'░' * (_BAR - filled)} {counts}{rest}{now}"[:width])
            self._drawn = True
        elif (counts != self._last[0] and done != self._last[2]) or time.monotonic() - self._last[1] > _LINES_EVERY:
            self._last = (counts, time.monotonic(), done)
            self._write(f"{counts}{rest}{now}\n")

    def _clear(self) -> None:
        if self._drawn:
            self._write("\r\x1b[2K")
            self._drawn = False

    def _write(self, text: str) -> None:
        """Write, if anybody can still read it: no build may fail, or wait for ever, for want of a terminal."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
            self._stream.flush()

    def close(self) -> None:
        """Leave a clean line behind; the next build starts a new one."""
        self._clear()
        self._last = ("", 0.0, -1)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
