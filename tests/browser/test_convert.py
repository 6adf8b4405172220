"""Right-click a notebook or a text deck, and get its pages."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator, expect

from tests.browser import courses
from tests.browser.conftest import LabOf, Visit
from tests.browser.panel import BUILD, DONE, Panel

CONVERT = "Convert with Course Builder"


def _message(panel: Panel, words: str) -> Locator:
    """The notification with these words."""
    return panel.page.locator(".Toastify__toast").filter(has_text=words)


def test_selected_files_outside_any_course_get_their_outputs_beside_them(lab_of: LabOf, visit: Visit, tmp_path: Path) -> None:
    deck, loose = courses.deck("A deck", "6 * 7"), courses.notebook(("markdown", "# Loose"), ("code", "1 + 1"))
    root = courses.write(tmp_path / "some notes", {"deck.py": deck, "loose.ipynb": loose, "readme.txt": "no notebook"})
    panel = visit(lab_of(root), show=False)
    panel.show_files()
    _is_not_offered(panel, "readme.txt")
    panel.file("deck.py").click()
    panel.file("loose.ipynb").click(modifiers=["ControlOrMeta"])
    panel.context_menu("loose.ipynb", CONVERT)
    for name in ("deck.py", "loose.ipynb"):
        expect(_message(panel, name).get_by_role("button", name="Open", exact=True)).to_be_visible(timeout=BUILD)
        expect(panel.file(f"{name}-output")).to_be_visible()
    panel.shoot("converted")
    _message(panel, "deck.py").get_by_role("button", name="Open", exact=True).click()
    expect(panel.shown_page().get_by_role("heading", name="A deck")).to_be_visible()
    expect(panel.shown_page().get_by_text("42").first).to_be_visible()
    _message(panel, "loose.ipynb").get_by_role("button", name="Show Files").click()
    expect(panel.page.locator(".jp-BreadCrumbs, .jp-FileBrowser-crumbs").first).to_contain_text("loose.ipynb-output")
    assert {path.name for path in root.rglob("*.html")} == {"deck.html", "loose.html"}
    assert not (root / ".clx").exists(), "a notebook outside any course leaves no state beside it"


def _is_not_offered(panel: Panel, name: str) -> None:
    panel.file(name).click(button="right")
    expect(panel.page.get_by_role("menuitem", name="Rename")).to_be_visible()
    expect(panel.page.get_by_role("menuitem", name=CONVERT)).to_have_count(0)
    panel.page.keyboard.press("Escape")


def test_a_conversion_that_fails_leads_to_the_cell(lab_of: LabOf, visit: Visit, tmp_path: Path) -> None:
    cells = [("markdown", "# Bad"), ("code", "x = 1"), ("code", "undefined_name"), ("code", "x")]
    root = courses.write(tmp_path / "some notes", {"bad.ipynb": courses.notebook(*cells)})
    panel = visit(lab_of(root), show=False)
    panel.show_files()
    panel.context_menu("bad.ipynb", CONVERT)
    show = _message(panel, "bad.ipynb").get_by_role("button", name="Show Error")
    expect(show).to_be_visible(timeout=BUILD)
    panel.shoot("convert-failed")
    show.click()
    panel.wait_for_current("widget?.context?.path === 'bad.ipynb' && widget.content.activeCellIndex === 2")
    expect(panel.page.locator(".jp-Cell.jp-mod-active .cm-content")).to_contain_text("undefined_name")


def test_a_source_of_a_course_is_converted_into_the_course(lab_of: LabOf, visit: Visit, tmp_path: Path) -> None:
    root = courses.write(tmp_path / "a course", {"a.py": courses.deck("A", "1 + 1"), "b.py": courses.deck("B", "2 + 2")})
    panel = visit(lab_of(root))
    panel.button("Build this folder").click()
    panel.expect_state("succeeded")
    (root / "a.py").write_text(courses.deck("A", "20 + 22"))
    panel.show_files()
    panel.context_menu("a.py", CONVERT)
    _message(panel, "a.py").get_by_role("button", name="Open", exact=True).click(timeout=BUILD)
    expect(panel.shown_page().get_by_text("42").first).to_be_visible()
    assert not [path for path in root.iterdir() if path.name.endswith("-output")]
    panel.show()
    panel.expect_source("a.py", DONE)
