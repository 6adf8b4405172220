"""What CLX and CLM do that courses must not rely on: each of it is done otherwise here, and stays so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stories.conftest import Built, command, write
from tests.stories.test_decks import M, deck, spec

pytestmark = pytest.mark.story

Clx = Callable[..., Built]
CODE = '\n# %%\nprint(open("data/x.txt").read(), len(open("img/p.png").read()))\n'


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file() and ".clx" not in path.parts}


def course(root: Path, topics: str, **options: object) -> Path:
    """A course with one topic, ``a``, that reads a file and a picture."""
    write(root, {"course-specs/a.xml": spec(topics, **options), f"{M}/topic_100_a/slides_a.py": deck("A", "A") + CODE})  # type: ignore[arg-type]
    write(root, {f"{M}/topic_100_a/data/x.txt": "first", f"{M}/topic_100_a/img/p.png": "12345"})
    return root / "course-specs/a.xml"


def test_a_build_leaves_the_sources_and_the_working_directory_alone(tmp_path: Path) -> None:
    # Below a folder that CLM would ignore as a whole; pictures are there where the code runs.
    root, elsewhere = tmp_path / "build/course", tmp_path / "elsewhere"
    elsewhere.mkdir()
    file = course(root, "<topic>a</topic>")
    write(root, {f"{M}/topic_100_a/pu/d.pu": "@startuml\n@enduml", f"{M}/topic_100_a/drawio/e.drawio": "<mxfile/>"})
    before = files(root)
    done = command("build", str(file), cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    assert "first 5" in (root / "out/Course-en/Slides/Html/Completed/Week 1/01 A.html").read_text(encoding="utf-8")
    after = files(root)
    assert {name for name in after if not name.startswith("out/")} == set(before)
    assert all(after[name] == content for name, content in before.items())
    assert list(elsewhere.iterdir()) == []


def test_a_missing_topic_and_an_error_are_in_the_exit_code_and_the_rest_is_built(clx: Clx, tmp_path: Path) -> None:
    file = course(tmp_path, "<topic>a</topic><topic>gone</topic><topic>b</topic>")
    write(tmp_path, {f"{M}/topic_200_b/slides_b.de.py": deck("B", "B"), f"{M}/topic_200_b/slides_c.py": deck("C", "C")})
    built = clx(file, "--no-execute")
    assert built.code == 1
    assert sorted(built.classes()) == ["bad-course", "language"]
    assert {output["state"] for output in built.report["outputs"]} == {"built"}
    assert {output["source"].rpartition("/")[2] for output in built.report["outputs"]} == {"slides_a.py", "slides_b.de.py", "slides_c.py"}


def test_an_error_that_only_repeats_itself_is_met_once_for_all_kinds_languages_and_targets(clx: Clx, tmp_path: Path) -> None:
    file = course(tmp_path, "<topic>a</topic>", kinds=("completed", "speaker", "trainer"), formats=("html",))
    write(tmp_path, {f"{M}/topic_100_a/slides_a.py": deck("A", "A") + "\n# %%\n1 / 0\n"})
    built = clx(file)
    assert (built.code, built.report["executions"], built.classes()) == (1, 1, ["cell-error"])
    assert clx(file).report["executions"] == 0


def test_outputs_of_two_targets_are_made_once(clx: Clx, tmp_path: Path) -> None:
    # Without targets there are CLM's three: code-along and completed stand in two of them.
    file = course(tmp_path, "<topic>a</topic>")
    text = file.read_text(encoding="utf-8")
    start, end = text.index("<output-targets>"), text.index("</output-targets>") + len("</output-targets>")
    file.write_text(text[:start] + text[end:], encoding="utf-8")
    built = clx(file)
    assert (built.code, built.report["executions"]) == (0, 1)
    pages = {path.parent.parent.name: path.read_bytes() for path in (tmp_path / "output").rglob("01 A.html") if "Course-en" in path.parts}
    assert set(pages) == {"Code-Along", "Completed", "Trainer", "Recording"}
    one, other = ((tmp_path / f"output/{name}/Course-en/Slides/Html/Completed/Week 1/01 A.html") for name in ("shared", "trainer"))
    assert one.read_bytes() == other.read_bytes()


def test_a_changed_data_file_runs_the_code_again_and_a_changed_text_does_not(clx: Clx, tmp_path: Path) -> None:
    file = course(tmp_path, "<topic>a</topic>", formats=("html",))
    assert clx(file).report["executions"] == 1
    write(tmp_path, {f"{M}/topic_100_a/slides_a.py": deck("A", "A", "new text") + CODE})
    built = clx(file)
    assert (built.report["executions"], {output["state"] for output in built.report["outputs"]}) == (0, {"built"})
    write(tmp_path, {f"{M}/topic_100_a/data/x.txt": "second"})
    assert clx(file).report["executions"] == 1
    assert "second 5" in (tmp_path / "out/Course-en/Slides/Html/Completed/Week 1/01 A.html").read_text(encoding="utf-8")


def test_markdown_decks_are_in_the_language_of_the_course(clx: Clx, tmp_path: Path) -> None:
    file = course(tmp_path, "<topic>b</topic>", formats=("html", "notebook"))
    write(tmp_path, {f"{M}/topic_200_b/slides_b.md": "# Title\n\n```python\nprint(6 * 7, 'MADE')\n```\n"})
    built = clx(file)
    assert built.code == 0, built.errors
    assert "42 MADE" in (tmp_path / "out/Course-en/Slides/Html/Completed/Week 1/01 slides_b.html").read_text(encoding="utf-8")
    made = json.loads((tmp_path / "out/Course-en/Slides/Notebooks/Completed/Week 1/01 slides_b.ipynb").read_text(encoding="utf-8"))
    assert made["metadata"]["kernelspec"]["name"] == "python3"
    assert all(cell.get("outputs", []) == [] for cell in made["cells"])


def test_different_pictures_of_two_topics_are_both_published(clx: Clx, tmp_path: Path) -> None:
    file = course(tmp_path, "<topic>a</topic><topic>b</topic>", formats=("html",))
    write(tmp_path, {f"{M}/topic_100_a/slides_a.py": deck("A", "A", "<img src='img/p.png'>")})
    write(tmp_path, {f"{M}/topic_200_b/slides_b.py": deck("B", "B", "<img src='img/p.png'>"), f"{M}/topic_200_b/img/p.png": "other"})
    built = clx(file, "--no-execute")
    section = tmp_path / "out/Course-en/Slides/Html/Completed/Week 1"
    assert built.code == 0, built.errors
    assert ((section / "img/p.png").read_text(), (section / "img/b/p.png").read_text()) == ("12345", "other")
    assert "'img/b/p.png'" in (section / "02 B.html").read_text(encoding="utf-8").replace('"', "'")
