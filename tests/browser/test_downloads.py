"""What was built, as one archive for whom it is for."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Download, expect

from clx_jupyter.manifest import MANIFEST
from tests.browser import courses
from tests.browser.conftest import LabOf, Visit
from tests.browser.panel import DONE

DECK = courses.deck("Lists", "1 + 1") + '\n# %% tags=["keep"]\n2\n\n# %% [markdown] tags=["notes"]\n# A word for speakers\n'


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_a_target_is_downloaded_as_its_manifest_says_and_a_private_one_after_a_question(
    lab_of: LabOf, visit: Visit, tmp_path: Path, theme: str
) -> None:
    root = courses.write(tmp_path / "a course", {"1 start/Übung.py": DECK})
    panel = visit(lab_of(root, theme=theme))
    shots, page = theme.split()[-1].lower(), panel.page
    expect(panel.summary).to_contain_text("keep private")
    expect(panel.node.get_by_role("heading", name="Hand out")).to_have_count(0)
    panel.button("Build this folder").click()
    panel.expect_source("1 start/Übung.py", DONE)
    panel.expect_state("succeeded")
    panel.source("1 start/Übung.py").click()
    expect(panel.node.locator("[data-target=staff]")).to_contain_text("keep private: Speaker")
    panel.shoot(f"download-{shots}")
    assert panel.violations() == []

    # A page leads to others in its panel, as it does for students.
    panel.button("Open start page of students (for students)").press("Enter")
    tab = page.locator(".lm-TabBar-tab.lm-mod-current .lm-TabBar-tabLabel")
    expect(tab.filter(has_text="index.html")).to_be_visible()
    panel.shown_page().get_by_role("link", name="Lists").first.click()
    expect(panel.shown_page().get_by_role("heading", name="Lists", level=1)).to_be_visible()
    expect(page.locator(".clx-Preview")).to_have_count(1)
    expect(tab.filter(has_text=".html").filter(has_not_text="index.html")).to_be_visible()

    with page.expect_download() as coming:
        panel.button("Download students (for students)").click()
    _is_what_was_built(coming.value, root / "output/students", "a-course-students.zip", tmp_path)

    panel.button("Download staff (keep private)").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("a-course-staff-PRIVATE.zip holds what only teachers may see: Speaker")
    panel.shoot(f"download-private-{shots}")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()

    panel.run_from_palette("download", "Download Archive…")
    picker = page.get_by_role("dialog")
    picker.locator("select").select_option(index=1)
    picker.get_by_role("button", name="Download").click()
    expect(page.get_by_role("dialog")).to_contain_text("not for students")
    with page.expect_download() as coming:
        page.get_by_role("dialog").get_by_role("button", name="Download").click()
    _is_what_was_built(coming.value, root / "output/staff", "a-course-staff-PRIVATE.zip", tmp_path)


def _is_what_was_built(download: Download, target: Path, name: str, folder: Path) -> None:
    assert download.suggested_filename == name
    download.save_as(folder / name)
    listed = json.loads((target / MANIFEST).read_text())["files"]
    with zipfile.ZipFile(folder / name) as archive:
        hashes = {path.partition("/")[2]: hashlib.sha256(archive.read(path)).hexdigest() for path in archive.namelist()}
    assert hashes and hashes == {path: entry["sha256"] for path, entry in listed.items()}
