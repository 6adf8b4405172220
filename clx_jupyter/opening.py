"""The file of the job database before its first use: made, checked, set aside if it is damaged, brought up to date. Blocks."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from clx_jupyter import damage
from clx_jupyter.database_journal import Journal
from clx_jupyter.errors import DamagedError, FullError, QueueError
from clx_jupyter.migrations import SCHEMA, create, unlike_ours, upgrade, version_of
from clx_jupyter_workers.volumes import room

BUSY_TIMEOUT = 30.0
"""Seconds for which readers and the writer wait for each other."""

CHECKED_AT_ONCE = 8 * 1024 * 1024
"""A database up to this size, in bytes, is looked through before it is used (some 3 ms for a MiB); a larger one while it is used."""

_FIRST_PAGE = 512
"""SQLite takes a file that is shorter, in bytes, for an empty one."""

_NO_VERSION = 1000
"""No schema will ever have this number; one that has is none of ours."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A database that can be used: its journal as it really is, where a damaged one was put, and whether it was looked through."""

    journal: Journal
    aside: Path | None
    checked: bool


def prepare(path: Path, journal: Journal) -> Prepared:
    """Make the database at *path* ready for its writer. What cannot be used is set aside, and a new one made.

    Raises :class:`QueueError` for one that a newer version wrote, and where no file can be written.
    """
    aside = None
    try:
        if _is_wrong_at_sight(path):
            aside = damage.set_aside(path)
        try:
            in_force, checked = _prepared(path, journal)
        except DamagedError:
            aside = damage.set_aside(path)
            in_force, checked = _prepared(path, journal)
    except sqlite3.Error as error:
        raise unusable(error, path) from error
    except OSError as error:
        raise _not_written(error, path) from error
    return Prepared(in_force, aside, checked)


def _is_wrong_at_sight(path: Path) -> bool:
    """Whether there is something that is no file we can open, or that was found damaged before."""
    if damage.marked_damaged(path) or damage.has_leftovers(path):
        return True
    if not os.path.lexists(path):
        return False
    if not path.is_file() or _is_cut_short(path):
        return True
    if not os.access(path, os.R_OK | os.W_OK):
        with contextlib.suppress(OSError):
            path.chmod(0o600)
    return not os.access(path, os.R_OK | os.W_OK)


def _is_cut_short(path: Path) -> bool:
    """Whether its last page is not whole, and no log is there to make it so. SQLite would read on as if zeros stood there."""
    size = path.stat().st_size
    with path.open("rb") as file:
        page = int.from_bytes(file.read(18)[16:18], "big") or 1
    page = 65536 if page == 1 else page
    logged = any(Path(f"{path}{suffix}").exists() for suffix in ("-wal", "-journal"))
    return 0 < size < _FIRST_PAGE or (size % page > 0 and not logged)


def _prepared(path: Path, journal: Journal) -> tuple[Journal, bool]:
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))  # before SQLite, so that all it lays beside gets this mode too
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)) as db:
        try:
            checked = _brought_up_to_date(db, path)
            return _in_force(db, journal), checked
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            if damage.is_damage(error):
                raise DamagedError(str(error), path=str(path)) from error
            raise


def _brought_up_to_date(db: sqlite3.Connection, path: Path) -> bool:
    """Whether it was looked through. Raises :class:`DamagedError`, and :class:`QueueError` for a newer one."""
    version = version_of(db)
    if version > SCHEMA and version < _NO_VERSION and unlike_ours(db, exactly=True):
        raise newer(version, path)
    if not 0 <= version <= SCHEMA:
        raise DamagedError(f"it says that its schema is {version}", path=str(path))
    small = path.stat().st_size <= CHECKED_AT_ONCE
    if version and small and (found := damage.found_damage(db)):
        raise DamagedError(found, path=str(path))
    try:
        if version == 0:
            create(db)
        else:
            upgrade(db, path)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # the tables are not those of its version
            raise DamagedError(str(error), path=str(path)) from error
        raise
    if missing := unlike_ours(db):
        raise DamagedError(f"{missing} is missing", path=str(path))
    return small


def _in_force(db: sqlite3.Connection, journal: Journal) -> Journal:
    """Switch to a journal, as far as possible: not while somebody reads, nor to a log where the disk cannot share memory."""
    db.execute("PRAGMA busy_timeout = 500")
    with contextlib.suppress(sqlite3.OperationalError):
        db.execute(f"PRAGMA journal_mode = {journal.mode}").fetchall()
    mode = str(db.execute("PRAGMA journal_mode").fetchone()[0])
    return journal if mode == journal.mode else Journal(mode, f"{journal.mode} was not possible")


# --- what is said -------------------------------------------------------------


def newer(version: int, path: Path) -> QueueError:
    """The refusal of a database that a newer version of this program wrote."""
    return QueueError(
        f"the job database {path} has schema {version}, newer than this program's {SCHEMA}",
        "upgrade clx-jupyter, or build in another folder; nothing was changed", path=str(path),
    )  # fmt: skip


def unusable(error: Exception, path: Path) -> QueueError:
    """An error that SQLite ran into, in words for people."""
    if damage.is_full(error, path.parent):
        return full(path)
    if damage.is_damage(error):
        return damaged(str(error), path)
    if damage.is_busy(error):
        return QueueError(f"the job database {path} is held by another program", "close what has it open, then build again", path=str(path))
    return QueueError(f"the job database {path} cannot be used: {error}", _see_that(path), path=str(path))


def damaged(why: str, path: Path) -> DamagedError:
    """What is said of a database that turned out to be damaged."""
    hint = "build again: it is set aside by itself, and nothing is lost but time"
    return DamagedError(f"the job database {path} is damaged: {why}", hint, path=str(path))


def full(path: Path) -> FullError:
    """What is said where the database cannot grow."""
    words = f"the disk {room(path.parent)} is full: the job database {path.name} cannot be written"
    return FullError(words, "make room on that disk, then build again: nothing is lost but time", path=str(path))


def _not_written(error: OSError, path: Path) -> QueueError:
    if damage.is_full(error, path.parent):
        return full(path)
    return QueueError(f"the job database {path} cannot be used: {error.strerror or error}", _see_that(path), path=str(path))


def _see_that(path: Path) -> str:
    return f"see that files in {path.parent} can be written, or set CLX_STATE_DIR to a folder where they can"
