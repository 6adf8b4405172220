"""Readable and usable for everybody: both themes, a narrow sidebar, the keyboard alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import courses
from tests.browser.conftest import LabOf, Visit
from tests.browser.courses import Gates
from tests.browser.panel import DONE, Panel


def _course(root: Path) -> Path:
    """Something of everything: a good source, one that fails, one that waits, and a long name."""
    return courses.write(
        root,
        {
            "1 start/good.py": courses.deck("Good", "1 + 1"),
            "1 start/bad.py": courses.deck("Bad", "x = 1", "open('a file that is missing.csv')"),
            "2 later/slow.py": courses.deck("Slow", "1", "2", gate="slow"),
            "2 later/long.py": courses.deck("A title so long that no narrow sidebar holds all of it in one line", "3", gate="long"),
        },
    )


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_no_state_of_the_panel_shuts_anybody_out(lab_of: LabOf, visit: Visit, tmp_path: Path, gates: Gates, theme: str) -> None:
    shots = theme.split()[-1].lower()
    panel = visit(lab_of(_course(tmp_path / "a course"), theme=theme, environment=gates.environment))
    expect(panel.page.locator("body")).to_have_attribute("data-jp-theme-light", "false" if "Dark" in theme else "true")
    expect(panel.summary).to_be_visible()
    _is_fine(panel, f"{shots}-before")
    panel.button("Build this folder").click()
    panel.expect_source("1 start/bad.py", "failed")
    panel.expect_source("2 later/slow.py", "running")
    _is_fine(panel, f"{shots}-running")
    gates.open_all()
    panel.expect_state("failed")
    panel.expect_source("2 later/long.py", DONE)
    panel.source("1 start/good.py").click()
    expect(panel.outputs.first).to_be_visible()
    expect(panel.problems).to_have_count(1)
    _is_fine(panel, f"{shots}-ended")


def _is_fine(panel: Panel, name: str) -> None:
    panel.shoot(name)
    assert panel.violations() == []
    width = panel.node.evaluate("node => node.getBoundingClientRect().width")
    assert width < 300, "the sidebar is as narrow as JupyterLab makes it"
    wide = panel.node.evaluate(
        """node => {
            const edge = node.getBoundingClientRect().right + 1;
            const wide = each => each.getClientRects().length && each.getBoundingClientRect().right > edge;
            return [...node.querySelectorAll('button, [role=treeitem], [role=progressbar], h2, h3, p')].filter(wide).map(each => each.outerHTML);
        }"""
    )
    assert wide == [], "nothing is cut off at the edge"


def test_the_keyboard_alone_builds_and_opens(lab_of: LabOf, visit: Visit, tmp_path: Path) -> None:
    root = courses.write(
        tmp_path / "a course",
        {"1 start/a.py": courses.deck("A", "1"), "1 start/b.py": courses.deck("B", "2"), "2 later/c.py": courses.deck("C", "3")},
    )
    panel = visit(lab_of(root))
    press = panel.page.keyboard.press
    panel.button("Build this folder").focus()
    press("Enter")
    panel.expect_state("succeeded")
    panel.expect_source("2 later/c.py", DONE)
    panel.node.get_by_role("button").first.focus()
    _tab_until(panel, "document.activeElement.getAttribute('role') === 'treeitem'")
    press("Home")
    _at(panel, "data-section", "1 start")
    press("ArrowDown")
    _at(panel, "data-path", "1 start/a.py")
    press("ArrowDown")
    _at(panel, "data-path", "1 start/b.py")
    press("ArrowLeft")
    _at(panel, "data-section", "1 start")
    section = panel.tree.locator("[role=treeitem][aria-expanded]").first
    press("ArrowLeft")
    expect(section).to_have_attribute("aria-expanded", "false")
    expect(panel.source("1 start/a.py")).to_be_hidden()
    press("ArrowRight")
    expect(section).to_have_attribute("aria-expanded", "true")
    press("End")
    _at(panel, "data-path", "2 later/c.py")
    panel.shoot("keyboard")
    press("Space")
    expect(panel.source("2 later/c.py")).to_have_attribute("aria-selected", "true")
    press("Enter")
    panel.wait_for_current("widget?.context?.path === '2 later/c.py'")
    panel.source("2 later/c.py").focus()
    _tab_until(panel, "document.activeElement.dataset.output?.endsWith('.html')")
    press("Enter")
    expect(panel.shown_page().get_by_role("heading", name="C")).to_be_visible()


def _tab_until(panel: Panel, reached: str) -> None:
    for _ in range(15):
        if panel.page.evaluate(reached):
            return
        panel.page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key does not lead there: {reached}")


def _at(panel: Panel, attribute: str, value: str) -> None:
    focus = panel.page.locator("#clx-jupyter-panel :focus")
    expect(focus).to_have_attribute(attribute, value)
