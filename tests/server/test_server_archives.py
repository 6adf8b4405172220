"""A target as a download: what it holds, who gets it, and what it never reaches."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tornado.httpclient import HTTPRequest

from clx_jupyter.manifest import MANIFEST, read_manifest, write_manifest
from clx_jupyter.service import Download, Service
from tests.server.conftest import TEXT, Api, folder_id, snapshot
from tests.server.test_server_paths import HOSTILE
from tests.stories.conftest import write
from tests.test_archives import published

YAML = """version: 1
title: Wörter & mehr
targets:
  students: {path: output/students, kinds: [completed], formats: [html]}
  für Lehrer: {path: output/staff, kinds: [completed, speaker], formats: [html]}
  empty: {path: output/empty, kinds: [completed]}
  linked: {path: linked, kinds: [completed]}
"""


@pytest.fixture
def jp_root_dir(tmp_path: Path, built_once: Path) -> Path:
    """A copy of a built folder, and a course file with targets of every sort."""
    root = tmp_path / "root"
    shutil.copytree(built_once, root / "plain", ignore=shutil.ignore_patterns("bell", "holder", "lock", ".clx"))
    write(root, {"course/course.yaml": YAML, "course/a.md": TEXT})
    (root / "course/linked").symlink_to(tmp_path / "outside")
    published(root / "course/output/students", {"a.html": b"A"}, "completed/html", course="course.yaml")
    published(root / "course/output/staff", {"b.html": b"B"}, "speaker/html", course="course.yaml")
    return root


async def download(api: Api, course: str, target: str) -> tuple[Any, bytes]:
    """Headers and bytes of an archive."""
    address = api.client.get_url(f"{api.prefix}courses/{folder_id(course)}/archives/{quote(target, safe='')}")
    request = HTTPRequest(address, headers=api.headers, request_timeout=60)
    answer = await super(type(api.client), api.client).fetch(request)
    return answer.headers, answer.body


async def test_the_archive_of_a_built_target_is_what_its_manifest_says(api: Api, jp_root_dir: Path) -> None:
    before = snapshot(jp_root_dir)
    headers, data = await download(api, "plain", "students")
    assert headers["Content-Type"] == "application/zip"
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''plain-students.zip"
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
    target = jp_root_dir / "plain/output/students"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    assert found and found == {f"plain-students/{path}": (target / path).read_bytes() for path in read_manifest(target)}
    assert snapshot(jp_root_dir) == before, "GET changes nothing"


async def test_the_list_says_whom_each_archive_is_for(api: Api) -> None:
    assert (await api.get(f"courses/{folder_id('course/course.yaml')}/archives"))["archives"] == [
        {"target": "students", "name": "Wörter-mehr-students.zip", "files": 1, "size": 1, "audience": "students", "why": "Solution"},
        {
            "target": "für Lehrer", "name": "Wörter-mehr-für-Lehrer-PRIVATE.zip", "files": 1, "size": 1, "audience": "private",
            "why": "Speaker; Solution beside it could be handed out",
        },
    ]  # fmt: skip
    headers, _ = await download(api, "course/course.yaml", "für Lehrer")
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''W%C3%B6rter-mehr-f%C3%BCr-Lehrer-PRIVATE.zip"
    course = await api.get(f"courses/{folder_id('course/course.yaml')}")
    assert [target["audience"] for target in course["targets"]] == ["students", "private", "students", "students"]


@pytest.mark.parametrize(
    ("course", "target", "status", "words"),
    [
        ("plain", "nobody", 400, "no target 'nobody'"),
        ("course/course.yaml", "empty", 404, "nothing is built in the target empty yet"),
        ("course/course.yaml", "linked", 404, "outside of the folder that this server shows"),
        ("nowhere", "students", 404, "there is no nowhere"),
    ],
)
async def test_what_there_is_not_is_told(course: str, target: str, status: int, words: str, api: Api, jp_root_dir: Path) -> None:
    published(jp_root_dir.parent / "outside", {"a.html": b"CANARY"}, course="course.yaml")
    found, problem = await api.refused("GET", f"courses/{folder_id(course)}/archives/{target}")
    assert (found, problem["message"]) == (status, problem["message"]) and words in problem["message"]


async def test_a_damaged_manifest_is_one_clear_problem(api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir / "plain/output/students", {MANIFEST: "["})
    for path in ("archives", "archives/students"):
        _, problem = await api.refused("GET", f"courses/{folder_id('plain')}/{path}")
        assert "is damaged" in problem["message"] and problem["hint"]


async def test_hostile_names_reach_nothing(api: Api) -> None:
    for name in HOSTILE:
        for path in (f"courses/{folder_id('plain')}/archives/{quote(name, safe='')}", f"courses/{quote(name, safe='')}/archives/students"):
            answer = await api.ask("GET", path)
            assert 400 <= answer.status < 500, (name, answer.text[:200])
            assert answer.headers["Content-Type"].startswith(("application/json", "text/html"))


async def test_links_and_paths_in_a_manifest_lead_out_of_no_target(api: Api, jp_root_dir: Path) -> None:
    target = jp_root_dir / "plain/output/students"
    (jp_root_dir.parent / "secret.txt").write_text("CANARY")
    (target / "link.html").symlink_to(jp_root_dir.parent / "secret.txt")
    entries = read_manifest(target)
    entry = next(iter(entries.values()))
    write_manifest(target, entries | dict.fromkeys(["link.html", "../../../../secret.txt", str(jp_root_dir.parent / "secret.txt")], entry))
    _, data = await download(api, "plain", "students")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.namelist()) == len(entries)
        assert all(b"CANARY" not in archive.read(name) for name in archive.namelist())


async def test_a_large_archive_comes_while_it_is_packed_and_the_server_answers_meanwhile(api: Api, jp_root_dir: Path) -> None:
    noise = os.urandom(1 << 20)
    published(jp_root_dir / "course/output/students", {f"{number}.bin": noise * 8 for number in range(8)}, course="course.yaml")
    came: list[int] = []
    address = api.client.get_url(f"{api.prefix}courses/{folder_id('course/course.yaml')}/archives/students")
    request = HTTPRequest(address, headers=api.headers, request_timeout=60, streaming_callback=lambda piece: came.append(len(piece)))
    coming = asyncio.ensure_future(super(type(api.client), api.client).fetch(request))
    while not came:
        await asyncio.sleep(0.01)
    assert (await api.get("courses", path="course"))["courses"]
    assert not coming.done(), "it was asked and answered before the archive was whole"
    await coming
    assert sum(came) > 64 << 20 and max(came) < 8 << 20


async def test_what_cannot_be_sent_to_its_end_does_not_look_whole(api: Api, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Iterator[bytes]:
        yield b"PK" * 1000
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(service, "archive", lambda *_: Download("a.zip", broken()))
    with pytest.raises(Exception, match=r"closed|Timeout|reset"):
        await download(api, "plain", "students")
    assert (await api.get("courses"))["courses"], "the server goes on"
