"""The contract of every executor."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol


class RunningWorker(Protocol):
    """A started worker program: frames go in and come out, and it may die at any time."""

    #: Process id on its host; ``None`` where there is none to show.
    pid: int | None
    host: str

    def send(self, header: dict[str, Any], body: bytes = b"") -> None:
        """Queue a frame for the worker; does nothing once it is gone."""

    async def receive(self) -> tuple[dict[str, Any], bytes] | None:
        """The next frame; ``None`` once the worker is gone. Raises ``FrameError`` where the stream is spoilt."""

    def kill(self) -> None:
        """End it at once, with all that it started."""

    async def close(self, grace: float) -> int | None:
        """Let it end by itself, kill it after *grace* seconds; gives its exit status (negative: the signal)."""

    def last_words(self) -> str:
        """The end of what it wrote to standard error, for people."""


class Executor(Protocol):
    """Starts workers."""

    name: str

    async def start(self, type: str, log: Path) -> RunningWorker:
        """Start a worker of a type; what it writes to standard error goes to *log*. Raises ``OSError`` where it cannot."""
