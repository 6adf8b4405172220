"""Folders that were targets once."""

from __future__ import annotations

from pathlib import Path

import pytest

from clx_jupyter.former_targets import FormerTargets
from tests.stories.conftest import command, write


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


@pytest.mark.story
def test_what_somebody_changed_in_a_former_target_stays_and_is_never_a_source(tmp_path: Path) -> None:
    students = "  students: {path: output/students, kinds: [code-along], formats: [code]}\n"
    staff = "  staff: {path: output/staff, kinds: [completed], formats: [code]}\n"
    write(tmp_path, {"a.py": '# %% tags=["answer"]\nanswer = 42\n', "course.yaml": f"title: T\ntargets:\n{students}{staff}"})
    assert command("build", cwd=tmp_path).returncode == 0
    theirs = tmp_path / "output/staff/completed/code/a.py"
    theirs.write_text(f"{theirs.read_text()}# and why\n")
    write(tmp_path, {"course.yaml": f"title: T\ntargets:\n{students}"})
    for _ in range(2):  # the second time nothing is left that is ours
        assert command("build", cwd=tmp_path).returncode == 0
        there = {path.relative_to(tmp_path / "output").as_posix() for path in (tmp_path / "output").rglob("*.py")}
        assert there == {"students/code-along/code/a.py", "staff/completed/code/a.py"}
    theirs.unlink()
    assert command("build", cwd=tmp_path).returncode == 0
    assert not [path for path in (tmp_path / "output/staff").rglob("*") if path.is_file()]
