"""Looking changes nothing: no file, no time, no inode, in the course as in the user's state folder."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from clx_jupyter.handlers import ROUTES
from clx_jupyter.job_reader import DATABASE
from clx_jupyter.state import FOLDER, Lock
from tests.server.conftest import DECK, Api, folder_id, snapshot
from tests.server.test_server_access import defined
from tests.stories.conftest import write


@pytest.fixture(params=["unbuilt", "built"])
def jp_root_dir(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "built":
        built: Path = request.getfixturevalue("built_once")
        return built
    return write(tmp_path / "new", {"one/lists.py": DECK, "two/data.py": DECK, "bad.xml": "<course><"})


def builds_of(root: Path) -> list[str]:
    if not (root / FOLDER).exists():
        return []
    with sqlite3.connect(f"file:{root / FOLDER / DATABASE}?immutable=1", uri=True) as database:
        found = [str(id) for (id,) in database.execute("SELECT id FROM builds")]
    database.close()
    return found


def looks(builds: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every route that answers a GET, with all its arguments."""
    root, one = folder_id(), folder_id("one/lists.md")
    yield from [("courses", {}), ("courses", {"path": ""}), ("courses", {"path": "one"}), ("courses", {"path": "nowhere"})]
    yield from [(f"courses/{id}", {}) for id in (root, one, folder_id("one"), folder_id("bad.xml"), folder_id("gone"), "nonsense")]
    yield from [(f"courses/{id}/archives{more}", {}) for id in (root, one, "nonsense") for more in ("", "/students", "/gone")]
    yield from [("builds", {"course": id, "limit": 5}) for id in (root, one, folder_id("gone"))]
    yield from [(f"outputs/students/completed/html/{name}.html", {"course": id}) for name in ("one/lists", "gone") for id in (root, one)]
    yield from [(f"builds/{id}", {"course": root, "since": 1}) for id in [*builds, "nowhere"]]


def test_all_routes_that_answer_a_get_are_looked_at() -> None:
    patterns = [pattern.removeprefix("clx/") for pattern, handler in ROUTES if "GET" in defined(handler)]
    assert [pattern for pattern in patterns if not any(re.fullmatch(pattern, path) for path, _ in looks(["x"]))] == []


async def test_looking_leaves_no_trace(api: Api, jp_root_dir: Path, state_home: Path) -> None:
    builds = builds_of(jp_root_dir)
    before = snapshot(jp_root_dir, state_home.parent)
    for verb in ("GET", "HEAD", "OPTIONS"):
        for path, query in looks(builds):
            answer = await api.ask(verb, path, **query)
            assert answer.status < 500
            assert snapshot(jp_root_dir, state_home.parent) == before, (verb, path, query)


async def test_looking_holds_no_lock_and_starts_no_process(api: Api, jp_root_dir: Path) -> None:
    children = {child.pid for child in psutil.Process().children(recursive=True)}
    for path, query in looks(builds_of(jp_root_dir)):
        await api.ask("GET", path, **query)
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= children
    assert not (jp_root_dir / FOLDER / "lock").exists() or Lock.is_free(jp_root_dir / FOLDER)


async def test_a_new_server_leaves_a_course_alone_until_it_is_built(api: Api, jp_root_dir: Path, built_once: Path) -> None:
    if jp_root_dir == built_once:
        assert not (jp_root_dir / FOLDER / "holder").exists()
    else:
        assert not (jp_root_dir / FOLDER).exists()
