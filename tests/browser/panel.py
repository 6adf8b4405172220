"""The sidebar as a person finds it: by roles and names. The stories speak these words only."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, Playwright, TimeoutError, expect

from tests.browser.courses import PROJECT
from tests.browser.lab import TOKEN, Lab

AXE = PROJECT / "labextension/node_modules/axe-core/axe.min.js"
BUILD = 60_000
"""Milliseconds that a build, with kernels on a busy machine, may take."""
DONE = re.compile("^(built|fresh)$")

# Notes every state that a row, the progress bar or the build has had; what a person sees who does not look away.
_RECORDER = """
panel => {
  const notes = (window.clxNotes = []);
  const note = node => {
    if (node.getAttribute('role') === 'progressbar') { notes.push(['progress', '', Number(node.getAttribute('aria-valuenow'))]); }
    else if (node.dataset.path !== undefined && node.dataset.state) { notes.push(['source', node.dataset.path, node.dataset.state]); }
    else if (node === panel) { notes.push(['build', '', node.dataset.buildState]); }
  };
  new MutationObserver(changes => {
    for (const change of changes) {
      if (change.type === 'attributes') { note(change.target); }
      for (const added of change.addedNodes) {
        if (added instanceof HTMLElement) { [added, ...added.querySelectorAll('[data-path], [role=progressbar]')].forEach(note); }
      }
    }
  }).observe(panel, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-state', 'data-build-state', 'aria-valuenow'] });
}
"""


def launch(playwright: Playwright) -> Browser:
    """The machine's own Chromium."""
    path = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
    assert path, "these tests need Chromium on PATH: make system"
    # Containers have a small /dev/shm, and tests may run as root there.
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"])


class Panel:
    """The panel in one tab of the browser."""

    def __init__(self, page: Page, lab: Lab, workspace: str) -> None:
        self.page, self.lab, self._workspace = page, lab, workspace
        self.node = page.locator("#clx-jupyter-panel")
        self.tree = self.node.get_by_role("tree", name="Course content")
        self.progress = self.node.get_by_role("progressbar", name="Build progress")
        self.summary = self.node.locator(".clx-Summary")
        self.alert = self.node.get_by_role("alert")
        self.problems = self.node.locator("[data-problem]")
        self.outputs = self.node.locator("[data-output]")

    # --- getting there ---

    def visit(self, *, show: bool = True) -> Panel:
        """Load JupyterLab; a workspace of its own keeps what another story left open away. Without a name it is the default one."""
        self.page.goto(f"{self.lab.url}/lab{f'/workspaces/{self._workspace}' if self._workspace else ''}?token={TOKEN}")
        return self._arrived(show)

    def reload(self) -> Panel:
        self.page.reload()
        return self._arrived(True)

    def _arrived(self, show: bool) -> Panel:
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0, timeout=BUILD)
        expect(self.page.locator("#filebrowser, #clx-jupyter-panel").locator("visible=true").first).to_be_visible(timeout=BUILD)
        if show:
            self.show()
        return self

    def show(self) -> None:
        """Press the tab in the left sidebar, unless the panel is open already: a second press would close it."""
        tab = self.page.get_by_role("tab", name="Course builder")
        expect(tab).to_be_visible()
        if tab.get_attribute("aria-selected") != "true":
            tab.click()
        expect(self.node).to_be_visible()

    def show_files(self) -> None:
        tab = self.page.get_by_role("tab", name=re.compile("^File Browser"))
        if tab.get_attribute("aria-selected") != "true":
            tab.click()
        expect(self.page.locator("#filebrowser")).to_be_visible()

    def run_from_palette(self, words: str, label: str) -> None:
        """Press Control+Shift+C, type *words*, and take the entry *label*."""
        palette = self.page.locator("#modal-command-palette")
        for seconds in (5, 10, 30):
            self.page.keyboard.press("Control+Shift+C")
            try:
                palette.get_by_role("textbox").or_(palette.locator("input")).first.fill(words, timeout=seconds * 1000)
                palette.locator(".lm-CommandPalette-item").filter(has_text=label).first.click(timeout=seconds * 1000)
                return
            except TimeoutError:  # it closes when something else takes the focus, such as a launcher that opens late
                self.page.keyboard.press("Escape")
        raise AssertionError(f"the palette does not let go of {label!r}")

    # --- what is there ---

    def button(self, name: str) -> Locator:
        return self.node.get_by_role("button", name=name, exact=True)

    def source(self, path: str) -> Locator:
        return self.tree.locator(f"[role=treeitem][data-path={quoted(path)}]")

    def output(self, ending: str) -> Locator:
        return self.node.locator(f"[data-output$={quoted(ending)}]")

    def sources(self) -> Locator:
        return self.tree.locator("[role=treeitem][data-path]")

    def expect_state(self, state: str | re.Pattern[str], timeout: float = BUILD) -> None:
        expect(self.node).to_have_attribute("data-build-state", state, timeout=timeout)

    def expect_view(self, view: str) -> None:
        expect(self.node).to_have_attribute("data-view", view, timeout=20_000)

    def expect_source(self, path: str, state: str | re.Pattern[str]) -> None:
        expect(self.source(path)).to_have_attribute("data-state", state, timeout=BUILD)

    # --- what the rest of JupyterLab shows ---

    def shown_page(self) -> Locator:
        """The body of the built page that is in front."""
        viewer = self.page.locator(".jp-MainAreaWidget:not(.lm-mod-hidden) .clx-Preview")
        return viewer.frame_locator("iframe").locator("body")

    def current(self, expression: str) -> Any:
        """Something about the document in front, where it cannot be read from the page (cells that are out of view are not there)."""
        return self.page.evaluate(f"(() => {{ const widget = window.jupyterapp.shell.currentWidget; return {expression}; }})()")

    def wait_for_current(self, expression: str) -> None:
        self.page.wait_for_function(f"(() => {{ const widget = window.jupyterapp?.shell.currentWidget; return {expression}; }})()")

    def file(self, name: str) -> Locator:
        """A row of the file browser."""
        return self.page.locator(".jp-DirListing-item").filter(has=self.page.get_by_text(name, exact=True))

    def context_menu(self, name: str, entry: str) -> None:
        self.file(name).click(button="right")
        self.page.get_by_role("menuitem", name=entry).click()

    # --- watching ---

    def record(self) -> None:
        """From now on note each state that is shown."""
        self.node.evaluate(_RECORDER)

    def recorded(self, what: str, path: str = "") -> list[Any]:
        """The states that a source (``source``), the build (``build``) or the progress bar (``progress``) had, without repetitions."""
        notes = [value for kind, of, value in self.page.evaluate("window.clxNotes") if (kind, of) == (what, path)]
        return [value for place, value in enumerate(notes) if place == 0 or notes[place - 1] != value]

    def violations(self) -> list[str]:
        """What axe finds wrong in our panel, in words."""
        if not self.page.evaluate("'axe' in window"):
            self.page.add_script_tag(path=AXE)
        found = self.page.evaluate("axe.run('#clx-jupyter-panel')")
        assert found["passes"], "axe looked at nothing"
        return [
            f"{rule['id']}: {node['failureSummary']} {node['html']}" for rule in found["violations"] for node in rule["nodes"]
        ]  # fmt: skip

    def shoot(self, name: str) -> None:
        """Keep a picture for people, where the environment names a folder for them."""
        if folder := os.environ.get("CLX_SHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(folder) / f"{name}.png")


def quoted(text: str) -> str:
    """A string of CSS."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
