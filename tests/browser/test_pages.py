"""Pages in a real browser, opened as files: readable by everybody, in both themes, on a telephone and on paper."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from clx_jupyter_workers.assets import FOLDER, groups, path
from clx_jupyter_workers.notebook import export
from clx_jupyter_workers.notebook.cells import Shown
from clx_jupyter_workers.notebook.document import Cell, Origin
from clx_jupyter_workers.notebook.execution import Result
from tests.browser.conftest import Watch

AXE = Path(__file__).parents[2] / "labextension/node_modules/axe-core/axe.min.js"
TEXT = """# Loops <em>and more</em>

Text with [a link](https://example.org), `code`, $a^2$ and a footnote.[^1]

[^1]: Here it is.

> [!NOTE]
> A box.

> [!CAUTION]
> Another [box](https://example.org).

- [x] done

| a name | some value |
|---|--:|
| of something that is long | so long that a telephone has to scroll it from side to side and back |

$$\\int_0^1 x\\,dx = a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p + q + r + s + t$$
"""
CODE = "@wraps\nclass Shape(Base):\n    '''A shape.'''\n    side = 1.5  # comment\n\n    def area(self): return len('x') if self else None"


def _cells() -> list[Shown]:
    def cell(index: int, type: str, source: str, box: tuple[str, str] = ("", ""), complete: bool = True, **metadata: Any) -> Shown:
        return Shown(index, Cell(type, source, Origin("a", index), metadata, f"id{index}"), complete, box)

    return [
        cell(0, "markdown", TEXT),
        cell(1, "code", CODE),
        cell(2, "markdown", "#### A jump\n\n## Equal\n\n## Equal"),
        cell(3, "markdown", "Say [this](https://example.org) with `code`.", box=("notes", "yellow")),
        cell(4, "markdown", "A hint with `code`.", box=("hint", "pink")),
        cell(5, "code", "", complete=False),
        cell(6, "code", f"x = '{'long ' * 60}'", tags=["solution"]),
        cell(7, "markdown", "## Exercise\n\n" + "Much text. " * 400, tags=["exercise"]),
    ]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with something of everything, and the folder that it loads from."""
    root = tmp_path_factory.mktemp("pages")
    for name in (name for names in groups().values() for name in names if path(name).is_file()):
        (root / FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path(name), root / FOLDER / name)
    there = {"href": "loops.html", "title": "Lists"}
    about = {
        "title": "Loops and more", "course": "Python <for all>", "language": "en", "note": "A note.", "assets": FOLDER, "previous": there,
        "next": there, "start": there, "kind": {"id": "speaker", "label": "Speaker (with notes)", "public": False}, "prog_lang": "python",
    }  # fmt: skip
    results = {1: Result([{"output_type": "stream", "name": "stdout", "text": "result\n"}], 1)}
    (root / "loops.html").write_bytes(export.html(_cells(), {}, results, about, {})[0])
    return root / "loops.html"


@pytest.fixture
def open_page(chromium: Browser, file: Path, watch: Watch) -> Any:
    contexts = []

    def go(**options: Any) -> Page:
        contexts.append(chromium.new_context(reduced_motion="reduce", offline=True, **options))
        watch.add(contexts[-1])
        page = contexts[-1].new_page()
        page.goto(file.as_uri())
        expect(page.locator("mjx-container")).to_have_count(2)
        return page

    yield go
    for context in contexts:
        context.close()
    # The page itself and what lies beside it are files: nothing else was asked for.
    assert all(url.startswith("file:") for url in watch.outside)
    watch.outside.clear()


def _violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run({preload: false}).then(result => result.violations.map(each => each.id + ' ' + each.nodes[0].html))")
    return list(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_shuts_nobody_out(open_page: Any, scheme: str, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert _violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing makes the whole page scroll sideways"
    contents = page.locator(".clx-contents details")
    assert contents.evaluate("each => each.open") is (width == 1280)


def test_the_keyboard_chooses_colours_and_copies_code(open_page: Any) -> None:
    page = open_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the text")).to_be_focused()
    button = page.get_by_role("button", name="Dark colours")
    expect(button).to_have_attribute("aria-pressed", "false")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "true")
    assert _violations(page) == []
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    copy = page.get_by_role("button", name="Copy").first
    copy.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == CODE


def test_paper_has_the_text_and_none_of_the_buttons(open_page: Any) -> None:
    page = open_page(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    page.emulate_media(media="print")
    for hidden in (".clx-contents", ".clx-theme", ".clx-neighbours", ".clx-copy"):
        expect(page.locator(hidden).first).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    wide = page.evaluate("[...document.querySelectorAll('pre')].filter(each => each.scrollWidth > each.clientWidth + 1).length")
    assert wide == 0, "long lines are wrapped"
