"""Wheel and sdist hold what they should, and what is installed from them is found by Jupyter."""

from __future__ import annotations

import configparser
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

import clx_jupyter

pytestmark = pytest.mark.story

ROOT = Path(__file__).parent.parent
VERSION = clx_jupyter.__version__
BUNDLE = Path("clx_jupyter/labextension")
VENDOR = Path("workers/clx_jupyter_workers/static/vendor")
PACKAGES = {"clx_jupyter": Path("clx_jupyter"), "clx_jupyter_workers": Path("workers/clx_jupyter_workers")}
LABEXTENSION = f"clx_jupyter-{VERSION}.data/data/share/jupyter/labextensions/clx-jupyter"
SERVER_CONFIG = f"clx_jupyter-{VERSION}.data/data/etc/jupyter/jupyter_server_config.d/clx_jupyter.json"


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a command to its end and return all it printed, without colours; fail the test with it otherwise."""
    done = subprocess.run(command, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout
    return re.sub(r"\x1b\[\d*m", "", done.stdout)


def sources() -> list[Path]:
    """Return what a fresh clone would hold once the work at hand is committed, relative to the root."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]
    ignored = {".venv", ".yarn", "__pycache__", "build", "dist", "labextension/lib", "node_modules"}
    files = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return [
        path
        for path in files
        if not path.is_relative_to(BUNDLE) and not path.is_relative_to(VENDOR) and not ignored & {*path.parts, path.parent.as_posix()}
    ]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clean copy of the sources with the sidebar and the files of others that ``make setup`` got, in a folder with a space."""
    assert (ROOT / BUNDLE / "static" / "style.js").is_file(), "the sidebar is not built: run `make setup`"
    copy = tmp_path_factory.mktemp("clean copy")
    for source in sources():
        (copy / source).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / source, copy / source)
    for folder in (BUNDLE, VENDOR):
        shutil.copytree(ROOT / folder, copy / folder)
    return copy


@pytest.fixture(scope="module")
def dist(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the sdist, and the wheel that was built from the sdist, both without Node and without a package of npm."""
    folder = tmp_path_factory.mktemp("dist")
    no_programs = str(tmp_path_factory.mktemp("empty"))
    env = {**os.environ, "PATH": no_programs, "npm_config_registry": "http://127.0.0.1:1"}
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, checkout, cwd=folder, env=env)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    return dist / f"clx_jupyter-{VERSION}-py3-none-any.whl"


@pytest.fixture(scope="module")
def wheel_names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def sdist_names(dist: Path) -> list[str]:
    with tarfile.open(dist / f"clx_jupyter-{VERSION}.tar.gz") as archive:
        return [name.partition("/")[2] for name in archive.getnames()]


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a fresh environment with the wheel alone; it borrows the dependencies, not the editable install, from this one."""
    venv = tmp_path_factory.mktemp("fresh environment")
    run(sys.executable, "-m", "venv", "--without-pip", venv)
    python = venv / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "--quiet", wheel)
    site_packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (site_packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return venv


@pytest.fixture
def no_user_settings(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which Jupyter sees no settings of the person who runs the tests."""
    folders = {f"JUPYTER_{name}_DIR": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    return {**os.environ, **folders}


def assert_jupyter_finds_both_halves(python: str | Path, env: dict[str, str]) -> None:
    server = run(python, "-m", "jupyter_server", "extension", "list", env=env)
    assert re.search(r"clx_jupyter enabled\s+- Validating clx_jupyter\.\.\.\s+clx_jupyter \S+ OK", server), server
    sidebar = run(python, "-m", "jupyterlab.labextensions", "list", env=env)
    assert re.search(rf"clx-jupyter v{re.escape(VERSION)} enabled OK", sidebar), sidebar


def test_the_wheel_holds_every_file_of_both_packages_and_no_other_package(checkout: Path, wheel_names: list[str]) -> None:
    expected = {
        (package / path.relative_to(folder)).as_posix()
        for package, folder in PACKAGES.items()
        for path in [*sources(), *(file.relative_to(ROOT) for file in (ROOT / VENDOR).rglob("*") if file.is_file())]
        if path.is_relative_to(folder) and not path.is_relative_to(BUNDLE)
    }
    assert "clx_jupyter_workers/static/vendor/mathjax/LICENSE" in expected
    metadata = (f"clx_jupyter-{VERSION}.dist-info/", f"clx_jupyter-{VERSION}.data/")

    assert {name for name in wheel_names if not name.startswith(metadata)} == expected
    assert {f"{package}/py.typed" for package in PACKAGES} <= expected


def test_the_wheel_brings_the_sidebar_and_switches_the_server_part_on(wheel: Path, wheel_names: list[str]) -> None:
    sidebar = {name.removeprefix(f"{LABEXTENSION}/") for name in wheel_names if name.startswith(LABEXTENSION)}

    assert {"install.json", "package.json", "static/style.js", "schemas/clx-jupyter/plugin.json"} <= sidebar
    assert any(re.fullmatch(r"static/remoteEntry\.\w+\.js", name) for name in sidebar)
    with zipfile.ZipFile(wheel) as archive:
        assert json.loads(archive.read(SERVER_CONFIG)) == {"ServerApp": {"jpserver_extensions": {"clx_jupyter": True}}}
        bundle = json.loads(archive.read(f"{LABEXTENSION}/package.json"))
    assert bundle["version"] == VERSION, "labextension/package.json and clx_jupyter/__init__.py disagree"
    assert f"static/{Path(bundle['jupyterlab']['_build']['load']).name}" in sidebar


def test_no_file_is_twice_in_the_wheel(wheel_names: list[str]) -> None:
    assert len(wheel_names) == len(set(wheel_names))


def test_the_wheel_names_its_commands_and_its_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        scripts = configparser.ConfigParser()
        scripts.read_string(archive.read(f"clx_jupyter-{VERSION}.dist-info/entry_points.txt").decode())
        metadata = archive.read(f"clx_jupyter-{VERSION}.dist-info/METADATA").decode()
        archive.getinfo(f"clx_jupyter-{VERSION}.dist-info/licenses/LICENSE")

    assert dict(scripts["console_scripts"]) == {"clx": "clx_jupyter.cli:main", "jupyter-clx": "clx_jupyter.cli:main"}
    assert "License-Expression: BSD-3-Clause" in metadata
    assert "Classifier: Framework :: Jupyter :: JupyterLab :: Extensions :: Prebuilt" in metadata


def test_the_sdist_holds_what_a_build_without_node_needs_and_nothing_that_builds_leave(sdist_names: list[str]) -> None:
    top = {name.partition("/")[0] for name in sdist_names}
    assert top <= {
        *(".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "PKG-INFO", "README.md", "SECURITY.md"),
        *(
            "benchmarks",
            "binder",
            "clx_jupyter",
            "docs",
            "hatch_build.py",
            "install.json",
            "jupyter-config",
            "labextension",
            "pyproject.toml",
            "tests",
            "workers",
        ),
    }

    assert {"clx_jupyter/labextension/static/style.js", "labextension/yarn.lock", "labextension/src/index.ts"} <= set(sdist_names)
    left_by_builds = ("node_modules", ".yarn/", "labextension/lib/", "__pycache__", "tsbuildinfo", ".clx/")
    assert [name for name in sdist_names if any(part in name for part in left_by_builds) and "third-party" not in name] == []


def test_wheel_and_sdist_are_small(dist: Path) -> None:
    sizes = {path.name: path.stat().st_size for path in dist.iterdir()}

    assert len(sizes) == 2
    assert all(size < 10_000_000 for size in sizes.values()), sizes


def test_jupyter_finds_both_halves_of_an_installed_wheel(installed: Path, no_user_settings: dict[str, str]) -> None:
    assert_jupyter_finds_both_halves(installed / "bin" / "python", no_user_settings)


def test_the_packages_and_commands_of_an_installed_wheel_work_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    python = installed / "bin" / "python"
    where = run(python, "-P", "-c", "import clx_jupyter, clx_jupyter_workers as w; print(clx_jupyter.__file__, w.__file__, sep='\\n')")

    assert [Path(line).is_relative_to(installed) for line in where.splitlines()] == [True, True]
    for command in ("clx", "jupyter-clx"):
        run(installed / "bin" / command, "--help", cwd=tmp_path)


def test_jupyter_finds_both_halves_of_this_editable_install(no_user_settings: dict[str, str]) -> None:
    source = json.loads(importlib.metadata.distribution("clx-jupyter").read_text("direct_url.json") or "{}")

    assert source.get("dir_info") == {"editable": True}, "run the tests in the environment that `make setup` makes"
    assert_jupyter_finds_both_halves(sys.executable, no_user_settings)


def test_importing_clx_jupyter_loads_neither_the_server_nor_the_notebook_tools() -> None:
    heavy = run(
        sys.executable, "-c", "import sys, clx_jupyter; print(*{'jupyter_server', 'tornado', 'nbformat', 'asyncio'} & set(sys.modules))"
    )

    assert heavy.split() == []
