"""What a worker that shares no files may ask for."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter import offers
from clx_jupyter.fingerprint import FileHashes
from clx_jupyter.offers import Offer, OfferError, offer


class Course:
    """Files, and the offer for one source of them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, *names: str, text: str = "x") -> None:
        for name in names:
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def offer(self, text: str, source: str = "week/a.py", **job: Any) -> Offer:
        self.write(source, text=text)
        return offer(
            {"root": str(self.root), "shelf": str(self.root / ".clx/shelf"), "source": {"path": source}, **job}, FileHashes(self.root)
        )

    def names(self, text: str, source: str = "week/a.py", **job: Any) -> set[str]:
        """The files that are needed, but for the source."""
        return set(self.offer(text, source, **job).files) - {source}


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(tmp_path)


def test_files_that_code_names_go_along_wherever_they_lie(course: Course) -> None:
    course.write("data/x.csv", "data/with space.csv", "data/not named.csv", "root.txt")
    assert course.names("open('../data/x.csv'); open('../data/with space.csv'); open('root.txt')") == {
        "data/x.csv",
        "data/with space.csv",
        "root.txt",
    }


def test_modules_go_along_with_what_they_import_and_name(course: Course) -> None:
    course.write("helper.py", text="import week.inner\nfrom pack import part\nopen('data/x.csv')")
    course.write("week/inner.py", "pack/__init__.py", "pack/part.py", "week/data/x.csv", "other.py")
    assert course.names("import helper, json") == {"helper.py", "week/inner.py", "pack/__init__.py", "pack/part.py", "week/data/x.csv"}


def test_pictures_links_and_their_stand_ins_go_along(course: Course) -> None:
    course.write("pics/a b.png", "pics/c.png", "week/img-generated/made.png", "draw/d.drawio", "week/page.md")
    (course.root / "empty").mkdir()
    found = course.offer(
        "# ![](../pics/a%20b.png) <img src='../pics/c.png'> ![](img/made.png) ![](../img/d.png) [p](page.md#x) [e](../empty)"
    )
    assert set(found.files) >= {"pics/a b.png", "pics/c.png", "week/img-generated/made.png", "draw/d.drawio", "week/page.md"}
    assert "empty" in found.folders


def test_a_notebooks_cells_are_read_as_text(course: Course) -> None:
    course.write("data/x.csv", "pics/a.png")
    cells = [
        {"cell_type": "code", "metadata": {}, "source": ['open("../data/x.csv")'], "outputs": [], "execution_count": None},
        {"cell_type": "markdown", "metadata": {}, "source": '<img src="../pics/a.png">'},
    ]
    text = json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells})
    assert course.names(text, "week/a.ipynb") == {"data/x.csv", "pics/a.png"}


def test_what_the_job_names_goes_along_companion_halves_includes_and_templates(course: Course) -> None:
    course.write("week/said.py", "week/a.de.py", "shared/x.py", "templates/t.j2", "data/only by hash.csv")
    source = {"path": "week/a.py", "companion": {"path": "week/said.py", "sha256": ""}}
    job = {
        "halves": [{"path": "week/a.de.py"}],
        "includes": [["shared/x.py", "x.py"]],
        "files": {"templates/t.j2": "", "data/only by hash.csv": ""},
    }
    course.write("week/a.py", text="")
    frame = {"root": str(course.root), "shelf": "/none", **job, "source": source}
    found = offer(frame, FileHashes(course.root))
    assert set(found.files) == {"week/a.py", "week/said.py", "week/a.de.py", "shared/x.py", "templates/t.j2", "data/only by hash.csv"}


def test_a_line_of_stars_names_no_file_but_a_pattern_does(course: Course) -> None:
    course.write("week/one.csv", "elsewhere/two.csv", "elsewhere/deep/three.csv", "elsewhere/four.txt")
    found = course.offer("print('*' * 20); glob('../elsewhere/*.csv'); sql('SELECT * FROM x')")
    assert set(found.files) == {"week/a.py"}
    assert set(found.beside) == {"week/one.csv", "elsewhere/two.csv", "elsewhere/deep/three.csv"}


def test_the_folder_of_a_notebook_goes_along_as_far_as_it_is_small(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "MAX_BESIDE", 100)
    monkeypatch.setattr(offers, "MAX_ALL_BESIDE", 150)
    course.write("week/small.txt", "week/sub/folder.txt", "other/far.txt", "week/.hidden")
    course.write("week/large.txt", "week/large but named.txt", text="x" * 101)
    course.write("week/m1.txt", "week/m2.txt", text="x" * 90)
    found = course.offer("open('large but named.txt')")
    assert set(found.files) == {"week/a.py", "week/large but named.txt"}
    assert set(found.beside) == {"week/small.txt", "week/sub/folder.txt", "week/m1.txt"}


def test_nothing_of_tools_outputs_environments_or_other_places_goes_along(course: Course) -> None:
    course.write(
        "week/.git/config",
        "output/page.html",
        "venv/pyvenv.cfg",
        "venv/lib.py",
        ".clx/jobs.db",
        "week/__pycache__/a.pyc",
        "built/.clx-manifest.json",
    )
    course.write("built/page.html")
    (course.root / "week/passwd").symlink_to("/etc/passwd")
    (course.root / "week/etc").symlink_to("/etc")
    text = "open('passwd'); open('etc/passwd'); open('/etc/passwd'); open('../../x'); open('../output/page.html');"
    text += "'venv/lib.py'; '.clx/jobs.db'; 'built/page.html'; '.git/config'"
    found = course.offer(text, never_link=["output"])
    assert (set(found.files), set(found.beside)) == ({"week/a.py"}, set())


def test_links_inside_the_course_are_followed_and_circles_end(course: Course) -> None:
    course.write("data/x.csv")
    (course.root / "week").mkdir()
    (course.root / "week/data").symlink_to("../data")
    (course.root / "week/round").symlink_to(".")
    (course.root / "week/up").symlink_to("..")
    found = course.offer("open('data/x.csv')")
    assert "week/data/x.csv" in found.files and len(found.beside) < 10


def test_the_list_has_hash_size_mode_and_time(course: Course) -> None:
    course.write("week/x.sh", text="abc")
    (course.root / "week/x.sh").chmod(0o750)
    os.utime(course.root / "week/x.sh", ns=(5, 7))
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert course.offer("").to_json()["beside"] == {"week/x.sh": [sha256, 3, 0o750, 7]}


def test_files_of_earlier_notebooks_are_offered_by_hash_only(course: Course) -> None:
    after = [{"path": "b.py", "runs": {"en": {"x.csv": "1" * 64, "large.csv": ""}}}, {"path": "c.py", "runs": {}, "state": "failed"}]
    assert course.offer("", after=after).shelved == {"1" * 64}


def test_too_much_is_a_clear_problem(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "MAX_BYTES", 100)
    course.write("week/large.txt", text="x" * 101)
    with pytest.raises(OfferError, match=r"week/a\.py may need 2 files") as error:
        course.offer("open('large.txt')")
    assert error.value.problem.path == "week/a.py" and "local workers" in error.value.problem.hint


def test_odd_text_is_no_obstacle(course: Course) -> None:
    assert course.names("open('" + "x" * 290 + "'); open('a\\0b'); 'week/\\ud800'; '" + "../" * 50 + "x'; '*/*/*'; '[!'; '**'") == set()
