"""Jobs for a worker that shares no files with its supervisor: the part of the course they need comes in frames, results go back so.

What does the job sees a root, a stage, a scratch folder and a shelf as everywhere else, below a folder of this worker's own.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from clx_jupyter_workers.blobs import Blobs, Look, look
from clx_jupyter_workers.browsers import VARIABLE, chromium
from clx_jupyter_workers.fetching import Fetching
from clx_jupyter_workers.problems import Problem, SourceError
from clx_jupyter_workers.protocol import CHUNK, Convert, Header, Link, Sender, at_end

MAX_RETURNED = 4_000_000_000
"""Bytes of outputs and written files that one job may send back."""

_PREFIX = "clx-remote-"
_PRINTED = frozenset({"pdf", "slides-pdf"})


class Changed(Exception):
    """A file that the job needs is no longer what it was when the job was made."""


class Mirror:
    """This worker's folder: what it fetched, and the course as the job in hand sees it."""

    def __init__(self) -> None:
        sweep(Path(tempfile.gettempdir()))
        self._folder, self._held = _own_folder()
        self._blobs = Blobs(self._folder / "blobs")
        self._laid: dict[str, tuple[Path, Look]] = {}

    def remove(self) -> None:
        """Delete all of it."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def open(self, job: Header, link: Link) -> Iterator[Header]:
        """The job with folders of this machine, which hold all that its supervisor lets it have."""
        # A folder for each job: what code left running may still write into the one before.
        place = Path(tempfile.mkdtemp(prefix=f"{job['job']}-", dir=self._folder))
        folders = {name: place / name for name in ("root", "stage", "scratch", "shelf", "fetched")}
        for folder in folders.values():
            folder.mkdir(mode=0o700)
        fetching = Fetching(link, folders["fetched"])
        channel = link.channel
        try:
            self._fill(job["course"], folders["root"], folders["shelf"], fetching)
            link.channel = _Returning(channel, folders["stage"], link)
            link.are_shelved = fetching.are_shelved
            yield {**job, **{name: str(folders[name]) for name in ("root", "stage", "scratch", "shelf")}, "browser": _browser(job, link)}
        finally:
            fetching.close()
            link.channel = channel
            self._take_back()
            _remove(place)

    def _fill(self, course: Mapping[str, Any], root: Path, shelf: Path, fetching: Fetching) -> None:
        files = {path: row for path, row in (course["files"] | course["beside"]).items() if _is_below(path)}
        paths = {row[0]: path for path, row in files.items()} | dict.fromkeys(course["shelf"], "")
        found, changed = fetching.fetch((path, sha256) for sha256, path in paths.items() if sha256 not in self._blobs)
        for sha256, file in found.items():
            self._blobs.give(sha256, file)
        if changed.intersection(row[0] for row in course["files"].values()):
            raise Changed
        for folder in filter(_is_below, course["folders"]):
            (root / folder).mkdir(parents=True, exist_ok=True)
        for path, (sha256, _, mode, time) in files.items():
            self._lay(sha256, root / path, mode, time)
        for sha256 in course["shelf"]:
            self._lay(sha256, shelf / sha256[:2] / sha256, 0o600, 0)

    def _lay(self, sha256: str, target: Path, mode: int, time: int) -> None:
        """Put a file where the job looks for it; one that did not come is not there, as if it were gone from the course."""
        target.parent.mkdir(parents=True, exist_ok=True)
        if sha256 in self._laid:
            shutil.copyfile(self._laid[sha256][0], target)
        elif sha256 in self._blobs:
            self._blobs.take(sha256, target)
        else:
            return
        target.chmod(mode & 0o777 | 0o600)
        os.utime(target, ns=(time, time))
        self._laid.setdefault(sha256, (target, look(target)))

    def _take_back(self) -> None:
        """Keep what no code has written to."""
        for sha256, (path, before) in self._laid.items():
            with contextlib.suppress(OSError):
                if look(path) == before:
                    self._blobs.give(sha256, path)
        self._laid.clear()
        self._blobs.shrink()


class _Returning:
    """A channel that sends the bytes of files before the frame that names them."""

    def __init__(self, channel: Sender, stage: Path, link: Link) -> None:
        self._channel, self._stage, self._link = channel, stage, link
        self._sent: set[str] = set()
        self._room = MAX_RETURNED

    def send(self, header: Header, body: bytes = b"") -> None:
        """Send a frame, and first what it names."""
        for sha256 in [header["sha256"]] if header["t"] == "output" else header["files"] if header["t"] == "written" else ():
            if sha256 not in self._sent:
                self._file(sha256)
                self._sent.add(sha256)
        self._channel.send(header, body)

    def _file(self, sha256: str) -> None:
        with (self._stage / sha256).open("rb") as stream:
            self._room -= os.fstat(stream.fileno()).st_size
            if self._room < 0:
                text = f"What this notebook writes takes more than {MAX_RETURNED / 1e9:.0f} GB, and its worker has to send all of it."
                raise SourceError(Problem("bad-source", text, "Write less, or build it with local workers."))
            offset, body = 0, stream.read(CHUNK)
            while True:
                self._link.check()
                after = stream.read(CHUNK)
                self._channel.send({"t": "file", **self._link.name, "sha256": sha256, "offset": offset, "last": not after}, body)
                if not after:
                    return
                offset, body = offset + len(body), after


def mirrored(convert: Convert) -> Convert:
    """The converter for jobs of both sorts: those whose files are here, and those whose files come in frames."""
    made: list[Mirror] = []

    def do(job: Header, link: Link) -> Header:
        if not job.get("remote"):
            return convert(job, link)
        if not made:
            made.append(Mirror())
            at_end(made[0].remove)
        try:
            with made[0].open(job, link) as here:
                return convert(here, link)
        except Changed:
            return {"status": "changed"}

    return do


def sweep(place: Path) -> None:
    """Delete the folders of workers that died."""
    for folder in place.glob(f"{_PREFIX}*"):
        if folder.is_dir() and not folder.is_symlink() and (held := _hold(folder)) is not None:
            _remove(folder)
            os.close(held)


def _own_folder() -> tuple[Path, int | None]:
    """A new folder with its lock, held until this process ends, however that happens: by it, others know that the folder is in use."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        held = _hold(folder)
        if held is not None or fcntl is None:
            return folder, held
        # Another worker that sweeps was quicker, and takes it for that of a dead one.


def _hold(folder: Path) -> int | None:
    """Take a folder's lock; ``None`` where another process holds it, or where this system has none."""
    if fcntl is None:
        return None
    try:
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def _is_below(path: str) -> bool:
    return not posixpath.isabs(path) and ".." not in path.split("/")


def _browser(job: Header, link: Link) -> str:
    """The browser that prints, on this machine."""
    if not any(variant["format"] in _PRINTED for variant in job.get("variants") or ()):
        return ""
    found = chromium()
    if not found.program:
        text = f"No PDF: the worker that built this has no browser ({found.message})."
        hint = f"Give it a Chromium, or name one there with {VARIABLE}; or build with local workers."
        link.send("problem", problem=Problem("tool-missing", text, hint, "warning", path=job["source"]["path"]).to_json())
    return found.program


def _remove(folder: Path) -> None:
    """Delete a folder, also where code took rights away in it."""
    for inner, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            Path(inner).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
