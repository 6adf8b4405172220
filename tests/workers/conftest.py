"""Small courses, jobs, and the worker as a real program."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

from clx_jupyter.kinds import KINDS
from clx_jupyter_workers.protocol import Frame, Link, encode, read_frame

WAIT = 60.0
"""A ceiling for whatever a test waits for; it is never slept through."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "kernel: starts a kernel")


def notebook(*cells: Any) -> str:
    """The text of an .ipynb: strings are code cells, ``("markdown", text)`` others, dictionaries are taken as they are."""
    rows = []
    for cell in cells:
        row = cell if isinstance(cell, dict) else {"source": cell} if isinstance(cell, str) else {"cell_type": cell[0], "source": cell[1]}
        row = {"cell_type": "code", "metadata": {}, **row}
        if row["cell_type"] == "code":
            row = {"outputs": [], "execution_count": None, **row}
        rows.append(row)
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": rows})


@pytest.fixture(name="notebook")
def _notebook() -> Callable[..., str]:
    return notebook


class Course:
    """A folder with files, and jobs for its sources."""

    def __init__(self, root: Path, work: Path) -> None:
        self.root = root
        self.work = work
        root.mkdir()

    def write(self, path: str, text: str | bytes) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
        return target

    def job(self, path: str, variants: list[str], languages: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
        """A job; *variants* are ``kind/format`` or ``kind/format/language``, with results where the kind has them."""
        text = not path.endswith(".ipynb")
        rows = []
        for number, variant in enumerate(variants):
            kind, format, language = (*variant.split("/"), "")[:3]
            rows.append({"id": str(number), "kind": kind, "format": format, "language": language, "outputs": format != "code"})
        files = {
            file.relative_to(self.root).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in self.root.rglob("*")
            if file.is_file() and file != self.root / path
        }
        job: dict[str, Any] = {
            "t": "job", "job": 7, "attempt": 1, "type": "notebook", "root": str(self.root), "stage": str(self.work / "stage"),
            "scratch": str(self.work / "scratch"),
            "source": {"path": path, "sha256": hashlib.sha256((self.root / path).read_bytes()).hexdigest(), "titles": {"": "A title"},
                       "languages": list(languages)},
            "reader": {"format": "py:percent" if text else "ipynb", "comment": "#", "jinja": False, "templates": [], "globals": {},
                       "prog_lang": "python"},
            "metadata": None, "style": {"cell_ids": "sha3" if text else "keep", "slide_types": text, "renames": {}},
            "kernel": {"name": "python3", "fingerprint": "1"},
            "execute": {"mode": "auto", "kinds": ["completed", "speaker"], "startup_timeout": 60, "allow_errors": False, "environment": {},
                        "failed": {}},
            "kinds": {kind.id: kind.to_json() for kind in KINDS.values()},
            "files": files, "scope": False, "includes": [], "never_link": ["output"], "links": {}, "variants": rows,
        }  # fmt: skip
        for key, value in changes.items():
            job[key] = {**job[key], **value} if isinstance(value, dict) and isinstance(job[key], dict) else value
        return job

    def page(self, frame: dict[str, Any]) -> str:
        return (self.work / "stage" / frame["sha256"]).read_text(encoding="utf-8")


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(tmp_path / "course", tmp_path)


class Recorder:
    """A supervisor's end for a job in this process: it remembers frames, and keeps executions."""

    def __init__(self, kept: dict[str, bytes]) -> None:
        self.frames: list[Frame] = []
        self.kept = kept
        self.link: Link | None = None
        self.done: dict[str, Any] = {}

    def send(self, header: dict[str, Any], body: bytes = b"") -> None:
        self.frames.append((header, body))
        if header["t"] == "keep":
            self.kept[header["key"]] = body
        if header["t"] == "execution" and self.link is not None:
            found = header["key"] in self.kept
            self.link.tell({"t": "execution", "key": header["key"], "found": found}, self.kept.get(header["key"], b""))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [header for header, _ in self.frames if header["t"] == kind]

    @property
    def problems(self) -> list[dict[str, Any]]:
        return [header["problem"] for header in self.of("problem")]

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        return {header["variant"]: header for header in self.of("output")}


@pytest.fixture
def convert() -> Callable[..., Recorder]:
    """Does a job in this process; executions are kept from one call to the next."""
    from clx_jupyter_workers.notebook.convert import convert as do
    from clx_jupyter_workers.protocol import run

    kept: dict[str, bytes] = {}

    def job(job: dict[str, Any]) -> Recorder:
        recorder = Recorder(kept)
        recorder.link = Link(recorder, job)
        recorder.done = run(do, job, recorder.link)
        return recorder

    return job


class Program:
    """The worker as a program, with frames as they come."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-W", "error", "-m", "clx_jupyter_workers.notebook"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=errors, env=environment,
            )  # fmt: skip
        self.log = log
        self.seen: list[dict[str, Any]] = []
        self._frames: Queue[Frame | None] = Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        while (frame := read_frame(self.process.stdout)) is not None:
            self._frames.put(frame)
        self._frames.put(None)

    def send(self, header: dict[str, Any], body: bytes = b"") -> None:
        self.raw(encode(header, body))

    def raw(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def until(self, **fields: Any) -> dict[str, Any]:
        """The next frame with these fields; ``execution`` is answered with "not found" on the way."""
        while True:
            try:
                frame = self._frames.get(timeout=WAIT)
            except Empty:
                raise AssertionError(f"nothing came; seen: {self.seen[-5:]}; log: {self.log.read_text()[-2000:]}") from None
            if frame is None:
                raise AssertionError(f"the worker ended; seen: {self.seen[-5:]}; log: {self.log.read_text()[-2000:]}")
            header = frame[0]
            self.seen.append(header)
            if header["t"] == "execution":
                self.send({"t": "execution", "job": 7, "attempt": 1, "key": header["key"], "found": False})
            if all(header.get(key) == value for key, value in fields.items()):
                return header

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        if not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            self.process.wait(WAIT)
        finally:
            self.process.kill()
            self._thread.join(WAIT)
            self.process.stdout.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts workers, with further variables; each is ready when it is given."""
    started: list[Program] = []

    def make(**environment: str) -> Program:
        path = os.pathsep.join(sys.path)
        made = Program({**os.environ, "PYTHONPATH": path, **environment}, tmp_path / f"worker-{len(started)}.log")
        started.append(made)
        made.send({"t": "hello", "nice": 1})
        made.until(t="ready")
        return made

    yield make
    for program in started:
        program.close()


@pytest.fixture
def program(start: Callable[..., Program]) -> Program:
    """A ready worker."""
    return start()
