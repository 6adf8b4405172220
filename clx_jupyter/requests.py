"""Requests: what a build is asked for, and how a second process hands one to the holder of the lock.

A request is a file in ``.clx/requests``, put there by rename; a byte in the pipe ``bell`` beside it tells the holder at
once. Where there are no named pipes the holder looks twice a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from clx_jupyter.course.load import Place, load
from clx_jupyter.course.model import Course
from clx_jupyter.jobs import BULK
from clx_jupyter.manifest import write_atomically
from clx_jupyter.state import writing
from clx_jupyter.variants import Choice, widened

FLAGS = ("execute", "force", "failed")
LISTS = ("sources", "sections", "topics", "targets", "languages", "kinds", "formats")
"""The fields of a :class:`Request` that other doors than the command line may choose, and show."""

_BELL = "bell"
_POLL = 0.5


@dataclass(frozen=True, slots=True)
class Request:
    """Everything a build depends on beside the course itself. Paths are absolute strings, or relative to the root."""

    root: str
    file: str = ""
    single: str = ""
    targets: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    #: Formats to leave out.
    without: tuple[str, ...] = ()
    #: Only kinds that are not public.
    private: bool = False
    force: bool = False
    failed: bool = False
    execute: bool = True
    #: Run code although a kept result matches.
    rerun: bool = False
    adopt: bool = False
    timeout: float | None = None
    output_dir: str | None = None
    data_dir: str | None = None
    #: Values for kernels from this file; ``""``: from none, not even the course's own.
    env_file: str | None = None
    #: Instead of what the course says about pictures (:class:`Images`).
    image_format: str | None = None
    image_mode: str | None = None
    inline_images: bool = False
    priority: int = BULK

    @property
    def place(self) -> Place:
        """The course it is about."""
        return Place(Path(self.root), self.file, self.single)

    @property
    def choice(self) -> Choice:
        """What of the course it is about."""
        return Choice(
            self.targets, self.languages, self.kinds, self.formats, self.sections, self.topics, self.sources, self.without, self.private
        )  # fmt: skip

    def course(self) -> Course:
        """The course as this request asks for it; only reads. Raises :class:`ClxError` where it cannot be read or lacks what is asked for."""
        output_dir, data_dir = (Path(each) if each else None for each in (self.output_dir, self.data_dir))
        images = {"format": self.image_format, "mode": self.image_mode, "inline": self.inline_images or None}
        course = load(self.place, data_dir=data_dir, output_dir=output_dir, images={k: v for k, v in images.items() if v is not None})
        course = widened(course, self.choice)
        if self.env_file is not None:
            course = replace(course, env_file=Path(self.env_file) if self.env_file else None)
        return course

    def to_json(self) -> dict[str, Any]:
        """A plain object."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Self:
        """The request that :meth:`to_json` gave; unknown fields are dropped."""
        names = {field.name for field in fields(cls)}
        known: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items() if name in names}
        return cls(**known)


def new_id() -> str:
    """A name for a build that no other has."""
    return uuid.uuid4().hex[:12]


def post(folder: Path, message: dict[str, Any]) -> Path:
    """Hand a message (``{"do": "build" | "cancel", "build": id, …}``) to the holder. Gives the file, gone once it was taken.

    Raises :class:`QueueError` where it cannot be written.
    """
    path = folder / "requests" / f"{uuid.uuid4().hex}.json"
    with writing(folder):
        write_atomically(path, json.dumps(message).encode(), mode=0o600)
    ring(folder)
    return path


def ring(folder: Path) -> None:
    """Tell the holder to look; harmless where nobody listens."""
    with contextlib.suppress(OSError, AttributeError):
        bell = os.open(folder / _BELL, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(bell, b"!")
        finally:
            os.close(bell)


class Mailbox:
    """The holder's side. *lost* is called where somebody rings, and the folder is not where it was."""

    def __init__(self, folder: Path, receive: Callable[[dict[str, Any]], None], lost: Callable[[], None] = lambda: None) -> None:
        self._folder, self._requests = folder, folder / "requests"
        self._receive, self._lost = receive, lost
        self._bell: int | None = None
        self._poll: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Listen, and take what waits already."""
        path = self._folder / _BELL
        if hasattr(os, "mkfifo"):
            with contextlib.suppress(OSError):
                if not path.exists():
                    os.mkfifo(path, 0o600)
                # Open for writing too: a pipe without a writer would be readable (at its end) all the time.
                bell = os.open(path, os.O_RDWR | os.O_NONBLOCK)
                try:
                    asyncio.get_running_loop().add_reader(bell, self._rung)
                    self._bell = bell
                except OSError:  # no pipe: somebody copied the folder
                    os.close(bell)
        if self._bell is None:
            self._poll = asyncio.create_task(self._look_often())
        self.look()

    def _rung(self) -> None:
        assert self._bell is not None
        with contextlib.suppress(BlockingIOError):
            os.read(self._bell, 4096)
        self.look()

    async def _look_often(self) -> None:
        while True:
            await asyncio.sleep(_POLL)
            self.look()

    def look(self) -> None:
        """Take every message that waits."""
        if not self._requests.is_dir():  # moved, with the pipe in it that was rung
            self._lost()
        for message in self._take():
            self._receive(message)

    def _take(self) -> Iterator[dict[str, Any]]:
        for path in sorted(self._requests.glob("*.json"), key=_posted):
            try:
                message = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                message = None
            path.unlink(missing_ok=True)
            if isinstance(message, dict):
                yield message

    def close(self) -> None:
        """Listen no longer."""
        if self._bell is not None:
            asyncio.get_running_loop().remove_reader(self._bell)
            os.close(self._bell)
            self._bell = None
        if self._poll is not None:
            self._poll.cancel()


def _posted(message: Path) -> int:
    """When a message was put down; whoever did may have taken it back by now."""
    try:
        return message.stat().st_mtime_ns
    except OSError:
        return 0
