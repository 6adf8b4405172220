"""Job databases that are damaged: how it shows, and how they are put out of the way.

The database holds nothing that cannot be made again: outputs, their manifests and the kept results of code lie beside it.
So a damaged one is set aside, never mended, and the next build compares what is there with what it would make.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

from clx_jupyter_workers import volumes

_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}
_BESIDE = ("-wal", "-shm", "-journal")
_ROOM = 256 * 1024
"""A disk with less room than this counts as full: SQLite cannot make its smaller files there either."""


def is_damage(error: BaseException) -> bool:
    """Whether an error of SQLite says that the file itself is wrong, given that the statement is right."""
    if isinstance(error, UnicodeDecodeError):  # a name in the schema
        return True
    if not isinstance(error, sqlite3.DatabaseError):
        return False
    code, words = getattr(error, "sqlite_errorcode", None), str(error)
    if code is None:
        return words.startswith("Could not decode")
    return code & 0xFF in _CORRUPT or (code == sqlite3.SQLITE_ERROR and words.startswith(("no such", "malformed")))


_OF_A_STATEMENT = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE}


def is_about_the_file(error: sqlite3.Error) -> bool:
    """Whether an error is one of the file or its disk, and not of the statement."""
    code = getattr(error, "sqlite_errorcode", None)
    return is_damage(error) or (code is not None and code & 0xFF not in _OF_A_STATEMENT)


def is_busy(error: Exception) -> bool:
    """Whether somebody else holds the file just now."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_full(error: BaseException, folder: Path) -> bool:
    """Whether an error means that there is no room left where the database lies."""
    if isinstance(error, OSError):
        return volumes.is_full(error)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):  # what it says where it cannot make or lengthen the files beside
        with contextlib.suppress(OSError):
            return shutil.disk_usage(folder).free < _ROOM
    return bool(code == sqlite3.SQLITE_FULL)


def set_aside(path: Path) -> Path:
    """Move a database, and what lies beside it, out of the way; gives where it is now, ``jobs.db.corrupt-<time>``."""
    name = f"{path.name}.corrupt-{time.strftime('%Y%m%dT%H%M%S')}"
    aside, count = path.with_name(name), 1
    while os.path.lexists(aside):
        aside, count = path.with_name(f"{name}-{count}"), count + 1
    # The file itself last: a new database beside an old log would take the log for its own.
    for suffix in (*_BESIDE, ""):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(f"{path.name}{suffix}").rename(aside.with_name(f"{aside.name}{suffix}"))
    _mark(path).unlink(missing_ok=True)
    return aside


def asides(path: Path) -> list[list[Path]]:
    """What was set aside of a database: the files of each, the latest first."""
    found: dict[str, list[Path]] = {}
    for file in path.parent.glob(f"{path.name}.corrupt-*"):
        found.setdefault(re.sub(rf"({'|'.join(_BESIDE)})$", "", file.name), []).append(file)
    return [found[name] for name in sorted(found, reverse=True)]


def has_leftovers(path: Path) -> bool:
    """Whether what lies beside a database is there without the database."""
    return not os.path.lexists(path) and any(os.path.lexists(f"{path}{suffix}") for suffix in _BESIDE)


# --- a mark for the next start ------------------------------------------------


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.name}.damaged")


def mark_damaged(path: Path, why: str) -> None:
    """Let the next one who opens the database set it aside."""
    with contextlib.suppress(OSError):
        _mark(path).write_text(f"{why}\n", encoding="utf-8")


def marked_damaged(path: Path) -> str:
    """Why whoever had the database open last found it damaged; ``""`` if nobody did."""
    try:
        return _mark(path).read_text(encoding="utf-8").strip() or "found while it was open"
    except OSError:
        return ""


# --- looking for damage -------------------------------------------------------


def found_damage(db: sqlite3.Connection) -> str:
    """What SQLite finds wrong in a whole database, the first of it; ``""`` if nothing. Reads every page."""
    db.text_factory = lambda text: text.decode("utf-8", "replace")  # what is wrong may be named wrongly
    said = str(db.execute("PRAGMA integrity_check(1)").fetchone()[0])
    db.text_factory = str
    return "" if said == "ok" else said.splitlines()[-1]


class BackgroundCheck:
    """Looks through a large database on a connection of its own, in a thread, and can be stopped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stop = threading.Event()

    def run(self) -> str:
        """What is wrong, ``""`` if nothing or if it was stopped; blocks."""
        try:
            with closing(sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True)) as db:
                db.set_progress_handler(self._stop.is_set, 10_000)
                return found_damage(db)
        except sqlite3.DatabaseError as error:
            return str(error) if is_damage(error) else ""

    def stop(self) -> None:
        """Let it end at once."""
        self._stop.set()
