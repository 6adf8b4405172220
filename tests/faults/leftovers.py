"""Processes that a test started in any way: they carry its mark in their environment."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

MARK = "MARK_OF_A_TEST"
"""Kernels get no variable that begins with ``CLX_``."""


def marked(mark: str) -> list[psutil.Process]:
    """All living processes with the mark, this one left out."""
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _has(process, mark)]


def _has(process: psutil.Process, mark: str) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark
    return False


def until_none(mark: str, seconds: float = 50) -> float:
    """Wait until no marked process lives; gives how long that took. The promise is five seconds, a loaded machine gets ten times that."""
    begin = time.monotonic()
    while left := marked(mark):
        assert time.monotonic() < begin + seconds, [each for process in left for each in _told(process)]
        time.sleep(0.02)
    return time.monotonic() - begin


def _told(process: psutil.Process) -> Iterator[str]:
    with contextlib.suppress(psutil.Error):
        yield f"{process.pid} {process.status()} {' '.join(process.cmdline())}"


def end(mark: str) -> None:
    """Kill what is left, so that a test that failed harms no other."""
    for process in marked(mark):
        with contextlib.suppress(psutil.Error):
            process.kill()


def temporary_folder(home: Path) -> Path:
    """An empty folder for temporary files, to be found empty again."""
    folder = home / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
