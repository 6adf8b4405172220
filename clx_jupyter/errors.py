"""The one way to say that something is wrong."""

from __future__ import annotations

from clx_jupyter_workers.problems import CLASSES, KEPT_FAILURES, Problem

__all__ = [
    "CLASSES", "KEPT_FAILURES", "ClxError", "CourseError", "DamagedError", "FullError", "HeldError", "MissingError", "Problem", "QueueError",
    "RequestError",
]  # fmt: skip


class ClxError(Exception):
    """Something that ends a command or a request; carries the :class:`Problem` to show. ``status`` is the HTTP status."""

    status = 500
    exit_code = 2
    category = "internal"

    def __init__(self, message: str, hint: str = "", *, path: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.problem = Problem(self.category, message, hint, path=path, line=line)


class CourseError(ClxError):
    """The course file cannot be read, or asks for something impossible."""

    status = 422
    category = "bad-course"


class RequestError(ClxError):
    """The request itself is wrong: an unknown name, a path outside the course, a contradiction."""

    status = 400
    category = "bad-course"


class HeldError(ClxError):
    """The course is held by another host."""

    status = 409
    exit_code = 3
    category = "bad-course"


class MissingError(ClxError):
    """What a request is about is not there."""

    status = 404
    category = "missing-file"


class QueueError(ClxError):
    """The job database cannot be used."""

    status = 503


class DamagedError(QueueError):
    """The job database is damaged; the next one who opens it for writing sets it aside."""


class FullError(QueueError):
    """The disk that holds the job database is full."""

    status = 507
    category = "disk-full"
