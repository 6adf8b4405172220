"""Whole jobs in this process: what comes out of a source, and what of it runs."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

HTML = ["completed/html"]

DECK = """\
# %% [markdown] lang="de" tags=["slide"]
# # Titel
# %% [markdown] lang="en" tags=["slide"]
# # Title
# %% tags=["start"]
raise RuntimeError("start cells never run")
# %% tags=["alt"]
x = 41
# %%
print(x + 1)
# %% [markdown] tags=["notes"]
# secret note
"""


def cells(course: Any, frame: dict[str, Any]) -> list[Any]:
    node = nbformat.reads(course.page(frame), 4)
    nbformat.validate(node)
    return list(node.cells)


@pytest.mark.kernel
def test_every_format_of_every_kind_comes_from_one_run(course: Any, convert: Any) -> None:
    course.write("deck.py", DECK)
    variants = [
        f"{kind}/{format}/{language}"
        for kind in ("completed", "code-along", "speaker")
        for format in ("html", "notebook", "code")
        for language in ("de", "en")
    ]
    done = convert(course.job("deck.py", variants, ("de", "en")))
    assert done.done["status"] == "ok" and done.done["executions"] == 1
    assert len(done.outputs) == 18 and not done.problems
    page = course.page(done.outputs[str(variants.index("completed/html/de"))])
    assert "Titel" in page and "Title" not in page.split("</head>")[1] and "<pre>42\n</pre>" in page and "secret note" not in page
    assert '<html lang="de" dir="ltr">' in page
    speaker = course.page(done.outputs[str(variants.index("speaker/html/en"))])
    assert "secret note" in speaker and "start cells" not in speaker
    along = cells(course, done.outputs[str(variants.index("code-along/notebook/en"))])
    assert [cell.source for cell in along] == ["# Title", 'raise RuntimeError("start cells never run")', ""]
    assert all(not cell.get("outputs") for cell in along)


@pytest.mark.kernel
def test_variants_without_results_come_first(course: Any, convert: Any, notebook: Any) -> None:
    course.write("a.ipynb", notebook("1"))
    done = convert(course.job("a.ipynb", ["completed/html", "code-along/html", "completed/code"]))
    order = [header["t"] + header.get("variant", "") for header, _ in done.frames if header["t"] in ("output", "kernel")]
    assert order == ["output1", "output2", "kernel", "kernel", "output0"]


@pytest.mark.kernel
def test_a_markdown_edit_runs_nothing_again_and_a_code_edit_does(course: Any, convert: Any) -> None:
    course.write("deck.py", DECK)
    assert convert(course.job("deck.py", HTML)).done["executions"] == 1
    course.write("deck.py", DECK.replace("# Title", "# Another"))
    again = convert(course.job("deck.py", HTML))
    assert again.done["executions"] == 0 and "<pre>42\n</pre>" in course.page(again.outputs["0"])
    course.write("deck.py", DECK.replace("41", "42"))
    assert convert(course.job("deck.py", HTML)).done["executions"] == 1


@pytest.mark.kernel
def test_always_asks_for_no_kept_execution(course: Any, convert: Any, notebook: Any) -> None:
    course.write("a.ipynb", notebook("1"))
    for _ in range(2):
        done = convert(course.job("a.ipynb", HTML, execute={"mode": "always"}))
        assert done.done["executions"] == 1 and not done.of("execution")


@pytest.mark.kernel
def test_data_and_modules_are_found_and_writing_stays_in_the_copy(course: Any, convert: Any, notebook: Any) -> None:
    course.write("data/above.txt", "above")
    course.write("week/beside.txt", "beside")
    course.write("helper.py", "NAME = 'helper'")
    reads = "import helper\nprint(open('../data/above.txt').read(), open('beside.txt').read(), helper.NAME)"
    course.write("week/a.ipynb", notebook(reads, "open('beside.txt', 'w').write('changed')"))
    done = convert(course.job("week/a.ipynb", HTML))
    assert "above beside helper" in course.page(done.outputs["0"]), done.problems
    assert (course.root / "week/beside.txt").read_text() == "beside"
    assert not (course.work / "scratch").exists()


@pytest.mark.kernel
def test_a_changed_data_file_runs_the_code_again(course: Any, convert: Any, notebook: Any) -> None:
    course.write("a.ipynb", notebook("print(open('x.csv').read())"))
    for text, executions in (("one", 1), ("two", 1), ("two", 0)):
        course.write("x.csv", text)
        done = convert(course.job("a.ipynb", HTML))
        assert done.done["executions"] == executions and text in course.page(done.outputs["0"])


@pytest.mark.kernel
def test_a_run_whose_data_changed_meanwhile_is_used_but_not_kept(course: Any, convert: Any, notebook: Any) -> None:
    path = course.write("x.csv", "one")
    course.write("a.ipynb", notebook(f"open('x.csv').read(); open({str(path)!r}, 'w').write('two')"))
    done = convert(course.job("a.ipynb", HTML))
    assert done.outputs and not done.of("keep")


@pytest.mark.kernel
def test_an_included_file_stands_in_the_notebooks_folder(course: Any, convert: Any, notebook: Any) -> None:
    course.write("shared/x.py", "VALUE = 'included'")
    course.write("week/a.ipynb", notebook("import x; print(x.VALUE)"))
    done = convert(course.job("week/a.ipynb", HTML, includes=[["shared/x.py", "x.py"]]))
    assert "included" in course.page(done.outputs["0"]), done.problems


FAILURES = [
    ("1 / 0", "cell-error", "ZeroDivisionError: division by zero", 1),
    ("x = 1\n\nundefined", "cell-error", "NameError: name 'undefined' is not defined", 3),
    ("def f(:", "cell-error", "SyntaxError: invalid syntax", 1),
    ("import not_there_at_all", "missing-package", "ModuleNotFoundError: No module named 'not_there_at_all'", 1),
    ("open('no.csv')", "missing-file", "FileNotFoundError: [Errno 2] No such file or directory: 'no.csv'", 1),
    ("input()", "input", "StdinNotImplementedError: raw_input was called, but this frontend does not support input requests.", 1),
    ("import os\nos._exit(3)", "kernel-died", "The kernel ended by itself (exit code 3) while this cell ran.", None),
    ("import os\nos.kill(os.getpid(), 9)", "kernel-died", "The kernel was ended by SIGKILL while this cell ran.", None),
    ("from urllib.error import URLError\nraise URLError('no')", "network", "URLError: <urlopen error no>", 2),
]


@pytest.mark.kernel
@pytest.mark.parametrize(("code", "category", "message", "line"), FAILURES)
def test_a_failure_is_named_with_its_cell_and_line_and_other_variants_still_come(
    course: Any, convert: Any, notebook: Any, code: str, category: str, message: str, line: int | None
) -> None:
    course.write("a.ipynb", notebook(("markdown", "# x"), "1", code, "2"))
    done = convert(course.job("a.ipynb", ["completed/html", "code-along/html", "completed/code"]))
    [problem] = done.problems
    assert (problem["class"], problem["message"], problem["line"]) == (category, message, line)
    assert (problem["path"], problem["cell"], problem["severity"]) == ("a.ipynb", 2, "error")
    assert str(course.work) not in json.dumps(problem) and "\x1b" not in problem["traceback"]
    assert done.of("missing") == [{"t": "missing", "variant": "0", "problem": problem["id"], "state": "failed", "hidden": []}]
    assert set(done.outputs) == {"1", "2"} and done.done["status"] == "ok"
    assert bool(done.of("keep")) == (category in ("cell-error", "missing-package", "missing-file", "input"))


@pytest.mark.kernel
def test_a_kept_failure_is_reported_without_running_at_its_place_of_now(course: Any, convert: Any) -> None:
    course.write("a.py", "# %%\nx = 1\n\n1 / 0\n")
    first = convert(course.job("a.py", HTML))
    assert (first.problems[0]["cell"], first.problems[0]["line"]) == (0, 4)
    course.write("a.py", "# %% [markdown]\n# new\n\n# %%\nx = 1\n\n1 / 0\n")
    again = convert(course.job("a.py", HTML))
    assert again.done["executions"] == 0
    assert (again.problems[0]["cell"], again.problems[0]["line"]) == (1, 7)


@pytest.mark.kernel
def test_a_failure_left_behind_by_an_earlier_attempt_counts(course: Any, convert: Any, notebook: Any) -> None:
    course.write("a.ipynb", notebook("1"))
    key = convert(course.job("a.ipynb", HTML)).of("execution")[0]["key"]
    problem = {"class": "timeout", "severity": "error", "message": "too long"}
    done = convert(course.job("a.ipynb", HTML, execute={"mode": "always", "failed": {key: problem}}))
    assert done.done["executions"] == 0 and done.problems[0]["message"] == "too long" and len(done.of("missing")) == 1


@pytest.mark.kernel
def test_expected_errors_skipped_cells_and_errors_that_do_not_come(course: Any, convert: Any, notebook: Any) -> None:
    def tagged(source: str, tag: str) -> dict[str, Any]:
        return {"source": source, "metadata": {"tags": [tag]}}

    course.write(
        "a.ipynb",
        notebook(
            tagged("1 / 0", "raises-exception"),
            tagged("raise SystemError", "skip-execution"),
            tagged("7", "raises-exception"),
            "print('end')",
        ),
    )
    done = convert(course.job("a.ipynb", HTML))
    assert [(problem["class"], problem["cell"], problem["severity"]) for problem in done.problems] == [
        ("expected-error-missing", 2, "warning")
    ]
    page = course.page(done.outputs["0"])
    assert "ZeroDivisionError" in page and "end" in page
    assert convert(course.job("a.ipynb", HTML)).problems == done.problems, "a kept run warns again"


@pytest.mark.kernel
def test_allowed_errors_are_left_out_with_one_warning(course: Any, convert: Any, notebook: Any) -> None:
    course.write("a.ipynb", notebook("1 / 0", "undefined", "print('end')"))
    done = convert(course.job("a.ipynb", HTML, execute={"allow_errors": True}))
    assert [(problem["severity"], problem["message"]) for problem in done.problems] == [
        ("warning", "2 errors were allowed and left out of the pages.")
    ]
    assert "ZeroDivisionError" not in course.page(done.outputs["0"]) and "end" in course.page(done.outputs["0"])


@pytest.mark.kernel
@pytest.mark.parametrize(
    "code",
    [
        "while True:\n    print('x' * 100_000)\n    n = globals().get('n', 0) + 1\n    if n > 400: break",
        "import sys\nfor _ in range(200_000):\n    sys.stdout.write('y\\n')",
        "from IPython.display import HTML, display\nfor _ in range(30): display(HTML('z' * 1_000_000))",
    ],
)
def test_a_flood_of_output_is_cut_with_a_notice(course: Any, convert: Any, notebook: Any, code: str) -> None:
    course.write("a.ipynb", notebook(code, "print('after')"))
    done = convert(course.job("a.ipynb", HTML))
    page = course.page(done.outputs["0"])
    assert "after" in page and len(page) < 11_000_000
    if "200_000" not in code:
        assert "output truncated after 10 MB" in page


@pytest.mark.kernel
def test_secrets_of_the_server_reach_no_kernel_and_named_values_no_page(course: Any, convert: Any, notebook: Any, monkeypatch: Any) -> None:
    for name in ("JUPYTERHUB_API_TOKEN", "AWS_SECRET_ACCESS_KEY", "MY_PASSWORD", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "hidden-value")
    monkeypatch.setenv("PLAIN", "plain-value")
    course.write("a.ipynb", notebook("import os\nfor k, v in os.environ.items(): print(k, v)\nprint(os.getcwd())"))
    done = convert(course.job("a.ipynb", HTML, execute={"environment": {"OPENAI_API_KEY": 'zqx "value"'}}))
    page = course.page(done.outputs["0"])
    assert "hidden-value" not in page and "PLAIN plain-value" in page and "OPENAI_API_KEY ***" in page
    assert str(course.work) not in page.split("PYTHONPATH")[0]
    assert b"zqx" not in b"".join(gzip.decompress(body) for _, body in done.frames if body)


def test_never_shows_what_the_source_stores_and_says_so(course: Any, convert: Any, notebook: Any) -> None:
    stored = {"source": "1 + 1", "outputs": [{"output_type": "stream", "name": "stdout", "text": "stored result"}], "execution_count": 4}
    course.write("a.ipynb", notebook(stored, {**stored, "metadata": {"tags": ["solution"]}}))
    job = course.job("a.ipynb", ["completed/html", "student/html", "completed/notebook", "code-along/notebook"], execute={"mode": "never"})
    done = convert(job)
    assert [done.outputs[name]["note"] for name in "0123"] == ["stored outputs", "", "stored outputs", ""]
    assert course.page(done.outputs["0"]).count("stored result") == 2 and "stored in the source" in course.page(done.outputs["0"])
    assert "stored result" not in course.page(done.outputs["1"]) + course.page(done.outputs["3"])
    assert not done.of("kernel")


def test_never_without_any_results_says_not_executed(course: Any, convert: Any) -> None:
    course.write("a.py", "# %%\n1 / 0\n")
    done = convert(course.job("a.py", ["completed/html/de", "code-along/html/de"], ("de",), execute={"mode": "never"}))
    assert done.outputs["0"]["note"] == "not executed" and "nicht ausgeführt" in course.page(done.outputs["0"])
    assert done.outputs["1"]["note"] == ""


@pytest.mark.kernel
def test_never_uses_the_last_result_whose_key_still_matches(course: Any, convert: Any, notebook: Any) -> None:
    course.write("a.ipynb", notebook("print('kept result')"))
    convert(course.job("a.ipynb", HTML))
    done = convert(course.job("a.ipynb", HTML, execute={"mode": "never"}))
    assert done.outputs["0"]["note"] == "" and "kept result" in course.page(done.outputs["0"])


def test_without_a_kernel_only_results_are_missing(course: Any, convert: Any, notebook: Any) -> None:
    course.write("a.ipynb", notebook("1"))
    course.write("b.ipynb", notebook(("markdown", "only text")))
    done = convert(course.job("a.ipynb", ["completed/html", "completed/code"], kernel=None))
    assert done.of("missing") == [{"t": "missing", "variant": "0", "problem": None, "state": "skipped", "hidden": []}] and set(
        done.outputs
    ) == {"1"}
    assert set(convert(course.job("b.ipynb", HTML, kernel=None)).outputs) == {"0"}


def test_a_notebook_without_code_asks_for_no_kernel(course: Any, convert: Any, notebook: Any) -> None:
    course.write("a.ipynb", notebook(("markdown", "text"), "", "  \n"))
    done = convert(course.job("a.ipynb", HTML))
    assert done.done["kernels"] == 0 and not done.of("execution") and done.outputs["0"]["note"] == ""


@pytest.mark.kernel
def test_a_kernel_that_is_not_installed_is_worth_another_attempt(course: Any, convert: Any, notebook: Any) -> None:
    course.write("a.ipynb", notebook("1"))
    done = convert(course.job("a.ipynb", HTML, kernel={"name": "no-such-kernel"}))
    assert done.done["status"] == "infrastructure" and done.problems[0]["class"] == "missing-kernel"


@pytest.mark.kernel
def test_a_kernel_that_ends_at_once_is_reported_with_what_it_said(
    course: Any, convert: Any, notebook: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    spec = tmp_path / "data" / "kernels" / "broken"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(
        json.dumps({"argv": ["python3", "-c", "raise SystemExit('no licence')"], "display_name": "B", "language": "python"})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "data"))
    course.write("a.ipynb", notebook("1"))
    done = convert(course.job("a.ipynb", HTML, kernel={"name": "broken"}))
    assert done.done["status"] == "infrastructure" and "no licence" in done.problems[0]["message"]


def test_a_source_with_another_hash_or_none_is_changed(course: Any, convert: Any, notebook: Any) -> None:
    course.write("a.ipynb", notebook("1"))
    job = course.job("a.ipynb", HTML)
    course.write("a.ipynb", notebook("2"))
    assert convert(job).done == {"status": "changed"}
    (course.root / "a.ipynb").unlink()
    assert convert(job).done == {"status": "changed"}


def test_a_source_that_cannot_be_read_fails_as_a_whole(course: Any, convert: Any) -> None:
    course.write("a.ipynb", "{")
    done = convert(course.job("a.ipynb", HTML))
    assert done.done["status"] == "failed" and done.problems[0]["class"] == "bad-source"


def test_an_unclosed_region_keeps_the_source_from_students_only(course: Any, convert: Any, notebook: Any) -> None:
    course.write("a.ipynb", notebook(("markdown", "text"), "a = 1\n### BEGIN SOLUTION\nsecret = 2"))
    job = course.job("a.ipynb", ["student/html", "student/notebook", "completed/code"], execute={"mode": "never"})
    done = convert(job)
    [problem] = done.problems
    assert (problem["class"], problem["cell"], problem["line"]) == ("bad-source", 1, 2)
    assert [frame["variant"] for frame in done.of("missing")] == ["0", "1"] and set(done.outputs) == {"2"}


def test_two_languages_with_different_code_have_two_keys(course: Any, convert: Any) -> None:
    course.write("a.py", '# %% lang="de"\n"a"\n# %% lang="en"\n"b"\n')
    done = convert(course.job("a.py", ["completed/html/de", "completed/html/en"], ("de", "en"), execute={"mode": "never"}))
    assert len({frame["key"] for frame in done.of("execution")}) == 2


PICTURES = """\
# %% [markdown]
# Text
# ![a](img/a%20b.png) <img src="img/none.png">
# ![b](img/pointer.png) `![c](img/code.png)`
# [data](data/x.csv) [other](other.ipynb)
# %%
import mod; open("data/x.csv")
"""


def test_pictures_and_data_are_assets_and_a_missing_picture_is_named_once(course: Any, convert: Any) -> None:
    course.write("week/img/a b.png", b"png")
    course.write("week/img/pointer.png", "version https://git-lfs.github.com/spec/v1\n")
    course.write("week/data/x.csv", "1")
    course.write("week/mod.py", "")
    course.write("week/a.py", PICTURES)
    done = convert(course.job("week/a.py", ["completed/html", "completed/notebook", "code-along/code"], execute={"mode": "never"}))
    assert done.outputs["0"]["assets"] == ["/page", "data/x.csv", "img/a b.png"]
    assert done.outputs["1"]["assets"] == ["data/x.csv", "img/a b.png", "mod.py"]
    found = [(problem["class"], problem["line"], problem["message"]) for problem in done.problems]
    assert found == [
        ("image", 3, "The image img/none.png is not there."),
        ("image", 4, "The image img/pointer.png is only a pointer of git LFS."),
        ("link", 5, "The link to other.ipynb leads nowhere: there is no such file."),
    ]
    page = course.page(done.outputs["0"])
    assert "missing image: img/none.png" in page and "missing image: img/pointer.png" in page and "img/a%20b.png" in page
    assert 'src="img/none.png"' in course.page(done.outputs["1"]).replace("\\", "")


def test_references_are_renamed(course: Any, convert: Any) -> None:
    course.write("img/a.png", b"png")
    course.write("a.py", '# %% [markdown]\n# ![a](img/a.png) <img src="img/a.png"> `img/a.png`\n')
    done = convert(course.job("a.py", ["completed/notebook"], style={"renames": {"img/a.png": "img/topic/a.png"}}))
    assert cells(course, done.outputs["0"])[0].source == '![a](img/topic/a.png) <img src="img/topic/a.png"> `img/a.png`'


def test_the_code_format_has_no_metadata(course: Any, convert: Any) -> None:
    course.write("a.py", '# %% [markdown] tags=["slide"]\n# # T\n\n# %% tags=["keep"]\n%matplotlib inline\n# !pip install x\n')
    done = convert(course.job("a.py", ["completed/code"]))
    assert course.page(done.outputs["0"]) == "# %% [markdown]\n# # T\n\n# %%\n# %matplotlib inline\n# # !pip install x\n"


def test_the_same_job_gives_the_same_bytes(course: Any, convert: Any) -> None:
    course.write("deck.py", DECK)
    job = course.job("deck.py", ["completed/html/de", "speaker/notebook/en"], ("de", "en"), execute={"mode": "never"})
    assert convert(job).outputs == convert(job).outputs


@pytest.mark.kernel
def test_an_r_notebook_runs_and_its_errors_are_understood(
    course: Any, convert: Any, notebook: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    venv = str(Path(sys.executable).parent)
    made = subprocess.run(
        ["R", "-s", "-e", "IRkernel::installspec()"], capture_output=True, text=True, check=False,
        env={**os.environ, "JUPYTER_DATA_DIR": str(tmp_path / "data"), "PATH": f"{venv}:{os.environ['PATH']}"},
    ) if any((Path(folder) / "R").exists() for folder in os.environ["PATH"].split(":")) else None  # fmt: skip
    if made is None or made.returncode:
        pytest.skip("no R with IRkernel")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "data"))
    course.write("x.csv", "a,b\n1,2\n")
    course.write("a.ipynb", notebook("x <- read.csv('x.csv')", "cat(x$a + 41)"))
    course.write("b.ipynb", notebook("library(notThere)"))
    course.write("c.ipynb", notebook("read.csv('no.csv')"))
    changes = {"kernel": {"name": "ir"}, "reader": {"prog_lang": "R"}}
    assert "<pre>42</pre>" in course.page(convert(course.job("a.ipynb", HTML, **changes)).outputs["0"])
    [problem] = convert(course.job("b.ipynb", HTML, **changes)).problems
    assert (
        problem["class"] == "missing-package"
        and "notThere" in problem["hint"]
        and problem["message"].startswith("Error in library(notThere)")
    )
    assert convert(course.job("c.ipynb", HTML, **changes)).problems[0]["class"] == "missing-file"
