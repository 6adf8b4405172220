"""Seeing what changes in a course."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from clx_jupyter.course.load import Place
from clx_jupyter.manifest import CLM_MANIFEST, MANIFEST
from clx_jupyter.watching import DEBOUNCE, Watched


def lay(root: Path, *names: str, text: str = "1") -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def seen(watched: Watched) -> list[str]:
    return sorted(watched.names(watched.look()))


def test_sources_data_settings_and_modules_are_watched(tmp_path: Path) -> None:
    names = ["a.ipynb", "course-specs/c.xml", "course.yaml", "data/x.csv", ".env", "src/__init__.py", "templates/macros.j2"]
    lay(tmp_path, *names)
    assert seen(Watched(Place(tmp_path))) == sorted(names)


@pytest.mark.parametrize(
    "name",
    [
        ".~lock.a.odt", ".a.py.swp", "a.py~", "#a.py#", "4913", "a.swp", "x.tmp", "~$a.docx", "a.py___jb_tmp___", ".clx/jobs.db", ".git/index",
        ".ipynb_checkpoints/a.ipynb", "__pycache__/a.pyc", "node_modules/x.js", 
    ],
)  # fmt: skip
def test_what_is_no_content_is_not_watched(tmp_path: Path, name: str) -> None:
    lay(tmp_path, name, "a.py")
    assert seen(Watched(Place(tmp_path))) == ["a.py"]


@pytest.mark.parametrize("mark", [MANIFEST, CLM_MANIFEST])
def test_outputs_are_not_watched(tmp_path: Path, mark: str) -> None:
    lay(tmp_path, f"out/students/{mark}", "out/students/html/a.html", "a.py")
    assert seen(Watched(Place(tmp_path))) == ["a.py"]


def test_an_environment_of_python_is_not_watched(tmp_path: Path) -> None:
    lay(tmp_path, "env/pyvenv.cfg", "env/a.py", "env/lib/b.py", "c.py")
    assert seen(Watched(Place(tmp_path))) == ["c.py"]


def test_a_single_notebook_is_watched_with_what_lies_beside_it_only(tmp_path: Path) -> None:
    lay(tmp_path, "a.ipynb", "x.csv", "deep/b.ipynb")
    assert seen(Watched(Place(tmp_path, single="a.ipynb"))) == ["a.ipynb", "x.csv"]


def test_a_course_file_outside_the_root_and_other_files_are_watched_and_reports_are_not(tmp_path: Path) -> None:
    lay(
        tmp_path,
        "specs/c.xml",
        "specs/c.clx.yaml",
        "specs/templates/macros.j2",
        "specs/old/d.xml",
        "root/a.py",
        "root/report.json",
        "values.env",
    )
    root = tmp_path / "root"
    watched = Watched(Place(root, str(tmp_path / "specs/c.xml")), [tmp_path / "values.env"], [root / "report.json"])
    assert seen(watched) == ["../specs/c.clx.yaml", "../specs/c.xml", "../specs/templates/macros.j2", "../values.env", "a.py"]


async def test_a_change_is_told_once_it_is_whole(tmp_path: Path) -> None:
    lay(tmp_path, "a.py", "b.py", "c.py")
    watched = Watched(Place(tmp_path))
    look = watched.look()
    waiting = asyncio.create_task(watched.changed(look))
    (tmp_path / "b.py").unlink()
    end = time.monotonic() + 3 * DEBOUNCE
    while time.monotonic() < end:  # somebody writes for longer than the pause
        lay(tmp_path, "a.py", text=str(time.monotonic()))
        await asyncio.sleep(DEBOUNCE / 3)
    lay(tmp_path, "new.py")
    names, now = await asyncio.wait_for(waiting, 30)
    assert watched.names(names) == ["a.py", "b.py", "new.py"] and now == watched.look()


async def test_nothing_is_told_while_nothing_changes(tmp_path: Path) -> None:
    lay(tmp_path, "a.py")
    watched = Watched(Place(tmp_path))
    look = watched.look()
    (tmp_path / "passing.tmp").write_text("1")
    os.utime(tmp_path / "a.py", ns=(1, look[str(tmp_path / "a.py")][0]))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watched.changed(look), 1.5)
