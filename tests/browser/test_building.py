"""Press the button and watch; then look at what was made."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.browser import courses
from tests.browser.conftest import LabOf, Visit
from tests.browser.panel import BUILD, DONE, Panel

DEMO = [
    *("01-first-steps/lists.ipynb", "01-first-steps/mistakes.py", "01-first-steps/values.py"),
    *("02-data/chart.py", "02-data/rainfall.py", "03-sharing/one-source.py"),
]


def test_a_folder_is_built_by_one_press_and_watched_to_the_end(lab_of: LabOf, visit: Visit, tmp_path: Path) -> None:
    root = courses.demo(tmp_path / "a course", "course.yaml")
    panel = visit(lab_of(root))
    _says_what_it_would_do(panel, root)
    panel.shoot("demo-before")
    panel.record()
    panel.button("Build this folder").click()
    panel.expect_state("running")
    expect(panel.progress).to_be_visible()
    expect(panel.button("Cancel")).to_be_visible()
    panel.shoot("demo-running")
    panel.expect_state("succeeded")
    for path in DEMO:
        panel.expect_source(path, DONE)
    panel.shoot("demo-done")
    _watched_truthfully(panel)
    _outputs_open(panel, root)
    _nothing_is_made_again(panel, root)


def _says_what_it_would_do(panel: Panel, root: Path) -> None:
    panel.expect_view("course")
    panel.expect_state("none")
    expect(panel.node.get_by_role("heading", level=2)).to_have_text(root.name)
    for words in ("6 notebooks", "3 folders", "Python"):
        expect(panel.summary).to_contain_text(words)
    expect(panel.button("Build without running")).to_be_visible()
    expect(panel.tree).to_have_count(0)
    assert not (root / ".clx").exists() and not (root / "output").exists(), "looking creates nothing"


def _watched_truthfully(panel: Panel) -> None:
    shown = panel.recorded("progress")
    assert shown == sorted(shown), "progress never goes back"
    assert panel.recorded("build")[-2:] == ["running", "succeeded"]
    for path in DEMO:
        states = panel.recorded("source", path)
        assert states[-1] in ("built", "fresh") and "running" in states, (path, states)


def _outputs_open(panel: Panel, root: Path) -> None:
    panel.source("02-data/rainfall.py").click()
    expect(panel.source("02-data/rainfall.py")).to_have_attribute("aria-selected", "true")
    expect(panel.node.get_by_role("heading", name="Outputs of “A year of rain”")).to_be_visible()
    named = {panel.outputs.nth(place).get_attribute("data-output") for place in range(panel.outputs.count())}
    assert "staff/completed/html/02-data/rainfall.html" in named and "students/code-along/notebook/02-data/rainfall.ipynb" in named
    assert all((root / "output" / str(name)).is_file() for name in named)
    page = panel.output("staff/completed/html/02-data/rainfall.html")
    assert page.inner_text() and (page.get_attribute("aria-label") or page.inner_text()).startswith("Open Solution")
    page.click()
    body = panel.shown_page()
    expect(body.get_by_role("heading", name="A year of rain")).to_be_visible()
    expect(body.get_by_text("July").first).to_be_visible()
    panel.shoot("demo-output")
    # The notebook names no kernel: JupyterLab may ask for one, now or a little later.
    asked = panel.page.get_by_role("dialog").filter(has_text="Select Kernel")
    panel.page.add_locator_handler(asked, lambda: asked.get_by_role("button", name="No Kernel").click())
    panel.output("students/code-along/notebook/02-data/rainfall.ipynb").click()
    panel.wait_for_current("widget?.context?.path === 'output/students/code-along/notebook/02-data/rainfall.ipynb'")


def _nothing_is_made_again(panel: Panel, root: Path) -> None:
    before = courses.looks(root)
    panel.button("Build course").click()
    course = panel.lab.ask("clx/courses")["courses"][0]["id"]
    panel.page.wait_for_function("document.querySelector('#clx-jupyter-panel').dataset.buildState === 'succeeded'")
    expect(panel.button("Build course")).to_be_enabled(timeout=BUILD)
    _wait_for_builds(panel, course, 2)
    assert courses.looks(root) == before
    assert panel.lab.ask(f"clx/builds?course={course}")["builds"][0]["counts"].keys() == {"fresh"}


def _wait_for_builds(panel: Panel, course: str, count: int) -> None:
    panel.page.wait_for_function(
        """async ([course, count]) => {
            const { serverSettings } = window.jupyterapp.serviceManager;
            const answer = await fetch(`${serverSettings.baseUrl}clx/builds?course=${course}`, { headers: { Authorization: `token ${serverSettings.token}` } });
            const { builds } = await answer.json();
            return builds.length === count && builds.every(build => build.state === 'succeeded');
        }""",
        arg=[course, count],
    )


def test_a_folder_is_built_without_running_code_from_the_palette(lab_of: LabOf, visit: Visit, tmp_path: Path) -> None:
    canary = tmp_path / "ran"
    root = courses.write(tmp_path / "a course", {"a.py": courses.deck("A", f"open({str(canary)!r}, 'w').close()")})
    panel = visit(lab_of(root), show=False)
    panel.run_from_palette("course builder", "Open Course Builder")
    expect(panel.node).to_be_visible()
    panel.button("Build without running").click()
    panel.expect_state("succeeded")
    panel.expect_source("a.py", "stale")  # the page is there, without results
    assert (root / "output/students/completed/html/a.html").is_file() and not canary.exists()
    panel.source("a.py").dblclick()
    panel.wait_for_current("widget?.context?.path === 'a.py'")
