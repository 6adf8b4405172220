"""The doctor finds what is missing, says how to get it, and fails only for what is needed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter import __version__
from clx_jupyter.cli import main
from clx_jupyter.commands import doctor
from clx_jupyter.kernels import Kernel
from tests.plain_user import PlainUser

Findings = Callable[[], tuple[int, dict[str, dict[str, Any]]]]

PYTHON = Kernel("python3", "python", "Python 3", (sys.executable, "-m", "ipykernel_launcher"))
GONE = Kernel("old", "R", "R of yesterday", ("/nowhere/R",))


@pytest.fixture
def healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine where nothing is missing; gives the folder that Jupyter looks into."""
    write(tmp_path / "etc/jupyter_server_config.d/clx_jupyter.json", {"ServerApp": {"jpserver_extensions": {"clx_jupyter": True}}})
    folder = tmp_path / "share/labextensions/clx-jupyter"
    write(folder / "package.json", {"jupyterlab": {"_build": {"load": "static/remoteEntry.js"}}})
    write(folder / "static/remoteEntry.js", {})
    monkeypatch.setattr(doctor, "jupyter_config_path", lambda: [str(tmp_path / "none"), str(tmp_path / "etc")])
    monkeypatch.setattr(doctor, "jupyter_path", lambda *parts: [str(tmp_path.joinpath("share", *parts))])
    monkeypatch.setattr(doctor, "installed", lambda: {"python3": PYTHON})
    monkeypatch.setenv("CLX_STATE_DIR", str(tmp_path / "state" / "below"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


@pytest.fixture
def findings(capsys: pytest.CaptureFixture[str]) -> Findings:
    """Run the doctor; gives the exit code and what it found, by what it is about."""

    def run() -> tuple[int, dict[str, dict[str, Any]]]:
        code = main(["doctor", "--json"])
        return code, {row["what"]: row for row in json.loads(capsys.readouterr().out)}

    return run


def write(file: Path, content: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")


def program(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(0o755)


def the(found: dict[str, dict[str, Any]], beginning: str) -> dict[str, Any]:
    (row,) = [row for what, row in found.items() if what.startswith(beginning)]
    return row


def test_a_healthy_machine_is_fine(healthy: Path, findings: Findings) -> None:
    code, found = findings()
    assert code == 0
    assert {row["state"] for row in found.values()} == {"ok", "note"}
    assert the(found, f"clx_jupyter {__version__}")["state"] == "ok"
    assert the(found, "jupyterlab ")["state"] == "ok"
    assert the(found, "kernel python3 (python")["state"] == "ok"
    assert the(found, "Java is not installed")["state"] == "note"
    assert not (healthy / "state").exists()


def test_people_get_one_line_each_and_hints(healthy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "installed", dict)
    assert main(["doctor"]) == 1
    assert "missing a kernel: no code can run\n        hint: pip install ipykernel\n" in capsys.readouterr().out


def test_a_kernel_without_its_program_is_a_note_while_another_runs(
    healthy: Path, findings: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "installed", lambda: {"python3": PYTHON, "old": GONE})
    code, found = findings()
    assert code == 0
    assert the(found, "kernel old")["state"] == "note" and "/nowhere/R" in the(found, "kernel old")["hint"]
    monkeypatch.setattr(doctor, "installed", lambda: {"old": GONE})
    assert findings()[0] == 1


def test_a_package_that_is_missing_is_told_with_its_name(healthy: Path, findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_PACKAGES", ("no-such-package-of-ours",))
    code, found = findings()
    assert code == 1
    assert found["no-such-package-of-ours"]["hint"] == "pip install no-such-package-of-ours"


@pytest.mark.parametrize("content", [{}, {"ServerApp": {"jpserver_extensions": {"clx_jupyter": False}}}])
def test_a_server_extension_that_is_switched_off(healthy: Path, findings: Findings, content: object) -> None:
    write(healthy / "etc/jupyter_server_config.d/clx_jupyter.json", content)
    code, found = findings()
    assert code == 1
    assert "enable clx_jupyter" in the(found, "server extension")["hint"]


@pytest.mark.parametrize("lost", ["etc/jupyter_server_config.d/clx_jupyter.json"])
def test_a_server_extension_that_is_not_there(healthy: Path, findings: Findings, lost: str) -> None:
    (healthy / lost).unlink()
    code, found = findings()
    assert (code, the(found, "server extension")["state"]) == (1, "missing")


@pytest.mark.parametrize("lost", ["package.json", "static/remoteEntry.js"])
def test_a_sidebar_that_is_broken(healthy: Path, findings: Findings, lost: str) -> None:
    (healthy / "share/labextensions/clx-jupyter" / lost).unlink()
    code, found = findings()
    assert (code, the(found, "sidebar")["state"]) == (1, "missing")


def test_a_sidebar_with_damaged_metadata(healthy: Path, findings: Findings) -> None:
    (healthy / "share/labextensions/clx-jupyter/package.json").write_text("{", encoding="utf-8")
    assert the(findings()[1], "sidebar")["state"] == "missing"


def test_tools_that_are_there_are_named_with_their_place(healthy: Path, findings: Findings) -> None:
    program(healthy / "bin/drawio", "#!/bin/sh\n")
    assert the(findings()[1], f"draw.io ({healthy / 'bin/drawio'})")["state"] == "ok"


def test_another_program_called_clx_is_told(healthy: Path, findings: Findings) -> None:
    program(healthy / "bin/clx", "#!/usr/bin/python\nfrom clx.cli import main\n")
    code, found = findings()
    assert code == 0
    assert "`jupyter clx`" in the(found, "another program answers to clx")["hint"]


def test_our_own_clx_is_not_another_program(healthy: Path, findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(healthy / "bin/python"))
    program(healthy / "bin/clx", f"#!{sys.executable}\nfrom clx_jupyter.cli import main\n")
    assert not any(what.startswith("another") for what in findings()[1])


def test_a_state_folder_that_cannot_be_written(plain_user: PlainUser) -> None:
    state = plain_user.home / "state"
    state.mkdir()
    plain_user.own(state, read_only=True)
    done = plain_user.run("-m", "clx_jupyter.cli", "doctor", "--json", CLX_STATE_DIR=str(state / "below"))
    found = {row["what"]: row for row in json.loads(done.stdout)}
    assert (done.returncode, the(found, "state folder")["state"]) == (1, "missing")
    assert not any(state.iterdir())


def test_a_state_folder_below_a_file_cannot_be_written(healthy: Path, findings: Findings) -> None:
    (healthy / "state").write_text("", encoding="utf-8")
    code, found = findings()
    assert (code, the(found, "state folder")["state"]) == (1, "missing")
