"""A server whose course has a job database that is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.conftest import TEXT, Api
from tests.stories.conftest import write


@pytest.mark.fault(38)
@pytest.mark.parametrize("content", [b"no database " * 1000, b"SQLite format 3\0" + bytes(5000)])
async def test_a_server_shows_and_builds_a_course_whose_database_is_damaged(api: Api, jp_root_dir: Path, content: bytes) -> None:
    write(jp_root_dir, {"one/lists.md": TEXT, ".clx/jobs.db": content})
    course = await api.course_at("")
    seen = await api.get(f"courses/{course}")
    assert "damaged" in seen["notice"] and seen["build"] is None
    assert any("damaged" in problem["message"] and "sets it aside" in problem["hint"] for problem in seen["problems"])
    assert (await api.get("builds", course=course))["builds"] == []
    assert (await api.ask("GET", "builds/none", course=course)).status == 404
    assert (jp_root_dir / ".clx/jobs.db").read_bytes() == content, "looks change nothing"
    build = await api.build(course)
    assert build["state"] == "succeeded", build
    assert any("set aside" in problem["message"] and problem["severity"] == "warning" for problem in build["problems"])
    assert [path.read_bytes() for path in (jp_root_dir / ".clx").glob("jobs.db.corrupt-*")] == [content]
    assert "damaged" not in (await api.get(f"courses/{course}"))["notice"]
