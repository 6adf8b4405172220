"""From every released schema of the job database to the present one: a version at a time, with a copy of the file before each."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
from contextlib import closing
from importlib.resources import files
from pathlib import Path

SCHEMA = 4

UPGRADES: dict[int, tuple[str, ...]] = {
    1: (
        "ALTER TABLE sources ADD COLUMN runs TEXT NOT NULL DEFAULT '{}'",
        "CREATE TABLE needs (job INTEGER NOT NULL REFERENCES jobs (id), needs INTEGER NOT NULL REFERENCES jobs (id),"
        " PRIMARY KEY (job, needs)) STRICT, WITHOUT ROWID",
        "CREATE INDEX needed_by ON needs (needs)",
    ),
    2: (
        "ALTER TABLE builds ADD COLUMN discarded INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE jobs ADD COLUMN key TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE jobs ADD COLUMN same_as INTEGER REFERENCES jobs (id)",
        "ALTER TABLE attempts ADD COLUMN memory INTEGER",
        "ALTER TABLE attempts ADD COLUMN cpu REAL",
        "ALTER TABLE workers ADD COLUMN cpu REAL",
        "ALTER TABLE workers ADD COLUMN memory INTEGER",
        "DROP INDEX jobs_ready",
        "CREATE INDEX jobs_ready ON jobs (type, priority DESC, id) WHERE state = 'queued' AND not_before = 0",
        "CREATE INDEX jobs_later ON jobs (not_before) WHERE state = 'queued' AND not_before > 0",
        "CREATE INDEX jobs_by_key ON jobs (key) WHERE key != '' AND same_as IS NULL AND finished IS NULL",
        "CREATE INDEX jobs_same ON jobs (same_as) WHERE same_as IS NOT NULL AND finished IS NULL",
    ),
    3: (
        "DROP INDEX jobs_of_build",
        "DROP INDEX jobs_running",
        "CREATE INDEX jobs_of_build ON jobs (build)",
        "CREATE INDEX jobs_live ON jobs (build) WHERE finished IS NULL",
        "CREATE TABLE specs (job INTEGER PRIMARY KEY REFERENCES jobs (id), spec TEXT NOT NULL) STRICT",
        "INSERT INTO specs (job, spec) SELECT id, spec FROM jobs",
        "ALTER TABLE jobs DROP COLUMN spec",
    ),
}
"""The statements that make of a database of each older schema one of the next."""

_KEPT = 2
"""So many copies stay."""

_INCREMENTAL = 2


def version_of(db: sqlite3.Connection) -> int:
    """The schema of a database; 0 for one that is empty."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def create(db: sqlite3.Connection) -> None:
    """Make the tables of an empty database."""
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # must come before the first table
    schema = files("clx_jupyter").joinpath("schema.sql").read_text(encoding="utf-8")
    db.executescript(f"BEGIN IMMEDIATE; {schema}; PRAGMA user_version = {SCHEMA}; COMMIT;")


def upgrade(db: sqlite3.Connection, path: Path) -> None:
    """Bring the database at *path* up to date. Each step is one transaction: interrupted anywhere, the file is of one version or the next."""
    for older in range(version_of(db), SCHEMA):
        back_up(db, backup_of(path, older))
        db.execute("BEGIN IMMEDIATE")
        try:
            for statement in UPGRADES[older]:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {older + 1}")
            db.execute("COMMIT")
        except sqlite3.Error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
    for old in backups(path)[:-_KEPT]:
        old.unlink(missing_ok=True)
    if db.execute("PRAGMA auto_vacuum").fetchone()[0] != _INCREMENTAL:
        _let_it_shrink(db, path)


def _let_it_shrink(db: sqlite3.Connection, path: Path) -> None:
    """Write a database anew that was made before its file could get smaller, where there is room; else it stays as large as it was."""
    if shutil.disk_usage(path.parent).free < 3 * path.stat().st_size:  # the new file, and the log or journal beside
        return
    with contextlib.suppress(sqlite3.OperationalError):  # somebody reads it, or there is no room where SQLite writes temporary files
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("VACUUM")


def backup_of(path: Path, version: int) -> Path:
    """Where the copy of a database before its upgrade from *version* lies."""
    return path.with_name(f"{path.name}.v{version}.bak")


def backups(path: Path) -> list[Path]:
    """The copies of a database, the oldest version first."""
    found = {
        int(match[1]): file for file in path.parent.iterdir() if (match := re.fullmatch(rf"{re.escape(path.name)}\.v(\d+)\.bak", file.name))
    }
    return [found[version] for version in sorted(found)]


def back_up(db: sqlite3.Connection, target: Path) -> None:
    """Copy a database (0600); a copy that is there is a whole one."""
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_WRONLY, 0o600))
    try:
        with closing(sqlite3.connect(part)) as copy:
            db.backup(copy)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def unlike_ours(db: sqlite3.Connection, *, exactly: bool = False) -> str:
    """What of the present schema a database lacks, such as ``jobs.key``; with *exactly* also what it has beyond. ``""`` if nothing."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as wanted:
        create(wanted)
        ours, theirs = _names(wanted), _names(db)
    return min(ours ^ theirs if exactly else ours - theirs, default="")


def _names(db: sqlite3.Connection) -> set[str]:
    """Tables, indexes, and columns as ``table.column``."""
    rows = db.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'index')").fetchall()
    columns = db.execute("SELECT m.name || '.' || c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table'")
    return {row[0] for row in (*rows, *columns.fetchall())}
