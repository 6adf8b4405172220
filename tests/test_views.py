"""Looks at a build that goes on meanwhile."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.course.load import Place
from clx_jupyter.follow import read_report
from clx_jupyter.job_reader import Reader
from clx_jupyter.jobs import BuildState
from clx_jupyter.live import Live
from clx_jupyter.requests import Request
from clx_jupyter.views import BuildLook
from tests.stories.conftest import command, write

pytestmark = pytest.mark.story

TEXT = "---\njupyter:\n  jupytext:\n    text_representation: {extension: .md, format_name: markdown}\n---\n\n# Title\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A course of which one source was built, and the id of that build."""
    root = write(tmp_path_factory.mktemp("built") / "course", {"course.yaml": "title: A course\n", "a.md": TEXT, "b.md": TEXT})
    done = command("build", "a.md", cwd=root)
    assert done.returncode == 0, done.stderr
    return root, Reader(root / ".clx").builds()[0]["id"]


def ending(live: dict[str, Any], after: int, end: Callable[[Live], None]) -> Live:
    """A build that ends when it has been looked at so many times, as where another thread is quick."""
    looks, made = itertools.count(), list[Live]()

    class Ending(Live):
        def __getattribute__(self, name: str) -> Any:
            if made and self is made[0] and name in Live.__slots__ and next(looks) == after:
                end(self)
            return super().__getattribute__(name)

    made.append(Ending(**live))
    return made[0]


@pytest.mark.parametrize("after", range(16))
def test_a_build_that_ends_at_any_moment_of_a_look_is_told_whole_or_as_going_on(built: tuple[Path, str], after: int) -> None:
    root, id = built
    report = read_report(root / ".clx", id)
    finished = Reader(root / ".clx").builds()[0]["finished"]

    def record(state: str, finished: float | None) -> None:
        with closing(sqlite3.connect(root / ".clx/jobs.db")) as db, db:
            db.execute("UPDATE builds SET state = ?, finished = ?", (state, finished))

    def end(live: Live) -> None:
        record("succeeded", finished)
        live.report = report
        live.state = BuildState.SUCCEEDED
        live.number += 1

    record("running", None)
    live = ending({"id": id, "request": Request(str(root), sources=("a.md",)), "state": BuildState.RUNNING}, after, end)
    try:
        seen = BuildLook(Place(root, "course.yaml"), lambda _: live, str).build(id)
    finally:
        record("succeeded", finished)
    assert seen is not None
    ended = seen["state"] == "succeeded"
    assert (bool(seen["outputs"]), bool(seen["counts"]), seen["finished"] is not None) == (ended, ended, ended)
    assert ended or seen["number"] == 1, "whoever has the last number would not ask again"
