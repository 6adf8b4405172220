"""``clx zip`` on a course that was really built."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.cli import main
from clx_jupyter.manifest import MANIFEST
from tests.stories.conftest import command, notebook, write

CELLS = (("markdown", "# Lists"), ("code", "1 + 1", ["keep"]), ("code", "2 + 2"), ("markdown", "CANARY", ["notes"]))

STUDENTS = {
    *(f"code-along/html/{name}.html" for name in ("index", "one/lists", "two/more")),
    *(f"code-along/notebook/{name}.ipynb" for name in ("one/lists", "two/more")),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A built course, and what the build said."""
    root = write(tmp_path_factory.mktemp("pack") / "a course", {"one/lists.ipynb": notebook(*CELLS), "two/more.ipynb": notebook(*CELLS)})
    done = command("build", cwd=root)
    assert done.returncode == 0, done.stderr
    return root, done.stdout


@pytest.fixture
def course(built: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it in the folder people stand in; the database knows the copy's outputs."""
    root = shutil.copytree(built[0], tmp_path / built[0].name, ignore=shutil.ignore_patterns("bell", "holder", "lock"))
    database = sqlite3.connect(root / ".clx/jobs.db")
    with database:
        database.execute("UPDATE outputs SET name = replace(name, ?, ?)", (str(built[0]), str(root)))
    database.close()
    monkeypatch.chdir(tmp_path)
    return root


def entries(root: Path, target: str) -> dict[str, Any]:
    files: dict[str, Any] = json.loads((root / "output" / target / MANIFEST).read_text())["files"]
    return files


def pages(names: Iterable[str]) -> set[str]:
    """What a course brings; the files that pages load are the same for every course."""
    return {name for name in names if not name.startswith("clx-assets/")}


def zipped(path: Path) -> dict[str, str]:
    """The hash of every file in an archive, by its path in the one folder."""
    with zipfile.ZipFile(path) as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {path.stem}
        return {name.partition("/")[2]: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


def test_a_build_says_at_its_end_whom_each_target_is_for(built: tuple[Path, str]) -> None:
    lines = built[1].splitlines()
    assert lines[-2:] == [
        "for students: output/students (Code-along)",
        "keep private: output/staff (Speaker; Solution beside it could be handed out)",
    ]


def test_every_target_becomes_the_archive_of_its_manifest(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zip", "a course"]) == 0
    said = capsys.readouterr()
    assert [line.split("  ")[0] for line in said.out.splitlines()] == ["a-course-students.zip", "a-course-staff-PRIVATE.zip"]
    assert pages(zipped(Path("a-course-students.zip"))) == STUDENTS
    assert f"  {len(entries(course, 'students'))} files, " in said.out and "keep private (Speaker" in said.out and said.err == ""
    for name, target in (("a-course-students.zip", "students"), ("a-course-staff-PRIVATE.zip", "staff")):
        listed = entries(course, target)
        assert listed and zipped(Path(name)) == {path: entry["sha256"] for path, entry in listed.items()}
    with zipfile.ZipFile("a-course-students.zip") as archive:
        assert all(b"CANARY" not in archive.read(name) for name in archive.namelist())


def test_what_is_there_is_replaced_only_with_force_and_only_by_other_bytes(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(Path.cwd(), {"x.zip": "mine"})
    arguments = ["zip", "a course", "--target", "students", "--output", "x.zip"]
    assert main(arguments) == 2
    assert Path("x.zip").read_text() == "mine"
    assert "x.zip is there already\n  hint: --force" in capsys.readouterr().err
    assert main([*arguments, "--force"]) == 0
    look = Path("x.zip").stat()
    assert main([*arguments, "--force"]) == 0
    assert (Path("x.zip").stat().st_ino, Path("x.zip").stat().st_mtime_ns) == (look.st_ino, look.st_mtime_ns)
    assert "unchanged: x.zip" in capsys.readouterr().out
    assert [path.name for path in Path.cwd().iterdir() if path.name.startswith(".clx")] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--target", "studnts"], "the course has no target 'studnts'\n  hint: it has: students, staff"),
        (["--output", "x.zip"], "x.zip is one file, and there are several targets"),
        (["--output", "nowhere"], "there is no folder"),
        (["--output", "nowhere/x.zip", "-T", "staff"], "there is no folder"),
        (["--output", "a course/output/staff"], "would lie in the target staff"),
        (["--output", "a course/output/staff/x.zip", "-T", "students"], "would lie in the target staff"),
        (["-o", "elsewhere"], "nothing of this course is built yet"),
        (["-o", "elsewhere", "-T", "staff"], "nothing is built in the target staff yet"),
    ],
)
def test_what_cannot_be_done_is_told(arguments: list[str], words: str, course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(Path.cwd().rglob("*"))
    assert main(["zip", "a course", *arguments]) == 2
    said = capsys.readouterr()
    assert words in said.err and said.out == ""
    assert sorted(Path.cwd().rglob("*")) == before


def test_a_course_that_was_never_built_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, {"a.ipynb": notebook(*CELLS)})
    assert main(["zip", str(tmp_path)]) == 2
    assert "nothing of this course is built yet\n  hint: `clx build`" in capsys.readouterr().err
    assert not (tmp_path / ".clx").exists()


def test_what_is_not_as_the_course_stands_is_named(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    students = course / "output/students"
    (course / "one/lists.ipynb").write_text(notebook(("markdown", "# Lists, changed"), *CELLS[1:]))
    (students / "code-along/html/two/more.html").write_text("edited")
    (students / "code-along/notebook/two/more.ipynb").unlink()
    write(students, {"note.txt": "from the teacher"})
    assert main(["zip", "a course", "-T", "students", "--json"]) == 0
    said = capsys.readouterr()
    [row] = json.loads(said.out)["archives"]
    files = len(entries(course, "students")) - 1
    assert (row["target"], row["audience"], row["files"], row["written"]) == ("students", "students", files, True)
    assert row["stale"] == ["code-along/html/one/lists.html", "code-along/notebook/one/lists.ipynb"]
    assert (row["changed"], row["missing"], row["left_out"]) == (
        ["code-along/html/two/more.html"], ["code-along/notebook/two/more.ipynb"], ["note.txt"],
    )  # fmt: skip
    assert said.err.count("warning: ") == 4 and "as they were last built: a build would make them again (source changed)" in said.err
    data = Path(row["path"]).read_bytes()
    assert (row["size"], row["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert zipped(Path(row["path"])).keys() == entries(course, "students").keys() - {"code-along/notebook/two/more.ipynb"}
