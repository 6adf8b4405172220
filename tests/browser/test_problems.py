"""From an error to the cell that raised it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import courses
from tests.browser.conftest import LabOf, Visit, Watch
from tests.browser.panel import Panel, quoted

SHARED = os.environ.get("CLX_SHARED")
WHIRLWIND = {
    "06-Built-in-Data-Structures.ipynb": (47, "cell-error"),
    "09-Errors-and-Exceptions.ipynb": (5, "cell-error"),
    "14-Strings-and-Regular-Expressions.ipynb": (40, "cell-error"),
}


@pytest.mark.shared
@pytest.mark.skipif(not SHARED, reason="CLX_SHARED names no folder")
def test_each_problem_of_a_real_course_leads_to_its_cell(lab_of: LabOf, visit: Visit, tmp_path: Path) -> None:
    root = shutil.copytree(Path(SHARED or "") / "courses" / "whirlwind-python", tmp_path / "a course")
    for copied in [root, *root.rglob("*")]:
        copied.chmod(copied.stat().st_mode | 0o200)
    panel = visit(lab_of(root))
    expect(panel.summary).to_contain_text("19 notebooks")
    panel.button("Build this folder").click()
    panel.expect_state("running")
    expect(panel.tree.locator("[data-state=running]").first).to_be_visible(timeout=30_000)
    panel.shoot("whirlwind-running")
    panel.expect_state("failed", timeout=120_000)
    expect(panel.node.locator("[data-problem][data-severity=error]")).to_have_count(3)
    expect(panel.node.locator("[data-problem][data-severity=warning]")).to_have_count(1)  # an image that the course lacks
    expect(panel.node.get_by_role("heading", name="Problems")).to_contain_text("4")
    expect(panel.sources()).to_have_count(19)
    expect(panel.tree.locator("[data-path][data-state=failed]")).to_have_count(3)
    panel.shoot("whirlwind-failed")
    for path, (cell, kind) in WHIRLWIND.items():
        problem = panel.node.locator(f"[data-problem][data-path={quoted(path)}]")
        expect(problem).to_have_attribute("data-class", kind)
        expect(problem).to_have_attribute("data-cell", str(cell))
        problem.click()
        _arrives_at_cell(panel, path, cell, root)
    panel.shoot("whirlwind-cell")


def _arrives_at_cell(panel: Panel, path: str, cell: int, root: Path) -> None:
    panel.wait_for_current(f"widget?.context?.path === {json.dumps(path)} && widget.content.activeCellIndex === {cell}")
    active = panel.page.locator(".jp-NotebookPanel").locator("visible=true").locator(".jp-Cell.jp-mod-active")
    expect(active).to_be_in_viewport()
    source = json.loads((root / path).read_text())["cells"][cell]["source"]
    expect(active.locator(".cm-content")).to_contain_text("".join(source).splitlines()[0].strip())
    assert panel.current("widget.content.mode") == "command"


def test_the_error_of_a_text_deck_leads_to_its_line(lab_of: LabOf, visit: Visit, tmp_path: Path) -> None:
    filler = [f"first_{number} = {number}" for number in range(40)]
    root = courses.write(
        tmp_path / "a course",
        {"decks/broken.py": courses.deck("Broken", *filler, "x = 1\nundefined_name"), "decks/good.py": courses.deck("Good", "1 + 1")},
    )
    panel = visit(lab_of(root))
    panel.button("Build this folder").click()
    panel.expect_state("failed")
    panel.expect_source("decks/good.py", "fresh")
    panel.expect_source("decks/broken.py", "failed")
    expect(panel.source("decks/broken.py")).to_contain_text("NameError")
    expect(panel.problems).to_have_count(1)
    expect(panel.problems.first).to_contain_text("undefined_name")
    panel.problems.first.click()
    panel.wait_for_current("widget?.context?.path === 'decks/broken.py' && !!widget.content.editor")
    line = (root / "decks/broken.py").read_text().splitlines().index("undefined_name")
    panel.wait_for_current(f"widget.content.editor.getCursorPosition().line === {line}")
    expect(panel.page.locator(".jp-FileEditor .cm-line").get_by_text("undefined_name", exact=True)).to_be_in_viewport()
    panel.shoot("text-deck-line")


def test_a_course_that_cannot_be_read_says_why(lab_of: LabOf, visit: Visit, watch: Watch, tmp_path: Path) -> None:
    watch.allow("status of 422")
    root = courses.write(tmp_path / "a course", {"slides/x.txt": "", "course-specs/c.xml": "<course>\n<name>\n</course>"})
    panel = visit(lab_of(root))
    panel.expect_view("error")
    expect(panel.node).to_contain_text("c.xml")
    expect(panel.node.get_by_role("button", name="Build")).to_have_count(0)
    assert panel.violations() == []
    panel.shoot("broken-course-file")
