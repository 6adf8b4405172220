"""Who may ask: every route and verb against no login, a wrong one, a foreign page and a foreign host."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.serverapp import JupyterServerAuthWarning
from tornado.httpclient import HTTPClientError
from tornado.web import RequestHandler
from traitlets.config import Config

from clx_jupyter.handlers import AUTH_RESOURCE, ROUTES
from clx_jupyter.service import Service
from tests.server.conftest import Api, hang_up, snapshot

VERBS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
EVENTS = ("api", "events", "subscribe")


def defined(handler: type[Any]) -> list[str]:
    """The verbs that a handler of ours answers itself."""
    return [verb for verb in VERBS if verb.lower() in vars(handler)]


def requests() -> Iterator[tuple[str, str, type[Any]]]:
    """Every path below ``clx/`` with every verb."""
    for pattern, handler in ROUTES:
        for verb in VERBS:
            yield re.sub(r"\(.*?\)", "Lg", pattern).removeprefix("clx/"), verb, handler


def body(verb: str) -> bytes | None:
    return b"{}" if verb in ("POST", "PUT", "PATCH") else None


@pytest.fixture(autouse=True)
def untouched(service: Service, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What of the service was called; nothing of it does any work."""
    called: list[str] = []

    def stand_in(name: str, is_async: bool) -> Any:
        async def asked(*_: Any) -> dict[str, Any]:
            called.append(name)
            return {}

        def done(*_: Any) -> Any:
            called.append(name)
            return b"" if name == "page" else {}

        return asked if is_async else done

    for name in ("candidates", "course", "archives", "archive", "builds", "build", "page", "start", "change", "convert"):
        monkeypatch.setattr(service, name, stand_in(name, name in ("start", "change", "convert")))
    return called


@pytest.fixture
def opened(request: pytest.FixtureRequest, jp_server_config: Config) -> None:
    """Whether the server lets handlers without a login check be asked."""
    jp_server_config.ServerApp.allow_unauthenticated_access = request.param


both_settings = pytest.mark.parametrize("opened", [True, False], indirect=True)


async def cookies(api: Api, **headers: str) -> tuple[str, str]:
    """The cookies of somebody who logged in with a browser, and the value that a form of ours would send along."""
    token = api.headers["Authorization"].split()[1]
    # Any page will do; this one needs no assets.
    given = (await api.ask("GET", "/no/such/page", headers=headers, token=token)).headers.get_list("Set-Cookie")
    pairs = [cookie.split(";")[0] for cookie in given]
    return "; ".join(pairs), next(pair.removeprefix("_xsrf=") for pair in pairs if pair.startswith("_xsrf="))


def test_every_route_of_ours_on_the_router_is_in_the_list(jp_serverapp: Any, jp_base_url: str) -> None:
    rules = jp_serverapp.web_app.wildcard_router.rules + [
        rule for each in jp_serverapp.web_app.default_router.rules for rule in each.target.rules
    ]
    ours = {
        (rule.matcher.regex.pattern, rule.target)
        for rule in rules
        if rule.target.__module__.startswith("clx_jupyter") or "clx" in rule.matcher.regex.pattern
    }
    assert ours == {(f"{re.escape(jp_base_url)}{pattern}$", handler) for pattern, handler in ROUTES}


def test_every_verb_of_ours_asks_for_login_and_authorization() -> None:
    for _, handler in ROUTES:
        assert handler.auth_resource == AUTH_RESOURCE
        for verb in defined(handler):
            method = getattr(handler, verb.lower())
            assert not getattr(method, "__allow_unauthenticated", False)
            assert [layer.__code__.co_filename.rsplit("/", 2)[-2:] for layer in (method, method.__wrapped__)] == [
                ["tornado", "web.py"],
                ["auth", "decorator.py"],
            ]
        undefined = set(VERBS) - set(defined(handler)) - {"OPTIONS"}
        assert all(getattr(handler, verb.lower()) is getattr(RequestHandler, verb.lower()) for verb in undefined)


def test_the_server_warns_of_no_open_handler(jp_configurable_serverapp: Any, jp_server_config: Config) -> None:
    jp_server_config.ServerApp.jpserver_extensions = {"clx_jupyter": True, "jupyter_server_terminals": False}
    with warnings.catch_warnings():
        warnings.simplefilter("error", JupyterServerAuthWarning)
        jp_configurable_serverapp(config=jp_server_config)


@both_settings
@pytest.mark.parametrize("token", [None, "wrong", ""])
async def test_without_login_nothing_is_answered(opened: None, token: str | None, api: Api, root: Path, untouched: list[str]) -> None:
    before = snapshot(root)
    for path, verb, handler in requests():
        headers = {} if token is None else {"Authorization": f"token {token}"}
        answer = await api.ask(verb, path, body(verb), headers)
        if verb == "OPTIONS":  # Jupyter's own answer to a preflight
            assert (answer.status, answer.text) == (200, "")
        else:
            assert answer.status in ((403,) if verb in defined(handler) else (403, 405)), (path, verb)
            assert "courses" not in answer.text
    assert not untouched
    assert snapshot(root) == before


@both_settings
async def test_a_wrong_token_in_the_address_is_no_login(opened: None, api: Api, untouched: list[str]) -> None:
    for path, verb, handler in requests():
        if verb in defined(handler):
            assert (await api.ask(verb, path, body(verb), {}, token="wrong")).status == 403
    assert not untouched


async def test_with_a_token_what_is_defined_is_answered_and_nothing_else(api: Api, untouched: list[str]) -> None:
    for path, verb, handler in requests():
        answer = await api.ask(verb, path, {"course": "Lg", "do": "cancel"} if "builds" in path else {"path": "x"} if body(verb) else None)
        if verb in defined(handler):
            assert answer.status < 500
        elif verb != "OPTIONS":
            assert answer.status == 405
    assert set(untouched) >= {"candidates", "course", "archives", "archive", "builds", "build", "page", "convert"}


@both_settings
async def test_a_cookie_changes_nothing_without_its_xsrf_value(opened: None, api: Api, untouched: list[str]) -> None:
    cookie, xsrf = await cookies(api)
    for path, verb, _ in requests():
        if verb not in ("GET", "HEAD", "OPTIONS"):
            assert (await api.ask(verb, path, body(verb), {"Cookie": cookie})).status == 403
            assert (await api.ask(verb, path, body(verb), {"Cookie": cookie, "X-XSRFToken": "2|0|0|0"})).status == 403
    assert not untouched
    assert (await api.ask("POST", "builds", {"course": "Lg"}, {"Cookie": cookie, "X-XSRFToken": xsrf})).status == 201


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1.evil.example"])
async def test_a_page_of_somebody_else_gets_nothing_by_the_cookie(origin: str, api: Api, untouched: list[str]) -> None:
    cookie, xsrf = await cookies(api)
    for path, verb, handler in requests():
        answer = await api.ask(verb, path, body(verb), {"Cookie": cookie, "X-XSRFToken": xsrf, "Origin": origin})
        if verb in defined(handler):
            assert answer.status in (403, 404), (path, verb)
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert answer.headers.get("Access-Control-Allow-Origin") != origin
    assert not untouched


async def test_a_page_of_ours_may_ask_with_the_cookie(api: Api, untouched: list[str]) -> None:
    cookie, _ = await cookies(api)
    own = api.client.get_url("")
    assert (await api.ask("GET", "courses", headers={"Cookie": cookie, "Origin": own})).status == 200
    assert untouched == ["candidates"]


@both_settings
async def test_a_foreign_host_name_is_refused_even_with_the_token(opened: None, api: Api, untouched: list[str]) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example:8888", "10.0.0.1"):
        for path, verb, _ in requests():
            assert (await api.ask(verb, path, body(verb), {**api.headers, "Host": host})).status == 403
    assert not untouched


async def test_answers_are_json_that_no_browser_takes_for_a_page(api: Api) -> None:
    for path in ("courses", "courses/Lg"):
        headers = (await api.ask("GET", path)).headers
        assert headers["Content-Type"] == "application/json"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]


@both_settings
async def test_the_event_stream_wants_a_login_of_this_place(opened: None, api: Api, jp_ws_fetch: Any) -> None:
    own, foreign = api.client.get_url("").replace("127.0.0.1", "localhost"), "https://evil.example"
    cookie, _ = await cookies(api, Host=own.removeprefix("http://"))
    for refused in (
        {"Authorization": ""}, {"Authorization": "token wrong"},
        {"Authorization": "", "Cookie": cookie, "Origin": foreign}, {"Authorization": "", "Cookie": cookie, "Origin": "null"},
    ):  # fmt: skip
        with pytest.raises(HTTPClientError) as error:
            await jp_ws_fetch(*EVENTS, headers=refused)
        assert error.value.code in ((403,) if "Origin" in refused else (302, 403))  # a redirect to the login page
    for accepted in ({}, {"Authorization": "", "Cookie": cookie, "Origin": own}):
        await hang_up(await jp_ws_fetch(*EVENTS, headers=accepted))
