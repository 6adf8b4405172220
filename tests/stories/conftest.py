"""Courses as users have them, and the command as they run it."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Built:
    """What a ``clx build`` left: exit code, report, and what it printed."""

    code: int
    report: dict[str, Any]
    errors: str

    def states(self) -> dict[str, str]:
        return {output["path"]: output["state"] for output in self.report["outputs"]}

    def classes(self) -> list[str]:
        return [problem["class"] for problem in self.report["problems"] if problem["severity"] == "error"]


def command(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """``clx`` in a terminal; a build has one worker unless *arguments* say how many.

    Most courses of tests are so small that starting a second one takes longer than all of the work.
    """
    one = ("--jobs", "1") if arguments[0] == "build" and "--jobs" not in arguments else ()
    return subprocess.run(
        [sys.executable, "-m", "clx_jupyter.cli", *arguments, *one],
        cwd=cwd, capture_output=True, text=True, timeout=300, env={**os.environ, **environment}, check=False,
    )  # fmt: skip


@pytest.fixture
def clx() -> Callable[..., Built]:
    def build(path: Path, *arguments: str, **environment: str) -> Built:
        done = command("build", str(path), "--json", *arguments, cwd=path if path.is_dir() else path.parent, **environment)
        assert "Traceback" not in done.stderr, done.stderr
        return Built(done.returncode, json.loads(done.stdout), done.stderr)

    return build


def notebook(*cells: tuple[str, str] | tuple[str, str, list[str]], kernel: str = "python3", language: str = "python") -> str:
    made = []
    for number, (kind, source, *tags) in enumerate(cells):
        cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number}", "metadata": {"tags": tags[0]} if tags else {}, "source": source}
        made.append(cell | ({"outputs": [], "execution_count": None} if kind == "code" else {}))
    metadata = {"kernelspec": {"name": kernel, "display_name": kernel, "language": language}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": made})


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def looks(root: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of every file below *root*."""
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in root.rglob("*") if path.is_file()}


class Watcher:
    """A running ``clx build --watch --json``: its reports one by one."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "clx_jupyter.cli", "build", *arguments, "--jobs", "1", "--watch", "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._reports: queue.Queue[dict[str, Any]] = queue.Queue()
        self.said: list[str] = []
        for work in (self._read_reports, self._read_errors):
            threading.Thread(target=work, daemon=True).start()

    def _read_reports(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                self._reports.put(json.loads(line))

    def _read_errors(self) -> None:
        assert self.process.stderr
        with self.process.stderr as lines:
            self.said.extend(lines)

    def report(self) -> dict[str, Any]:
        return self._reports.get(timeout=120)

    def hears(self, word: str) -> None:
        end = time.monotonic() + 60
        while not any(word in line for line in self.said):
            assert time.monotonic() < end, self.said
            time.sleep(0.02)

    def silent(self, seconds: float) -> bool:
        try:
            self._reports.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)
