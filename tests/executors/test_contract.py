"""What every executor promises, whatever runs its workers."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable

import pytest

from clx_jupyter.executors.base import Owner
from clx_jupyter_workers import VERSION
from tests.executors.conftest import Place, executor, gone
from tests.suspending import suspend
from tests.workers.conftest import Course, notebook

pytestmark = pytest.mark.kernel

SLEEPS = "import time\ntime.sleep(1000)"
CHILD = "import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True).wait()"


async def test_a_worker_is_ready_and_ends_in_peace_with_its_input(place: Place) -> None:
    talk = await place.start()
    ready = await talk.until(t="ready")
    assert (ready["type"], ready["version"]) == ("notebook", VERSION)
    processes = await talk.processes()
    assert await talk.close() == 0
    assert gone(processes) and place.left() == set()


async def test_outputs_are_byte_for_byte_those_of_a_local_worker(place: Place, open_place: Callable[[str], Place], course: Course) -> None:
    course.write("data/x.csv", "1,2\n")
    course.write("b.ipynb", notebook(("markdown", "# Title\n![](data/x.csv)"), "print(open('data/x.csv').read())", "'é' * 3"))
    job = course.job("b.ipynb", ["completed/html", "completed/code", "code-along/notebook", "speaker/html"])
    made = {}
    for number, each in enumerate((place, open_place("local"))):
        talk = await each.ready()
        stage = course.work / f"stage-{number}"
        assert (await talk.do({**job, "stage": str(stage)}))["status"] == "ok", talk.problems
        outputs = [header for header in talk.seen if header["t"] == "output"]
        made[number] = {header["variant"]: (stage / header["sha256"]).read_bytes() for header in outputs}
    assert len(made[0]) == 4 and b"1,2" in made[0]["0"]
    python = re.compile(rb'"version": "[\d.]+"')  # of the kernel's Python, in notebooks
    assert {name: python.sub(b"", data) for name, data in made[0].items()} == {
        name: python.sub(b"", data) for name, data in made[1].items()
    }


async def test_one_worker_does_many_jobs_and_tells_how_far_it_is(place: Place, course: Course) -> None:
    talk = await place.ready()
    for number in range(3):
        course.write(f"{number}.ipynb", notebook(f"print({number})", "2"))
        done = await talk.do({**course.job(f"{number}.ipynb", ["completed/html"]), "job": number, "attempt": 2})
        assert (done["status"], done["job"], done["attempt"], done["executions"]) == ("ok", number, 2, 1)
    runs = [(header["job"], header["cell"]) for header in talk.seen if header["t"] == "progress" and header["phase"] == "run"]
    assert runs == sorted(runs) and {(2, 1), (2, 2)} <= set(runs)


async def test_a_cancelled_job_ends_and_the_worker_takes_the_next_one(place: Place, course: Course) -> None:
    course.write("a.ipynb", notebook(SLEEPS))
    course.write("b.ipynb", notebook("1"))
    talk = await place.ready()
    await talk.begin(course.job("a.ipynb", ["completed/html"]))
    await talk.until(t="progress", phase="run")
    talk.worker.send({"t": "cancel", "job": 7, "attempt": 1})
    assert (await talk.until(t="done"))["status"] == "cancelled"
    assert (await talk.do(course.job("b.ipynb", ["completed/html"])))["status"] == "ok"


async def test_an_interrupted_cell_fails_at_its_limit_and_the_rest_is_made(place: Place, course: Course) -> None:
    course.write("a.ipynb", notebook(SLEEPS))
    talk = await place.ready()
    await talk.begin(course.job("a.ipynb", ["completed/html", "code-along/notebook"]))
    await talk.until(t="progress", phase="run")
    talk.worker.send({"t": "interrupt", "job": 7, "attempt": 1, "limit": "cell", "seconds": 1})
    assert (await talk.until(t="done"))["status"] == "ok"
    assert [problem["class"] for problem in talk.problems] == ["timeout"]
    assert [header["variant"] for header in talk.seen if header["t"] == "output"] == ["1"]


async def test_a_worker_killed_in_mid_job_is_seen_at_once_and_nothing_is_left(place: Place, course: Course) -> None:
    course.write("a.ipynb", notebook(CHILD))
    talk = await place.ready()
    await talk.begin(course.job("a.ipynb", ["completed/html"]))
    await talk.until(t="progress", phase="run")
    processes = await talk.processes()
    began = time.monotonic()
    talk.worker.kill()
    await talk.end()
    assert time.monotonic() - began < 0.5
    assert await talk.close() == -9
    assert gone(processes) and place.left() == set()


async def test_code_that_kills_its_worker_shows_as_the_end_of_the_stream_with_the_signal(place: Place, course: Course) -> None:
    course.write("a.ipynb", notebook("import os, signal\nos.kill(os.getppid(), signal.SIGSEGV)"))
    talk = await place.ready()
    processes = await talk.processes()
    await talk.begin(course.job("a.ipynb", ["completed/html"]))
    await talk.end()
    assert not any(header["t"] == "done" for header in talk.seen)
    assert await talk.close() == -11
    assert gone(processes) and place.left() == set()


async def test_a_stopped_worker_is_killed_when_its_time_is_over(place: Place) -> None:
    talk = await place.ready()
    processes = await talk.processes()
    suspend(next(process.pid for process in processes if process.cmdline()[1:] == ["-P", "-m", "clx_jupyter_workers.notebook"]))
    assert await talk.close(0.2) == -9
    assert gone(processes) and place.left() == set()


async def test_what_code_prints_spoils_no_frame_and_what_the_worker_says_is_logged(place: Place, course: Course) -> None:
    course.write("a.ipynb", notebook("import os\nos.write(1, b'raw'); os.system('echo out; echo heard >&2'); print('x')"))
    talk = await place.ready()
    assert (await talk.do(course.job("a.ipynb", ["completed/html"])))["status"] == "ok"
    talk.worker.send({"no": "type"})
    await talk.end()
    await talk.close()
    assert "is no object with a type" in talk.worker.last_words()
    assert talk.worker.last_words() in talk.log.read_text()


async def test_large_frames_come_through_both_ways(place: Place, course: Course) -> None:
    course.write("a.ipynb", notebook("print('x' * 20_000_000)"))
    talk = await place.ready()
    long = "é" * 3_000_000
    talk.worker.send({"t": "ping", "n": long})
    assert (await talk.until(t="pong"))["n"] == long
    assert (await talk.do(course.job("a.ipynb", ["completed/html"], style={"inline": False})))["status"] == "ok"


async def test_a_worker_that_cannot_start_says_why(place: Place) -> None:
    try:
        talk = await place.start("nothing")
    except OSError as error:
        assert "clx-nothing" in str(error)
    else:
        assert await talk.next() is None
        assert "clx_jupyter_workers.nothing" in talk.worker.last_words()
        assert await talk.close() not in (0, None)


async def test_a_worker_tells_what_it_takes(place: Place, course: Course) -> None:
    course.write("a.ipynb", notebook("import time\nx = b'1' * 300_000_000\nwhile True: pass"))
    talk = await place.ready()
    idle = await talk.worker.usage()
    assert idle is not None and 10_000_000 < idle.memory < 300_000_000
    await talk.begin(course.job("a.ipynb", ["completed/html"]))
    await talk.until(t="progress", phase="run")
    async with asyncio.timeout(60):  # nothing tells that memory is taken
        while (busy := await talk.worker.usage()) is not None and busy.memory < 350_000_000:
            await asyncio.sleep(0.05)
    assert busy is not None and busy.cpu > idle.cpu
    talk.worker.kill()
    await talk.close()
    assert await talk.worker.usage() is None


async def test_what_a_dead_holder_left_is_swept_and_other_roots_are_not(place: Place) -> None:
    talk = await place.ready()
    processes = await talk.processes()
    for owner, ends in ((Owner("another root", 2), False), (Owner(place.executor.owner.root, 2), True)):
        later, _ = executor("local" if place.image is None else "containers")
        later.owner = owner
        await later.sweep()
        assert ends or all(process.is_running() for process in processes)
    assert await talk.next() is None
    assert gone(processes) and place.left() == set()
