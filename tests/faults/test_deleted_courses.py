"""The folder of a course goes while it is built: the build ends in words, and nothing of the course is made again."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.faults.test_deleted_state import delete
from tests.faults.test_lost_roots import let_go, started
from tests.faults.test_lost_roots import root as root  # a fixture


def test_a_course_that_is_deleted_while_it_is_built_is_not_made_again_though_its_state_is_elsewhere(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLX_STATE_DIR", str(tmp_path / "state"))
    process = started(root)
    delete(root)
    code, said = let_go(root, process)
    assert code == 2 and f"the folder {root} was deleted" in said and "Traceback" not in said, said
    assert not root.exists()


def test_a_course_whose_disk_is_taken_away_while_it_is_built_leaves_nothing_where_it_was(root: Path) -> None:
    lesson = (root / "a.py").read_text()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", root], check=True)
    try:
        (root / "a.py").write_text(lesson)
        process = started(root)
    finally:
        subprocess.run(["umount", "--lazy", root], check=True)
    code, said = let_go(root, process)
    assert code == 2 and "was deleted" in said and "Traceback" not in said, said
    assert [path.name for path in root.iterdir()] == ["a.py"], "what lies below the disk"
