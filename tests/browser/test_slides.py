"""Slides as their readers have them: from a file, without network."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watch
from tests.browser.panel import AXE
from tests.stories.conftest import command

SIZES = [(1280, 720), (844, 390), (390, 844)]
PRESENT = ".slides > section.clx-slide.present h2, section.present > section.present h2"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 160"><rect width="200" height="160" fill="teal"/></svg>'
CELLS: list[tuple[str, str, Any]] = [
    ("slide", "# Lists\n\nA first slide with a [link](https://example.org) and $x^2$.", None),
    ("notes", "Ask who has seen a linked list before today.", None),
    ("slide", "## Steps\n\nOne", None),
    ("fragment", "Two", None),
    ("fragment", "Three [there](#x)", None),
    ("subslide", "## Below\n\n| a | b |\n|---|---|\n| 1 | 2 |", None),
    ("slide", "## Code", None),
    ("", "for number in range(3):\n    print(number)  # counts", {"text/plain": "0\n1\n2"}),
    ("slide", "## Long", None),
    ("", "lines()", {"text/plain": "\n".join(f"line {number}" for number in range(80))}),
    ("slide", "## Wide\n\n" + "word" * 60, None),
    ("", "names = [" + ", ".join(f"name_{number}" for number in range(40)) + "]", {"text/plain": "x" * 400}),
    ("slide", "## Figure", None),
    ("", "draw()", {"image/svg+xml": SVG, "text/plain": "picture"}),
    ("slide", "## Table", None),
    ("", "table()", {"text/html": "<table><tr>" + "".join(f"<th>Column {n}</th>" for n in range(25)) + "</tr></table>"}),
    (
        "slide",
        "## Text\n\n"
        + "\n\n".join(f"Paragraph {number} says something that takes a line or two of the slide. " * 2 for number in range(9)),
        None,
    ),
]
"""Type of slide, source, and the stored result of code."""

# Everything that sticks out of its slide, or is clipped by a box that does not scroll.
_CUT = """slide => {
  const box = slide.getBoundingClientRect(), cut = [];
  const scrolls = (node, axis) => /auto|scroll/.test(getComputedStyle(node)['overflow' + axis]);
  for (const node of slide.querySelectorAll('.clx-body *')) {
    const at = node.getBoundingClientRect();
    if (!at.width || !at.height || node.closest('mjx-assistive-mml')) continue;
    let right = at.right > box.right + 1, low = at.bottom > box.bottom + 1 && !scrolls(slide, 'Y') && getComputedStyle(slide).overflowY !== 'visible';
    for (let around = node.parentElement; around !== slide; around = around.parentElement) {
      if (scrolls(around, 'X')) right = false;
      if (around.getBoundingClientRect().right < at.right - 1 && getComputedStyle(around).overflowX === 'hidden') cut.push(node.outerHTML.slice(0, 99));
    }
    if (right || low) cut.push(node.outerHTML.slice(0, 99));
  }
  return cut;
}"""


def notebook() -> str:
    cells = []
    for number, (kind, source, data) in enumerate(CELLS):
        cell: dict[str, Any] = {"id": f"c{number}", "metadata": {"slideshow": {"slide_type": kind}} if kind else {}, "source": source}
        cell |= {"cell_type": "markdown"} if data is None else {
            "cell_type": "code", "execution_count": number,
            "outputs": [{"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": number}],
        }  # fmt: skip
        cells.append(cell)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}, "language_info": {"name": "python"}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": cells})


@pytest.fixture(scope="module")
def deck(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The speaker's slides, not self-contained."""
    root = tmp_path_factory.mktemp("slides")
    (root / "deck.ipynb").write_text(notebook(), encoding="utf-8")
    (root / "course.yaml").write_text("targets: {staff: {path: out, kinds: [speaker], formats: [slides]}}\n", encoding="utf-8")
    done = command("build", str(root), "--no-execute", cwd=root)
    assert done.returncode == 0, done.stderr
    return root / "out/speaker/slides/deck.slides.html"


Open = Callable[..., Page]


@pytest.fixture
def show(chromium: Browser, deck: Path, watch: Watch) -> Iterator[Open]:
    contexts = []

    def page(size: tuple[int, int] = (1280, 720), address: str = "", **options: Any) -> Page:
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, offline=True, **{"reduced_motion": "reduce", **options}
        )  # fmt: skip
        contexts.append(context)
        watch.add(context)
        made = context.new_page()
        made.goto(deck.as_uri() + address)
        return made

    yield page
    for context in contexts:
        context.close()
    watch.outside[:] = [url for url in watch.outside if not url.startswith("file:")]


def at(page: Page) -> list[str]:
    """The heading of the slide that is shown, and the fragments that have come."""
    found: list[str] = page.evaluate(
        "[...Reveal.getCurrentSlide().querySelectorAll('h1, h2, .fragment.visible p')].map(each => each.innerText.replace('#', ''))"
    )
    return found


def accessible(page: Page) -> None:
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=str(AXE))
    found = page.evaluate("axe.run({ preload: false })")
    assert found["passes"]
    assert [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found["violations"]] == []


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_nothing_of_any_slide_is_cut(show: Open, size: tuple[int, int]) -> None:
    page = show(size)
    slides = page.locator("section.clx-slide")
    assert slides.count() == 9
    for number in range(slides.count()):
        if size[0] > 600:
            page.evaluate(
                "n => { const at = Reveal.getIndices(document.querySelectorAll('section.clx-slide')[n]); Reveal.slide(at.h, at.v, 99) }",
                number,
            )
        assert slides.nth(number).evaluate(_CUT) == []
    tall = page.locator(".clx-tall")
    assert [each.locator("h2").get_attribute("id") for each in tall.all()] == (["Long"] if size[0] > 600 else [])


def test_the_keys_go_through_all_slides_and_what_is_too_high_scrolls_before_they_go_on(show: Open) -> None:
    page = show()
    seen = [at(page)]
    for _ in range(5):
        page.keyboard.press("ArrowRight")
        seen.append(at(page))
    assert seen == [["Lists"], ["Steps"], ["Steps", "Two"], ["Steps", "Two", "Three there"], ["Below"], ["Code"]]
    page.wait_for_url("**#/2")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(50)
    keys = 0
    while at(page) == ["Long"] and keys < 20:
        page.keyboard.press("PageDown")
        keys += 1
        page.wait_for_timeout(30)
    assert keys > 2 and at(page)[0] == "Wide"
    page.wait_for_url("**#/4")
    page.reload()
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    assert at(page)[0] == "Wide"
    page.keyboard.press("PageUp")
    assert at(page) == ["Long"]


def test_only_what_is_shown_takes_the_focus(show: Open) -> None:
    page = show(address="#/1")
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    hidden = "document.activeElement.closest('section:not(.present), .fragment:not(.visible)') !== null"
    assert not any(page.evaluate(hidden) for _ in range(8) if page.keyboard.press("Tab") is None)


def test_the_speaker_has_notes_and_the_next_slide_in_a_window_without_network(show: Open) -> None:
    page = show()
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    window = opened.value
    expect(window.locator(".speaker-controls-notes")).to_contain_text("linked list")
    expect(window.frame_locator("#upcoming-slide iframe").locator(PRESENT)).to_contain_text("Steps")
    page.keyboard.press("ArrowRight")
    expect(window.locator(".speaker-controls-notes")).to_be_hidden()
    expect(window.frame_locator("#current-slide iframe").locator(PRESENT)).to_contain_text("Steps")
    expect(page.locator("aside.notes")).to_be_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_slides_are_accessible(show: Open, theme: str) -> None:
    page = show(color_scheme=theme)
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    accessible(page)
    for number in (1, 2, 3, 6):
        page.evaluate("number => Reveal.slide(number, 0, 9)", number)
        accessible(page)
    page.keyboard.press("Escape")
    page.wait_for_function("Reveal.isOverview()")
    accessible(page)
    accessible(show((390, 844), color_scheme=theme))


def test_on_paper_each_slide_has_a_page_and_nothing_is_cut(show: Open, tmp_path: Path) -> None:
    page = show(address="?print-pdf", color_scheme="dark")
    page.wait_for_load_state()
    slides = page.locator("section.clx-slide")
    assert [found for number in range(slides.count()) if (found := slides.nth(number).evaluate(_CUT))] == []
    # Only the one with 80 lines takes two.
    assert [
        each for each in page.evaluate("[...document.querySelectorAll('section.clx-slide')].map(each => each.offsetHeight)") if each > 720
    ][1:] == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for number, each in enumerate((page, show())):
        data = each.pdf(path=tmp_path / f"{number}.pdf", prefer_css_page_size=True, print_background=True)
        assert len(re.findall(rb"/Type /Page\b", data)) == 10


def test_without_scripts_all_slides_can_be_read(show: Open) -> None:
    page = show(java_script_enabled=False)
    for text in ("A first slide", "Three", "Below", "line 79", "Paragraph 8"):
        expect(page.locator("section.clx-slide").filter(has_text=text).first).to_be_visible()
    expect(page.get_by_text("linked list")).to_be_visible()
