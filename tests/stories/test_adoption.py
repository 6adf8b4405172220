"""Targets that hold something already: outputs of CLM and CLX, repositories, other courses of the root."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.job_reader import Reader
from clx_jupyter.manifest import CLM_MANIFEST, MANIFEST, read_manifest
from clx_jupyter_workers.assets import FOLDER
from tests.stories.conftest import Built, command, looks, write

pytestmark = pytest.mark.story

Clx = Callable[..., Built]
DECK = '# j2 from "macros.j2" import header\n# {{{{ header("{0}", "{0}") }}}}\n\n# %% tags=["keep"]\n1 + 1\n'
TOPICS = ("lists", "loops")


def spec(title: str, *topics: str, target: str = "out", group: bool = False) -> str:
    listed = "".join(f"<topic>{topic}</topic>" for topic in topics or TOPICS)
    groups = "<dir-groups><dir-group><name>Data</name><path>div/data</path></dir-group></dir-groups>" if group else ""
    return f"""<course><name><en>{title}</en></name><prog-lang>python</prog-lang><author>Ada</author>
<sections><section><name><en>Week</en></name><topics>{listed}</topics></section></sections>{groups}
<output-targets><output-target name="all"><path>{target}</path><kinds><kind>code-along</kind></kinds>
<formats><format>html</format></formats><languages><language>en</language></languages></output-target></output-targets></course>"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    decks = {f"slides/module_1_x/topic_1{n}_{name}/slides_{name}.py": DECK.format(name.title()) for n, name in enumerate(TOPICS)}
    return write(tmp_path, {**decks, "course-specs/a.xml": spec("A"), "div/data/x.csv": "1"})


def files(folder: Path) -> list[str]:
    """What is published but for the styles and scripts that pages share."""
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*")
        if path.is_file() and path.name not in (MANIFEST, CLM_MANIFEST) and FOLDER not in path.parts
    )  # fmt: skip


def forget(root: Path) -> None:
    """Leave the outputs as if another program had made them."""
    shutil.rmtree(root / ".clx")
    (root / "out" / MANIFEST).unlink()


def as_of_clm(target: Path, spec: str) -> None:
    rows: list[dict[str, Any]] = [
        {"path": name, "section_id": None, "topic_id": "x", "kind": "code-along", "format": "html", "language": "en",
         "content_hash": f"sha256:{hashlib.sha256((target / name).read_bytes()).hexdigest()}"}
        for name in files(target)
    ]  # fmt: skip
    (target / CLM_MANIFEST).write_text(json.dumps({"version": 1, "spec": spec, "target": "all", "partial": False, "files": rows}))


def test_outputs_of_clm_are_taken_over_where_they_are_as_it_left_them(clx: Clx, root: Path) -> None:
    assert clx(root / "course-specs/a.xml").code == 0
    forget(root)
    week = root / "out/A-en/Slides/Html/Code-Along/Week"
    write(week, {"03 Gone.html": "a topic that left the course"})
    as_of_clm(root / "out", "a.xml")
    write(
        root / "out",
        {"A-en/.git/HEAD": "ref: refs/heads/main", "A-en/README.md": "by hand", "A-en/Slides/Html/Code-Along/Gone/.git/HEAD": "x"},
    )
    (week / "02 Loops.html").write_text("changed since by hand")
    repository = looks(root / "out/A-en/.git")
    equal = (week / "01 Lists.html").stat()

    built = clx(root / "course-specs/a.xml")
    assert built.code == 0 and files(root / "out") == [
        "A-en/.git/HEAD", "A-en/README.md", "A-en/Slides/Html/Code-Along/Gone/.git/HEAD",
        "A-en/Slides/Html/Code-Along/Week/01 Lists.html", "A-en/Slides/Html/Code-Along/Week/02 Loops.html",
    ]  # fmt: skip
    assert (week / "01 Lists.html").stat().st_mtime_ns == equal.st_mtime_ns
    assert (week / "02 Loops.html").read_text() == "changed since by hand"
    [problem] = [problem for problem in built.report["problems"] if problem["class"] == "collision"]
    assert problem["severity"] == "warning" and problem["outputs"] == ["out/A-en/Slides/Html/Code-Along/Week/02 Loops.html"]
    assert looks(root / "out/A-en/.git") == repository
    deck = next(root.rglob("slides_lists.py"))
    deck.write_text(DECK.format("Lists") + "\n# %%\n2 + 2\n")
    assert clx(root / "course-specs/a.xml").states()["out/A-en/Slides/Html/Code-Along/Week/01 Lists.html"] == "built"


def test_outputs_without_a_manifest_stop_the_build_until_it_is_told_to_take_them_over(clx: Clx, root: Path) -> None:
    clx(root / "course-specs/a.xml")
    forget(root)
    week = root / "out/A-en/Slides/Html/Code-Along/Week"
    write(week, {"01 Lists.html": "an old page", "mine.txt": "mine"})
    before = looks(root / "out")
    stopped = clx(root / "course-specs/a.xml")
    assert (stopped.code, stopped.report["status"]) == (2, "invalid")
    assert stopped.report["problems"][0]["hint"].startswith("`clx build --adopt` takes them over, nothing is deleted")
    assert looks(root / "out") == before
    assert clx(root / "course-specs/a.xml", "--adopt").code == 0
    assert "Lists" in (week / "01 Lists.html").read_text() and (week / "mine.txt").read_text() == "mine"
    again = clx(root / "course-specs/a.xml")
    assert (again.code, set(again.states().values())) == (0, {"fresh"})


def test_two_courses_of_one_root_share_a_target_and_prune_only_their_own(clx: Clx, root: Path) -> None:
    write(root, {"course-specs/a.xml": spec("A", group=True), "course-specs/b.xml": spec("B", group=True)})
    for name in "ab":
        assert clx(root / f"course-specs/{name}.xml").code == 0
    page = "{0}-en/Slides/Html/Code-Along/Week/0{1} {2}.html".format
    of_b = ["B-en/Data/x.csv", page("B", 1, "Lists"), page("B", 2, "Loops")]
    assert files(root / "out") == ["A-en/Data/x.csv", page("A", 1, "Lists"), page("A", 2, "Loops"), *of_b]
    before = looks(root / "out" / "B-en")
    write(root, {"course-specs/a.xml": spec("A", "loops")})
    built = clx(root / "course-specs/a.xml")
    assert built.code == 0 and files(root / "out") == [page("A", 1, "Loops"), *of_b]
    assert looks(root / "out" / "B-en") == before
    assert {path: entry.course for path, entry in read_manifest(root / "out").items() if FOLDER not in path} == {
        page("A", 1, "Loops"): "course-specs/a.xml", **dict.fromkeys(of_b, "course-specs/b.xml"),
    }  # fmt: skip
    again = clx(root / "course-specs/b.xml")
    assert set(again.states().values()) == {"fresh"} and looks(root / "out" / "B-en") == before
    assert {row["course"] for row in Reader(root / ".clx").builds()} == {"course-specs/a.xml", "course-specs/b.xml"}


def test_two_courses_that_want_one_path_are_an_error_that_names_both(clx: Clx, root: Path) -> None:
    write(root, {"course-specs/a.xml": spec("A", "lists", group=True), "course-specs/b.xml": spec("A", group=True)})
    assert clx(root / "course-specs/a.xml").code == 0
    before = looks(root / "out")
    for again in range(2):
        built = clx(root / "course-specs/b.xml")
        [problem] = [problem for problem in built.report["problems"] if problem["severity"] == "error"]
        assert (built.code, problem["class"]) == (1, "collision"), again
        assert "course-specs/a.xml" in problem["message"] and "course-specs/b.xml" in problem["message"]
        assert [name for name in built.states() if "Lists" in name] == []
    shared = read_manifest(root / "out")["A-en/Data/x.csv"]
    assert shared.courses == ("course-specs/a.xml", "course-specs/b.xml")  # the same file for both
    assert {path: look for path, look in looks(root / "out").items() if path in before and MANIFEST not in path} == {
        path: look for path, look in before.items() if MANIFEST not in path
    }
    (root / "course-specs/a.xml").unlink()  # the file was renamed: its outputs are the other's now
    built = clx(root / "course-specs/b.xml")
    assert (built.code, built.classes()) == (0, [])
    assert {entry.courses for entry in read_manifest(root / "out").values()} == {("course-specs/b.xml",)}


def test_a_folder_of_several_courses_asks_which_is_meant(root: Path) -> None:
    write(root, {"course-specs/b.xml": spec("B")})
    done = command("build", cwd=root)
    assert done.returncode == 2 and "course-specs/a.xml, course-specs/b.xml" in done.stderr and "Traceback" not in done.stderr


def test_a_course_yaml_beside_course_files_of_clm_is_a_course_of_its_own(clx: Clx, root: Path) -> None:
    write(root, {"notebooks/n.py": "# %% [markdown]\n# # N\n", "course.yaml": """version: 1
title: Notebooks
targets:
  all: {path: out, kinds: [completed], formats: [html]}
sections:
  - {title: All, topics: [notebooks/n.py]}
"""})  # fmt: skip
    assert clx(root / "course-specs/a.xml").code == 0
    assert clx(root).code == 0  # the folder is what its course.yaml says
    start, mine = "completed/html/index.html", "completed/html/notebooks/n.html"
    pages = [f"A-en/Slides/Html/Code-Along/Week/0{n} {name}.html" for n, name in ((1, "Lists"), (2, "Loops"))]
    assert files(root / "out") == [*pages, start, mine]
    write(root, {"course-specs/a.xml": spec("A", "lists")})
    assert clx(root / "course-specs/a.xml").code == 0 and files(root / "out") == [pages[0], start, mine]
    write(root, {"notebooks/m.py": "# %% [markdown]\n# # M\n", "course.yaml": (root / "course.yaml").read_text().replace("n.py", "m.py")})
    assert clx(root).code == 0 and files(root / "out") == [pages[0], start, "completed/html/notebooks/m.html"]


def test_courses_of_two_folders_share_a_folder_for_outputs_and_prune_only_their_own(clx: Clx, tmp_path: Path) -> None:
    text = "# %% [markdown]\n# # {0}\n"
    for name in ("one", "two"):
        write(tmp_path / name, {f"{name}.py": text.format(name), f"{name}-gone.py": text.format(name)})
        assert clx(tmp_path / name, "-o", str(tmp_path / "site")).code == 0
    (tmp_path / "two/two-gone.py").unlink()
    assert clx(tmp_path / "two", "-o", str(tmp_path / "site")).code == 0
    pages = {path.name for path in (tmp_path / "site").rglob("*.html")}
    assert pages == {"index.html", "one.html", "one-gone.html", "two.html"}
    write(tmp_path / "two", {"one.py": text.format("two")})
    built = clx(tmp_path / "two", "-o", str(tmp_path / "site"))
    [problem] = [problem for problem in built.report["problems"] if problem["severity"] == "error"]
    assert built.code == 1 and "a course of another folder" in problem["message"] and "--adopt" in problem["hint"]
    assert clx(tmp_path / "two", "-o", str(tmp_path / "site"), "--adopt").code == 0
