"""A real server with the extension in it, and short words to talk to it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tornado.httpclient import HTTPRequest
from traitlets.config import Config

from clx_jupyter.jobs import BUILD_ENDED
from clx_jupyter.service import Service
from tests.server.running import servers  # noqa: F401 - a fixture
from tests.stories.conftest import command, write

PROBLEM = {"id", "severity", "class", "message", "hint", "path", "cell", "cell_id", "line", "outputs", "traceback", "fix"}
TEXT = "---\njupyter:\n  jupytext:\n    text_representation: {extension: .md, format_name: markdown}\n---\n\n# Title\n\nwords\n"
"""A notebook without code: a build that runs nothing leaves it fresh."""
DECK = "# %% [markdown]\n# # Title\n\n# %%\nprint(6 * 7)\n"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.server)


@dataclass(frozen=True)
class Answer:
    """What the server said; ``body`` is ``None`` where it is no JSON, and an archive has no ``text``."""

    status: int
    body: Any
    headers: Any
    text: str


@dataclass(frozen=True)
class Api:
    """The routes of the extension, below *prefix*; *headers* go with every request."""

    client: Any
    prefix: str
    headers: dict[str, str]

    async def ask(self, method: str, path: str, body: Any = None, /, headers: dict[str, str] | None = None, **query: Any) -> Answer:
        """Send a request; a path with a slash before it is the server's, not ours. *body*: an object, or the bytes themselves."""
        place = self.prefix.removesuffix("clx/") + path[1:] if path.startswith("/") else self.prefix + path
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = HTTPRequest(
            self.client.get_url(place + ("?" + urlencode(query) if query else "")),
            method=method, body=raw, headers=self.headers if headers is None else headers,
            allow_nonstandard_methods=True, follow_redirects=False, request_timeout=60,
        )  # fmt: skip
        answer = await super(type(self.client), self.client).fetch(request, raise_error=False)
        text = "" if answer.headers.get("Content-Type") == "application/zip" else (answer.body or b"").decode()
        try:
            made = json.loads(text)
        except ValueError:
            made = None
        return Answer(answer.code, made, answer.headers, text)

    async def get(self, path: str, /, **query: Any) -> Any:
        """What a GET that goes well gives."""
        answer = await self.ask("GET", path, **query)
        assert answer.status == 200, answer.text
        return answer.body

    async def post(self, path: str, body: Any, /, **query: Any) -> Any:
        """What a POST that goes well gives."""
        answer = await self.ask("POST", path, body, **query)
        assert answer.status in (200, 201), answer.text
        return answer.body

    async def refused(self, method: str, path: str, body: Any = None, /, **query: Any) -> tuple[int, dict[str, Any]]:
        """Status and problem of a request that is wrong."""
        answer = await self.ask(method, path, body, **query)
        assert 400 <= answer.status < 600, answer.text
        assert answer.body is not None, answer.text
        assert set(answer.body) >= PROBLEM, answer.text
        return answer.status, answer.body

    async def course_at(self, path: str) -> str:
        """The id of the candidate with this path."""
        found = [each["id"] for each in (await self.get("courses"))["courses"] if each["path"] == path]
        assert len(found) == 1, path
        return str(found[0])

    async def ended(self, build: dict[str, Any]) -> dict[str, Any]:
        """The build, once it has ended."""
        end = time.monotonic() + 60
        while build["state"] not in BUILD_ENDED:
            assert time.monotonic() < end, build
            await asyncio.sleep(0.02)
            build = await self.get(f"builds/{build['id']}", course=build["course"])
        return build

    async def build(self, course: str, **asked: Any) -> dict[str, Any]:
        """An ended build of a course."""
        return await self.ended(await self.post("builds", {"course": course, **asked}))


@pytest.fixture
def jp_server_config() -> Config:
    return Config(
        {
            "ServerApp": {
                "jpserver_extensions": {"clx_jupyter": True, "jupyter_server_terminals": False},
                "allow_unauthenticated_access": False,
            },
            "BuildSettings": {"workers": 1},
        }
    )


@pytest.fixture
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's state folder, a new one."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("CLX_STATE_DIR", raising=False)
    return tmp_path / "state" / "clx_jupyter"


@pytest.fixture
def api(state_home: Path, jp_serverapp: Any, http_server_client: Any, jp_auth_header: dict[str, str], jp_base_url: str) -> Api:
    return Api(http_server_client, jp_base_url + "clx/", jp_auth_header)


@pytest.fixture
def service(api: Api, jp_serverapp: Any) -> Service:
    """What stands behind the handlers of the server."""
    made = jp_serverapp.extension_manager.extension_apps["clx_jupyter"]
    return next(iter(made))._service


@pytest.fixture
def root(jp_root_dir: Path) -> Path:
    """The folder that the server shows: a notebook, a text deck, data, and something hidden."""
    return write(jp_root_dir, {"one/lists.py": DECK, "two/data.py": DECK, "data/words.txt": "a b", ".secret/hidden.py": DECK})


def folder_id(path: str = "") -> str:
    """The id that the interface gives the course at a contents path; a client takes it from a list instead."""
    import base64

    return base64.urlsafe_b64encode((path or ".").encode()).decode().rstrip("=")


async def hang_up(socket: Any) -> None:
    """Close a websocket of a test, and wait until it is."""
    socket.close()
    while await socket.read_message() is not None:
        pass


async def until(true: Callable[[], bool] | Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while True:
        said = true()
        if said if isinstance(said, bool) else await said:
            return
        assert time.monotonic() < end, "it never came"
        await asyncio.sleep(0.02)


def snapshot(*folders: Path) -> dict[str, tuple[bytes, int, int, int]]:
    """Content, time, inode and mode of everything below some folders."""
    return {
        str(path): (path.read_bytes() if path.is_file() and not path.is_symlink() else b"", look.st_mtime_ns, look.st_ino, look.st_mode)
        for path, look in _looks(folders)
    }


def _looks(folders: tuple[Path, ...]) -> Iterator[tuple[Path, Any]]:
    for folder in folders:
        if folder.exists():
            for path in (folder, *sorted(folder.rglob("*"))):
                yield path, path.lstat()


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that was built by a process which ended; only for tests that read."""
    root = write(tmp_path_factory.mktemp("built") / "course", {"one/lists.md": TEXT, "two/data.md": TEXT})
    done = command("build", str(root), "--json", cwd=root, XDG_STATE_HOME=str(root.parent / "state"))
    assert done.returncode == 0, done.stderr
    return root
