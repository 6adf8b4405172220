"""What an authorizer of the administrator decides holds on every route, and on the event stream."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from jupyter_server.auth import Authorizer
from tornado.httpclient import HTTPClientError
from traitlets.config import Config

from clx_jupyter.jobs import BUILD_ENDED
from tests.server.conftest import Api, hang_up, snapshot
from tests.server.test_server_access import EVENTS, body, defined, requests


class Recording(Authorizer):
    """Allows the actions in ``allowed``, and keeps what it was asked."""

    allowed: ClassVar[set[str]] = set()
    asked: ClassVar[list[tuple[str, str, str, str]]] = []

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        self.asked.append((handler.request.method, handler.request.path, action, resource))
        return action in self.allowed


@pytest.fixture
def asked(request: pytest.FixtureRequest, jp_server_config: Config) -> list[tuple[str, str, str, str]]:
    """What the authorizer was asked; it allows the actions that the test is parametrized with."""
    Recording.allowed, Recording.asked = set(request.param), []
    jp_server_config.ServerApp.authorizer_class = Recording
    return Recording.asked


def allowing(*actions: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("asked", [actions], ids=["-".join(actions) or "nothing"], indirect=True)


async def listens(jp_ws_fetch: Any) -> bool:
    try:
        await hang_up(await jp_ws_fetch(*EVENTS))
    except HTTPClientError as error:
        assert error.code == 403
        return False
    return True


@allowing()
async def test_one_that_denies_all_is_obeyed_by_every_route(asked: Any, api: Api, root: Any, jp_ws_fetch: Any) -> None:
    before = snapshot(root)
    for path, verb, handler in requests():
        if verb in defined(handler):
            answer = await api.ask(verb, path, body(verb))
            assert answer.status == 403
            assert "courses" not in answer.body
    assert not await listens(jp_ws_fetch)
    assert snapshot(root) == before


@allowing("read")
async def test_one_that_allows_reading_lets_nobody_build(asked: Any, api: Api, root: Any, jp_ws_fetch: Any) -> None:
    before = snapshot(root)
    course = await api.course_at("")
    assert (await api.get(f"courses/{course}"))["counts"]["sources"] == 2
    assert (await api.get("builds", course=course))["builds"] == []
    for path, wanted in (("builds", {"course": course}), ("builds/x", {"do": "cancel"}), ("convert", {"path": "one/lists.py"}),
                         (f"courses/{course}", {"do": "init"})):  # fmt: skip
        assert (await api.ask("POST", path, wanted, course=course)).status == 403
    assert not await listens(jp_ws_fetch)  # Jupyter's own rule: the stream wants "execute"
    assert snapshot(root) == before


@allowing("read", "write")
async def test_one_that_allows_writing_lets_them_build(asked: Any, api: Api, root: Any) -> None:
    course = await api.course_at("")
    build = await api.post("builds", {"course": course})
    await api.post(f"builds/{build['id']}", {"do": "cancel"}, course=course)
    assert (await api.ended(build))["state"] in BUILD_ENDED


@allowing("read", "write", "execute")
async def test_the_resource_is_ours_and_the_action_fits_the_verb(asked: Any, api: Api, jp_base_url: str) -> None:
    for path, verb, handler in requests():
        asked.clear()
        await api.ask(verb, path, body(verb))
        wanted = [(verb, f"{jp_base_url}clx/{path}", "read" if verb == "GET" else "write", "clx_jupyter")]
        assert asked == (wanted if verb in defined(handler) else []), (path, verb)
