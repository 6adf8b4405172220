"""Courses that mark what students must not see, and those that mix both rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stories.conftest import Built, command, notebook, write

pytestmark = pytest.mark.story

Clx = Callable[..., Built]

SOLVED = '# %% [markdown]\n# # Task\n# %%\ngiven = 1\n# %% tags=["solution"]\nanswer = 987654321\n# %% [markdown] tags=["solution"]\n# Because of that.\n'


def test_students_get_solution_cells_without_their_text_and_staff_sees_them(clx: Clx, tmp_path: Path) -> None:
    write(tmp_path, {"a.py": SOLVED, "b.ipynb": notebook(("code", "x = 1"), ("code", "secret = 7", ["solution"]))})
    built = clx(tmp_path)
    assert (built.code, built.report["problems"]) == (0, [])
    out = tmp_path / "output"
    students = [file for file in (out / "students/student").rglob("*") if file.is_file()]
    assert {file.name for file in students} == {"a.html", "a.ipynb", "b.html", "b.ipynb", "index.html"}
    for file in (file for file in (out / "students").rglob("*") if file.is_file()):
        assert not [word for word in (b"987654321", b"Because of that", b"secret = 7") if word in file.read_bytes()], file
    sources = [
        "".join(cell["source"]) for cell in json.loads((out / "students/student/notebook/a.ipynb").read_text(encoding="utf-8"))["cells"]
    ]
    assert sources[1] == "given = 1"
    assert len(sources) == 4
    assert "answer = 987654321" in (out / "staff/completed/notebook/a.ipynb").read_text(encoding="utf-8")
    assert "secret = 7" in (out / "staff/completed/notebook/b.ipynb").read_text(encoding="utf-8")


def test_both_rules_together_are_an_error_that_names_marks_and_files_until_the_course_file_chooses(clx: Clx, tmp_path: Path) -> None:
    write(tmp_path, {"black.py": SOLVED, "white.py": '# %% tags=["keep"]\nkept = 1\n# %%\nhidden = 2\n'})
    done = command("build", str(tmp_path), "--no-execute", cwd=tmp_path)
    assert done.returncode == 2
    assert [word for word in ("black.py", "white.py", "solution", "keep") if word not in done.stderr] == []
    assert not (tmp_path / "output").exists()
    for kind, shown in (("student", "hidden = 2"), ("code-along", "")):
        write(tmp_path, {"course.yaml": f"targets:\n  students: {{kinds: [{kind}], formats: [notebook]}}\n"})
        assert clx(tmp_path, "--no-execute").code == 0
        texts = {file.name: file.read_text(encoding="utf-8") for file in (tmp_path / "output/students" / kind).rglob("*.ipynb")}
        assert set(texts) == {"black.ipynb", "white.ipynb"}
        assert "kept = 1" in texts["white.ipynb"]
        assert ("hidden = 2" in texts["white.ipynb"]) == bool(shown)
        assert "answer = 987654321" not in texts["black.ipynb"]
