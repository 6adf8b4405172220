"""JupyterLab in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Request, expect, sync_playwright

from tests.browser.courses import Gates
from tests.browser.lab import Lab
from tests.browser.panel import Panel, launch

expect.set_options(timeout=15_000)

LabOf = Callable[..., Lab]
Visit = Callable[..., Panel]

_GONE = re.compile("ERR_CONNECTION|ERR_EMPTY_RESPONSE|WebSocket|Failed to fetch|NetworkError|Connection lost|polling")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """No loop here: Playwright's synchronous interface runs one of its own in this thread, for as long as the browser lives."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """Nothing to clean up: no server runs in this process."""


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for all stories. For the package and not for the session: other tests need the thread's loop."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def gates(tmp_path: Path) -> Iterator[Gates]:
    made = Gates(tmp_path / "gates")
    yield made
    made.open_all()


@pytest.fixture
def lab_of(tmp_path: Path) -> Iterator[LabOf]:
    """Starts JupyterLab on a folder; it ends with the test. What it printed stands below a failure."""
    labs: list[Lab] = []

    def start(root: Path, *arguments: str, theme: str = "", environment: dict[str, str] | None = None) -> Lab:
        lab = Lab(root, tmp_path / f"home {len(labs)}", *arguments, theme=theme, environment=environment)
        labs.append(lab)
        return lab.start()

    yield start
    for lab in labs:
        lab.stop()
        print(f"--- server on {lab.root}\n{lab.log.read_text()}")


class Watch:
    """Collects what must not happen in a page: errors, and requests that leave the machine."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.outside: list[str] = []
        self._gone = False
        self._allowed: list[re.Pattern[str]] = []

    def allow(self, pattern: str) -> None:
        """Messages of the browser that a story brings about on purpose."""
        self._allowed.append(re.compile(pattern))

    def add(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", lambda error: self._note(f"uncaught: {error.error}"))
        context.on("request", self._request)
        context.on("page", lambda page: page.on("websocket", lambda socket: self._address(socket.url)))

    @contextmanager
    def server_gone(self) -> Iterator[None]:
        """Within this block the server is away on purpose: what the browser says of broken connections is no error of ours."""
        self._gone = True
        yield
        self._gone = False

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note(f"console: {message.text} ({message.location.get('url', '')})")

    def _note(self, text: str) -> None:
        if not (self._gone and _GONE.search(text)) and not any(pattern.search(text) for pattern in self._allowed):
            self.errors.append(text)

    def _request(self, request: Request) -> None:
        self._address(request.url)

    def _address(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "about") and parts.hostname != "127.0.0.1":
            self.outside.append(url)


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Asserts at the end of each story that nothing went wrong unseen."""
    made = Watch()
    yield made
    assert made.errors == [], "errors in the browser"
    assert made.outside == [], "requests that left the machine"


@pytest.fixture
def visit(chromium: Browser, lab_of: LabOf, watch: Watch, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Visit]:
    """Opens JupyterLab in a browser without history, 1280 by 900, or one more tab of the one that is open (``beside``).

    Needs *lab_of* so that it closes before the servers do.
    """
    contexts: list[BrowserContext] = []
    name = re.sub(r"\W+", "-", request.node.name)[:60]

    def open_lab(lab: Lab, *, beside: Panel | None = None, show: bool = True, **options: object) -> Panel:
        if beside is None:
            viewport = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
            contexts.append(chromium.new_context(**{**viewport, **options}))  # type: ignore[arg-type]
            watch.add(contexts[-1])
        context = beside.page.context if beside else contexts[-1]
        return Panel(context.new_page(), lab, f"{name}-{len(context.pages)}").visit(show=show)

    yield open_lab
    for context in contexts:
        for number, page in enumerate(context.pages):
            _last_look(page, tmp_path / f"last-look-{number}.png")
        context.close()


def _last_look(page: Page, path: Path) -> None:
    try:
        page.screenshot(path=path, timeout=5_000)
    except Error as error:  # a picture helps people; a page that cannot give one fails elsewhere
        print(f"no picture: {error.message}")
