"""The files below a folder of a course."""

from __future__ import annotations

from pathlib import Path

import pytest

from clx_jupyter.course.walk import ignored, walk

IGNORED = [
    ("build", True, True), ("build", False, False), (".git", True, True), ("x.egg-info", True, True), ("cmake-build-debug", True, True),
    ("old.bak", True, True), ("chroma_my_db", True, True), ("qdrant_x", True, True), ("voiceover", True, True), ("img", True, False),
    ("x.bin", False, True), ("x.keras", False, True), ("x.bkp", False, True), (".clm-include", False, True), ("x.bak", False, False),
]  # fmt: skip


@pytest.mark.parametrize(("name", "is_folder", "expected"), IGNORED)
def test_some_names_are_no_part_of_a_course(name: str, is_folder: bool, expected: bool) -> None:
    assert ignored(name, is_folder) is expected


def test_links_that_lead_to_each_other_end(tmp_path: Path) -> None:
    for path in ("a/x", "b/y"):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).touch()
    (tmp_path / "a/to_b").symlink_to(tmp_path / "b")
    (tmp_path / "b/to_a").symlink_to(tmp_path / "a")
    assert walk(tmp_path, "a").files == ["a/to_b/y", "a/x"]
