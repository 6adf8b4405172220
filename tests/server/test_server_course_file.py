"""Writing the course file of a folder from the sidebar."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.server.conftest import Api, folder_id, snapshot


async def test_a_folder_gets_its_course_file_once(api: Api, root: Path) -> None:
    answer = await api.ask("POST", f"courses/{folder_id('one')}", {"do": "init"})
    assert answer.status == 201
    written = answer.body
    assert written["path"] == "one/course.yaml"
    assert "topic" in written["notice"]
    text = (root / "one" / "course.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(text)["version"] == 1
    view = await api.get(f"courses/{written['id']}")
    assert view["folder"] == "one"
    before = snapshot(root)
    status, problem = await api.refused("POST", f"courses/{folder_id('one')}", {"do": "init"})
    assert status == 422
    assert "already" in problem["message"] and problem["hint"]
    assert snapshot(root) == before


async def test_a_single_notebook_gets_none(api: Api, root: Path) -> None:
    before = snapshot(root)
    status, problem = await api.refused("POST", f"courses/{folder_id('one/lists.py')}", {"do": "init"})
    assert status == 422 and "folder" in problem["hint"]
    assert snapshot(root) == before


async def test_where_the_file_cannot_be_written_that_is_said(api: Api, root: Path) -> None:
    (root / "one" / "course.yaml").symlink_to("nowhere")
    status, problem = await api.refused("POST", f"courses/{folder_id('one')}", {"do": "init"})
    assert status == 422 and "already" in problem["message"]
    assert not (root / "one" / "nowhere").exists()
