"""A job queue as CLX had it: workers poll the database, and each step of a job is a transaction of its own.

Written after the published CLX (``infrastructure/workers/worker_base.py`` and ``infrastructure/database/job_queue.py``):
the same tables as far as the loop touches them, the same statements in the same order, the same waits, the same pragmas
on the connection that works (WAL, and SQLite's default ``synchronous=FULL``: CLX sets NORMAL on a connection it closes).
"""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

POLL = 0.1
"""Seconds that a worker without work waits."""
RESULT_POLL = 0.5
"""Seconds between two looks of whoever waits for a result."""
HEARTBEAT = 2.0

_SCHEMA = """
CREATE TABLE jobs (id INTEGER PRIMARY KEY AUTOINCREMENT, job_type TEXT NOT NULL, status TEXT NOT NULL, priority INTEGER DEFAULT 0,
    input_file TEXT NOT NULL, output_file TEXT NOT NULL, content_hash TEXT NOT NULL, payload TEXT NOT NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, started_at TIMESTAMP, completed_at TIMESTAMP, worker_id INTEGER,
    attempts INTEGER DEFAULT 0, max_attempts INTEGER DEFAULT 3, error TEXT, result TEXT);
CREATE INDEX idx_jobs_status ON jobs (status, job_type);
CREATE INDEX idx_jobs_content_hash ON jobs (content_hash);
CREATE TABLE workers (id INTEGER PRIMARY KEY AUTOINCREMENT, worker_type TEXT NOT NULL, status TEXT NOT NULL,
    last_heartbeat TIMESTAMP DEFAULT CURRENT_TIMESTAMP, jobs_processed INTEGER DEFAULT 0, avg_processing_time REAL);
CREATE INDEX idx_workers_status ON workers (worker_type, status);
"""
_ADD = (
    "INSERT INTO jobs (job_type, status, input_file, output_file, content_hash, payload, priority)"
    " VALUES ('notebook', 'pending', ?, ?, ?, ?, 0)"
)
_NEXT = "SELECT * FROM jobs WHERE status = 'pending' AND job_type = ? AND attempts < max_attempts ORDER BY priority DESC, created_at ASC LIMIT 1"
_CLAIM = "UPDATE jobs SET status = 'processing', started_at = CURRENT_TIMESTAMP, worker_id = ?, attempts = attempts + 1 WHERE id = ?"
_DONE = "UPDATE jobs SET status = 'completed', completed_at = CURRENT_TIMESTAMP, error = NULL, result = NULL WHERE id = ?"
_STATS = (
    "UPDATE workers SET jobs_processed = jobs_processed + 1, avg_processing_time = CASE WHEN avg_processing_time IS NULL THEN ?"
    " ELSE (avg_processing_time * jobs_processed + ?) / (jobs_processed + 1) END WHERE id = ?"
)


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=30.0, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def prepare(file: Path) -> None:
    """Make the database."""
    with closing(_connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_SCHEMA)


def add(file: Path, payloads: list[str]) -> list[int]:
    """Queue jobs; gives their ids."""
    with closing(_connect(file)) as connection:
        connection.execute("BEGIN")
        ids = [int(connection.execute(_ADD, (f"{n}.py", f"{n}.html", str(n), text)).lastrowid or 0) for n, text in enumerate(payloads)]
        connection.execute("COMMIT")
    return ids


def wait(file: Path, id: int) -> None:
    """Wait for a job as CLX's backend does."""
    with closing(_connect(file)) as connection:
        while connection.execute("SELECT status FROM jobs WHERE id = ?", (id,)).fetchone()[0] != "completed":
            time.sleep(RESULT_POLL)


class Worker:
    """One worker's loop over jobs that do nothing."""

    def __init__(self, file: Path) -> None:
        self._db = _connect(file)
        self._id = self._db.execute("INSERT INTO workers (worker_type, status) VALUES ('notebook', 'idle')").lastrowid
        self._beat = time.monotonic()

    def run(self) -> None:
        """Work until the process is ended."""
        while True:
            if self.step() is None:
                self._heartbeat(HEARTBEAT)
                time.sleep(POLL)

    def step(self) -> int | None:
        """Do one job; gives its id, ``None`` where none waits."""
        row = self._next()
        if row is None:
            return None
        self._status("busy")
        started = time.time()
        json.loads(row["payload"])
        self._db.execute("SELECT * FROM jobs WHERE id = ?", (row["id"],)).fetchone()
        self._db.execute(_DONE, (row["id"],))
        seconds = time.time() - started
        self._db.execute(_STATS, (seconds, seconds, self._id))
        self._status("idle")
        self._heartbeat(0.0)
        return int(row["id"])

    def _next(self) -> sqlite3.Row | None:
        self._db.execute("BEGIN IMMEDIATE")
        row: sqlite3.Row | None = self._db.execute(_NEXT, ("notebook",)).fetchone()
        if row is None:
            self._db.rollback()
            return None
        self._db.execute(_CLAIM, (self._id, row["id"]))
        self._db.commit()
        return row

    def _status(self, status: str) -> None:
        self._db.execute("UPDATE workers SET status = ? WHERE id = ?", (status, self._id))

    def _heartbeat(self, after: float) -> None:
        if time.monotonic() - self._beat >= after:
            self._db.execute("UPDATE workers SET last_heartbeat = CURRENT_TIMESTAMP WHERE id = ?", (self._id,))
            self._beat = time.monotonic()


def work(file: Path) -> None:
    """A worker process."""
    Worker(file).run()
