"""Builds belong to the server, not to the page: reload, look on from elsewhere, kill the server, and nothing is lost."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import psutil
from playwright.sync_api import expect

from clx_jupyter.state import FOLDER
from tests.browser import courses
from tests.browser.conftest import LabOf, Visit, Watch
from tests.browser.courses import Gates
from tests.browser.lab import command
from tests.browser.panel import BUILD, DONE
from tests.faults.publishing import disk


def test_a_reload_in_the_middle_changes_nothing_and_a_second_tab_sees_the_same(
    lab_of: LabOf, visit: Visit, tmp_path: Path, gates: Gates
) -> None:
    root = courses.gated(tmp_path / "a course")
    panel = visit(lab_of(root, environment=gates.environment))
    panel.button("Build this folder").click()
    gates.open("1")
    panel.expect_source("week/1.py", "built")
    panel.reload()
    panel.expect_state("running")
    panel.expect_source("week/1.py", "built")
    expect(panel.progress).to_have_attribute("aria-valuemax", "5")
    expect(panel.progress).to_have_attribute("aria-valuenow", "1")
    second = visit(panel.lab, beside=panel)
    second.expect_state("running")
    expect(second.progress).to_have_attribute("aria-valuenow", "1")
    panel.shoot("reloaded")
    gates.open_all()
    for each in (panel, second):
        each.expect_state("succeeded")
        for number in range(1, 6):
            each.expect_source(f"week/{number}.py", DONE)
    # What one tab starts, the other shows.
    (root / "week/6.py").write_text(courses.deck("Lesson 6", "6"))
    second.button("Build course").click()
    for each in (panel, second):
        each.expect_source("week/6.py", DONE)


def test_a_build_from_a_terminal_is_watched_in_the_panel(lab_of: LabOf, visit: Visit, tmp_path: Path, gates: Gates) -> None:
    root = courses.gated(tmp_path / "a course", 3)
    panel = visit(lab_of(root, environment=gates.environment))
    expect(panel.summary).to_be_visible()
    terminal = command(["build", "--json"], root, gates.environment)
    panel.expect_state("running")  # found by asking now and then: another process sends no events
    gates.open("1")
    panel.expect_source("week/1.py", "built")
    panel.shoot("from-a-terminal")
    # Asked for here, built there: a second build joins the one that goes on.
    gates.open_all()
    out, errors = terminal.communicate(timeout=60)
    assert terminal.returncode == 0, errors
    panel.expect_state("succeeded")
    for number in range(1, 4):
        panel.expect_source(f"week/{number}.py", "fresh")
    assert {output["state"] for output in json.loads(out)["outputs"]} == {"built"}


def test_a_terminal_beside_a_building_server_attaches_to_it(lab_of: LabOf, visit: Visit, tmp_path: Path, gates: Gates) -> None:
    root = courses.gated(tmp_path / "a course", 3)
    lab = lab_of(root, environment=gates.environment)
    panel = visit(lab)
    panel.button("Build this folder").click()
    gates.open("1")
    panel.expect_source("week/1.py", "built")
    terminal = command(["build", "--json"], root, gates.environment)
    course = lab.ask("clx/courses")["courses"][0]["id"]
    panel.page.wait_for_function(
        "async course => (await (await fetch(`/clx/courses/${course}`)).json()).open.length === 2", arg=course, timeout=BUILD
    )
    gates.open_all()
    out, errors = terminal.communicate(timeout=60)
    assert terminal.returncode == 0, errors
    assert {output["state"] for output in json.loads(out)["outputs"]} <= {"built", "fresh"}
    panel.expect_state("succeeded")
    for number in range(1, 4):
        panel.expect_source(f"week/{number}.py", DONE)


def test_a_server_that_dies_and_comes_back_ends_the_build_by_itself(
    lab_of: LabOf, visit: Visit, tmp_path: Path, gates: Gates, watch: Watch
) -> None:
    # The pages name their course: the two have one name.
    calm, shaken = courses.gated(tmp_path / "calm/a course"), courses.gated(tmp_path / "a course")
    lab = lab_of(shaken, environment=gates.environment)
    panel = visit(lab)
    panel.record()
    panel.button("Build this folder").click()
    gates.open("1", "2")
    for number in (1, 2):
        panel.expect_source(f"week/{number}.py", "built")
    family = lab.family()
    assert family
    with watch.server_gone():
        lab.kill()
        expect(panel.node).to_contain_text("No connection to the server", timeout=20_000)
        expect(panel.source("week/1.py")).to_be_visible()  # what was known stays in sight
        panel.shoot("server-gone")
        assert panel.violations() == []
        dialog = panel.page.get_by_role("dialog")  # JupyterLab says so too, and again while the server takes its time
        dialog.get_by_role("checkbox").check()
        dialog.get_by_role("button", name="Close").click()
        assert psutil.wait_procs(family, timeout=10)[1] == [], "workers and kernels end with their server"
        lab.start()
        expect(panel.node).not_to_contain_text("No connection to the server", timeout=BUILD)
    panel.expect_state("running")
    gates.open_all()
    panel.expect_state("succeeded")
    for number in range(1, 6):
        panel.expect_source(f"week/{number}.py", DONE)
    shown = panel.recorded("progress")
    assert shown == sorted(shown), "what was done stays done"
    expect(panel.sources()).to_have_count(5)
    assert len(lab.ask(f"clx/builds?course={lab.ask('clx/courses')['courses'][0]['id']}")["builds"]) == 1
    undisturbed = command(["build", "--json"], calm, gates.environment)
    undisturbed.communicate(timeout=60)
    assert undisturbed.returncode == 0
    assert courses.files(shaken) == courses.files(calm)
    # The events reach the page again too.
    (shaken / "week/6.py").write_text(courses.deck("Lesson 6", "6"))
    panel.button("Build course").click()
    panel.expect_source("week/6.py", DONE)


def test_cancel_keeps_what_is_finished_and_the_next_build_makes_the_rest(lab_of: LabOf, visit: Visit, tmp_path: Path, gates: Gates) -> None:
    root = courses.gated(tmp_path / "a course", 4)
    panel = visit(lab_of(root, environment=gates.environment))
    panel.button("Build this folder").click()
    gates.open("1")
    panel.expect_source("week/1.py", "built")
    panel.button("Cancel").click()
    panel.expect_state("cancelled")
    expect(panel.button("Cancel")).to_have_count(0)
    expect(panel.node.get_by_role("status").filter(has_text=re.compile("cancelled", re.IGNORECASE))).to_have_count(1)
    panel.expect_source("week/1.py", "fresh")
    panel.expect_source("week/4.py", re.compile("^(cancelled|missing)$"))
    panel.shoot("cancelled")
    kept = courses.looks(root)
    gates.open_all()
    panel.button("Build course").click()
    panel.expect_state("succeeded")
    for number in range(1, 5):
        panel.expect_source(f"week/{number}.py", DONE)
    now = courses.looks(root)
    written = [Path(name) for name, look in kept.items() if "manifest" not in name and now[name] != look]
    # It lists what is there, which is more now.
    assert written == [root / "output/students/completed/html/index.html"]


def test_what_failed_is_built_again_once_it_is_mended(lab_of: LabOf, visit: Visit, tmp_path: Path) -> None:
    root = courses.write(
        tmp_path / "a course", {"good.py": courses.deck("Good", "1 + 1"), "bad.py": courses.deck("Bad", "open('missing.csv')")}
    )
    panel = visit(lab_of(root))
    panel.button("Build this folder").click()
    panel.expect_state("failed")
    expect(panel.problems).to_have_count(1)
    expect(panel.problems.first).to_have_attribute("data-class", "missing-file")
    panel.shoot("missing-file")
    (root / "missing.csv").write_text("1,2")
    panel.button("Retry failed").click()
    panel.expect_state("succeeded")
    expect(panel.problems).to_have_count(0)
    panel.expect_source("bad.py", DONE)
    panel.expect_source("good.py", DONE)
    expect(panel.button("Retry failed")).to_have_count(0)


def test_a_full_disk_pauses_the_build_and_the_panel_says_which_one_until_there_is_room(
    lab_of: LabOf, visit: Visit, tmp_path: Path, gates: Gates
) -> None:
    root = courses.gated(tmp_path / "a course", 2)
    with disk(root / FOLDER, 4_000_000) as state:
        panel = visit(lab_of(root, environment=gates.environment))
        panel.button("Build this folder").click()
        gates.open("1")
        panel.expect_source("week/1.py", "built")
        filler = state / "filler"
        filler.write_bytes(bytes(os.statvfs(state).f_bavail * os.statvfs(state).f_frsize))
        gates.open_all()
        paused = panel.node.locator(".clx-Paused")
        expect(paused).to_contain_text(str(state), timeout=BUILD)
        expect(paused).to_contain_text("full")
        panel.expect_state("running")
        panel.shoot("paused")
        filler.unlink()
        panel.expect_source("week/2.py", DONE)
        panel.expect_state("succeeded")
        expect(paused).to_have_count(0)
