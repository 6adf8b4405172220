"""``clx init`` as a command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from clx_jupyter.cli import main
from clx_jupyter.course import schema

DECK = '# %% tags=["keep"]\nimport this\n\n# %%\n1 + 1\n'


def test_it_writes_what_it_found_and_says_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "a course"
    root.mkdir()
    (root / "a.py").write_text(DECK)
    assert main(["init", str(root)]) == 0
    out = capsys.readouterr().out
    assert "1 topic in 1 section" in out and "clx build" in out
    assert yaml.safe_load((root / "course.yaml").read_text())["sections"][0]["topics"] == ["a.py"]
    before = (root / "course.yaml").read_bytes()
    assert main(["init", str(root)]) == 2
    error = capsys.readouterr().err
    assert "there is a course.yaml already" in error and "hint" in error
    assert (root / "course.yaml").read_bytes() == before
    assert not list(root.glob(".clx*"))


def test_a_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.py").write_text(DECK)
    assert main(["init", str(tmp_path), "--dry-run"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["version"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.py"]


def test_the_schema_is_printed_for_editors(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema.whole()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", ["a.py", "nowhere", "empty"])
def test_what_no_course_file_can_be_written_for_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str) -> None:
    (tmp_path / "a.py").write_text(DECK)
    (tmp_path / "empty").mkdir()
    assert main(["init", str(tmp_path / path)]) == 2
    assert "hint" in capsys.readouterr().err
