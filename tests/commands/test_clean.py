"""``clx clean`` as people run it."""

from __future__ import annotations

from pathlib import Path

import pytest

from clx_jupyter.job_reader import Reader
from clx_jupyter.manifest import MANIFEST
from clx_jupyter.state import Lock
from tests.stories.conftest import command, write

TEXT = "---\njupyter:\n  jupytext:\n    text_representation: {extension: .md, format_name: markdown}\n---\n\n# Title\n\nwords\n"
COURSE = """\
title: T
sections:
  - title: One
    topics: [one]
targets:
  all:
    path: %s
    kinds: [completed]
    formats: [html]
"""


def test_where_nothing_was_built_there_is_nothing_to_clean(tmp_path: Path) -> None:
    done = command("clean", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "nothing was built here yet\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.story
def test_outputs_of_a_target_that_moved_are_removed_but_for_what_somebody_changed(tmp_path: Path) -> None:
    write(tmp_path, {"one/lists.md": TEXT, "one/other.md": TEXT, "course.yaml": COURSE % "output/old"})
    assert command("build", cwd=tmp_path).returncode == 0
    old = tmp_path / "output/old"
    pages = [path for path in sorted(old.rglob("*.html")) if path.name != "index.html"]
    assert len(pages) == 2
    pages[0].write_text("mine now")
    write(old, {"mine.txt": "x"})
    assert command("build", "-o", str(tmp_path / "elsewhere"), cwd=tmp_path).returncode == 0
    write(tmp_path, {"course.yaml": COURSE % "output/new"})
    dry = command("clean", "--outputs", "--dry-run", cwd=tmp_path)
    assert dry.stdout == "would be emptied: output/old\n" and pages[1].exists()
    held = Lock(tmp_path / ".clx")
    assert held.acquire()
    assert command("clean", "--outputs", cwd=tmp_path).returncode == 3
    held.release()
    done = command("clean", "--outputs", cwd=tmp_path)
    assert done.returncode == 0 and "output/old" in done.stdout, done.stderr
    assert "changed" in done.stderr
    assert sorted(path.name for path in old.rglob("*") if path.is_file()) == sorted([pages[0].name, "mine.txt", MANIFEST])
    assert command("build", cwd=tmp_path).returncode == 0
    assert list((tmp_path / "output/new").rglob("*.html")) and list((tmp_path / "elsewhere").rglob("*.html"))
    assert len(Reader(tmp_path / ".clx").builds()) == 3
