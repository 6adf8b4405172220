"""The doctor says where workers run and how the job database of a course is kept, and why."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.cli import main
from clx_jupyter.state import FOLDER

Doctor = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., list[dict[str, Any]]]:
    """What the doctor says of the course in a folder under some settings."""
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    (tmp_path / "config").mkdir()
    (tmp_path / "course").mkdir()

    def run(**settings: Any) -> list[dict[str, Any]]:
        (tmp_path / "config/jupyter_clx_jupyter_config.json").write_text(json.dumps({"BuildSettings": settings}), encoding="utf-8")
        main(["doctor", str(tmp_path / "course"), "--json"])
        found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
        return found

    return run


def the(found: list[dict[str, Any]], beginning: str) -> dict[str, Any]:
    (row,) = [row for row in found if row["what"].startswith(beginning)]
    return row


@pytest.fixture
def podman() -> str:
    program = shutil.which("podman")
    if program is None or subprocess.run([program, "info"], capture_output=True, check=False).returncode != 0:
        why = "podman does not run here (make system)"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    return program


@pytest.fixture
def image(podman: str, tmp_path: Path) -> Iterator[str]:
    """An image with nothing in it."""
    archive, name = tmp_path / "empty.tar", f"localhost/clx-{tmp_path.name.replace('_', '-').lower()}"
    archive.write_bytes(bytes(10240))
    subprocess.run([podman, "import", archive, name], check=True, capture_output=True)
    yield name
    subprocess.run([podman, "rmi", name], check=True, capture_output=True)


def test_workers_run_in_processes_unless_a_setting_says_otherwise(doctor: Doctor) -> None:
    assert the(doctor(), "jobs of type notebook run in processes of this machine")["state"] == "ok"


def test_an_engine_that_is_missing_is_told_with_what_to_do(doctor: Callable[..., list[dict[str, Any]]]) -> None:
    found = doctor(executors={"notebook": "containers"}, container_command="no-such-engine --option")
    assert the(found, "jobs of type notebook run in containers")["state"] == "ok"
    row = the(found, "the container engine no-such-engine is not installed here")
    assert (row["state"], row["hint"]) == ("missing", "correct container_command, or install it")


def test_an_image_that_is_missing_is_told_with_how_to_build_it(doctor: Callable[..., list[dict[str, Any]]], podman: str) -> None:
    images = {"notebook": "clx-no-such-image"}
    found = doctor(executors={"notebook": "containers"}, container_command=podman, container_images=images)
    version = subprocess.run([podman, "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]
    assert the(found, "container engine")["what"] == f"container engine podman {version} ({podman})"
    missing = the(found, "there is no image clx-no-such-image here")
    assert missing["state"] == "missing" and "podman build --file workers/containers/Dockerfile" in missing["hint"]


def test_an_image_that_is_there_is_named(doctor: Callable[..., list[dict[str, Any]]], podman: str, image: str) -> None:
    found = doctor(executors={"notebook": "containers"}, container_command=podman, container_images={"notebook": image})
    assert the(found, f"image {image} (")["state"] == "ok"


def test_a_course_without_a_database_says_how_it_will_be_kept(doctor: Doctor, tmp_path: Path) -> None:
    row = the(doctor(), f"job database of {tmp_path / 'course'}: none yet")
    assert row["state"] == "ok" and "with a write-ahead log (the folder lies on a local disk" in row["what"]
    assert not (tmp_path / "course" / FOLDER).exists()


def test_the_journal_of_a_database_is_named_with_its_reason(doctor: Callable[..., list[dict[str, Any]]], tmp_path: Path) -> None:
    (tmp_path / "course" / FOLDER).mkdir()
    with sqlite3.connect(tmp_path / "course" / FOLDER / "jobs.db") as db:
        db.execute("PRAGMA journal_mode = delete")
        db.execute("CREATE TABLE some (thing)")
    db.close()
    beginning = f"job database of {tmp_path / 'course'}: rollback journal"
    row = the(doctor(journal_mode="delete"), beginning)
    assert (row["state"], row["what"]) == ("ok", f"{beginning} (as the setting journal_mode says)")
    row = the(doctor(), beginning)
    assert row["state"] == "note" and "write-ahead log (the folder lies on a local disk" in row["hint"]


def test_settings_that_are_wrong_are_told(doctor: Callable[..., list[dict[str, Any]]]) -> None:
    row = the(doctor(wrokers=3), "settings: ")
    assert row["state"] == "missing" and "wrokers" in row["what"] and row["hint"]


def test_people_get_the_same_in_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor", str(tmp_path)])
    assert "\nok      jobs of type notebook run in processes of this machine\n" in capsys.readouterr().out
