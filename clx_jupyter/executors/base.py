"""The contract of every executor."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom workers belong to: a root, and one of its holders. What an executor starts carries both, so that what is left can be found."""

    root: str = ""
    """The same for every holder of a root on this host; empty: nobody's, which no sweep touches."""
    epoch: int = 0

    @classmethod
    def of(cls, folder: Path, epoch: int) -> Owner:
        """The holder number *epoch* of the root with this state folder."""
        # With the host's name: a container engine, or a folder of processes, may be shared by hosts with equal paths.
        return cls(hashlib.sha256(f"{platform.node()}:{folder.resolve()}".encode()).hexdigest()[:16], epoch)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a worker and all that it started take together."""

    memory: int
    """Bytes, now."""
    cpu: float
    """Seconds of processor time so far."""


class RunningWorker(Protocol):
    """A started worker program: frames go in and come out, and it may die at any time."""

    #: Process id on its host; ``None`` where there is none to show.
    pid: int | None
    host: str

    def send(self, header: dict[str, Any], body: bytes = b"") -> None:
        """Queue a frame for the worker; does nothing once it is gone."""

    async def drain(self) -> None:
        """Wait until what was sent has left far enough that more may follow; returns at once when the worker is gone."""

    def receive(self) -> Awaitable[tuple[dict[str, Any], bytes] | None]:
        """The next frame; ``None`` once the worker is gone. Raises ``FrameError`` where the stream is spoilt."""

    def kill(self) -> None:
        """End it at once, with all that it started; harmless for one that is gone."""

    async def close(self, grace: float) -> int | None:
        """Let it end by itself, kill it after *grace* seconds; gives its exit status (negative: the signal).

        When it returns, nothing of the worker is left.
        """

    def last_words(self) -> str:
        """The end of what it wrote to standard error, for people."""

    async def usage(self) -> Usage | None:
        """What it takes now; ``None`` where that cannot be told, or it is gone."""


class Executor(Protocol):
    """Starts workers."""

    name: str
    #: Its workers see this machine's files: the root, the stage, the shelf. Otherwise all of it travels in frames.
    shares_files: bool
    #: Whose workers it starts from now on.
    owner: Owner

    async def start(self, type: str, log: Path) -> RunningWorker:
        """Start a worker of a type; what it writes to standard error goes to *log*. Raises ``OSError``, with a hint, where it cannot."""

    async def sweep(self) -> None:
        """End what earlier holders of the owner's root left running. Called by whoever holds the root now, before the first start."""


Executors = Mapping[str, Executor]
"""The executor of each job type."""
