"""Bodies that are wrong are refused with words; our own errors tell nobody more than the log."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.service import FLAGS, LISTS, Service
from tests.server.conftest import Api, folder_id, snapshot

SECRET = "s3cret-t0ken"
POSTS = ("builds", "builds/x", "convert", "courses/Lg")
NO_OBJECTS = [
    b"", b"{", b"x", b"[]", b"[1]", b"null", b"1", b'"x"', b"\xff\xfe", b"{}{}", b"{'do': 1}", b'{"do": "cancel",}', b"NaN", b"do=cancel", b"\0",
    b"[" * 100_000,
    b'{"a":' * 100_000, b'{"a": "' + b"x" * 1_100_000 + b'"}',
]  # fmt: skip
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("builds", {}), ("builds", {"execute": True}), ("builds", {"course": None}), ("builds", {"course": 1}), ("builds", {"course": ["Lg"]}),
    ("builds/x", {}), ("builds/x", {"do": 1}), ("builds/x", {"do": None}), ("builds/x", {"do": "delete"}), ("builds/x", {"do": ""}),
    ("builds/x", {"do": "cancel", "force": True}), ("builds/x", {"action": "cancel"}),
    ("convert", {}), ("convert", {"path": 1}), ("convert", {"path": ["one/lists.py"]}), ("convert", {"path": "one/lists.py", "execute": "no"}),
    ("courses/Lg", {}), ("courses/Lg", {"do": 1}), ("courses/Lg", {"do": "delete"}), ("courses/Lg", {"do": "init", "path": "x"}),
    ("convert", {"path": "one/lists.py", "course": 1}), ("convert", {"path": "one/lists.py", "force": True}),
]  # fmt: skip


async def check_refused(api: Api, path: str, body: Any) -> dict[str, Any]:
    status, problem = await api.refused("POST", path, body, **({"course": folder_id()} if path == "builds/x" else {}))
    assert status == 400, problem
    assert problem["message"]
    assert problem["hint"]
    assert len(json.dumps(problem)) < 2000
    return problem


@pytest.mark.parametrize("path", POSTS)
async def test_what_is_no_json_object_is_refused(path: str, api: Api, root: Path) -> None:
    before = snapshot(root)
    for body in NO_OBJECTS:
        await check_refused(api, path, body)
    assert snapshot(root) == before


async def test_fields_that_are_missing_unknown_or_of_a_wrong_type_are_refused(api: Api, root: Path) -> None:
    before = snapshot(root)
    for path, body in WRONG:
        await check_refused(api, path, body)
    assert snapshot(root) == before


async def test_every_choice_of_a_build_is_checked(api: Api, root: Path) -> None:
    before = snapshot(root)
    for wrong in (*[{name: value} for name in FLAGS for value in (1, 0, "true", None, [])],
                  *[{name: value} for name in LISTS for value in ("x", {}, None, 1, [1], [None], [["x"]], ["x", 1])]):  # fmt: skip
        problem = await check_refused(api, "builds", {"course": folder_id(), **wrong})
        assert next(iter(wrong)) in problem["message"]
    assert snapshot(root) == before


@pytest.mark.parametrize(
    "name", ["root", "file", "single", "output_dir", "data_dir", "dry_run", "adopt", "timeout", "priority", "__class__", "x" * 500]
)
async def test_what_only_the_inside_may_say_is_an_unknown_field(name: str, api: Api, root: Path) -> None:
    await check_refused(api, "builds", {"course": folder_id(), name: "/tmp"})
    await check_refused(api, "convert", {"path": "one/lists.py", name: "/tmp"})
    assert not (root / ".clx").exists()


async def test_a_number_that_is_none_is_refused(api: Api, root: Path) -> None:
    for limit in ["-1", "x", "1e9", "nan", "inf", "-inf", "1001", "0x10", "\u0661e99"]:
        status, _ = await api.refused("GET", "builds", course=folder_id(), limit=limit)
        assert status == 400
        if limit not in ("1e9", "1001"):
            status, _ = await api.refused("GET", "builds/x", course=folder_id(), since=limit)
            assert status == 400


async def test_an_error_of_ours_is_told_without_its_words(
    api: Api, service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise ValueError(f"{SECRET} in /home/ada")

    async def fail_later(*_: Any) -> None:
        fail()

    for name in ("candidates", "course", "write_course_file", "builds", "build", "page"):
        monkeypatch.setattr(service, name, fail)
    for name in ("start", "change", "convert"):
        monkeypatch.setattr(service, name, fail_later)
    asked = [("GET", "courses", None), ("GET", "courses/Lg", None), ("GET", "builds", None), ("GET", "builds/x", None), ("GET", "outputs/x", None),
             ("POST", "builds", {"course": "Lg"}), ("POST", "builds/x", {"do": "cancel"}), ("POST", "convert", {"path": "x"}),
             ("POST", "courses/Lg", {"do": "init"})]  # fmt: skip
    for method, path, body in asked:
        caplog.clear()
        with caplog.at_level(logging.ERROR):
            status, problem = await api.refused(method, path, body)
        assert status == 500
        assert problem["class"] == "internal"
        for private in (SECRET, "/home/ada", "Traceback", "ValueError", "handlers.py"):
            assert private not in json.dumps(problem)
        assert SECRET in caplog.text  # the log says what happened
        assert "Traceback" in caplog.text


async def test_the_log_of_an_error_does_not_hold_the_token(
    api: Api, service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("no reason")

    monkeypatch.setattr(service, "candidates", fail)
    token = api.headers["Authorization"].split()[1]
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        assert (await api.ask("GET", "courses")).status == 500
        assert (await api.ask("GET", "courses", headers={}, token=token)).status == 500
    assert "no reason" in caplog.text
    assert token not in caplog.text


async def test_a_slow_look_holds_up_no_other_request(api: Api, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    going, come = threading.Event(), threading.Event()

    def wait(*_: Any) -> dict[str, Any]:
        come.set()
        assert going.wait(20)
        return {}

    monkeypatch.setattr(service, "course", wait)
    slow = asyncio.create_task(api.ask("GET", "courses/Lg"))
    try:
        await asyncio.to_thread(come.wait, 20)
        assert (await api.get("courses"))["more"] is False
    finally:
        going.set()
    assert (await slow).status == 200
