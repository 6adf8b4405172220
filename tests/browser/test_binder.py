"""What Binder does with ``binder/``: its steps in their order, in an environment that holds nothing yet, and then a visitor."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Watch
from tests.browser.courses import PROJECT
from tests.browser.lab import Lab
from tests.browser.panel import DONE, Panel

SIDEBAR = "clx_jupyter/labextension"
NAME = "Python in an afternoon"


class Container(Lab):
    """JupyterLab as repo2docker starts it: ``start`` with the server's command behind it, in the checkout."""

    def __init__(self, checkout: Path, home: Path, environment: dict[str, str]) -> None:
        super().__init__(checkout, home)
        self._container = environment

    def _command(self) -> list[str]:
        python, *command = super()._command()
        assert python == sys.executable
        options = [option for option in command[2:] if not option.startswith(("--ServerApp.root_dir", "--LabApp"))]
        return [str(self.root / "binder/start"), "jupyter", *options]

    def _environment(self) -> dict[str, str]:
        return self._container

    def _configure(self, theme: str) -> None:
        """Nothing: what a visitor finds, postBuild has set."""
        assert not theme


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An empty virtual environment and an empty home. Only downloads are shared, so that they happen once."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    home = Path.home()
    kept = {
        name: value for name, value in os.environ.items() if re.match(r"(LANG|LC_|PIP_|SSL_|NODE_|npm_|https?_|no_)", name, re.IGNORECASE)
    }
    return {
        "PIP_CACHE_DIR": str(home / ".cache/pip"),
        "YARN_GLOBAL_FOLDER": str(home / ".yarn/berry"),
        **kept,
        "HOME": str(_new(tmp_path / "home")),
        "PATH": os.pathsep.join([str(tmp_path / "venv/bin"), os.environ["PATH"]]),
    }


@pytest.mark.parametrize("sidebar", [pytest.param("built", marks=pytest.mark.story), pytest.param("from source", marks=pytest.mark.long)])
def test_binder_opens_the_demo_course_in_the_sidebar(
    sidebar: str, environment: dict[str, str], chromium: Browser, watch: Watch, tmp_path: Path
) -> None:
    checkout = _new(tmp_path / "checkout")
    _install(checkout, environment, built=sidebar == "built")
    lab = Container(checkout, _new(tmp_path / "log"), environment)
    try:
        lab.start()
        context = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
        watch.add(context)
        _visitor(Panel(context.new_page(), lab, ""), tmp_path / "home" / NAME)
        context.close()
    finally:
        lab.stop()
        print(lab.log.read_text())


def _install(checkout: Path, environment: dict[str, str], *, built: bool) -> None:
    """The steps of repo2docker's Python images, in the folder that the checkout is copied to."""
    version = re.fullmatch(r"python-3\.(\d+)", (PROJECT / "binder/runtime.txt").read_text().strip())
    assert version and int(version[1]) >= 11, "without runtime.txt the image has Python 3.10"
    packages = [line.partition("#")[0].strip() for line in (PROJECT / "binder/apt.txt").read_text().splitlines()]
    assert all(re.fullmatch(r"[a-z0-9.+-]*", package) for package in packages), "what apt.txt may hold"
    shutil.copy(PROJECT / "binder/requirements.txt", _new(checkout / "binder"))
    _run(["pip", "install", "--quiet", "-r", "binder/requirements.txt"], checkout, environment)
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    for name in subprocess.run(listed, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (PROJECT / name).is_file():
            shutil.copy(PROJECT / name, _new((checkout / name).parent))
    if built:  # as `make setup` left it: what builds it is the same command
        shutil.copytree(PROJECT / SIDEBAR, checkout / SIDEBAR)
    _run([checkout / "binder/postBuild"], checkout, environment)
    assert not (checkout / "labextension/node_modules").exists(), "it would only make the image larger"


def _visitor(panel: Panel, course: Path) -> None:
    """Comes to the address that Binder leads to, looks, builds, and opens a page."""
    panel.visit(show=False)
    expect(panel.node).to_be_visible()
    panel.expect_view("course")
    expect(panel.node.get_by_role("heading", level=2)).to_have_text(NAME)
    expect(panel.sources()).to_have_count(6)
    panel.button("Build course").click()
    panel.expect_state("succeeded")
    panel.expect_source("02-data/chart.py", DONE)
    panel.source("02-data/chart.py").click()
    panel.output("students/completed/de/html/02-data/chart.html").click()
    expect(panel.shown_page().get_by_role("heading", name="Ein Bild aus Text")).to_be_visible()
    expect(panel.shown_page().locator("svg[role=img], img[src^='data:image/svg']").first).to_be_visible()
    expect(panel.page.get_by_text("Jupyter news")).to_have_count(0)
    assert panel.problems.count() == 0
    assert (course / ".clx").is_dir(), "state lies beside the copy, not in the checkout"
    panel.shoot("binder")


def _run(command: list[str | Path], cwd: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout


def _new(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
