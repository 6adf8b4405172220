"""Jupyter servers of their own, as users start them, and what they leave behind when they end or are killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil
import pytest

from clx_jupyter.jobs import BUILD_ENDED
from tests.ports import free_port

TOKEN = "canary-of-the-token"
MARK = "CLX_TEST_SERVER"


@dataclass
class Server:
    """A Jupyter server of its own, as a user starts it."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path
    #: The processes that it had started when it was told to end.
    family: list[psutil.Process] = field(default_factory=list)

    def ask(self, path: str, body: Any = None, **query: Any) -> Any:
        request = urllib.request.Request(
            f"{self.url}clx/{path}?{urlencode(query)}", json.dumps(body).encode() if body is not None else None,
            {"Authorization": f"token {TOKEN}"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def build(self, build: dict[str, Any]) -> dict[str, Any]:
        return dict(self.ask(f"builds/{build['id']}", course=build["course"]))

    def until(self, build: dict[str, Any], true: Callable[[dict[str, Any]], bool], seconds: float = 60) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while not true(seen := self.build(build)):
            assert time.monotonic() < end, seen
            time.sleep(0.05)
        return seen

    def ended(self, build: dict[str, Any], seconds: float = 60) -> dict[str, Any]:
        return self.until(build, lambda seen: seen["state"] in BUILD_ENDED, seconds)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> float:
        """End it; gives how long that took."""
        self.family += psutil.Process(self.process.pid).children(recursive=True)
        begin = time.monotonic()
        self.process.send_signal(how)
        self.process.wait(30)
        return time.monotonic() - begin


@dataclass(frozen=True)
class Servers:
    """Starts servers in a folder; all of them and what they left is ended after the test."""

    root: Path
    home: Path
    running: list[Server]

    @property
    def temporary(self) -> Path:
        """Where they make temporary files."""
        return self.home / "tmp"

    def start(self, *options: str, stdin: int = subprocess.DEVNULL) -> Server:
        port = free_port()
        places = {f"JUPYTER_{name}_DIR": str(self.home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
        log = self.home / f"server-{port}.log"
        self.temporary.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "jupyter", "server", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
                 "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={self.root}",
                 "--ServerApp.jpserver_extensions=clx_jupyter=True", "--BuildSettings.workers=2", *options],
                cwd=self.root, stdin=stdin, stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, **places, "XDG_STATE_HOME": str(self.home / "state"),
                     "TMPDIR": str(self.temporary), MARK: str(self.home)},
            )  # fmt: skip
        server = Server(process, f"http://127.0.0.1:{port}/", log)
        self.running.append(server)
        end = time.monotonic() + 60
        while True:
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                server.ask("courses")
                return server
            time.sleep(0.1)

    def left(self) -> list[psutil.Process]:
        """Every process that came of a server here: it was seen, has the mark in its environment, or works in the course."""
        found = [each for server in self.running for each in server.family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.pid != os.getpid() and (
                    process.environ().get(MARK) == str(self.home) or any(str(self.root) in part for part in process.cmdline())
                    or Path(process.cwd()).is_relative_to(self.root)
                ):  # fmt: skip
                    found.append(process)
        return found

    def check_nothing_left(self, seconds: float = 10) -> None:
        end = time.monotonic() + seconds
        while left := self.left():
            assert time.monotonic() < end, [process.cmdline() for process in left]
            time.sleep(0.1)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    root = tmp_path / "mein Kürs"
    root.mkdir()
    made = Servers(root, tmp_path / "home", [])
    yield made
    for server in made.running:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait(30)
    left = made.left()
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
