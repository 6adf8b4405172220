"""Handing requests to the holder of the lock."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.requests import Mailbox, Request, post, ring
from clx_jupyter.state import create_state_folder
from clx_jupyter.variants import Choice

Received = asyncio.Queue[dict[str, Any]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_state_folder(tmp_path / ".clx", tmp_path)
    return tmp_path / ".clx"


@pytest.fixture
async def mailbox(folder: Path) -> AsyncIterator[Received]:
    received: Received = asyncio.Queue()
    box = Mailbox(folder, received.put_nowait)
    box.open()
    yield received
    box.close()


async def test_a_posted_message_is_received_at_once_and_its_file_is_gone(folder: Path, mailbox: Received) -> None:
    file = post(folder, {"do": "build", "build": "x"})
    assert await asyncio.wait_for(mailbox.get(), 10) == {"do": "build", "build": "x"}
    assert not file.exists()


async def test_messages_come_in_their_order(folder: Path, mailbox: Received) -> None:
    for n in range(20):
        os.utime(post(folder, {"n": n}), ns=(n, n))
    assert [(await asyncio.wait_for(mailbox.get(), 10))["n"] for _ in range(20)] == list(range(20))


async def test_what_waits_already_is_taken_at_the_start(folder: Path) -> None:
    post(folder, {"n": 1})
    received: list[dict[str, Any]] = []
    box = Mailbox(folder, received.append)
    box.open()
    box.close()
    assert received == [{"n": 1}]


async def test_a_message_that_is_none_is_thrown_away(folder: Path, mailbox: Received) -> None:
    for n, text in enumerate(("{", "[]", "null", "\x00")):
        (folder / "requests" / f"{n}.json").write_text(text)
    post(folder, {"good": True})
    assert await asyncio.wait_for(mailbox.get(), 10) == {"good": True}
    assert list((folder / "requests").iterdir()) == []


def test_a_message_that_is_gone_when_it_is_looked_at_keeps_none_of_the_others_back(folder: Path) -> None:
    (folder / "requests" / "gone.json").symlink_to("nowhere")
    post(folder, {"n": 1})
    received: list[dict[str, Any]] = []
    Mailbox(folder, received.append).look()
    assert received == [{"n": 1}]


def test_ringing_where_nobody_listens_does_nothing(folder: Path) -> None:
    ring(folder)
    post(folder, {})
    ring(folder / "nothing")


async def test_a_bell_that_is_no_pipe_does_not_stop_the_holder(folder: Path) -> None:
    (folder / "bell").write_text("")
    received: Received = asyncio.Queue()
    box = Mailbox(folder, received.put_nowait)
    box.open()
    post(folder, {"n": 1})
    assert await asyncio.wait_for(received.get(), 10) == {"n": 1}
    box.close()


def test_a_request_survives_its_journey(tmp_path: Path) -> None:
    request = Request(str(tmp_path), "a.xml", targets=("x",), kinds=("speaker",), timeout=3.5, force=True)
    assert Request.from_json({**request.to_json(), "of a later version": 1}) == request
    assert request.choice == Choice(targets=("x",), kinds=("speaker",))
