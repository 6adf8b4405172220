"""Workers in containers: what they may, what the engine says when it cannot, and courses built by them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from clx_jupyter.builds import Builds
from clx_jupyter.executors.base import Owner
from clx_jupyter.executors.containers import ContainerExecutor
from clx_jupyter.executors.engine import Engine, EngineError, complaint, signalled
from clx_jupyter.live import Live
from clx_jupyter.requests import Request
from clx_jupyter.settings import BuildSettings
from clx_jupyter_workers import VERSION
from tests.executors.conftest import Place
from tests.executors.images import BASE, ENGINE, PROGRAM, RECIPES, Image, as_here, notebook_image
from tests.stories.conftest import write
from tests.workers.conftest import Course, notebook

pytestmark = pytest.mark.kernel

LOOK = """
import json, os, pathlib, socket
status = dict(line.split(':', 1) for line in pathlib.Path('/proc/self/status').read_text().splitlines())
def may_write(place):
    try:
        pathlib.Path(place, 'x').write_text('x')
        return True
    except OSError:
        return False
print(json.dumps({
    'user': os.getuid(), 'capabilities': int(status['CapEff'], 16) | int(status['CapBnd'], 16), 'no_new': status['NoNewPrivs'].strip(),
    'writable': [place for place in ('/', '/opt/clx/workers', '/etc', '/usr/lib') if may_write(place)],
    'network': [name for _, name in socket.if_nameindex() if name != 'lo'],
    'mounts': [line.split()[1] for line in open('/proc/mounts') if line.split()[2] in ('ext4', 'xfs', 'btrfs', 'overlay')],
    'names': sorted(os.environ), 'secret': os.environ.get('SECRET'),
}))
"""


@pytest.fixture
def place(open_place: Callable[[str], Place]) -> Place:
    return open_place("containers")


@pytest.fixture(scope="module")
def image() -> Image:
    return notebook_image()


async def test_code_in_a_container_has_no_network_no_rights_and_no_files_of_this_machine(
    place: Place, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://name:word@proxy.invalid")
    monkeypatch.setenv("OF_THE_SERVER", "1")
    course.write("a.ipynb", notebook(LOOK))
    talk = await place.ready()
    job = course.job("a.ipynb", ["completed/notebook"], execute={"environment": {"SECRET": "much secret"}})
    await talk.begin(job)
    lines = [line for process in await talk.processes() for line in process.cmdline()]
    assert (await talk.until(t="done"))["status"] == "ok"
    (output,) = [header for header in talk.seen if header["t"] == "output"]
    found = json.loads(json.loads(course.page(output))["cells"][0]["outputs"][0]["text"][0])
    assert (found["user"], found["capabilities"], found["no_new"]) == (10001, 0, "1")
    assert found["writable"] == found["network"] == []
    assert set(found["mounts"]) <= {"/", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/passwd", "/etc/group", "/run/podman-init",
                                    "/usr/sbin/docker-init", "/sbin/docker-init", "/run/.containerenv"}  # fmt: skip
    assert not {name for name in found["names"] if "proxy" in name.lower()} | {"OF_THE_SERVER"} & set(found["names"])
    # It was there: no output may show it.
    assert found["secret"] == "***" and not any("much secret" in line for line in lines)


async def test_memory_over_the_limit_ends_the_code_and_not_the_machine(
    place: Place, course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "whoever builds"
    here.mkdir()
    monkeypatch.chdir(here)
    course.write("a.ipynb", notebook("x = b'1' * 3_000_000_000"))
    talk = await place.ready()
    assert (await talk.do(course.job("a.ipynb", ["completed/html", "code-along/notebook"])))["status"] == "ok"
    assert {problem["class"] for problem in talk.problems} <= {"kernel-died", "out-of-memory"}
    assert [header["variant"] for header in talk.seen if header["t"] == "output"] == ["1"]
    assert await talk.close() == 0
    assert not list(here.iterdir())


@pytest.mark.fault(42)
async def test_a_container_whose_client_was_killed_is_removed_and_its_job_gets_no_result(place: Place, course: Course) -> None:
    course.write("a.ipynb", notebook("import time\ntime.sleep(1000)"))
    talk = await place.ready()
    await talk.begin(course.job("a.ipynb", ["completed/html"]))
    await talk.until(t="progress", phase="run")
    assert talk.worker.pid is not None
    psutil.Process(talk.worker.pid).kill()
    await talk.end()
    assert await talk.close() == -9
    assert place.left() == set() and not any(header["t"] == "done" for header in talk.seen)


SERVER = """
import asyncio, sys, psutil
from pathlib import Path
from clx_jupyter.executors.base import Owner
from clx_jupyter.executors.containers import ContainerExecutor
from tests.suspending import suspend

async def main(command, image, log, *arguments):
    executor = ContainerExecutor(command, {"notebook": image}, arguments, memory=512)
    executor.owner = Owner("feedfacefeedface", 1)
    worker = await executor.start("notebook", Path(log))
    await worker.receive()
    _, pid = await worker._engine.identity(worker.host)
    suspend(pid, *(process.pid for process in psutil.Process(pid).children(recursive=True)))
    print(worker.host, flush=True)
    await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.fault(15)
def test_the_container_of_a_killed_server_is_removed_though_its_worker_does_not_react(image: Image, tmp_path: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, image.command, image.name, str(tmp_path / "log"), *image.arguments],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    with server.stdout as lines:
        name = lines.readline().strip()
        assert name in image.containers()
        server.kill()
        server.wait()
        end = time.monotonic() + 50
        while name in image.containers():  # nothing tells of its end
            assert time.monotonic() < end
            time.sleep(0.1)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("no-such-engine --option", "no-such-engine is not installed here"),
        (f"{PROGRAM} {'--host' if PROGRAM == 'docker' else '--url'} unix:///nowhere/engine.sock", "does not run"),
        (ENGINE, "there is no image localhost/no-such-image here: build it"),
    ],
)
async def test_what_is_missing_is_said_before_anything_starts(image: Image, tmp_path: Path, command: str, words: str) -> None:
    executor = ContainerExecutor(command, {"notebook": "localhost/no-such-image"})
    with pytest.raises(EngineError, match=words):
        await executor.start("notebook", tmp_path / "log")
    executor.owner = Owner("root", 1)
    await executor.sweep()


async def test_an_engine_that_refuses_a_limit_is_quoted_with_what_to_do(image: Image, tmp_path: Path) -> None:
    arguments = (*image.arguments, "--memory", "1k")
    worker = await ContainerExecutor(image.command, {"notebook": image.name}, arguments).start("notebook", tmp_path / "log")
    assert await worker.receive() is None
    assert await worker.close(1) in (125, 126)
    assert re.search("see container_arguments .* It says: .*(memory|limit)", worker.last_words().splitlines()[-1], re.IGNORECASE)


@pytest.mark.parametrize(
    ("said", "complaint_is"),
    [
        (
            "docker: Error response from daemon: no room\n\nRun 'docker run --help' for more information",
            "docker: Error response from daemon: no room",
        ),
        ("docker: no room.\nSee 'docker run --help'.", "docker: no room."),
        ("warning\nError: no room", "Error: no room"),
        ("", ""),
    ],
)
def test_what_is_quoted_of_an_engine_is_what_went_wrong(said: str, complaint_is: str) -> None:
    assert complaint(said.splitlines()) == complaint_is


async def test_a_removal_that_the_engine_has_begun_by_itself_is_waited_for(tmp_path: Path) -> None:
    """As docker's of a container that was run with ``--rm`` and has just ended."""
    engine = tmp_path / "engine"
    engine.write_text('#!/bin/sh\n[ $1 = rm ] && exit 1\necho >> "$0.asked"\n[ $(wc -l < "$0.asked") -lt 3 ]\n')
    engine.chmod(0o755)
    await Engine(shlex.quote(str(engine))).remove("one")
    assert len(Path(f"{engine}.asked").read_text()) == 3


def test_an_exit_status_above_128_is_a_signal() -> None:
    assert [signalled(status) for status in (0, 1, 125, 137, 139, 255, -9, None)] == [0, 1, 125, -9, -11, 255, -9, None]


# --- whole courses -----------------------------------------------------------

COURSE = {
    "10_first/data/x.csv": "1,2\n3,4\n",
    "10_first/a.py": "# %% [markdown]\n# # First\n\n# %%\nprint(open('data/x.csv').read())\n",
    "10_first/b.py": "# %% [markdown]\n# # Second\n\n# %%\nfor x in range(3):\n    print(x)\n",
    "20_second/c.py": "# %% [markdown]\n# # Third\n\n# %%\n1 + 1\n",
    "20_second/d.py": "# %% [markdown]\n# # Fourth\n\n# %%\nimport time; time.sleep(3)\nprint('late')\n",
}
LATE = "20_second/d.py"
_VERSION = re.compile(rb'"version": "3[\d.]+"')
"""Of the kernel's Python, which may be another one in the image."""


def settings(image: Image, **changes: Any) -> BuildSettings:
    given = {"executors": {"notebook": "containers"}, "container_command": image.command, "container_images": {"notebook": image.name},
             "container_arguments": list(image.arguments), "container_memory": 1024, "workers": 2}  # fmt: skip
    return BuildSettings(**(given | changes))


async def build(
    root: Path, settings: BuildSettings, watch: Callable[[Live], None] = lambda live: None
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The report, and the published files."""
    write(root, COURSE)
    builds = await Builds.open(root, settings=settings)
    assert builds is not None
    try:
        builds.watch(watch)
        report = await asyncio.wait_for(builds.wait(await builds.start(Request(str(root)))), 300)
    finally:
        await builds.close()
    files = {file.relative_to(root / "output").as_posix(): file for file in (root / "output").rglob("*") if file.is_file()}
    return report, {name: _VERSION.sub(b"", file.read_bytes()) for name, file in files.items() if file.name[0] != "."}


def _named(client: psutil.Process) -> list[str]:
    """The name of the container that this process, if it is an engine's client, has started."""
    try:
        words = client.cmdline()
    except psutil.Error:  # it has just ended
        return []
    return words[words.index("--name") + 1 :][:1] if "--name" in words else []


@pytest.mark.story
@pytest.mark.fault(42)
async def test_a_course_whose_containers_are_killed_becomes_what_local_workers_make_of_it(image: Image, tmp_path: Path) -> None:
    started, killed = set[str](), set[str]()

    def kill(live: Live) -> None:
        """One by the engine, as the machine's owner would, the other one's client by its number."""
        clients = {name: process for process in psutil.Process().children() for name in _named(process)}
        started.update(clients)
        if LATE in live.running and not killed:
            killed.update(clients)
            first, *others = sorted(clients)
            image.engine("kill", "--signal", "KILL", first)
            for name in others:
                clients[name].kill()

    report, made = await build(tmp_path / "contained" / "course", settings(image), kill)
    assert (report["status"], report["problems"]) == ("succeeded", []) and killed
    assert not started & image.containers()
    _, expected = await build(tmp_path / "local" / "course", BuildSettings())
    assert made == expected and any(b"late" in content for content in made.values())


@pytest.mark.story
@pytest.mark.fault(43)
async def test_an_image_of_another_version_is_refused_and_nothing_is_published(image: Image, tmp_path: Path) -> None:
    other = f"{image.name}-other"
    recipe = f"FROM {image.name}\nUSER 0\nRUN sed -i 's/^VERSION = .*/VERSION = 1/' /opt/clx/workers/clx_jupyter_workers/__init__.py\nUSER 10001\n"
    image.engine("build", *image.arguments, "--network=none", "--tag", other, "-", given=recipe)
    report, made = await build(tmp_path / "course", settings(image, container_images={"notebook": other}))
    assert report["status"] == "failed" and not any(name.endswith("d.html") for name in made)
    assert all("version" in problem["message"] for problem in report["problems"])


def test_the_compose_file_builds_an_image_that_workers_run_in(image: Image, tmp_path: Path) -> None:
    composer = shutil.which("podman-compose")
    if composer is None or PROGRAM != "podman":
        why = "the compose file is tested with podman-compose (make system)"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    assert composer
    workers, name = tmp_path / "workers", f"{image.name}-composed"
    shutil.copytree(RECIPES.parent, workers)
    file = workers / "containers" / "compose.yaml"
    file.write_text(file.read_text().replace("image: clx-notebook\n", f"image: {name}\n"))
    (tmp_path / "containers.conf").write_text('[engine]\nruntime = "runc"\n')
    environment = {**os.environ, "CONTAINERS_CONF": str(tmp_path / "containers.conf"), "BASE": BASE, "PACKAGES": " ".join(as_here())}
    options = f"--podman-build-args={' '.join((*image.arguments, '--network=host'))}"
    done = subprocess.run([composer, options, "build"], cwd=file.parent, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
    read = image.engine(
        "run",
        "--rm",
        "--network",
        "none",
        *image.arguments,
        name,
        "python",
        "-c",
        "import clx_jupyter_workers as workers; print(workers.VERSION)",
    )
    assert int(read) == VERSION
    image.engine("rmi", name)


def test_the_image_installs_what_the_project_asks_for() -> None:
    project = tomllib.loads((RECIPES.parents[1] / "pyproject.toml").read_text())["project"]["dependencies"]
    lines = (RECIPES / "notebook.txt").read_text().splitlines()
    assert {line for line in lines if not line.startswith("#")} <= set(project)
