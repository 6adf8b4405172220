"""Pages as PDF, printed by the machine's own Chromium; and what becomes of a job when that one is broken."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from clx_jupyter_workers.browsers import chromium as find
from clx_jupyter_workers.notebook import chromium
from clx_jupyter_workers.notebook.printing import finished
from tests.pdfs import Pdf
from tests.workers.conftest import WAIT, Course, Program, Recorder, notebook

Convert = Callable[..., Recorder]
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><text x="3" y="20">drawn words</text></svg>'
PAGE = """# %% [markdown] lang="de"
# # Größe & <b>Maß</b>
# ![Ein blaues Kästchen](img/kasten%20%281%29.svg) Siehe [nebenan](other.py#teil), [die Daten](data.csv), [das Netz](https://example.org/x).

# %% [markdown] tags=["notes"]
# Only the speaker may read this.

# %% [markdown]
# ## Zweiter Teil
"""


@pytest.fixture(scope="module")
def browser() -> str:
    program = find().program
    assert program, "these tests need Chromium on PATH: make system"
    return program


def shows(markup: str) -> dict[str, Any]:
    """A code cell with this HTML as its stored output."""
    output = {"output_type": "display_data", "data": {"text/html": markup}, "metadata": {}}
    return {"cell_type": "code", "source": "show()", "metadata": {}, "outputs": [output], "execution_count": 1}


def job(course: Course, path: str, variants: list[str], browser: str, **changes: Any) -> dict[str, Any]:
    return course.job(path, variants, ("de",), browser=browser, kernel=None, execute={"mode": "never"}, **changes) | {"kernel": None}


def pdf(course: Course, recorder: Recorder, variant: str = "0") -> Pdf:
    assert variant in recorder.outputs, recorder.problems
    return Pdf((course.work / "stage" / recorder.outputs[variant]["sha256"]).read_bytes())


def processes(program: str) -> list[psutil.Process]:
    """What this process started and that runs a browser."""
    return [each for each in psutil.Process().children(recursive=True) if "--remote-debugging-pipe" in words(each)]


def test_a_page_as_pdf(course: Course, convert: Convert, browser: str) -> None:
    course.write("a.py", PAGE)
    course.write("img/kasten (1).svg", SVG)
    course.write("data.csv", "a,b\n")
    links = {"other.py": {"completed/de/pdf": "../sub/other.pdf", "speaker/de/pdf": "other.pdf"}}
    asked = job(course, "a.py", ["completed/pdf/de", "speaker/pdf/de", "completed/html/de"], browser, links=links)
    recorder = convert(asked)
    assert recorder.done["status"] == "ok"
    found = pdf(course, recorder)
    assert found.has_true_offsets()
    assert found.values("Title")[0] == "A title"
    assert set(found.values("Lang")) == {"de"}
    # What a screen reader needs: parts by their role, and words for pictures. What everybody needs: an outline.
    assert b"/MarkInfo <</Type /MarkInfo\n/Marked true" in found.data or b"/Marked true" in found.data
    assert {"H1", "H2", "Figure", "Link"} <= set(found.roles())
    assert found.values("Alt") == ["Ein blaues Kästchen"]
    assert {"Größe & Maß", "Zweiter Teil"} <= {title.strip("¶ ") for title in found.values("Title")}
    # The picture was there, and a footer counts the pages.
    assert "drawn words" in found.text and "1 / 1" in " ".join(found.text.split())
    # Links lead on from where the PDF lies; nothing tells where it was made.
    assert found.values("URI") == ["../sub/other.pdf#teil", "data.csv", "https://example.org/x"]
    assert b".invalid" not in found.data and str(course.root).encode() not in found.data and b"CreationDate" not in found.data
    assert recorder.outputs["0"]["assets"] == ["data.csv"]
    assert "img/kasten (1).svg" in recorder.outputs["2"]["assets"]
    # Notes are for the speaker.
    assert "Only the speaker" not in found.text
    assert "Only the speaker" in pdf(course, recorder, "1").text
    # Equal pages give equal files, and nothing is left running or lying about.
    assert convert(asked).outputs["0"]["sha256"] == recorder.outputs["0"]["sha256"]
    assert processes(browser) == []


def test_a_dark_page_is_printed_light_and_long_ones_get_several_sheets(course: Course, convert: Convert, browser: str) -> None:
    asks = "<script>document.title = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'; alert('stop!')</script>"
    course.write("a.ipynb", notebook(shows(asks + "<p>line</p>" * 200)))
    found = pdf(course, convert(job(course, "a.ipynb", ["completed/pdf"], browser)))
    assert found.values("Title")[0] == "light"
    assert len(found.pages) > 2


@pytest.fixture
def listener() -> Iterator[tuple[int, list[str]]]:
    """A port, and what came there."""
    came: list[str] = []
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.2)
    over = threading.Event()

    def listen() -> None:
        while not over.is_set():
            try:
                connection, address = server.accept()
            except TimeoutError:
                continue
            came.append(str(address))
            connection.close()

    thread = threading.Thread(target=listen)
    thread.start()
    yield server.getsockname()[1], came
    over.set()
    thread.join()
    server.close()


def test_a_page_reaches_neither_network_nor_files(
    course: Course, convert: Convert, browser: str, listener: tuple[int, list[str]]
) -> None:  # fmt: skip
    port, came = listener
    secret = course.write("secret.txt", "the secret")
    script = f"""<img src="http://127.0.0.1:{port}/x.png"><iframe src="{secret.as_uri()}"></iframe><iframe src="secret.txt"></iframe>
    <iframe src="https://elsewhere.invalid:{port}/"></iframe><iframe srcdoc='<img src="http://localhost:{port}/y.png">'></iframe>
    <p id="said"></p><script>
    const said = text => {{ document.getElementById('said').textContent += text + ' '; }};
    for (const address of ['{secret.as_uri()}', 'secret.txt', 'http://127.0.0.1:{port}/z'])
      fetch(address).then(() => said('got ' + address), () => said('refused'));
    new WebSocket('ws://127.0.0.1:{port}/').onerror = () => said('closed');
    new Worker(URL.createObjectURL(new Blob(["fetch('http://127.0.0.1:{port}/w')"])));
    </script>"""
    course.write("a.ipynb", notebook(shows(script)))
    found = pdf(course, convert(job(course, "a.ipynb", ["completed/pdf"], browser)))
    assert found.text.count("refused") == 3
    assert "secret" not in found.text.replace("secret.txt", "")
    assert came == []


def test_private_text_is_not_printed(course: Course, convert: Convert, browser: str) -> None:
    secret = "The answer is forty-two point five, as everybody knows."
    course.write(
        "a.ipynb", notebook(shows(f"<p>{secret}</p>"), {"cell_type": "markdown", "source": secret, "metadata": {"tags": ["notes"]}})
    )
    recorder = convert(job(course, "a.ipynb", ["completed/pdf", "speaker/pdf"], browser))
    assert recorder.outputs.keys() == {"1"}
    assert [problem["class"] for problem in recorder.problems] == ["leak"]
    assert [(header["variant"], header["state"]) for header in recorder.of("missing")] == [("0", "failed")]


def test_without_a_browser_the_rest_is_made(course: Course, convert: Convert) -> None:
    course.write("a.py", PAGE)
    recorder = convert(job(course, "a.py", ["completed/pdf/de", "completed/html/de"], ""))
    assert recorder.outputs.keys() == {"1"}
    missing = recorder.of("missing")[0]
    assert (missing["variant"], missing["state"], missing["problem"]) == ("0", "skipped", None)
    # An older PDF that shows what is private now must go, although no new one can be made.
    assert missing["hidden"]


@pytest.mark.parametrize(
    ("script", "category", "told"),
    [
        ("#!/bin/sh\necho 'FATAL: no library' >&2\nexit 3\n", "tool-missing", "no library"),
        ("#!/bin/sh\necho 'No usable sandbox!' >&2\nexit 1\n", "tool-missing", "sandbox"),
        ("#!/bin/sh\nsleep 1000 & wait\n", "timeout", "in time"),
        ("#!/no/such/program\n", "tool-missing", "cannot be run"),
    ],
)
def test_a_browser_that_does_not_start(
    course: Course, convert: Convert, monkeypatch: pytest.MonkeyPatch, script: str, category: str, told: str
) -> None:  # fmt: skip
    monkeypatch.setattr(chromium, "START_SECONDS", 1.0)
    program = course.work / "broken"
    program.write_text(script)
    program.chmod(0o755)
    course.write("a.py", "# %% [markdown]\n# # A\n")
    before = psutil.Process().num_fds()
    recorder = convert(job(course, "a.py", ["completed/pdf/de", "speaker/pdf/de", "completed/html/de"], str(program)))
    assert recorder.outputs.keys() == {"2"}
    (problem,) = recorder.problems
    assert problem["class"] == category
    assert told in problem["message"] and "CLX_CHROMIUM" in problem["hint"]
    assert psutil.Process().num_fds() == before
    assert not [child for child in psutil.Process().children(recursive=True) if "broken" in words(child)]


def test_a_browser_puts_nothing_beside_its_folder_however_long_the_name_of_that_is(tmp_path: Path, browser: str) -> None:
    folder = tmp_path / ("long" * 20)
    before = psutil.Process().num_fds()
    running = chromium.Browser(browser, folder, lambda: None)
    try:
        assert list(folder.glob("*org.chromium*"))
    finally:
        running.close()
    assert psutil.Process().num_fds() == before


def test_a_page_that_never_ends_harms_no_other(course: Course, convert: Convert, browser: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium, "PAGE_SECONDS", 4.0)
    endless = "<script>if (document.body.innerHTML.includes('for the ' + 'speaker')) for (;;) {}</script>"
    course.write(
        "a.ipynb", notebook({"cell_type": "markdown", "source": "words for the speaker", "metadata": {"tags": ["notes"]}}, shows(endless))
    )
    recorder = convert(job(course, "a.ipynb", ["speaker/pdf", "completed/pdf"], browser))
    assert recorder.outputs.keys() == {"1"}
    assert [(problem["class"], problem["path"]) for problem in recorder.problems] == [("timeout", "a.ipynb")]
    assert processes(browser) == []


def endless(course: Course, browser: str) -> dict[str, Any]:
    course.write("a.ipynb", notebook(shows("<script>for (;;) {}</script>")))
    return job(course, "a.ipynb", ["completed/pdf"], browser)


def words(process: psutil.Process) -> str:
    """The command line of a process; empty when it has ended."""
    try:
        return "" if process.status() == psutil.STATUS_ZOMBIE else " ".join(process.cmdline())
    except psutil.Error:
        return ""


def works(process: psutil.Process) -> bool:
    """Whether it is the process of a page, and busy with it."""
    try:
        return "--type=renderer" in words(process) and process.cpu_times().user > 0.3
    except psutil.Error:
        return False


def children_of(program: Program) -> list[psutil.Process]:
    """The browser's processes, as soon as one shows the page."""
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        found = psutil.Process(program.process.pid).children(recursive=True)
        if any(map(works, found)):
            return found
        time.sleep(0.05)
    raise AssertionError("no page was shown")


def left(found: list[psutil.Process], seconds: float = 50) -> list[str]:
    """Those that still run in the end; a ceiling of ten times the five seconds that are promised."""
    deadline = time.monotonic() + seconds
    while (alive := [*filter(None, map(words, found))]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return alive


def test_a_cancelled_job_ends_its_browser(course: Course, program: Program, browser: str) -> None:
    program.send(endless(course, browser))
    found = children_of(program)
    program.send({"t": "cancel", "job": 7, "attempt": 1})
    assert program.until(t="done")["status"] == "cancelled"
    assert left(found) == []


def test_a_browser_never_outlives_its_worker(course: Course, program: Program, browser: str) -> None:
    program.send(endless(course, browser))
    found = children_of(program)
    os.kill(program.process.pid, signal.SIGKILL)
    assert left(found) == []


def test_links_and_dates_keep_their_length() -> None:
    """What stands behind them must not move: the table at the end knows places."""
    home = "https://printed-by-clx-jupyter.invalid" + "/_" * 12
    text = f"/CreationDate (D:20260101000000+00'00')>> /URI ({home[:-2]}/x\\(1\\).pdf?a#b)>> /URI (https://example.org/)>>".encode()
    done = finished(text)
    assert len(done) == len(text)
    assert done.split() == [b">>", b"/URI", b"(../x\\(1\\).pdf?a#b)", b">>", b"/URI", b"(https://example.org/)>>"]
