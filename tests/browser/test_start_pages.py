"""Start pages as students open them: unpacked, from the disk, without a server or a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.panel import AXE
from tests.stories.conftest import command, write

YAML = """version: 1
title: {en: "A <b>course</b> & more", de: Ein Kurs, ar: دورة}
languages: [en, de, ar]
author: Ada Example
targets:
  students: {path: out/students, kinds: [code-along, completed], formats: [html, notebook, code]}
sections:
  - {title: {en: First steps, de: Erste Schritte, ar: البداية}, topics: [one.py, {path: pair, title: Two together}]}
  - {title: {en: Further, de: Weiter, ar: التالي}, topics: [a-very-long-title.py, last.py]}
"""
LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmütze" * 3


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("course")
    titles = {
        "one.py": "One",
        "pair/two.py": "Two",
        "pair/three.py": "Three",
        "a-very-long-title.py": LONG,
        "last.py": "Übung: 1 < 2",
    }
    write(root, {"course.yaml": YAML, **{name: f"# %% [markdown]\n# # {title}\n# Words.\n" for name, title in titles.items()}})
    done = command("build", str(root), cwd=root)
    assert done.returncode == 0, done.stderr
    return root / "out/students"


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(offline=True, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    # axe asks for style sheets once more, which no browser allows in files.
    page.on("requestfailed", lambda request: wrong.extend([] if request.resource_type == "xhr" else [request.url]))
    yield page
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == [] and wrong == []
    context.close()


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")
    assert found["passes"], "axe looked at nothing"
    return [f"{each['id']}: {node['html']}" for each in found["violations"] for node in each["nodes"]]


def test_from_the_door_to_the_last_page_and_back(page: Page, target: Path) -> None:
    page.goto((target / "index.html").as_uri())
    expect(page.get_by_role("heading", level=1)).to_have_text("A <b>course</b> & more")
    page.get_by_role("listitem").filter(has_text="Solution").get_by_role("link", name="English").click()
    expect(page.get_by_role("main").get_by_role("heading", level=2)).to_have_text(["First steps", "Further"])
    assert page.locator("main a.start-page").all_inner_texts() == ["One", "Three", "Two", LONG, "Übung: 1 < 2"]

    # The first thing that the keyboard reaches leads past the header.
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to contents")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")

    page.get_by_role("link", name="One", exact=True).click()
    seen = []
    while True:
        seen.append(page.title().split(" · ")[0])
        following = page.locator("a[rel=next]")
        if following.count() == 0:
            break
        following.click()
    assert seen == ["One", "Three", "Two", LONG, "Übung: 1 < 2"]
    page.locator("a[rel=start], a.clx-course").first.click()
    expect(page).to_have_url((target / "completed/en/html/index.html").as_uri())
    page.get_by_role("navigation", name="Languages").get_by_role("link", name="العربية").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    page.get_by_role("navigation", name="Versions").get_by_role("link").click()
    expect(page).to_have_url((target / "code-along/ar/html/index.html").as_uri())


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_cut_and_everybody_can_use_it(page: Page, target: Path, colours: str, width: int) -> None:
    page.emulate_media(color_scheme="dark" if colours == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 800})
    for name in ("index.html", "completed/en/html/index.html", "code-along/ar/html/index.html"):
        page.goto((target / name).as_uri())
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (int(background.split("(")[1].split(",")[0]) < 100) is (colours == "dark")
