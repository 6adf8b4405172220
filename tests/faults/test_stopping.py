"""A build that is told to stop does so soon, whatever its code does, and leaves nothing but a queue."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from clx_jupyter.job_reader import DATABASE, Reader
from clx_jupyter.state import state_folder
from tests.faults import leftovers
from tests.faults.conftest import Place
from tests.faults.waiting import Waiting, reached
from tests.stories.conftest import notebook, write

STOPS = 5.0
"""Seconds in which everything ends; a busy machine gets ten times as long."""

HANGS = {
    "asleep": "open({flag!r}, 'w')\nimport os, time\nos.system('setsid sleep 1000 > /dev/null 2>&1 &')\ntime.sleep(1000)",
    "stopped": "open({flag!r}, 'w')\nimport os, time\nos.kill(os.getppid(), 19)\ntime.sleep(1000)",
}


# After the first interrupt workers have hours to end by themselves, those too that say nothing.
PATIENT = """
import sys
from clx_jupyter import deadlines, pools, supervisor
deadlines.SILENCE = pools.GRACE = supervisor.GRACE = supervisor.STOP_GRACE = 10_000.0
from clx_jupyter.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(params=[("-m", "clx_jupyter.cli")], ids=["usual"])
def running(tmp_path: Path, place: Place, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """A build of two notebooks that hang: one worker that answers, and one that does not."""
    write(
        tmp_path / "course", {f"{name}.ipynb": notebook(("code", code.format(flag=str(tmp_path / name)))) for name, code in HANGS.items()}
    )
    command = [sys.executable, *request.param, "build", str(tmp_path / "course"), "--json", "--jobs", "2"]
    with subprocess.Popen(command, env=place.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as build:
        end = time.monotonic() + 200
        while not all((tmp_path / name).exists() for name in HANGS):
            assert build.poll() is None and time.monotonic() < end
            time.sleep(0.05)
        yield build
        build.kill()


def states(root: Path) -> set[str]:
    return {row["state"] for row in Reader(state_folder(root)).rows("SELECT state FROM jobs", ())}


@pytest.mark.fault(16)
def test_a_build_that_is_told_to_end_puts_its_jobs_back(tmp_path: Path, running: subprocess.Popen[str], place: Place) -> None:
    begin = time.monotonic()
    running.send_signal(signal.SIGTERM)
    out, err = running.communicate(timeout=100)
    assert time.monotonic() - begin < 10 * STOPS
    assert (running.returncode, json.loads(out)["status"]) == (130, "cancelled"), err
    leftovers.until_none(place.mark)
    assert states(tmp_path / "course") == {"queued"}
    assert {row["state"] for row in Reader(state_folder(tmp_path / "course")).builds()} == {"running"}


@pytest.mark.fault(17)
@pytest.mark.parametrize("running", [("-c", PATIENT)], indirect=True, ids=["patient"])
def test_the_second_interrupt_ends_a_build_at_once(tmp_path: Path, running: subprocess.Popen[str], place: Place) -> None:
    running.send_signal(signal.SIGINT)
    assert running.stderr is not None
    while "cancelling" not in running.stderr.readline():
        assert running.poll() is None
    begin = time.monotonic()
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=100)
    assert time.monotonic() - begin < 10 * STOPS
    assert running.returncode == 130
    leftovers.until_none(place.mark)
    assert Reader(state_folder(tmp_path / "course")).rows("PRAGMA integrity_check", ()) == [{"integrity_check": "ok"}]


@pytest.mark.fault(16)
@pytest.mark.fault(41)
def test_a_stop_does_not_wait_for_somebody_who_reads_a_database_without_a_log(tmp_path: Path, place: Place) -> None:
    waiting = Waiting(tmp_path / "course")
    (tmp_path / "jupyter_clx_jupyter_config.json").write_text('{"BuildSettings": {"journal_mode": "delete"}}')
    command = [sys.executable, "-m", "clx_jupyter.cli", "build", str(waiting.root)]
    environment = {**place.environment(), "JUPYTER_CONFIG_DIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as build:
        try:
            reached(lambda: waiting.attempts_at_the_cell() == 1)
            with closing(sqlite3.connect(waiting.folder / DATABASE, isolation_level=None)) as other:
                assert other.execute("PRAGMA journal_mode").fetchone() == ("delete",)
                other.execute("BEGIN")
                other.execute("SELECT * FROM jobs").fetchall()
                begin = time.monotonic()
                build.send_signal(signal.SIGTERM)
                said = build.communicate(timeout=100)[1]
                took = time.monotonic() - begin
        finally:
            build.kill()
    assert build.returncode == 130 and "Traceback" not in said, said
    assert took < 4 * STOPS, "a reader was waited for"
