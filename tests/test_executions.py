"""Kept executions, and the environment kernels get."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from clx_jupyter.executions import Executions, hashed, kernel_environment

KEY = "ab" + "0" * 62


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    kept = Executions(tmp_path)
    assert kept.get(KEY) is None
    kept.put(KEY, b"one")
    kept.put(KEY, b"two")
    assert kept.get(KEY) == Executions(tmp_path).get(KEY) == b"two"
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 65, "0" * 64 + "\n", "0/" + "0" * 62])
def test_only_keys_lead_to_files(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="no execution key"):
        Executions(tmp_path).get(key)
    with pytest.raises(ValueError, match="no execution key"):
        Executions(tmp_path).put(key, b"x")
    assert list(tmp_path.iterdir()) == []


LINES = [
    ("A=1", {"A": "1"}),
    ("export A = 1  ", {"A": "1"}),
    ("A='x y'", {"A": "x y"}),
    ('A="x # y"', {"A": "x # y"}),
    ('A="x" # why', {"A": "x"}),
    ("A=x # why", {"A": "x"}),
    ("A=x#y", {"A": "x#y"}),
    ("A=", {"A": ""}),
    ("A=a=b", {"A": "a=b"}),
    ("A='", {"A": "'"}),
    ("# A=1", {}),
    ("1A=1", {}),
    ("no line", {}),
    ("\ufeffA=1\nB=2\nA=3", {"A": "3", "B": "2"}),
]


@pytest.mark.parametrize(("text", "expected"), LINES)
def test_the_environment_file_is_read(tmp_path: Path, text: str, expected: dict[str, str]) -> None:
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    assert kernel_environment((), str(tmp_path / ".env")) == expected


def test_named_variables_come_from_the_environment_and_the_file_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLX_TEST_A", "one")
    monkeypatch.setenv("CLX_TEST_B", "two")
    monkeypatch.delenv("CLX_TEST_C", raising=False)
    (tmp_path / ".env").write_text("CLX_TEST_B=file")
    names = ("CLX_TEST_A", "CLX_TEST_B", "CLX_TEST_C")
    assert kernel_environment(names, str(tmp_path / ".env")) == {"CLX_TEST_A": "one", "CLX_TEST_B": "file"}
    assert kernel_environment(names, str(tmp_path / "nothing")) == {"CLX_TEST_A": "one", "CLX_TEST_B": "two"}


def test_hashes_do_not_show_the_values() -> None:
    found = hashed({"A": "secret", "B": "secret", "C": "other", "D": "\udc80"})
    assert found["A"] == found["B"] != found["C"]
    assert "secret" not in str(found)


def test_files_that_code_wrote_are_kept_under_their_hashes(tmp_path: Path) -> None:
    executions, stage = Executions(tmp_path / "executions"), tmp_path / "stage"
    stage.mkdir()
    one, two = "1" * 64, "2" * 64
    for name in (one, two):
        (stage / name).write_text(name)
    executions.take(stage, [one])
    (stage / one).write_text("again")
    executions.take(stage, [one, two])
    assert (executions.shelf / "11" / one).read_text() == one and list(stage.iterdir()) == []
    whole = {"key": "k", "handed_on": True, "written": {"a": one, "too large": ""}, "given": {"b": two}}
    assert executions.whole(whole) and not executions.whole(whole | {"handed_on": False})
    (executions.shelf / "22" / two).unlink()
    assert not executions.whole(whole)
    with pytest.raises(ValueError, match="no hash"):
        executions.take(stage, ["../../x"])
