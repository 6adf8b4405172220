"""A real JupyterLab for the stories: its own processes, its own settings, and a folder that nobody else uses."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from tests.ports import free_port

TOKEN = "a-token-of-the-stories"
_SETTINGS = "lab/user-settings/@jupyterlab"


class Lab:
    """``jupyter lab`` on the folder *root*, with settings and logs below *home*. It is not started yet."""

    def __init__(self, root: Path, home: Path, *arguments: str, theme: str = "", environment: dict[str, str] | None = None) -> None:
        self.root, self.home, self.arguments = root, home, arguments
        self.environment = environment or {}
        self.port = free_port()
        self.log = home / "server.log"
        self._server: psutil.Popen | None = None
        self._configure(theme)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._server is not None
        return int(self._server.pid)

    def start(self) -> Lab:
        """Start it, on the same port each time, and wait until it answers."""
        with self.log.open("ab") as log:
            self._server = psutil.Popen(
                self._command(), env=self._environment(), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        end = time.monotonic() + 60
        while time.monotonic() < end:
            assert self._server.poll() is None, self.log.read_text()
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.ask("api")
                return self
            time.sleep(0.05)
        raise AssertionError(f"the server does not answer: {self.log.read_text()}")

    def ask(self, path: str) -> Any:
        """What a route answers, without a browser."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", f"/{path}", headers={"Authorization": f"token {TOKEN}"})
            answer = connection.getresponse()
            assert answer.status == 200, (path, answer.status)
            return json.loads(answer.read())
        finally:
            connection.close()

    def family(self) -> list[psutil.Process]:
        """The server's workers and kernels."""
        return list(self._server.children(recursive=True)) if self._server and self._server.is_running() else []

    def kill(self) -> None:
        """The server alone dies at once, as when memory runs out; its workers must find out by themselves."""
        assert self._server is not None
        self._server.kill()
        self._server.wait(10)

    def stop(self) -> None:
        """End it and all it started; what does not go is killed."""
        if self._server is None:
            return
        family = [self._server, *self.family()]
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._server.pid, signal.SIGTERM)
        psutil.wait_procs(family[:1], timeout=8)
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=5)
        self._server = None

    def _command(self) -> list[str]:
        return [
            sys.executable, "-m", "jupyter", "lab", "--no-browser", "--ip=127.0.0.1", f"--port={self.port}",
            "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={self.root}",
            "--LabApp.extension_manager=readonly", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--expose-app-in-browser", *_bundle(), *(["--allow-root"] if os.geteuid() == 0 else []), *self.arguments,
        ]  # fmt: skip

    def _environment(self) -> dict[str, str]:
        home = {
            "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython",
            "JUPYTERLAB_SETTINGS_DIR": "lab/user-settings", "JUPYTERLAB_WORKSPACES_DIR": "lab/workspaces", "XDG_STATE_HOME": "state",
        }  # fmt: skip
        return {**os.environ, **{name: str(self.home / folder) for name, folder in home.items()}, **self.environment}

    def _configure(self, theme: str) -> None:
        folder = self.home / _SETTINGS / "apputils-extension"
        folder.mkdir(parents=True, exist_ok=True)
        # The question whether to fetch news covers the corner where our own notifications appear.
        (folder / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
        if theme:
            (folder / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}))


def _bundle() -> list[str]:
    """The sidebar from ``CLX_LABEXTENSION``, a folder with ``clx-jupyter`` in it, where the installed one is of another checkout."""
    folder = os.environ.get("CLX_LABEXTENSION")
    return [f"--LabApp.extra_labextensions_path={folder}"] if folder else []


def command(arguments: Sequence[str | Path], cwd: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    """``clx`` in a terminal beside the browser."""
    return subprocess.Popen(
        [sys.executable, "-m", "clx_jupyter.cli", *map(str, arguments)],
        cwd=cwd, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
