"""A dry run only reads: it says the same beside a running build, where nothing was ever built, and where nothing can be written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.cli import main
from clx_jupyter.state import FOLDER, Lock
from tests.plain_user import PlainUser
from tests.stories.conftest import command, write

DryRun = Callable[[Path], dict[str, Any]]
TEXT = "# %% [markdown]\n# # Text\n"


@pytest.fixture
def dry_run(capsys: pytest.CaptureFixture[str]) -> DryRun:
    """The report of a dry run in this process, without what differs each time."""

    def run(root: Path) -> dict[str, Any]:
        code = main(["build", str(root), "--dry-run", "--json"])
        report = json.loads(capsys.readouterr().out)
        assert code == (0 if report["status"] == "succeeded" else 2)
        return plain(report)

    return run


def plain(report: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in report.items() if name not in ("started", "seconds")}


def reasons(report: dict[str, Any]) -> dict[str, str]:
    return {output["path"]: output["reason"] or output["state"] for output in report["outputs"] if output["format"] == "html"}


def all_below(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file with what shows whether it was written."""
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in (folder, *folder.rglob("*"))}


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return write(tmp_path / "course", {"a.py": TEXT, "b.py": TEXT})


def test_where_nothing_was_built_everything_is_new_and_nothing_is_made(course: Path, dry_run: DryRun) -> None:
    before = all_below(course.parent)
    assert reasons(dry_run(course)) == {"students/completed/html/a.html": "new", "students/completed/html/b.html": "new"}
    assert all_below(course.parent) == before


@pytest.mark.story
def test_beside_a_holder_the_plan_is_the_same_and_the_state_is_left_alone(course: Path, dry_run: DryRun) -> None:
    assert command("build", str(course), "--format", "html", cwd=course).returncode == 0
    (course / "b.py").write_text(f"{TEXT}# more\n", encoding="utf-8")
    before = all_below(course / FOLDER)
    alone = dry_run(course)
    assert reasons(alone) == {"students/completed/html/a.html": "fresh", "students/completed/html/b.html": "source changed"}
    assert all_below(course / FOLDER) == before
    lock = Lock(course / FOLDER)
    assert lock.acquire()
    try:
        before = all_below(course / FOLDER)
        assert dry_run(course) == alone
        assert all_below(course / FOLDER) == before
    finally:
        lock.release()


def test_what_cannot_be_built_is_told_as_a_build_would(tmp_path: Path, dry_run: DryRun) -> None:
    root = write(tmp_path, {"a.py": TEXT, "course.yaml": "targets:\n  all: {path: ., kinds: [completed], formats: [html]}\n"})
    report = dry_run(root)
    assert report["status"] == "invalid"
    assert not (root / FOLDER).exists()


def test_a_damaged_database_counts_as_empty_and_stays_where_it_is(course: Path, dry_run: DryRun) -> None:
    write(course / FOLDER, {"jobs.db": "this is no database, though it is long enough to be looked at " * 20})
    before = all_below(course / FOLDER)
    report = dry_run(course)
    assert set(reasons(report).values()) == {"new"}
    (problem,) = report["problems"]
    assert problem["severity"] == "warning" and "is damaged" in problem["message"]
    assert all_below(course / FOLDER) == before


@pytest.mark.parametrize("built", [False, True], ids=["never-built", "built"])
@pytest.mark.story
def test_a_read_only_course_is_planned_as_one_that_can_be_written(plain_user: PlainUser, dry_run: DryRun, built: bool) -> None:
    root = write(plain_user.home / "course", {"a.py": TEXT})
    if built:
        assert command("build", str(root), "--format", "html", cwd=root).returncode == 0
    expected = dry_run(root)
    plain_user.own(root, read_only=True)
    before = all_below(plain_user.home)
    done = plain_user.run("-m", "clx_jupyter.cli", "build", str(root), "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    assert plain(json.loads(done.stdout)) == expected
    assert all_below(plain_user.home) == before
    assert (root / FOLDER).exists() is built
