"""The roots of a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clx_jupyter.errors import ClxError
from clx_jupyter.follow import follow
from clx_jupyter.requests import Request, post
from clx_jupyter.roots import Roots
from clx_jupyter.state import Lock


@pytest.fixture
async def roots() -> AsyncIterator[Roots]:
    roots = Roots(lambda live: None)
    yield roots
    await roots.close()


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A folder of notebooks that lacks only notebooks: building it needs no worker."""
    (tmp_path / "course").mkdir()
    return tmp_path / "course"


async def ended(roots: Roots, root: Path) -> str:
    """The state in which a build of *root* ended."""
    async with asyncio.timeout(20):
        id = await roots.start(Request(str(root)))
        report = await follow(root / ".clx", id, lambda row, jobs: None)
    assert report is not None
    return str(report["status"])


async def test_a_course_that_was_renamed_since_it_was_built_can_be_built_where_it_is_now(roots: Roots, course: Path) -> None:
    before = await ended(roots, course)
    assert await ended(roots, course.rename(course.with_name("renamed"))) == before


async def test_one_that_holds_a_course_lets_go_of_it_when_somebody_asks_for_it_under_its_new_name(roots: Roots, course: Path) -> None:
    await ended(roots, course)
    folder = course.rename(course.with_name("renamed")) / ".clx"
    post(folder, {"do": "build", "build": "x", "request": Request(str(folder.parent)).to_json()})
    async with asyncio.timeout(20):
        assert await follow(folder, "x", lambda row, jobs: None) is None  # it is free: whoever asked builds it


async def test_a_request_that_comes_by_another_name_of_the_course_is_carried_out(roots: Roots, course: Path) -> None:
    before = await ended(roots, course)
    link = course.with_name("link")
    link.symlink_to(course)
    assert await ended(roots, link) == before


@pytest.mark.parametrize("turns", [1, 3, 10])
async def test_a_course_that_is_being_opened_as_the_server_stops_is_let_go_of(roots: Roots, course: Path, turns: int) -> None:
    starting = asyncio.create_task(roots.start(Request(str(course))))
    for _ in range(turns):
        await asyncio.sleep(0)
    await roots.close()
    with pytest.raises(ClxError, match="the server is stopping"):
        await starting
    assert Lock.is_free(course / ".clx")
