"""Folders that were targets once."""

from __future__ import annotations

from pathlib import Path

import pytest

from clx_jupyter.former_targets import FormerTargets


def test_a_folder_is_remembered_until_it_is_forgotten_and_of_each_course_alone(tmp_path: Path) -> None:
    for course in ("a.yaml", "b.yaml"):
        FormerTargets(tmp_path, course).add([f"/{course}/students", f"/{course}/staff"])
    former = FormerTargets(tmp_path, "a.yaml")
    assert former.besides(["/a.yaml/students", "/new"]) == [Path("/a.yaml/staff")]
    former.keep(["/a.yaml/students"])
    assert former.besides(["/a.yaml/students"]) == []
    assert len(FormerTargets(tmp_path, "b.yaml").besides([])) == 2


@pytest.mark.parametrize("text", ["", "[]", "null", '{"a": 1}'])
def test_a_damaged_record_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "targets.json").write_text(text)
    assert FormerTargets(tmp_path, "a").besides([]) == []
    FormerTargets(tmp_path, "a").add(["/x"])
    assert FormerTargets(tmp_path, "a").besides([]) == [Path("/x")]
