"""Whole builds, with real kernels, as a user runs them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import psutil
import pytest

from tests.stories.conftest import Built, command, looks, notebook, write

pytestmark = pytest.mark.story

Clx = Callable[..., Built]
PROJECT = Path(__file__).parents[2]
DECK = """# j2 from 'macros.j2' import header
# {{ header("Werte", "Values") }}

# %% [markdown] lang="de" tags=["slide"]
# ## Überblick

# %% [markdown] lang="en" tags=["slide"]
# ## Overview

# %% tags=["keep"]
words = open("data/words.txt").read().split()

# %%
len(words)

# %% [markdown] lang="en" tags=["notes"]
# SECRET-NOTES
"""
SPEC = """<course><name><de>Kurs</de><en>Course</en></name><prog-lang>python</prog-lang><author>Ada</author>
<sections><section><name><de>Woche</de><en>Week</en></name><topics><topic>values</topic></topics></section></sections>
<output-targets><output-target name="all"><path>out</path>
<kinds><kind>code-along</kind><kind>completed</kind><kind>speaker</kind></kinds>
<formats><format>html</format><format>notebook</format><format>code</format></formats>
<languages><language>de</language><language>en</language></languages></output-target></output-targets></course>"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A folder with a space and an umlaut in its name, and two notebooks that depend on nothing alike."""
    return write(
        tmp_path / "mein Kürs",
        {
            "1 start/lists.ipynb": notebook(("markdown", "# Lists"), ("code", "print(6 * 7)", ["keep"]), ("code", "1 + 1")),
            '1 start/it\'s "data".py': "# %% [markdown]\n# # Data\n\n# %%\nopen('../data/x.txt').read()\n",
            "data/x.txt": "forty-two",
        },
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Built]:
    """The demo course, built once."""
    root = tmp_path_factory.mktemp("demo") / "demo"
    shutil.copytree(PROJECT / "binder" / "demo", root, ignore=shutil.ignore_patterns("output", ".clx"))
    done = command("build", str(root), "--json", cwd=root)
    return root, Built(done.returncode, json.loads(done.stdout), done.stderr)


def test_the_demo_builds_without_a_word_of_warning(demo: tuple[Path, Built]) -> None:
    root, built = demo
    assert (built.code, built.report["problems"]) == (0, [])
    assert set(built.states().values()) == {"built"}
    assert built.report["executions"] == 6, "the code of a notebook runs once for all languages, kinds and formats"
    jsonschema.validate(built.report, json.loads((PROJECT / "docs/report.schema.json").read_text()))
    # Six topics in English and German, one of them in French too; each topic in every kind and format of its targets.
    formats = {("students", "code-along"): 3, ("students", "completed"): 3, ("staff", "speaker"): 4}
    counted = Counter((output["language"], output["target"], output["kind"]) for output in built.report["outputs"])
    assert counted == {
        (language, *place): topics * count for language, topics in (("en", 6), ("de", 6), ("fr", 1)) for place, count in formats.items()
    }
    for picture in ("02-data/fig/drop.svg", "03-sharing/img/versions.svg"):
        assert (root / "output/students/code-along/en/html" / picture).is_file()
    clean = command("check", str(root), cwd=root)
    assert "0 errors, 0 warnings" in clean.stdout and "info" not in clean.stdout, clean.stdout


def test_the_demo_gives_each_audience_its_own(demo: tuple[Path, Built]) -> None:
    output = demo[0] / "output"
    along = (output / "students/code-along/de/notebook/01-first-steps/values.ipynb").read_text()
    solved = (output / "students/completed/de/html/01-first-steps/values.html").read_text()
    speaker = (output / "staff/speaker/de/html/01-first-steps/values.html").read_text()
    assert "Jetzt du: das Trinkgeld" in along and "percent / 100" not in along and "Your turn" not in along
    assert "68.75" in solved and "ihr Name sagt, was gemeint ist" in solved and "Wetten lassen" not in solved
    assert "Wetten lassen" in speaker
    french = (output / "students/completed/fr/html/01-first-steps/mistakes.html").read_text()
    assert "Les erreurs sont des messages" in french and "NameError" in french and "TypeError" in french
    chart = json.loads((output / "staff/speaker/en/notebook/02-data/chart.ipynb").read_text())
    drawn = [out["data"] for cell in chart["cells"] for out in cell.get("outputs", ())]
    assert ["image/svg+xml" in data for data in drawn] == [True, True]
    public = [path for path in (output / "students").rglob("*") if path.is_file()]
    assert not [path for path in public if b"Wetten lassen" in path.read_bytes() or b"aloud, from the last line" in path.read_bytes()]


def test_a_build_without_changes_starts_no_kernel_and_touches_no_file(clx: Clx, course: Path) -> None:
    assert clx(course).code == 0
    before = looks(course / "output")
    again = clx(course)
    assert (again.report["kernels_started"], set(again.states().values())) == (0, {"fresh"})
    assert looks(course / "output") == before


def test_a_change_rebuilds_what_depends_on_it_and_says_why(clx: Clx, course: Path) -> None:
    clx(course)
    (course / "data/x.txt").write_text("forty-three")
    built = clx(course)
    assert {output["reason"] for output in built.report["outputs"] if output["state"] == "built"} == {"data/x.txt changed"}
    assert {output["source"] for output in built.report["outputs"] if output["state"] == "built"} == {'1 start/it\'s "data".py'}
    page = next((course / "output").rglob("it's*.html"))
    assert "forty-three" in page.read_text()


def test_a_change_of_text_starts_no_kernel(clx: Clx, course: Path) -> None:
    clx(course)
    path = course / "1 start/lists.ipynb"
    path.write_text(path.read_text().replace("# Lists", "# Lists and more"))
    built = clx(course)
    assert built.report["kernels_started"] == 0 and "built" in built.states().values()
    made = {(output["source"], output["format"], output["reason"]) for output in built.report["outputs"] if output["state"] == "built"}
    changed = {("1 start/lists.ipynb", format, "source changed") for format in ("html", "notebook")}
    # The title of the neighbour stands on the page that leads to it.
    assert made == changed | {('1 start/it\'s "data".py', "html", "its links to other pages changed")}


def test_a_failing_cell_holds_back_only_what_shows_its_results(clx: Clx, tmp_path: Path) -> None:
    bad = notebook(("code", "x = 1", ["keep"]), ("code", "undefined"))
    write(tmp_path, {"bad.ipynb": bad, "good.ipynb": notebook(("code", "1"))})
    built = clx(tmp_path)
    states = built.states()
    assert built.code == 1 and built.classes() == ["cell-error"]
    assert states["staff/completed/html/bad.html"] == "failed" and states["students/code-along/html/bad.html"] == "built"
    assert states["staff/completed/html/good.html"] == "built"
    [problem] = [problem for problem in built.report["problems"] if problem["severity"] == "error"]
    assert (problem["path"], problem["cell"], problem["line"]) == ("bad.ipynb", 1, 1)
    assert "staff/completed/html/bad.html" in problem["outputs"]
    again = clx(tmp_path)
    assert (again.code, again.report["kernels_started"], again.classes()) == (1, 0, ["cell-error"])
    assert clx(tmp_path, "--no-fail-on-error").code == 0


def test_a_course_of_clx_becomes_its_files(clx: Clx, tmp_path: Path) -> None:
    topic = "slides/module_100_x/topic_100_values"
    write(tmp_path, {f"{topic}/slides_values.py": DECK, f"{topic}/data/words.txt": "a b c", "course-specs/c.xml": SPEC})
    built = clx(tmp_path / "course-specs/c.xml")
    assert (built.code, len(built.report["outputs"]), built.report["executions"]) == (0, 18, 1)
    folder = tmp_path / "out/Course-en/Slides"
    assert (folder / "Html/Completed/Week/01 Values.html").is_file() and (folder / "Python/Code-Along/Week/01 Values.py").is_file()
    public = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and "Recording" not in path.parts]
    assert not [path for path in public if b"SECRET" in path.read_bytes()]
    assert "SECRET-NOTES" in (folder / "Notebooks/Recording/Week/01 Values.ipynb").read_text()


@pytest.mark.parametrize("tag", ["private", "notes", "voiceover", "solution", "answer"])
def test_what_is_hidden_from_a_public_kind_stands_in_none_of_its_files(clx: Clx, tmp_path: Path, tag: str) -> None:
    cells = [("code", "1 + 1"), ("markdown", "SECRET-TEXT", [tag]), ("code", "secret = 'SECRET-CODE'\nsecret", [tag])]
    write(tmp_path, {"a.ipynb": notebook(*cells)})
    clx(tmp_path, "--kind", "code-along", "--kind", "student", "--format", "html", "--format", "notebook", "--format", "code")
    files = [path for path in (tmp_path / "output/students").rglob("*") if path.is_file()]
    assert len([path for path in files if path.suffix in (".html", ".ipynb", ".py")]) >= 6
    assert not [path for path in files if b"SECRET" in path.read_bytes()]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.ipynb", b""), ("object.ipynb", b"{}"), ("list.ipynb", b"[]"), ("cut.ipynb", b'{"cells": [{"cell'),
        ("latin.py", "# %%\nname = 'Jürgen'\n".encode("latin-1")), ("wide.py", "# %%\n1\n".encode("utf-16")),
    ],
)  # fmt: skip
def test_a_file_that_is_no_notebook_is_one_clear_problem_and_harms_no_other(clx: Clx, tmp_path: Path, name: str, content: bytes) -> None:
    write(tmp_path, {name: content, "good.ipynb": notebook(("code", "1"))})
    built = clx(tmp_path)
    found = [problem for problem in built.report["problems"] if problem["severity"] == "error"]
    if name == "wide.py":  # nothing in it looks like a notebook
        assert found == []
    else:
        assert [(problem["class"], problem["path"]) for problem in found] == [("bad-source", name)] and found[0]["hint"]
    assert built.states()["students/completed/html/good.html"] == "built"


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_a_mark_of_byte_order_and_line_ends_change_no_page(clx: Clx, tmp_path: Path, ending: bytes) -> None:
    text = b"# %% [markdown]\n# # Title\n\n# %%\n1 + 1\n".replace(b"\n", ending)
    pages = []
    for name, content in (("plain", b"# %% [markdown]\n# # Title\n\n# %%\n1 + 1\n"), ("marked", b"\xef\xbb\xbf" + text)):
        root = write(tmp_path / name / "course", {"a.py": content})  # the pages name their course
        assert clx(root).code == 0
        pages.append((root / "output/students/completed/html/a.html").read_bytes())
    assert pages[0] == pages[1]


def test_broken_xml_is_answered_with_file_line_and_reason(clx: Clx, tmp_path: Path) -> None:
    write(tmp_path, {"slides/x.txt": "", "course-specs/c.xml": "<course>\n<name>\n</course>"})
    done = command("build", "course-specs/c.xml", cwd=tmp_path)
    assert done.returncode == 2 and "c.xml:3" in done.stderr and "Traceback" not in done.stderr


def test_a_missing_kernel_is_known_before_anything_starts(clx: Clx, tmp_path: Path) -> None:
    write(tmp_path, {"a.ipynb": notebook(("code", "1"), kernel="cobol", language="cobol")})
    built = clx(tmp_path)
    assert (built.code, built.classes(), built.report["kernels_started"]) == (1, ["missing-kernel"], 0)
    assert built.states() == {"students/completed/html/a.html": "skipped", "students/completed/notebook/a.ipynb": "built"}


def test_files_of_the_user_among_the_outputs_stay(clx: Clx, course: Path) -> None:
    clx(course)
    folder = course / "output/students/code-along/html/1 start"
    (folder / "mine.html").write_text("mine")
    (folder / "lists.html").write_text("changed by me")
    (course / "1 start/lists.ipynb").unlink()
    built = clx(course)
    assert (folder / "mine.html").read_text() == "mine" and (folder / "lists.html").read_text() == "changed by me"
    assert any(problem["class"] == "collision" for problem in built.report["problems"])
    assert not (course / "output/students/code-along/notebook/1 start/lists.ipynb").exists()


def test_kernels_get_no_secrets_and_the_state_is_private(clx: Clx, tmp_path: Path) -> None:
    write(tmp_path, {"a.ipynb": notebook(("code", "import os\nsorted(os.environ.items())"))})
    built = clx(tmp_path, JUPYTERHUB_API_TOKEN="canary-1", MY_PASSWORD="canary-2", AWS_SECRET_ACCESS_KEY="canary-3", PLAIN="seen")
    page = (tmp_path / "output/students/completed/html/a.html").read_text()
    assert built.code == 0 and "seen" in page and "canary" not in page
    assert (tmp_path / ".clx").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / ".clx").rglob("*") if path.is_file()} == {0}


def test_without_execution_no_code_runs(clx: Clx, tmp_path: Path) -> None:
    write(tmp_path, {"a.ipynb": notebook(("code", "open('/tmp/clx-canary', 'w').write('ran')"), ("markdown", "# A"))})
    Path("/tmp/clx-canary").unlink(missing_ok=True)
    built = clx(tmp_path, "--no-execute")
    assert built.report["kernels_started"] == 0 and not Path("/tmp/clx-canary").exists()
    assert "not executed" in (tmp_path / "output/students/completed/html/a.html").read_text()


def test_a_cell_over_its_limit_is_ended_and_named(clx: Clx, tmp_path: Path) -> None:
    swallow = "import time\nwhile True:\n    try:\n        time.sleep(100)\n    except KeyboardInterrupt:\n        pass"
    write(tmp_path, {"a.ipynb": notebook(("code", "1"), ("code", swallow))})
    built = clx(tmp_path, "--timeout", "1")
    [problem] = [problem for problem in built.report["problems"] if problem["severity"] == "error"]
    assert (problem["class"], problem["path"], problem["cell"]) == ("timeout", "a.ipynb", 1)
    assert built.states()["students/completed/notebook/a.ipynb"] == "built"


def _workers(root: Path) -> list[psutil.Process]:
    """The worker processes that the database of *root* names and that are alive."""
    try:
        with sqlite3.connect(f"file:{root}/.clx/jobs.db?mode=ro", uri=True) as database:
            rows = database.execute("SELECT pid FROM workers WHERE state = 'busy'").fetchall()
    except sqlite3.Error:
        return []
    return [psutil.Process(pid) for (pid,) in rows if psutil.pid_exists(pid)]


def _start(root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "clx_jupyter.cli", "build", str(root), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _wait_for(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def _slow_course(root: Path) -> Path:
    files = {f"{number}.ipynb": notebook(("code", f"import time; time.sleep(0.3)\n{number}")) for number in range(6)}
    return write(root, files)


def test_a_killed_worker_changes_nothing_in_the_result(clx: Clx, tmp_path: Path) -> None:
    # The start pages name their course: the two have one name.
    calm, shaken = _slow_course(tmp_path / "calm/course"), _slow_course(tmp_path / "shaken/course")
    clx(calm)
    build = _start(shaken)
    victim = _wait_for(lambda: _workers(shaken))[0]
    victim.send_signal(signal.SIGKILL)
    out, errors = build.communicate(timeout=120)
    report = json.loads(out)
    assert build.returncode == 0, errors
    assert {output["state"] for output in report["outputs"]} == {"built"}

    def hashes(root: Path) -> dict[str, bytes]:
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.html")}

    assert hashes(calm / "output") == hashes(shaken / "output")


def test_a_second_build_hands_its_request_to_the_first(clx: Clx, tmp_path: Path) -> None:
    root = _slow_course(tmp_path)
    first = _start(root)
    _wait_for(lambda: _workers(root))
    second = _start(root)
    for build in (first, second):
        out, errors = build.communicate(timeout=120)
        assert build.returncode == 0, errors
        assert {output["state"] for output in json.loads(out)["outputs"]} <= {"built", "fresh"}


def test_an_interrupt_ends_the_build_and_leaves_no_process(tmp_path: Path) -> None:
    root = write(tmp_path, {"a.ipynb": notebook(("code", "import time; time.sleep(1000)"))})
    build = _start(root)
    [worker] = _wait_for(lambda: _workers(root))
    _wait_for(lambda: worker.children(recursive=True))
    tree = [worker, *worker.children(recursive=True)]
    os.kill(build.pid, signal.SIGINT)
    out, _ = build.communicate(timeout=60)
    assert build.returncode == 130 and json.loads(out)["status"] == "cancelled"
    assert psutil.wait_procs(tree, timeout=10)[1] == []


def test_a_real_r_notebook_runs(clx: Clx, tmp_path: Path) -> None:
    from clx_jupyter.kernels import installed

    assert "ir" in installed(), "make system installs R with its kernel"
    write(tmp_path, {"a.ipynb": notebook(("code", "x <- c(1, 2, 3)\nmean(x)"), kernel="ir", language="R")})
    built = clx(tmp_path)
    assert (built.code, built.report["kernels_started"]) == (0, 1)


def test_a_folder_without_notebooks_is_refused_and_left_alone(tmp_path: Path) -> None:
    write(tmp_path, {"readme.md": "# Hello"})
    done = command("build", cwd=tmp_path)
    assert (done.returncode, [path.name for path in tmp_path.iterdir()]) == (2, ["readme.md"])
    assert "no notebooks" in done.stderr and "hint" in done.stderr


def test_looking_creates_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"a.ipynb": notebook(("code", "1"))})
    for name in ("status", "jobs", "workers", "validate", "course", "cancel"):
        done = command(name, cwd=tmp_path)
        assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert command("explain", "a.ipynb", cwd=tmp_path).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.ipynb"]


def test_a_single_notebook_outside_any_course_leaves_no_state_beside_it(clx: Clx, tmp_path: Path) -> None:
    write(tmp_path / "here", {"a.ipynb": notebook(("code", "1"))})
    built = clx(tmp_path / "here/a.ipynb", CLX_STATE_DIR=str(tmp_path / "state"))
    assert built.code == 0
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == ["a.ipynb", "a.ipynb-output"]


def test_a_folder_with_secrets_everywhere_publishes_none(clx: Clx, tmp_path: Path) -> None:
    """Titles, files that cells name, links to sources and to hidden files, a misspelled tag, a result that shows a hidden cell."""
    private = "def secret_helper(value):\n    secret_number = value * 4711\n    return secret_number / 0"
    root = write(
        tmp_path / "course",
        {
            "a.ipynb": notebook(
                ("markdown", "# SECRET heading", ["private"]), ("markdown", "# Lists\n[x](.env) [y](b.py) [z](c.ipynb)"),
                ("code", "open('b.py'); open('plain.txt')", ["keep"]), ("code", "import answers", ["private"]), ("code", "1 + 1"),
                ("markdown", "SECRET remark", ["prviate"]),
            ),
            "b.py": '# %%\nx = 1\n# %% tags=["private"]\nSECRET = 2\n',
            "c.ipynb": notebook(("code", private, ["private"]), ("code", "secret_helper(1)", ["raises-exception"])),
            ".env": "KEY=SECRET", "answers.py": "SECRET = 1", "plain.txt": "hello",
        },
    )  # fmt: skip
    built = clx(root)
    published = {path for path in (root / "output/students").rglob("*") if path.is_file()}
    assert published and not [path for path in published if b"SECRET" in path.read_bytes() or path.name in (".env", "answers.py", "b.py")]
    assert {path.name for path in published} >= {"a.html", "b.html", "plain.txt", "a.ipynb"}
    assert "<title>Lists · course</title>" in (root / "output/students/code-along/html/a.html").read_text()
    staff = root / "output/staff/completed"
    assert not [
        path for path in staff.rglob("*") if path.is_file() and (b"SECRET" in path.read_bytes() or b"secret_number" in path.read_bytes())
    ]
    assert (built.code, built.classes()) == (1, ["leak"])
    failed = {path for path, state in built.states().items() if state == "failed"}
    assert {path.removeprefix("output/") for path in failed} == {"staff/completed/html/c.html", "staff/completed/notebook/c.ipynb"}
    assert any(problem["class"] == "tag" and "'prviate'" in problem["message"] for problem in built.report["problems"])
