"""Courses whose job database is damaged, lost or of another time: the next build is right, and cheap."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from clx_jupyter.manifest import MANIFEST
from clx_jupyter.migrations import SCHEMA
from tests.stories.conftest import command, notebook, write

pytestmark = pytest.mark.story


def tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted((root / "output").rglob("*")) if path.is_file()}


def built(root: Path, *arguments: str) -> tuple[int, str]:
    done = command("build", *arguments, cwd=root)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.mark.fault(38)
def test_after_damage_the_next_build_gives_the_same_tree_without_running_code_again(tmp_path: Path) -> None:
    write(tmp_path, {"one/a.ipynb": notebook(("markdown", "# A"), ("code", "print(6 * 7)")), "one/b.ipynb": notebook(("markdown", "# B"))})
    assert built(tmp_path)[0] == 0
    before, database = tree(tmp_path), tmp_path / ".clx" / "jobs.db"
    database.write_bytes(database.read_bytes()[:5000])
    said = command("status", cwd=tmp_path)
    assert said.returncode == 2 and "damaged" in said.stderr and "Traceback" not in said.stderr
    code, words = built(tmp_path)
    assert code == 0 and "set aside" in words and "0 executions" in words
    assert tree(tmp_path) == before
    for path in database.parent.glob("jobs.db*"):  # and without any
        path.unlink()
    (tmp_path / "one/b.ipynb").unlink()  # what left the course meanwhile goes, though no database tells of it
    code, words = built(tmp_path)
    assert code == 0 and "0 executions" in words
    left = set(tree(tmp_path))
    assert {path for path in before if "/b." not in path} == left


@pytest.mark.fault(39)
def test_a_database_of_a_newer_version_ends_a_build_with_2_and_may_be_looked_at(tmp_path: Path) -> None:
    write(tmp_path, {"one/b.ipynb": notebook(("markdown", "# B"))})
    assert built(tmp_path)[0] == 0
    with closing(sqlite3.connect(tmp_path / ".clx/jobs.db")) as db:
        db.execute("ALTER TABLE builds ADD COLUMN mood TEXT")
        db.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    code, words = built(tmp_path, "--report", str(tmp_path / "report.json"))
    assert code == 2 and "newer than this program" in words and "upgrade clx-jupyter" in words
    assert "newer than this program" in (tmp_path / "report.json").read_text()
    said = command("status", cwd=tmp_path)
    assert said.returncode == 0 and "succeeded" in said.stdout


def test_after_damage_what_shows_private_things_and_is_wanted_no_more_goes_from_every_target(tmp_path: Path) -> None:
    words = "only for whoever speaks"
    write(tmp_path, {"course.yaml": _WITH_STAFF, "a.py": f'# %% [markdown]\n# # A\n\n# %% [markdown] tags=["notes"]\n# {words}\n'})
    assert built(tmp_path)[0] == 0
    assert {path.split("/")[1] for path, content in tree(tmp_path).items() if words.encode() in content} == {"students", "staff"}
    write(tmp_path, {"output/staff/mine.txt": "mine", "course.yaml": _WITHOUT_STAFF})
    database = tmp_path / ".clx" / "jobs.db"
    database.write_bytes(database.read_bytes()[:5000])
    code, said = built(tmp_path)
    assert code == 0 and "set aside" in said
    left = tree(tmp_path)
    assert not [path for path, content in left.items() if words.encode() in content]
    assert {path for path in left if path.startswith("output/staff/")} == {"output/staff/mine.txt", f"output/staff/{MANIFEST}"}


_WITH_STAFF = """version: 1
targets:
  students: {path: output/students, kinds: [code-along, speaker], formats: [html]}
  staff: {path: output/staff, kinds: [speaker], formats: [html]}
"""
_WITHOUT_STAFF = """version: 1
targets:
  students: {path: output/students, kinds: [code-along], formats: [html]}
"""
