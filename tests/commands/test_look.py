"""What status, jobs and workers show, and that looking leaves no trace."""

from __future__ import annotations

import asyncio
import json
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.cli import main
from clx_jupyter.commands.look import living_holder
from clx_jupyter.database import Database
from clx_jupyter.job_reader import DATABASE
from clx_jupyter.state import Lock, create_state_folder, read_holder

Clx = Callable[..., tuple[int, str]]


@pytest.fixture
def clx(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Clx:
    """Run a command; gives its exit code and all it printed."""
    monkeypatch.delenv("CLX_STATE_DIR", raising=False)

    def run(*arguments: str | Path) -> tuple[int, str]:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A course of one notebook that runs and one that fails."""
    (tmp_path / "good.py").write_text("# %%\nprint(6 * 7)\n", encoding="utf-8")
    (tmp_path / "bad.py").write_text("# %%\n1 / 0\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / ".clx"
    create_state_folder(folder, tmp_path)
    return folder


def listed(said: str) -> list[dict[str, Any]]:
    rows = json.loads(said)
    assert isinstance(rows, list)
    return rows


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("command", ["status", "jobs", "workers"])
def test_looking_where_nothing_was_built_says_so_and_makes_nothing(clx: Clx, folder: Path, command: str) -> None:
    code, said = clx(command, folder)
    assert (code, len(said.splitlines())) == (0, 1)
    assert "here yet" in said
    assert clx(command, folder, "--json") == (0, "[]\n")
    assert sorted(path.name for path in folder.iterdir()) == ["bad.py", "good.py"]


def test_looking_does_not_import_the_engine() -> None:
    program = "import sys; import clx_jupyter.commands.look; print([m for m in sys.modules if m in ('clx_jupyter.builds', 'clx_jupyter.supervisor')])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_nobody_holds_a_folder_without_a_holder_file(state: Path) -> None:
    assert living_holder(state) is None
    assert not (state / "lock").exists()


def test_a_living_holder_is_told_and_a_released_lock_is_nobody(state: Path) -> None:
    lock = Lock(state)
    assert lock.acquire()
    assert living_holder(state) == read_holder(state) is not None
    lock.release()
    assert living_holder(state) is None


def test_the_file_of_a_process_that_died_counts_as_nobody(state: Path) -> None:
    program = "import os, sys; from pathlib import Path; from clx_jupyter.state import Lock; Lock(Path(sys.argv[1])).acquire(); os._exit(1)"
    subprocess.run([sys.executable, "-c", program, str(state)], check=False)
    assert read_holder(state) is not None
    assert living_holder(state) is None


def test_a_holder_on_another_host_is_believed(state: Path) -> None:
    holder = {"host": "elsewhere", "boot": "", "pid": 1, "started": 0.0, "epoch": 1}
    (state / "holder").write_text(json.dumps(holder), encoding="utf-8")
    found = living_holder(state)
    assert found is not None and found.host == "elsewhere"


def test_an_unknown_job_state_is_told_with_those_there_are(clx: Clx, folder: Path) -> None:
    code, said = clx("jobs", folder, "--state", "lazy")
    assert code == 2
    assert "'lazy'" in said and "queued, running" in said


def test_an_unknown_build_is_told(clx: Clx, folder: Path) -> None:
    code, said = clx("jobs", folder, "--build", "nope")
    assert code == 2 and "there is no build 'nope'" in said


def test_an_unknown_job_is_told(clx: Clx, folder: Path) -> None:
    code, said = clx("jobs", folder, "--spec", "12")
    assert code == 2 and "there is no job 12" in said


@pytest.mark.story
def test_a_job_can_be_done_by_hand(clx: Clx, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert clx("build", folder, "--jobs", "1")[0] == 1
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    [job] = listed(clx("jobs", folder, "--state", "done", "--json")[1])
    _, said = clx("jobs", folder, "--spec", str(job["id"]))
    spec, hint = said.rsplit("do it: ", 1)
    (tmp_path / "job.json").write_text(spec, encoding="utf-8")
    command = shlex.split(hint.partition(";")[0].replace("FILE", shlex.quote(str(tmp_path / "job.json"))))
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    frames = [json.loads(line) for line in done.stdout.splitlines()]
    assert frames[-1]["t"] == "done" and frames[-1]["status"] == "ok"
    pages = [Path(json.loads(spec)["stage"], frame["sha256"]).read_text(encoding="utf-8") for frame in frames if frame["t"] == "output"]
    assert any("42" in page for page in pages)


@pytest.mark.story
def test_after_a_build_everything_is_shown(clx: Clx, folder: Path) -> None:
    assert clx("build", folder, "--jobs", "1")[0] == 1

    code, said = clx("status", folder)
    assert code == 0
    assert said.startswith("nobody builds here now\n")
    assert "2 of 2" in said and "1 error: ZeroDivisionError" in said
    (build,) = listed(clx("status", folder, "--json")[1])
    assert (build["state"], build["total"], build["failed"], build["holder"]) == ("failed", 2, 1, None)
    assert [problem["path"] for problem in build["problems"]] == ["bad.py"]

    assert {job["path"]: job["state"] for job in listed(clx("jobs", folder, "--json")[1])} == {"bad.py": "failed", "good.py": "done"}
    (failed,) = listed(clx("jobs", folder, "--state", "failed", "--build", build["id"], "--json")[1])
    assert failed["path"] == "bad.py" and failed["problems"][0]["class"] == "cell-error"
    header, *rows = clx("jobs", folder)[1].splitlines()
    assert header.split() == ["job", "state", "source", "attempt", "cells", "took", "reason", "problem"]
    assert len(rows) == 2
    assert clx("jobs", folder, "--state", "queued")[1] == f"build {build['id']} has no jobs that are queued\n"

    assert {worker["state"] for worker in listed(clx("workers", folder, "--json")[1])} == {"gone"}
    assert clx("workers", folder)[1].split()[:3] == ["id", "state", "type"]


@pytest.mark.story
def test_a_build_whose_process_died_is_left_open_and_its_workers_are_gone(clx: Clx, folder: Path) -> None:
    (folder / "bad.py").write_text("# %%\nimport time\ntime.sleep(60)\n", encoding="utf-8")
    command = [sys.executable, "-m", "clx_jupyter.cli", "build", str(folder), "--jobs", "1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: " running " in clx("jobs", folder)[1])
            assert f"building now: process {process.pid}" in clx("status", folder)[1]
            assert listed(clx("status", folder, "--json")[1])[0]["holder"] == process.pid
            assert "gone" not in clx("workers", folder)[1]
        finally:
            process.kill()
    said = clx("status", folder)[1]
    assert said.startswith("nobody builds here now\n") and "left open" in said
    assert {worker["state"] for worker in listed(clx("workers", folder, "--json")[1])} == {"gone"}


def test_a_course_whose_builds_were_all_let_go_is_not_called_unbuilt(clx: Clx, folder: Path, state: Path) -> None:
    async def empty() -> None:
        await (await Database.open(state / DATABASE)).close()

    assert clx("status", folder) == (0, "nothing was built here yet\n")
    asyncio.run(empty())
    for command in ("status", "jobs"):
        assert clx(command, folder) == (0, "no record of a build is kept any more\n")
