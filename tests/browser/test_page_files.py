"""Pages and slides with the network off: from a disk, as one file, and in the sidebar's sandbox, nothing is missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page

from clx_jupyter.preview import POLICY, preview
from tests.stories.conftest import command, write

TEXT = r"""# %% [markdown]
# # Zażółć *gęślą*
#
# $\frac{a}{b}$ and
#
# $$\ce{2H2 + O2 -> 2H2O} \quad \cancel{x} \quad \mathbb{R} \quad \bra{\psi}$$

# %%
print("code")
"""
COURSE = """\
targets:
  shared: {path: out/shared, kinds: [completed], formats: [html, slides]}
  alone: {path: out/alone, kinds: [completed], formats: [html, slides], self_contained: true}
"""
LOADED = """async (slides) => {
    await document.fonts.ready;
    const end = Date.now() + 20000;
    const ready = () => document.querySelectorAll('mjx-container').length === 2 && (!slides || (window.Reveal && Reveal.isReady()));
    while (!ready() && Date.now() < end) await new Promise(done => setTimeout(done, 50));
    return {
        formulas: document.querySelectorAll('mjx-container svg').length,
        spoken: document.querySelectorAll('mjx-container math').length,
        wrong: document.querySelectorAll('[data-mml-node=merror], [data-mjx-error]').length,
        fonts: [...new Set([...document.fonts].filter(font => font.status === 'loaded').map(font => font.family.replaceAll('"', '')))].sort(),
        slides: slides ? Reveal.isReady() : true,
    };
}"""
COMPLETE = {"formulas": 2, "spoken": 2, "wrong": 0, "fonts": ["Source Code Pro", "Source Sans 3"], "slides": True}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write(tmp_path_factory.mktemp("offline"), {"a.py": TEXT, "course.yaml": COURSE})
    done = command("build", ".", "--no-execute", cwd=root)
    assert done.returncode == 0, done.stderr
    return root / "out"


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page without network; it fails the test if something could not be loaded."""
    with chromium.new_context(offline=True) as context:
        made, failed = context.new_page(), list[str]()
        made.on("requestfailed", lambda request: failed.append(request.url))
        made.on("pageerror", lambda error: failed.append(str(error)))
        yield made
        assert failed == []


def loaded(frame: Page | Frame, name: str) -> Any:
    return frame.evaluate(LOADED, name.endswith(".slides.html"))


@pytest.mark.parametrize("name", ["html/a.html", "slides/a.slides.html"])
def test_nothing_is_missing_without_a_network(page: Page, built: Path, tmp_path: Path, name: str) -> None:
    shared = built / "shared/completed" / name
    page.goto(shared.as_uri())
    assert loaded(page, name) == COMPLETE

    # One file that was sent to somebody.
    alone = tmp_path / shared.name
    shutil.copy(built / "alone/completed" / name, alone)
    page.goto(alone.as_uri())
    assert loaded(page, name) == COMPLETE

    # As the sidebar shows it, where nothing else can be fetched.
    document = preview(shared, built / "shared")
    policy = {"Content-Security-Policy": POLICY, "Content-Type": "text/html; charset=UTF-8"}
    frame = '<iframe src="/preview" width="1200" height="700"></iframe>'
    page.route("https://jupyter.test/preview", lambda route: route.fulfill(body=document, headers=policy))
    page.route("https://jupyter.test/", lambda route: route.fulfill(body=frame, content_type="text/html"))
    page.goto("https://jupyter.test/")
    assert loaded(page.frames[1], name) == COMPLETE
