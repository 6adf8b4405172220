"""Databases of every released schema become the present one, whatever interrupts that."""

from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from clx_jupyter.database_journal import DELETE, WAL, Journal
from clx_jupyter.errors import QueueError
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.job_reader import DATABASE, Reader
from clx_jupyter.job_rows import SPEC
from clx_jupyter.migrations import SCHEMA, _names, backup_of, backups, unlike_ours, version_of
from clx_jupyter.opening import prepare

SCHEMAS = Path(__file__).parent / "schemas"
OLDER = sorted(int(path.stem) for path in SCHEMAS.glob("*.sql"))

UPGRADE = """
import sys
from pathlib import Path
from clx_jupyter.database_journal import Journal
from clx_jupyter.opening import prepare
print("ready", flush=True)
sys.stdin.readline()
prepare(Path(sys.argv[1]), Journal("wal", ""))
"""


def of_schema(path: Path, version: int, rows: int = 1) -> None:
    """A database as the release with this schema left it."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript((SCHEMAS / f"{version}.sql").read_text())
        db.executemany("INSERT INTO builds (id, course, request, state, number, created) VALUES (?, '', '{}', 'succeeded', 1, ?)",
                       [(f"b{n}", n) for n in range(rows)])  # fmt: skip
        db.executemany(
            "INSERT INTO jobs (build, type, place, path, state, spec, created) VALUES ('b0', 'notebook', '0:a', 'a', 'done', ?, 1)",
            [("{}" + " " * 3000,) for _ in range(rows)],
        )
        db.execute(f"PRAGMA user_version = {version}")
        db.commit()


def test_there_is_a_fixture_of_every_older_schema() -> None:
    assert list(range(1, SCHEMA)) == OLDER


@pytest.mark.parametrize("version", OLDER)
def test_an_older_database_is_copied_before_each_step_and_keeps_its_rows(tmp_path: Path, version: int) -> None:
    path = tmp_path / DATABASE
    of_schema(path, version)
    assert prepare(path, Journal(WAL, "")).aside is None
    assert backups(path) == [backup_of(path, older) for older in range(version, SCHEMA)][-2:]
    for copy in backups(path):
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(path)) as db:
        assert version_of(db) == SCHEMA and unlike_ours(db, exactly=True) == ""
        assert db.execute(f"SELECT {SPEC} FROM jobs").fetchall() == [("{}" + " " * 3000,)]
    with closing(sqlite3.connect(backup_of(path, SCHEMA - 1))) as db:
        assert version_of(db) == SCHEMA - 1
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_the_file_of_an_upgraded_database_gets_smaller_when_rows_go(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    of_schema(path, OLDER[-1], rows=200)
    queue = await JobQueue.open(path)
    await queue.database.rest()
    before = path.stat().st_size
    await queue.database.write(("DELETE FROM specs", ()), ("DELETE FROM jobs", ()))
    await queue.database.shrink(2**31 - 1)
    await queue.database.rest()
    assert path.stat().st_size < before / 3
    await queue.close()


def test_only_the_last_two_copies_stay(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    for version in (-3, -2, -1):
        backup_of(path, version + 3).write_text("old")
    of_schema(path, SCHEMA - 1)
    prepare(path, Journal(WAL, ""))
    assert [each.name for each in backups(path)] == [f"{DATABASE}.v{version}.bak" for version in (SCHEMA - 2, SCHEMA - 1)]


def killed_while_upgrading(folder: Path, after: float, rows: int = 300) -> int:
    """Kill a process that upgrades a database of schema 1; gives the version that it left, whole."""
    folder.mkdir()
    path = folder / DATABASE
    of_schema(path, 1, rows)
    with subprocess.Popen([sys.executable, "-c", UPGRADE, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout and process.stdout.readline() == b"ready\n"
        process.stdin.write(b"\n")
        process.stdin.flush()
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
    with closing(sqlite3.connect(path)) as db:
        left = version_of(db)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT count(*) FROM jobs").fetchone() == (rows,)
        if left < SCHEMA:
            with closing(sqlite3.connect(":memory:")) as wanted:
                wanted.executescript((SCHEMAS / f"{left}.sql").read_text())
                assert _names(db) == _names(wanted), "nothing of the next version is there"
    assert prepare(path, Journal(WAL, "")).aside is None, "the next one finishes it"
    with closing(sqlite3.connect(path)) as db:
        assert unlike_ours(db, exactly=True) == ""
    assert not list(folder.glob("*.part"))
    return left


@pytest.mark.fault(40)
def test_an_upgrade_that_is_killed_leaves_a_whole_version_and_the_next_one_ends_it(tmp_path: Path) -> None:
    left = [killed_while_upgrading(tmp_path / str(n), n * 0.015) for n in range(5)]  # all of it takes some 0.08 s
    assert set(left) <= {*range(1, SCHEMA + 1)}


@pytest.mark.long
def test_many_killed_upgrades(tmp_path: Path) -> None:
    left = [killed_while_upgrading(tmp_path / str(n), n * 0.0005) for n in range(120)]
    assert len(set(left)) > 1, "at both ends, at least"


def test_a_statement_that_fails_undoes_its_step(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    of_schema(path, 2)
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP INDEX jobs_ready")  # the step to 3 wants to drop it, after it has added columns
        db.commit()
        before = db.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
    aside = prepare(path, Journal(WAL, "")).aside
    assert aside is not None, "its tables are not those of its version"
    with closing(sqlite3.connect(aside)) as db:
        assert version_of(db) == 2 and db.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall() == before


def newer(path: Path) -> bytes:
    """A database of the next schema, whatever that will be."""
    prepare(path, Journal(DELETE, ""))
    with closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE builds ADD COLUMN mood TEXT")
        db.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    return path.read_bytes()


@pytest.mark.fault(39)
async def test_a_newer_database_is_refused_left_alone_and_may_be_read(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    before = newer(path)
    with pytest.raises(QueueError, match=f"schema {SCHEMA + 1}, newer than this program's {SCHEMA}") as told:
        await JobQueue.open(path)
    assert (told.value.exit_code, told.value.status, told.value.problem.path) == (2, 503, str(path))
    assert path.read_bytes() == before and [each.name for each in tmp_path.iterdir()] == [DATABASE]
    assert Reader(tmp_path).builds() == []
    with pytest.raises(QueueError, match="newer than this program"):
        Reader(tmp_path).rows("SELECT gone FROM builds")


def test_a_version_that_a_flipped_bit_made_is_no_newer_version(tmp_path: Path) -> None:
    for bit in (2, 3, 9, 30):
        path = tmp_path / f"{bit}.db"
        prepare(path, Journal(DELETE, ""))
        with closing(sqlite3.connect(path)) as db:
            db.execute(f"PRAGMA user_version = {SCHEMA ^ 1 << bit}")
        assert prepare(path, Journal(DELETE, "")).aside is not None
