"""Workers as child processes of the supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import sys
from pathlib import Path
from typing import Any

import psutil

from clx_jupyter.executors.base import Owner, Usage
from clx_jupyter_workers.protocol import encode, read_frame_async

_WORDS = 4000


class LocalWorker:
    """A worker program with its pipes."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self.pid: int | None = process.pid
        self.host = platform.node()

    def send(self, header: dict[str, Any], body: bytes = b"") -> None:
        """Queue a frame; a dead worker shows at :meth:`receive`, not here."""
        assert self._process.stdin is not None
        if not self._process.stdin.is_closing():
            self._process.stdin.write(encode(header, body))

    async def receive(self) -> tuple[dict[str, Any], bytes] | None:
        """The next frame; ``None`` at the end of the stream."""
        assert self._process.stdout is not None
        try:
            return await read_frame_async(self._process.stdout)
        except ConnectionError:
            return None

    def kill(self) -> None:
        """End the whole tree. Kernels lead process groups of their own, so it is walked before its root dies."""
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(self._process.pid)
            for process in [*root.children(recursive=True), root]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()

    async def close(self, grace: float) -> int | None:
        """Close its input, which tells it to end; kill the tree after *grace* seconds."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), grace)
        except TimeoutError:
            self.kill()
            await self._process.wait()
        # The transport is closed here, on a living loop, and not by the garbage collector.
        self._process._transport.close()  # type: ignore[attr-defined]
        return self._process.returncode

    async def usage(self) -> Usage | None:
        """Memory and processor time of the tree."""
        try:
            root = psutil.Process(self._process.pid)
            tree = [root, *root.children(recursive=True)]
        except psutil.Error:
            return None
        return _sum(tree)

    def last_words(self) -> str:
        """The end of its log."""
        try:
            return self._log.read_bytes()[-_WORDS:].decode(errors="replace").strip()
        except OSError:
            return ""


def _sum(tree: list[psutil.Process]) -> Usage:
    memory, cpu = 0, 0.0
    for process in tree:
        with contextlib.suppress(psutil.Error), process.oneshot():
            times = process.cpu_times()
            memory += process.memory_info().rss
            cpu += times.user + times.system
    return Usage(memory, cpu)


class LocalExecutor:
    """Starts workers on this machine, each in a session of its own."""

    name = "local"
    shares_files = True
    owner = Owner()

    async def sweep(self) -> None:
        """Local workers end with their server: they read the end of their input."""

    async def start(self, type: str, log: Path) -> LocalWorker:
        """Start ``python -P -m clx_jupyter_workers.<type>``; ``-P`` keeps course files from shadowing modules."""
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", f"clx_jupyter_workers.{type}",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=errors, start_new_session=True, limit=2**22,
            )  # fmt: skip
        return LocalWorker(process, log)
