"""The one way into the targets: one build at a time, only while the root is ours, with patience where a disk is full."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, TypeVar

from clx_jupyter.errors import ClxError, Problem, RequestError
from clx_jupyter.state import Lock
from clx_jupyter_workers.volumes import is_full, room, unwritten_file

T = TypeVar("T")

PAUSES = (0.25, 0.5, 1.0)
"""Seconds before each further try at a publication that failed for want of space, or by an error of the disk."""

_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


class Gate:
    """Whatever changes a target goes through here."""

    def __init__(self, lock: Lock, root: Path) -> None:
        self._lock, self._root, self._one = lock, root, asyncio.Lock()
        self._patient = True
        #: Why nothing may be published any more.
        self.lost: ClxError | None = None

    def check(self) -> None:
        """Raise :class:`ClxError` where the root is gone, or no longer ours. What is lost stays lost: somebody else may have published since."""
        if self.lost is None and not self._root.is_dir():  # its outputs would make it again
            words = f"the folder {self._root} was deleted or moved while it was built, so the build stops"
            self.lost = RequestError(words, "build the course where it is now")
        if self.lost is None and not self._lock.still_ours():
            self.lost = self._lock.loss()
        if self.lost:
            raise self.lost

    async def through(self, work: Callable[[], T], *, pauses: Iterable[float] = ()) -> T:
        """Do *work* in a thread, again after each of *pauses* while the disk refuses it.

        Raises :class:`ClxError` as :meth:`check`, and the :class:`OSError` of the last try.
        """
        for pause in (*(pauses if self._patient else ()), None):
            try:
                async with self._one:
                    done = await _to_its_end(asyncio.to_thread(self._checked, work))
            except OSError as error:
                if pause is None or error.errno in _READ_ONLY:
                    self._patient = False  # a thousand jobs must not wait one after the other for the same disk
                    raise
                await asyncio.sleep(pause)
            else:
                self._patient = True
                return done
        raise AssertionError("the last try returns or raises")

    def _checked(self, work: Callable[[], T]) -> T:
        self.check()
        return work()


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """What *work* gives; whoever is cancelled here still waits for it. A thread goes on, and nobody else may publish before it is done."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


def unwritten(error: OSError, where: Path, path: str | None = None) -> Problem:
    """What could not be written, in words that name the disk; *where* is a file on it if the error names none."""
    file = unwritten_file(error) or where
    message = f"the outputs could not be written: {error.strerror or error} ({file})"
    if is_full(error):
        return Problem("disk-full", f"the disk {room(file)} is full: {file} could not be written", _MAKE_ROOM, path=path)
    hint = "see that the folder can be written, then build again"
    return Problem("bad-course" if error.errno in _READ_ONLY else "internal", message, hint, path=path)


_MAKE_ROOM = "make room on that disk, then build again: what was published before is still whole"
