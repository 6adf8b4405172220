"""Where things are, as a browser may name them: contents paths and the ids of courses. Nothing outside the server's folder is reached."""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from pathlib import Path

from clx_jupyter.course.folder import is_text
from clx_jupyter.course.load import Place, find
from clx_jupyter.errors import MissingError, RequestError
from clx_jupyter.views import built_by

_MAX_NAME, _MAX_PATH = 255, 4096


@dataclass(frozen=True, slots=True)
class Places:
    """The files below *root*, the folder that the server shows; absolute. *hidden*: names that begin with a dot are shown too."""

    root: Path
    hidden: bool = False

    def contents_path(self, path: str | Path) -> str | None:
        """The contents path of an absolute path; ``None`` where it lies outside of what the server shows."""
        path = Path(path)
        if not path.is_relative_to(self.root):
            return None
        parts = path.relative_to(self.root).parts
        return "/".join(parts) if self.hidden or not any(part.startswith(".") for part in parts) else None

    def shows(self, path: Path) -> bool:
        """Whether an absolute path lies below the root, and what it leads to as well."""
        try:
            return self.contents_path(path) is not None and path.resolve().is_relative_to(self.root.resolve())
        except (OSError, RuntimeError):
            return False

    def absolute(self, path: str) -> Path:
        """The file or folder that a contents path names.

        Raises :class:`RequestError` for what is no contents path or leads out of the root, also through a link, and
        :class:`MissingError` where nothing is there.
        """
        parts = [part for part in path.strip("/").split("/") if path.strip("/")]
        if (
            len(path) > _MAX_PATH
            or any(_is_odd(part) for part in parts)
            or (not self.hidden and any(part.startswith(".") for part in parts))
        ):
            raise RequestError("this is not the path of a file that the server shows", "take paths from the file browser")
        found = self.root.joinpath(*parts)
        try:
            real = found.resolve()
        except (OSError, RuntimeError):  # a loop of links
            raise RequestError(f"{path} cannot be followed", "it is a link that leads nowhere") from None
        if not real.is_relative_to(self.root.resolve()):
            raise RequestError(f"{path} leads out of the folder that the server shows", "start the server in a folder that holds it")
        if not found.exists():
            raise MissingError(f"there is no {path}", "it may have been renamed; reload the file browser")
        return found

    def id_of(self, place: Place) -> str:
        """The id of a course."""
        path = (place.root / (place.single or place.file)).relative_to(self.root).as_posix()
        return base64.urlsafe_b64encode(path.encode()).decode().rstrip("=")

    def course(self, id: str) -> Place:
        """The course of this id. Raises :class:`MissingError` where there is none, :class:`CourseError` where it is no course."""
        try:
            if not id:
                raise ValueError
            path = base64.b64decode(id + "=" * (-len(id) % 4), altchars=b"-_", validate=True).decode()
        except (binascii.Error, ValueError):
            raise MissingError("there is no such course", "`clx/courses` lists them") from None
        return self.place("" if path == "." else path)

    def place(self, path: str) -> Place:
        """The course that a contents path means: a folder, a course file, a notebook outside any course or, as ``chosen``, in one."""
        place = find(self.absolute(path))
        if not self.shows(place.root):
            raise RequestError(
                f"the course of {path} begins outside of the folder that the server shows", "start the server in the folder that holds it"
            )
        return built_by(place)


def _is_odd(part: str) -> bool:
    """Whether a part of a path is none that a person would write: it climbs, names a drive, holds control characters or what no disk holds."""
    if part in ("", ".", "..") or len(part) > _MAX_NAME or any(ord(letter) < 32 for letter in part):
        return True
    return not is_text(part) or (os.name == "nt" and any(letter in part for letter in "\\:"))
