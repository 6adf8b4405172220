"""The notebook worker as a real program that speaks frames."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.kernel

SWALLOWS = (
    "import time\nprint('in', flush=True)\nwhile True:\n    try:\n        time.sleep(0.05)\n    except KeyboardInterrupt:\n        pass"
)
SLEEPS = "import time\ntime.sleep(1000)"
GRANDCHILD = (
    "import subprocess, os\np = subprocess.Popen(['sleep', '1000'])\nopen({path!r}, 'w').write(f'{{os.getpid()}} {{p.pid}}')\np.wait()"
)

#: Its parent is gone at once, it leads a session of its own, and its environment is thrown away.
LEAVES = """
import os, subprocess, time
away = 'setsid sh -c "echo \\\\$\\\\$ > {path}~; mv {path}~ {path}; exec sleep 1000" > /dev/null 2>&1 &'
subprocess.run(['sh', '-c', away], env=dict(PATH=os.environ['PATH']))
while not os.path.exists({path!r}):
    time.sleep(0.01)
"""


def wait_for_file(path: Path) -> str:
    """The text of a file that a kernel writes: polled, as no event tells of it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists() and (text := path.read_text()):
            return text
        time.sleep(0.01)
    raise AssertionError(f"{path} never came")


def gone(pids: list[int], within: float) -> bool:
    processes = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    _, alive = psutil.wait_procs(processes, timeout=within)
    return not [process for process in alive if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def test_a_job_gives_its_outputs_and_the_program_ends_with_its_input(course: Any, notebook: Any, program: Any) -> None:
    course.write("a.ipynb", notebook("print(6 * 7)"))
    program.send(course.job("a.ipynb", ["completed/html", "code-along/notebook"]))
    done = program.until(t="done")
    assert (done["status"], done["executions"], done["job"], done["attempt"]) == ("ok", 1, 7, 1)
    outputs = {frame["variant"]: frame for frame in program.seen if frame["t"] == "output"}
    assert "<pre>42\n</pre>" in course.page(outputs["0"])
    program.close()
    assert program.process.returncode == 0


def test_what_anyone_prints_does_not_spoil_the_frames(course: Any, notebook: Any, program: Any) -> None:
    course.write("a.ipynb", notebook("import os\nos.write(1, b'raw'); os.system('echo from a child'); print('x')"))
    program.send(course.job("a.ipynb", ["completed/html"]))
    assert program.until(t="done")["status"] == "ok"


def test_a_ping_is_answered_while_a_job_runs(course: Any, notebook: Any, program: Any) -> None:
    course.write("a.ipynb", notebook(SLEEPS))
    program.send(course.job("a.ipynb", ["completed/html"]))
    program.until(t="progress", phase="run")
    program.send({"t": "ping", "n": 5})
    assert program.until(t="pong")["n"] == 5
    program.send({"t": "cancel", "job": 7, "attempt": 1})
    assert program.until(t="done")["status"] == "cancelled"


@pytest.mark.fault(27)
def test_after_a_cancel_the_worker_takes_the_next_job(course: Any, notebook: Any, program: Any) -> None:
    course.write("a.ipynb", notebook(SLEEPS))
    course.write("b.ipynb", notebook("1"))
    program.send(course.job("a.ipynb", ["completed/html"]))
    kernel = program.until(t="kernel", state="started")["pid"]
    program.send({"t": "cancel", "job": 7, "attempt": 1})
    assert program.until(t="done")["status"] == "cancelled"
    assert gone([kernel], 5)
    program.send(course.job("b.ipynb", ["completed/html"]))
    assert program.until(t="done")["status"] == "ok"


def test_a_cancel_for_another_attempt_is_ignored(course: Any, notebook: Any, program: Any) -> None:
    course.write("a.ipynb", notebook("1"))
    program.send(course.job("a.ipynb", ["completed/html"]))
    program.send({"t": "cancel", "job": 7, "attempt": 0})
    assert program.until(t="done")["status"] == "ok"


@pytest.mark.parametrize(
    ("code", "limit", "text"),
    [(SLEEPS, "cell", "The cell ran longer than 3 s."), (SWALLOWS, "notebook", "The notebook ran longer than 3 s.")],
)
def test_an_interrupt_fails_the_cell_even_if_it_swallows_the_interrupt(
    course: Any, notebook: Any, program: Any, code: str, limit: str, text: str
) -> None:
    course.write("a.ipynb", notebook("x = 1", ("markdown", "text"), code, "y"))
    program.send(course.job("a.ipynb", ["completed/html", "completed/code"]))
    program.until(t="progress", phase="run", cell=2)
    program.send({"t": "interrupt", "job": 7, "attempt": 1, "limit": limit, "seconds": 3})
    problem = program.until(t="problem")["problem"]
    assert (problem["class"], problem["message"], problem["cell"]) == ("timeout", text, 2)
    assert program.until(t="missing")["problem"] == problem["id"]
    assert program.until(t="done")["status"] == "ok"
    assert not [frame for frame in program.seen if frame["t"] == "keep"]


def test_when_the_input_closes_kernels_and_their_children_are_gone_within_seconds(
    course: Any, notebook: Any, program: Any, tmp_path: Path
) -> None:
    note = tmp_path / "pids"
    course.write("a.ipynb", notebook(GRANDCHILD.format(path=str(note))))
    program.send(course.job("a.ipynb", ["completed/html"]))
    program.until(t="progress", phase="run")
    pids = [int(pid) for pid in wait_for_file(note).split()]
    program.process.stdin.close()
    assert gone([program.process.pid, *pids], 5)


def test_sigterm_ends_the_worker_and_its_kernels(course: Any, notebook: Any, program: Any, tmp_path: Path) -> None:
    note = tmp_path / "pids"
    course.write("a.ipynb", notebook(GRANDCHILD.format(path=str(note))))
    program.send(course.job("a.ipynb", ["completed/html"]))
    program.until(t="progress", phase="run")
    pids = [int(pid) for pid in wait_for_file(note).split()]
    program.process.send_signal(signal.SIGTERM)
    assert program.until(t="done")["status"] == "cancelled"
    assert gone([program.process.pid, *pids], 5)


def test_sigterm_still_works_after_a_job(course: Any, notebook: Any, program: Any) -> None:
    course.write("a.ipynb", notebook("1"))
    program.send(course.job("a.ipynb", ["completed/html"]))
    program.until(t="done")
    program.process.send_signal(signal.SIGTERM)
    assert gone([program.process.pid], 5)


@pytest.mark.parametrize("data", [b"\xff" * 8, b"\0\0\0\x02\0\0\0\0[]", b"\0\0\0\x03\0\0\0\0{x}"])
def test_a_malformed_frame_ends_the_worker(program: Any, data: bytes) -> None:
    program.raw(data)
    assert gone([program.process.pid], 5)


def test_a_frame_that_makes_no_sense_ends_the_worker_and_leaves_no_deaf_one(program: Any) -> None:
    program.send({"t": "hello", "nice": "much"})
    assert program.process.wait(timeout=60) == 0


def test_the_help_needs_no_notebook_stack() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "clx_jupyter_workers.notebook", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert "--job" in done.stdout


def test_a_job_can_be_done_by_hand(course: Any, notebook: Any, tmp_path: Path) -> None:
    course.write("a.ipynb", notebook("1 + 1"))
    job = tmp_path / "job.json"
    job.write_text(json.dumps(course.job("a.ipynb", ["completed/html"])))
    done = subprocess.run(
        [sys.executable, "-P", "-m", "clx_jupyter_workers.notebook", "--job", str(job)], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )  # fmt: skip
    frames = [json.loads(line) for line in done.stdout.splitlines()]
    assert frames[-1]["t"] == "done" and frames[-1]["status"] == "ok"


@pytest.mark.parametrize("frame", [{"t": "cancel"}, {"t": "interrupt", "limit": "notebook", "seconds": 1}])
def test_a_kernel_that_is_still_starting_is_ended_too(
    course: Any, notebook: Any, tmp_path: Path, frame: dict[str, Any], start: Any
) -> None:
    note = tmp_path / "pid"
    spec = tmp_path / "data" / "kernels" / "slow"
    spec.mkdir(parents=True)
    code = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(1000)"
    spec.joinpath("kernel.json").write_text(json.dumps({"argv": [sys.executable, "-c", code], "display_name": "S", "language": "python"}))
    program = start(JUPYTER_PATH=str(tmp_path / "data"))
    course.write("a.ipynb", notebook("1"))
    program.send(course.job("a.ipynb", ["completed/html"], kernel={"name": "slow"}))
    program.until(t="execution")
    pid = int(wait_for_file(note))
    program.send({**frame, "job": 7, "attempt": 1})
    assert program.until(t="done")["status"] == ("cancelled" if frame["t"] == "cancel" else "ok")
    assert gone([pid], 5)


@pytest.mark.fault(7)
def test_a_dead_kernel_is_the_jobs_error_at_its_cell_and_the_worker_goes_on(course: Any, notebook: Any, program: Any) -> None:
    deaths = {
        "import os\nos._exit(3)": "The kernel ended by itself (exit code 3) while this cell ran.",
        "import ctypes\nctypes.string_at(0)": "The kernel was ended by SIGSEGV while this cell ran.",
    }
    for number, (code, message) in enumerate(deaths.items()):
        course.write(f"{number}.ipynb", notebook("1", code))
        program.send(course.job(f"{number}.ipynb", ["completed/html", "code-along/html"]))
        program.until(t="progress", phase="run", cell=2)
        begin = time.monotonic()
        problem = program.until(t="problem")["problem"]
        assert time.monotonic() - begin < 30
        assert (problem["class"], problem["message"], problem["cell"]) == ("kernel-died", message, 1)
        assert program.until(t="done")["status"] == "ok"
        assert [frame["variant"] for frame in program.seen if frame["t"] == "output"] == ["1"] * (number + 1)
    course.write("a.ipynb", notebook("print(6 * 7)"))
    program.send(course.job("a.ipynb", ["completed/html"]))
    assert "42" in course.page(program.until(t="output"))


@pytest.mark.fault(33)
@pytest.mark.parametrize("captures", [True, False])
def test_megabytes_written_past_python_stay_within_limits(
    course: Any, notebook: Any, start: Any, monkeypatch: pytest.MonkeyPatch, captures: bool
) -> None:
    if captures:  # ipykernel leaves raw writes alone where it finds this variable, as kernels of other languages do
        monkeypatch.delenv("PYTEST_CURRENT_TEST")
    program = start()
    code = "import ctypes, os\nc = ctypes.CDLL(None)\nfor fd in [1, 2] * 300:\n    c.write(fd, b'x' * 65536, 65536)"
    course.write("a.ipynb", notebook(code, "os.system('yes | head -c 20000000')", "print('at the end')"))
    program.send(course.job("a.ipynb", ["completed/html"]))
    page = course.page(program.until(t="output"))
    assert program.until(t="done")["status"] == "ok"
    assert ("output truncated after 10 MB" in page) == captures
    assert "at the end" in page and len(page) < 60_000_000
    assert program.log.stat().st_size < 100_000


@pytest.mark.fault(9)
def test_processes_that_leave_their_parents_end_with_the_job(course: Any, notebook: Any, program: Any, tmp_path: Path) -> None:
    note = tmp_path / "pids"
    course.write("a.ipynb", notebook(LEAVES.format(path=str(note))))
    program.send(course.job("a.ipynb", ["completed/html"]))
    program.until(t="progress", phase="run")
    pids = [int(pid) for pid in wait_for_file(note).split()]
    assert program.until(t="done")["status"] == "ok"
    assert gone(pids, 10)
