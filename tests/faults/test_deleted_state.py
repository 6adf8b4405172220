"""Somebody deletes the state folder of a course below a running server."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.faults.test_killed_servers import wait_for
from tests.server.conftest import TEXT, folder_id
from tests.server.running import Servers
from tests.server.running import servers as servers  # a fixture
from tests.stories.conftest import notebook, write

pytestmark = pytest.mark.server


_WAITS = """import pathlib, time
pathlib.Path({said!r}).touch()
while not pathlib.Path({go!r}).exists():
    time.sleep(0.02)
print('done')"""


def delete(folder: Path) -> None:
    """As a person does it: again, where something came into it meanwhile."""
    while folder.exists():
        subprocess.run(["rm", "-rf", str(folder)], check=False, capture_output=True)


def test_a_server_whose_state_is_deleted_says_so_and_builds_right_when_it_is_asked_again(servers: Servers) -> None:
    write(servers.root, {"a.md": TEXT})
    server = servers.start()
    assert server.ended(server.ask("builds", {"course": folder_id()}))["state"] == "succeeded"
    write(servers.root, {"output/students/mine.txt": "mine"})
    # While it idles.
    delete(servers.root / ".clx")
    assert server.ask(f"courses/{folder_id()}")["built"] is False
    said, go = servers.home / "said", servers.home / "go"
    write(servers.root, {"0.ipynb": notebook(("code", _WAITS.format(said=str(said), go=str(go))))})
    build = server.ask("builds", {"course": folder_id()})
    wait_for(said.exists)
    # In the middle of a build.
    delete(servers.root / ".clx")
    assert server.build(build)["state"] == "running"
    go.touch()
    ended = server.ended(build, 120)
    assert (ended["state"], [problem["message"] for problem in ended["problems"]]) == (
        "failed", ["the state of this course was deleted while it was built, so the build stops"],
    )  # fmt: skip
    pages = {path.name for path in servers.root.rglob("*.html")}
    assert pages >= {"a.html"}
    again = server.ended(server.ask("builds", {"course": folder_id()}), 120)
    assert (again["state"], again["done"], again["failed"]) == ("succeeded", 2, 0)
    assert {path.name for path in servers.root.rglob("*.html")} == pages | {"0.html"}
    assert (servers.root / "output/students/mine.txt").read_text() == "mine"
    assert "Traceback" not in server.log.read_text()
