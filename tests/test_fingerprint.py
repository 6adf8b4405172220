"""Hashes of what results depend on."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.fingerprint import FileHashes, Parts, digest, file_digest, reason

OLD = time.time() - 1000

EQUAL: list[tuple[Any, Any]] = [
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ((1, 2), [1, 2]),
    ({"x": frozenset({"b", "a"})}, {"x": frozenset({"a", "b"})}),
]
DIFFERENT: list[tuple[Any, Any]] = [
    (["ab", "c"], ["a", "bc"]),
    ({"a": None}, {}),
    (1, "1"),
    ("ä", "a"),
    ("\udc80", "\udc81"),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal_values_have_one_digest(one: Any, other: Any) -> None:
    assert digest(one) == digest(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_values_have_different_digests(one: Any, other: Any) -> None:
    assert digest(one) != digest(other)


def write(file: Path, text: str, at: float = OLD) -> None:
    file.write_text(text)
    os.utime(file, (at, at))


def test_a_file_is_hashed_by_its_bytes(tmp_path: Path) -> None:
    write(tmp_path / "a", "text")
    assert FileHashes(tmp_path)["a"] == file_digest(tmp_path / "a") == sha256(b"text").hexdigest()


@pytest.mark.parametrize("path", ["nothing", ".", "a/b"])
def test_what_is_no_file_has_an_empty_hash(tmp_path: Path, path: str) -> None:
    write(tmp_path / "a", "text")
    assert FileHashes(tmp_path)[path] == ""


def test_an_untouched_file_is_not_read_again(tmp_path: Path) -> None:
    write(tmp_path / "a", "text")
    first = FileHashes(tmp_path)
    first["a"]
    known = {"a": replace(first.fresh["a"], sha256="remembered")}
    again = FileHashes(tmp_path, known)
    assert (again["a"], again.fresh) == ("remembered", {})


@pytest.mark.parametrize("change", ["text", "time", "inode"])
def test_a_touched_file_is_read_again(tmp_path: Path, change: str) -> None:
    file = tmp_path / "a"
    write(file, "text")
    first = FileHashes(tmp_path)
    first["a"]
    if change == "text":
        write(file, "longer text")
    elif change == "time":
        write(file, "txet", OLD + 1)
    else:
        write(tmp_path / "b", "txet")
        (tmp_path / "b").replace(file)
    assert FileHashes(tmp_path, first.fresh)["a"] == file_digest(file)


def test_the_hash_of_a_file_that_was_just_written_is_not_remembered(tmp_path: Path) -> None:
    write(tmp_path / "a", "text", time.time())
    hashes = FileHashes(tmp_path)
    assert hashes["a"]
    assert hashes.fresh == {}


PARTS = Parts("s", {"a.csv": "1", "b.csv": "2"}, "k", "t", 1)
CHANGES = [
    (PARTS, ""),
    (replace(PARTS, source="x"), "source changed"),
    (replace(PARTS, inputs={"a.csv": "1", "b.csv": "3"}), "b.csv changed"),
    (replace(PARTS, inputs={"a.csv": "1"}), "b.csv removed"),
    (replace(PARTS, inputs={**PARTS.inputs, "c.csv": "3"}), "c.csv added"),
    (replace(PARTS, kernel="x"), "kernel or its packages changed"),
    (replace(PARTS, settings="x"), "settings changed"),
    (replace(PARTS, version=2), "clx_jupyter was upgraded"),
    (replace(PARTS, source="x", kernel="x", version=2), "source changed"),
]


@pytest.mark.parametrize(("new", "expected"), CHANGES)
def test_the_reason_names_what_changed(new: Parts, expected: str) -> None:
    assert reason(PARTS.to_json(), new) == expected
    assert (new.key == PARTS.key) is (expected == "")


def test_what_was_never_built_is_new() -> None:
    assert reason(None, PARTS) == "new"
