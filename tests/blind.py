"""Workers that see nothing of the course: real programs in a mount namespace of their own, where its folder is empty."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from clx_jupyter.executors.local import LocalExecutor, LocalWorker

_COVER = 'mount -t tmpfs none "$1" && mkdir "$1/home" && cd "$1/home" && shift && exec "$@"'


@cache
def _unshare() -> tuple[str, ...]:
    """How a process gets a mount namespace here: as root, or as root of a user namespace."""
    for options in (("-m",), ("-rm",)):
        if subprocess.run(["unshare", *options, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False).returncode == 0:
            return ("unshare", *options)
    raise AssertionError("neither root nor user namespaces: nothing can be hidden from a process here")


class BlindWorker(LocalWorker):
    """Remembers what was sent to it, by type, and how often what came from it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.sent: list[dict[str, Any]] = []
        self.bytes = 0

    def send(self, header: dict[str, Any], body: bytes = b"") -> None:
        self.sent.append(header)
        self.bytes += len(body)
        super().send(header, body)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [header for header in self.sent if header["t"] == kind]


class BlindExecutor(LocalExecutor):
    """Starts workers from whom *hidden* is hidden; they have *temporary* for their own files."""

    name = "blind"
    shares_files = False

    def __init__(self, hidden: Path, temporary: Path, **environment: str) -> None:
        self._hidden, self._temporary, self._environment = hidden, temporary, environment
        self.started: list[BlindWorker] = []
        temporary.mkdir(parents=True, exist_ok=True)

    async def start(self, type: str, log: Path) -> BlindWorker:
        program = [sys.executable, "-P", "-m", f"clx_jupyter_workers.{type}"]
        home = {"HOME": str(self._hidden / "home"), "TMPDIR": str(self._temporary)}
        command = [*_unshare(), "--", "sh", "-c", _COVER, "sh", str(self._hidden), *program]
        self.started.append(await BlindWorker.run(command, log, {**os.environ, **home, **self._environment}))
        return self.started[-1]

    def left(self) -> list[str]:
        """What the workers left of their own files."""
        return sorted(path.name for path in self._temporary.iterdir() if path.name.startswith("clx-"))
