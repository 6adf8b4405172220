"""Servers and commands that meet at one course, and servers that die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.server.conftest import TEXT, folder_id
from tests.server.running import MARK, TOKEN, Servers
from tests.stories.conftest import Watcher, command, notebook, write

pytestmark = pytest.mark.story


def texts(root: Path, number: int) -> Path:
    return write(root, {f"{each // 20}/{each}.md": TEXT + f"\n{each}\n" for each in range(number)})


def published(root: Path) -> dict[str, bytes]:
    """All pages and notebooks of a build, by their place."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted((root / "output").rglob("*"))
        if path.suffix in (".html", ".ipynb")
    }


def check_sound(root: Path, sources: int) -> None:
    """Each source is built once, no file is half, none is left over."""
    made = published(root)
    assert [path for path in made if path.endswith("index.html")] == ["output/students/completed/html/index.html"]
    assert len(made) == 2 * sources + 1  # the start page
    assert all(body.rstrip().endswith((b"</html>", b"}")) for body in made.values())
    assert not [
        path for path in (root / "output").rglob("*") if path.name.startswith(".") and path.name not in (".clx-manifest.json", ".gitignore")
    ]
    assert not list((root / ".clx/stage").iterdir())


def test_a_command_attaches_to_the_server_that_builds(servers: Servers) -> None:
    texts(servers.root, 30)
    server = servers.start()
    build = server.ask("builds", {"course": folder_id()})
    done = command("build", str(servers.root), "--json", cwd=servers.root)
    assert done.returncode == 0, done.stderr
    theirs = json.loads(done.stdout)
    assert server.ended(build)["state"] == "succeeded"
    listed = {each["id"]: each for each in server.ask("builds", course=folder_id())["builds"]}
    assert set(listed) == {build["id"], theirs["build"]}
    assert listed[theirs["build"]]["here"] is True  # the server built it for the command
    check_sound(servers.root, 30)
    holder = json.loads((servers.root / ".clx/holder").read_text())
    assert holder["pid"] == server.process.pid


def test_who_watches_beside_a_server_asks_it_for_every_change_and_builds_when_it_is_gone(servers: Servers) -> None:
    texts(servers.root, 3)
    server = servers.start()
    server.ended(server.ask("builds", {"course": folder_id()}))
    watcher = Watcher(str(servers.root))
    try:
        assert {output["state"] for output in watcher.report()["outputs"]} == {"fresh"}
        watcher.hears("watching")
        write(servers.root, {"0/1.md": TEXT + "\nedited\n"})
        report = watcher.report()
        assert {output["source"] for output in report["outputs"] if output["state"] == "built"} == {"0/1.md"}
        listed = {each["id"]: each for each in server.ask("builds", course=folder_id())["builds"]}
        assert len(listed) == 3 and listed[report["build"]]["here"] is True
        server.stop()
        write(servers.root, {"0/2.md": TEXT + "\nedited\n"})
        assert {output["source"] for output in watcher.report()["outputs"] if output["state"] == "built"} == {"0/2.md"}
        assert watcher.end() == 0
    finally:
        watcher.process.kill()
        watcher.process.wait(30)
    check_sound(servers.root, 3)


def test_a_server_hands_its_request_to_the_command_that_builds(servers: Servers) -> None:
    write(servers.root, {"slow.ipynb": notebook(("code", "import time; time.sleep(6)")), "other.md": TEXT})
    server = servers.start()
    environment = {**os.environ, MARK: str(servers.home)}
    terminal = subprocess.Popen([sys.executable, "-m", "clx_jupyter.cli", "build", str(servers.root)],
                                cwd=servers.root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        end = time.monotonic() + 30
        while not [each for each in server.ask("builds", course=folder_id())["builds"] if each["state"] == "running"]:
            assert time.monotonic() < end
            time.sleep(0.05)
        theirs = server.ask("builds", course=folder_id())["builds"][0]
        assert (theirs["here"], theirs["holder"]["pid"]) == (False, terminal.pid)
        build = server.ask("builds", {"course": folder_id(), "sources": ["other.md"]})
        assert (build["here"], build["holder"]["pid"]) == (False, terminal.pid)
        ended = server.ended(build)
        assert (ended["state"], [output["source"] for output in ended["outputs"]]) == ("succeeded", ["other.md", "other.md"])
        cancelled = server.ask(f"builds/{theirs['id']}", {"do": "cancel"}, course=folder_id())
        assert server.ended({**theirs, **cancelled})["state"] == "cancelled"
    finally:
        terminal.wait(60)
    # Nobody holds it now, so that the server does.
    again = server.ask("builds", {"course": folder_id(), "sources": ["other.md"], "force": True})
    assert (again["here"], server.ended(again)["state"]) == (True, "succeeded")


def test_a_server_that_is_killed_is_resumed_by_the_next(servers: Servers) -> None:
    texts(servers.root, 200)
    server = servers.start()
    build = server.ask("builds", {"course": folder_id()})
    server.until(build, lambda seen: seen["done"] >= 20)
    server.stop(signal.SIGKILL)
    assert server.family
    servers.check_nothing_left()
    done = len(published(servers.root))
    assert 0 < done < 400, "it was killed too late"

    server = servers.start()
    ended = server.ended(build)
    assert (ended["state"], ended["here"], ended["total"]) == ("succeeded", True, 200)
    check_sound(servers.root, 200)
    assert [each["id"] for each in server.ask("builds", course=folder_id())["builds"]] == [build["id"]]
    view = server.ask(f"courses/{folder_id()}")
    assert {source["state"] for section in view["sections"] for topic in section["topics"] for source in topic["sources"]} == {"fresh"}
    server.stop()
    servers.check_nothing_left()


def test_a_forced_build_that_is_resumed_counts_each_source_once(servers: Servers) -> None:
    texts(servers.root, 100)
    server = servers.start()
    server.ended(server.ask("builds", {"course": folder_id()}))
    build = server.ask("builds", {"course": folder_id(), "force": True})
    server.until(build, lambda seen: seen["done"] >= 10)
    server.stop(signal.SIGKILL)
    server = servers.start()
    ended = server.ended(build)
    assert (ended["state"], ended["total"], ended["done"]) == ("succeeded", 100, 100)
    check_sound(servers.root, 100)


@pytest.mark.fault(16)
def test_a_server_that_is_told_to_end_does_so_soon_and_leaves_its_build_to_the_next(servers: Servers) -> None:
    write(
        servers.root,
        {
            "slow.ipynb": notebook(("code", "import time, pathlib\nif not pathlib.Path('go').exists(): time.sleep(300)\n'ran'")),
            "other.md": TEXT,
        },
    )
    server = servers.start()
    build = server.ask("builds", {"course": folder_id()})
    server.until(build, lambda seen: any(job["cell"] for job in seen["jobs"]))
    assert server.stop() < 5
    assert len(server.family) >= 2  # a worker and a kernel, at least
    servers.check_nothing_left(5)
    assert not (servers.root / ".clx/holder").exists()

    done = command("status", str(servers.root), cwd=servers.root)
    assert "nobody builds here" in done.stdout + done.stderr
    write(servers.root, {"go": ""})
    server = servers.start()
    ended = server.ended(build)
    assert (ended["state"], ended["here"]) == ("succeeded", True)
    assert server.stop() < 5
    servers.check_nothing_left(5)


def test_a_server_that_shall_not_resume_leaves_a_build_open_until_somebody_builds(servers: Servers) -> None:
    texts(servers.root, 200)
    server = servers.start()
    build = server.ask("builds", {"course": folder_id()})
    server.until(build, lambda seen: seen["done"] >= 5)
    server.stop(signal.SIGKILL)
    server = servers.start("--ClxApp.resume=False")
    time.sleep(1.5)
    seen = server.build(build)
    assert (seen["state"], seen["here"], seen["holder"]) == ("running", False, None)
    assert [each["id"] for each in server.ask(f"courses/{folder_id()}")["open"]] == [build["id"]]
    cancelled = server.ask(f"builds/{build['id']}", {"do": "cancel"}, course=folder_id())
    assert server.ended({**build, **cancelled})["state"] == "cancelled"


def test_a_single_notebook_that_a_dead_server_left_is_resumed_too(servers: Servers) -> None:
    write(servers.root, {"x/slow.ipynb": notebook(("code", "import time, pathlib\nif not pathlib.Path('go').exists(): time.sleep(300)"))})
    server = servers.start()
    build = server.ask("convert", {"path": "x/slow.ipynb"})
    server.until(build, lambda seen: any(job["cell"] for job in seen["jobs"]))
    server.stop(signal.SIGKILL)
    servers.check_nothing_left()
    write(servers.root, {"x/go": ""})
    server = servers.start()
    assert server.ended(build)["state"] == "succeeded"


def test_two_servers_of_one_folder_build_together(servers: Servers) -> None:
    texts(servers.root, 60)
    one, other = servers.start(), servers.start()
    first = one.ask("builds", {"course": folder_id()})
    second = other.ask("builds", {"course": folder_id(), "formats": ["html"]})
    assert (second["here"], second["holder"]["pid"]) == (False, one.process.pid)
    assert {server.ended(build)["state"] for server, build in ((one, first), (other, second), (other, first))} == {"succeeded"}
    check_sound(servers.root, 60)
    one.stop()
    third = other.ask("builds", {"course": folder_id(), "force": True, "formats": ["html"]})
    assert (third["here"], other.ended(third)["state"]) == (True, "succeeded")


def test_a_state_folder_that_another_host_holds_is_refused_with_its_name(servers: Servers) -> None:
    texts(servers.root, 2)
    server = servers.start()
    server.ended(server.ask("builds", {"course": folder_id()}))
    server.stop()
    holder = {"host": "elsewhere", "boot": "", "pid": 7, "started": time.time(), "epoch": 9}
    (servers.root / ".clx/holder").write_text(json.dumps(holder))
    server = servers.start()
    with pytest.raises(urllib.error.HTTPError) as error:
        server.ask("builds", {"course": folder_id()})
    assert error.value.code == 409
    assert "elsewhere" in json.load(error.value)["message"]
    error.value.close()
    assert server.ask(f"courses/{folder_id()}")["built"] is True


def test_no_secret_of_the_server_reaches_kernels_the_state_or_the_log(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JUPYTERHUB_API_TOKEN", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, TOKEN)
    write(servers.root, {"env.ipynb": notebook(("code", "import os; print(sorted(os.environ.items()))", ["keep"]), ("code", "1 / 0"))})
    server = servers.start()
    assert server.ended(server.ask("builds", {"course": folder_id()}))["state"] == "failed"
    write(servers.root, {"env.ipynb": notebook(("code", "import os; print(sorted(os.environ.items()))", ["keep"]))})
    assert server.ended(server.ask("builds", {"course": folder_id()}))["state"] == "succeeded"
    server.stop()
    for folder in (servers.root, servers.home / "state"):
        for path in folder.rglob("*"):
            if path.is_file():
                assert TOKEN.encode() not in path.read_bytes(), path
    ours = [line for line in server.log.read_text().splitlines() if "token=" not in line]  # Jupyter prints the address to open
    assert not [line for line in ours if TOKEN in line]
    assert "Traceback" not in server.log.read_text()


def test_a_server_whose_folder_holds_no_course_starts_and_ends_quietly(servers: Servers) -> None:
    server = servers.start()
    assert server.ask("courses") == {"courses": [], "more": False}
    assert server.stop() < 5
    log = server.log.read_text()
    assert "Traceback" not in log
    assert "Warning" not in log
    assert sorted(path.name for path in servers.root.iterdir()) == []
    servers.check_nothing_left(2)
    assert not (servers.home / "state").exists()
