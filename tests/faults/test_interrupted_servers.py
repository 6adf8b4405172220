"""Ctrl-C, twice, to a Jupyter server that builds."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from collections.abc import Iterator

import pytest

from clx_jupyter.job_reader import Reader
from clx_jupyter.state import state_folder
from tests.faults import leftovers
from tests.faults.test_killed_servers import slow_course, wait_for
from tests.server.conftest import folder_id
from tests.server.running import Servers
from tests.server.running import servers as servers  # a fixture
from tests.stories.conftest import write

pytestmark = pytest.mark.server


@pytest.fixture(params=["in a terminal", "without one"])
def stdin(request: pytest.FixtureRequest) -> Iterator[int]:
    """What a server has for its standard input: in a terminal it asks at the first Ctrl-C whether that was meant."""
    if request.param == "without one":
        yield subprocess.DEVNULL
        return
    ours, theirs = pty.openpty()
    yield theirs
    for each in (ours, theirs):
        os.close(each)


@pytest.mark.fault(17)
def test_a_server_that_is_interrupted_twice_ends_with_all_it_started_and_the_next_one_finishes(
    servers: Servers, stdin: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = str(servers.home)
    monkeypatch.setenv(leftovers.MARK, mark)
    (said,) = slow_course(servers.root, 1)
    server = servers.start(stdin=stdin)
    build = server.ask("builds", {"course": folder_id()})
    wait_for(said.exists)
    server.process.send_signal(signal.SIGINT)
    if stdin != subprocess.DEVNULL:
        wait_for(lambda: "interrupted" in server.log.read_text())
    server.process.send_signal(signal.SIGINT)
    server.process.wait(50)
    leftovers.until_none(mark)
    assert Reader(state_folder(servers.root)).rows("PRAGMA integrity_check", ()) == [{"integrity_check": "ok"}]
    write(servers.root, {"go": ""})
    server = servers.start()
    ended = server.ended(build, 300)
    assert (ended["state"], ended["total"], ended["done"]) == ("succeeded", 1, 1)
