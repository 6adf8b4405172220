"""The guard by itself: it alarms when what chooses the cells is broken on purpose, and on nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from clx_jupyter_workers.notebook import cells, export, solutions
from clx_jupyter_workers.notebook.cells import Fate
from clx_jupyter_workers.notebook.execution import Result
from tests.workers.decks import KINDS, OWN, TOKEN, Generator, sees
from tests.workers.test_worker_leaks import job, tokens

NEVER = {"mode": "never", "kinds": ["completed", "speaker"]}
STUDENTS = ["code-along/html", "code-along/notebook", "student/notebook", "student/code", "completed/html"]


def stream(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def page(markup: str) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {"text/html": markup}, "metadata": {}}


def code(source: str, *outputs: dict[str, Any], tags: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"source": source, "outputs": list(outputs), "metadata": {"tags": list(tags)} if tags else {}}


def leaks(done: Any) -> list[str]:
    return [problem["message"] for problem in done.problems if problem["class"] == "leak"]


# --- the filter is broken on purpose ---

PICTURE = {"p.png": {"image/png": "c2VjcmV0IHBpY3R1cmUgb2YgdGhlIHNvbHV0aW9u"}}
DECK = (
    code("shown = 1", stream("one\n"), tags=("keep",)),
    code("x = 42", stream("the secret result of a solution\n"), tags=("solution",)),
    code("a = 1\n### BEGIN SOLUTION\nb = 2\n### END SOLUTION", tags=("keep",)),
    {"cell_type": "markdown", "source": "it is 7", "metadata": {"tags": ["answer"]}},
    {"cell_type": "markdown", "source": "![p](attachment:p.png)", "metadata": {"tags": ["solution"]}, "attachments": PICTURE},
    {"cell_type": "markdown", "source": "psst", "metadata": {"tags": ["private"]}},
)
SECRETS = ("x = 42", "b = 2", "it is 7", "psst", "secret result", PICTURE["p.png"]["image/png"])


def keep_all(document: Any, *_: Any) -> list[Fate]:
    return [Fate.KEPT] * len(document.cells)


def keep_removed(document: Any, rule: Any, rules: Any, language: str) -> list[Fate]:
    return [Fate.BLANKED if fate is Fate.REMOVED else fate for fate in _FATES(document, rule, rules, language)]


def next_results(cells: Any, metadata: Any, results: Mapping[int, Result]) -> Any:
    """Results stand one cell too far up."""
    return _NODE(cells, metadata, {index - 1: result for index, result in results.items()})


def note_metadata(source: Any, replaced: Any) -> dict[str, Any]:
    return {**_METADATA(source, replaced), "summary": "y = compute_the_answer(42)"}


_FATES, _NODE, _METADATA = cells.fates, export._node, export.metadata_of
BREAKS: dict[str, tuple[Any, str, Any]] = {
    "every cell is kept": (cells, "fates", keep_all),
    "no text is taken away": (cells, "_set_text", lambda *_: (True, cells.NO_BOX)),
    "blanking leaves the text": (cells, "_set_text", lambda *_: (False, cells.NO_BOX)),
    "regions stay": (solutions, "clear", lambda *_: False),
    "answers stay": (cells, "_label_answer", lambda *_: False),
}


@pytest.mark.parametrize("name", BREAKS)
def test_it_holds_back_what_a_broken_filter_lets_through(course: Any, convert: Any, notebook: Any, monkeypatch: Any, name: str) -> None:
    course.write("a.ipynb", notebook(*DECK))
    monkeypatch.setattr(*BREAKS[name])
    done = convert(course.job("a.ipynb", STUDENTS, execute=NEVER))
    assert leaks(done) and all("mistake of clx_jupyter" in problem["hint"] for problem in done.problems if problem["class"] == "leak")
    for number in done.outputs:
        if not STUDENTS[int(number)].startswith("completed"):
            text = course.page(done.outputs[number])
            assert not [secret for secret in SECRETS if secret in text], name


def test_without_a_break_it_says_nothing(course: Any, convert: Any, notebook: Any) -> None:
    course.write("a.ipynb", notebook(*DECK))
    done = convert(course.job("a.ipynb", STUDENTS, execute=NEVER))
    assert not done.problems and len(done.outputs) == len(STUDENTS)


def test_results_under_the_wrong_cell_are_held_back(course: Any, convert: Any, notebook: Any, monkeypatch: Any) -> None:
    course.write("a.ipynb", notebook(code("1"), code("2", stream("a result for the speaker only\n"), tags=("private",))))
    monkeypatch.setattr(export, "_node", next_results)
    done = convert(course.job("a.ipynb", ["completed/html", "completed/notebook", "speaker/html"], execute=NEVER))
    assert set(done.outputs) == {"2"} and leaks(done) == [
        "The completed version would show data of cell 2, which is kept from it, outside its cells."
    ]


def test_hidden_text_in_the_notebooks_metadata_is_held_back(course: Any, convert: Any, notebook: Any, monkeypatch: Any) -> None:
    course.write("a.ipynb", notebook(code("y = compute_the_answer(42)", tags=("private",)), code("1")))
    monkeypatch.setattr(export, "metadata_of", note_metadata)
    done = convert(course.job("a.ipynb", ["completed/notebook", "speaker/notebook"], execute=NEVER))
    assert set(done.outputs) == {"1"} and leaks(done) == [
        "The completed version would show line 1 of cell 1, which is kept from it, outside its cells."
    ]


def test_alone_it_stops_every_secret_of_random_decks(course: Any, convert: Callable[..., Any], monkeypatch: Any) -> None:
    """The filter keeps every cell, so nothing but the guard stands between the secrets and the students."""
    monkeypatch.setattr(cells, "fates", keep_all)
    monkeypatch.setattr(cells, "_label_answer", lambda *_: False)
    held = 0
    for seed in range(40):
        deck = Generator(seed).deck()
        course.write(deck.path, deck.text)
        chosen = [(kind, format) for kind in KINDS for format in ("html", "notebook")]
        done = convert(job(course, deck, [f"{kind}/{format}" for kind, format in chosen]))
        (course.root / deck.path).unlink()
        held += len(leaks(done))
        for number, frame in done.outputs.items():
            kind, format = chosen[int(number)]
            found = tokens((course.work / "stage" / frame["sha256"]).read_bytes(), format)
            secret = {plant.token for cell in deck.cells for plant in cell.plants if sees(kind, cell, plant, "", format) is False}
            assert not secret & found, f"seed {seed} {kind} {format}\n{deck.text}"
        shutil.rmtree(course.work / "stage", ignore_errors=True)
    assert held > 100


# --- results that show hidden code, and results that only look so ---

HIDDEN = "def secret_step(value):\n    doubled = value * 2  # the trick\n    return doubled / 0"
SHOWING = {
    "a traceback": {"output_type": "error", "ename": "E", "evalue": "x", "traceback": [
        "\x1b[0;32mCell In[1], line 2\x1b[0m\n\x1b[1;32m----> 2 \x1b[39mdoubled \x1b[38;5;241m=\x1b[39m value \x1b[38;5;241m*\x1b[39m 2  # the trick\n"]},
    "its source": stream(HIDDEN),
    "the history": stream(repr(["", HIDDEN])),
    "colours": page("<pre>doubled <span class='o'>=</span> value <span class='o'>*</span> <b>2</b>  <i># the trick</i></pre>"),
    "an attribute": page('<img alt="doubled = value * 2  # the trick">'),
    "a script": page("<script>let x = 'doubled = value * 2  # the trick'</script>"),
    "JSON": {"output_type": "display_data", "metadata": {},
             "data": {"application/json": {"a": ["doubled = value * 2  # the trick"]}, "text/plain": "<JSON>"}},
}  # fmt: skip


@pytest.mark.parametrize("form", SHOWING)
def test_a_result_that_shows_hidden_code_is_held_back(course: Any, convert: Any, notebook: Any, form: str) -> None:
    course.write("a.ipynb", notebook(code(HIDDEN, tags=("private",)), code("secret_step(1)", SHOWING[form], tags=("raises-exception",))))
    variants = ["completed/notebook", "speaker/notebook", "completed/code", "code-along/notebook"]
    done = convert(course.job("a.ipynb", [*variants, "completed/html"], execute=NEVER))
    [problem] = [problem for problem in done.problems if problem["class"] == "leak"]
    assert (problem["severity"], problem["path"], problem["cell"]) == ("error", "a.ipynb", 1)
    assert "The output of this cell shows line" in problem["message"] and "of cell 1, which the completed version" in problem["message"]
    held = {"0", "4"}
    assert {frame["variant"] for frame in done.of("missing")} == held and set(done.outputs) == {*"01234"} - held
    assert all(frame["state"] == "failed" and frame["problem"] == problem["id"] for frame in done.of("missing"))


VALUES: dict[str, tuple[str, dict[str, Any]]] = {
    "a text that code holds": (
        'text = """\nIt was the best of times,\nit was the worst of times\n"""',
        stream("It was the best of times,\nit was"),
    ),
    "items of a list": ('names = [\n    "Alice Anderson",\n    "Bob Bricklayer",\n]', stream("['Alice Anderson', 'Bob Bricklayer']")),
    "what print shows": ('print("Hello, dear world of Python")', stream("Hello, dear world of Python\n")),
    "an object": ("LinearRegression(fit_intercept=True)", stream("LinearRegression(fit_intercept=True)")),
    "a comment": ("# the mean of all values\nm = 1", stream("the mean of all values: 1")),
    "a table": ("1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5", stream("1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5")),
    "a short line": ("x = 42", stream("x = 42")),
    "a docstring": ('def f():\n    """Gives the\n    square root of a number.\n    """', stream("Gives the square root of a number.")),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_that_hidden_code_holds_may_be_shown(course: Any, convert: Any, notebook: Any, name: str) -> None:
    hidden, output = VALUES[name]
    course.write("a.ipynb", notebook(code(hidden, tags=("private",)), code("show()", output)))
    done = convert(course.job("a.ipynb", ["completed/html", "completed/notebook"], execute=NEVER))
    assert not leaks(done) and len(done.outputs) == 2


def test_text_that_stands_in_a_shown_cell_is_no_secret(course: Any, convert: Any, notebook: Any) -> None:
    shared = "model.fit(training_data, training_labels)"
    rows = (
        code(f"{shared}\nmodel.tune_it_secretly(1)", tags=("private",)), code(shared, stream(f"{shared}\n")),
        {"cell_type": "markdown", "source": f"Try `{shared}`.", "metadata": {}},
    )  # fmt: skip
    course.write("a.ipynb", notebook(*rows))
    done = convert(course.job("a.ipynb", ["completed/html", "student/notebook"], execute=NEVER))
    assert not leaks(done) and len(done.outputs) == 2


def test_expected_results_quoted_in_notes_are_no_leak_but_whole_sentences_are(course: Any, convert: Any, notebook: Any) -> None:
    quoted = "```\nIndexError: list index out of range here and there\n```"
    sentence = "Ask them first why the third line of this fails."
    for notes, text, count in ((quoted, "IndexError: list index out of range here and there", 0), (sentence, sentence, 1)):
        cell = {"cell_type": "markdown", "source": notes, "metadata": {"tags": ["notes"]}}
        course.write("a.ipynb", notebook(cell, code("f()", stream(text))))
        assert len(leaks(convert(course.job("a.ipynb", ["completed/html"], execute=NEVER)))) == count


def test_one_language_is_no_secret_for_the_other(course: Any, convert: Any) -> None:
    course.write(
        "a.py",
        '# %% [markdown] lang="de"\n# Ein langer Satz auf Deutsch\n# %% [markdown] lang="en"\n# <!-- Ein langer Satz auf Deutsch -->\n',
    )
    done = convert(course.job("a.py", ["completed/html/en", "completed/notebook/de"], ("de", "en"), execute=NEVER))
    assert not done.problems and len(done.outputs) == 2


def test_an_older_page_that_shows_what_is_an_answer_or_in_a_region_now_is_withdrawn(course: Any, convert: Any, notebook: Any) -> None:
    """By the names that cells have in frames: what was shown in full meets what is hidden now."""
    answer = {"cell_type": "markdown", "source": "It is seven.", "metadata": {}}
    course.write("a.ipynb", notebook(code("b = 2"), answer))
    before = convert(course.job("a.ipynb", ["student/html"], execute=NEVER)).outputs["0"]["shown"]
    answer["metadata"] = {"tags": ["answer"]}
    course.write("a.ipynb", notebook(code("### BEGIN SOLUTION\nb = 2\n### END SOLUTIO"), answer))
    [missing] = convert(course.job("a.ipynb", ["student/html"], execute=NEVER)).of("missing")
    assert len(set(before) & set(missing["hidden"])) == 1
    course.write("a.ipynb", notebook(code("### BEGIN SOLUTION\nb = 2\n# End solutions"), answer))
    [missing] = convert(course.job("a.ipynb", ["student/html"], execute=NEVER)).of("missing")
    assert set(before) == set(missing["hidden"]) & set(before)


@pytest.mark.kernel
@pytest.mark.parametrize(
    "shown",
    ["secret_step(1)", "import inspect\nprint(inspect.getsource(secret_step))", "%history", "print(In)"],
    ids=["traceback", "getsource", "history", "In"],
)
def test_a_real_run_that_shows_hidden_code_is_not_published(course: Any, convert: Any, notebook: Any, shown: str) -> None:
    tags = ("raises-exception",) if shown.startswith("secret_step") else ()
    course.write("a.ipynb", notebook(code(HIDDEN, tags=("private",)), code(shown, tags=tags)))
    done = convert(course.job("a.ipynb", ["completed/html", "completed/notebook", "speaker/html"]))
    assert set(done.outputs) == {"2"} and len(leaks(done)) == 1, done.problems


@pytest.mark.kernel
def test_a_real_run_that_shows_values_of_hidden_code_is_published(course: Any, convert: Any, notebook: Any) -> None:
    hidden = code(
        'import pandas as pd\nframe = pd.DataFrame({"the name": ["Alice Anderson"], "the age": [30]})\nframe.head()', tags=("private",)
    )
    course.write("a.ipynb", notebook(hidden, code("frame.head()"), code("print(frame)")))
    done = convert(course.job("a.ipynb", ["completed/html", "completed/notebook"]))
    assert not done.problems and len(done.outputs) == 2 and "Alice Anderson" in course.page(done.outputs["0"])


def test_the_secrets_of_the_generator_are_found_in_every_form() -> None:
    token = "Qzabcdefgh12"
    data = json.dumps({"a": f"x {token}"}).encode()
    assert tokens(data, "notebook") == {token} == set(TOKEN.findall(token)) and set(OWN) <= set(KINDS)
    assert tokens(b'<img src="data:;base64,eCBRemFiY2RlZmdoMTIgeQ==">', "html") == {token}
    assert tokens(b"<b>Qzabcd</b>efgh12", "html") == {token}


def test_a_file_beside_the_notebook_that_holds_the_solution_is_named(course: Any, convert: Any, notebook: Any) -> None:
    solution = "def solve(puzzle):\n    first_step = puzzle.strip()\n    second_step = first_step.upper()\n    return second_step[::-1]"
    course.write("helper.py", f"import os\n\n{solution}\n")
    course.write("other.py", "def other_things(puzzle):\n    return puzzle.strip() + puzzle.lower()\n")
    course.write("a.ipynb", notebook(code(solution, tags=("solution",)), code("import helper, other", tags=("keep",))))
    done = convert(course.job("a.ipynb", ["student/notebook", "completed/notebook", "student/html"], execute=NEVER))
    [problem] = done.problems
    assert (problem["class"], problem["severity"], problem["cell"]) == ("leak", "warning", 0)
    assert "helper.py" in problem["message"] and "4 lines" in problem["message"] and len(done.outputs) == 3
    assert done.outputs["0"]["assets"] == ["helper.py", "other.py"]


def test_data_of_a_topic_that_holds_a_solution_is_named_and_finished_code_beside_a_deck_is_not(
    course: Any, convert: Any, notebook: Any
) -> None:
    lines = "def solve(puzzle):\n    first_step = puzzle.strip()\n    second_step = first_step.upper()\n    return second_step[::-1]"
    typed = "class Shopping:\n    def __init__(self):\n        self.articles = {}\n        self.prices_of_all = {}"
    begun = "def start_of_all():\n    here_begins = 'the exercise'\n    raise NotImplementedError(here_begins)"
    course.write("t/data/solution.py", lines)
    course.write("shared/whole.json", json.dumps({"cells": [{"source": f"x = 1\n{lines}"}]}))
    course.write("t/shopping.py", f"{typed}\n\n{begun}\n")
    course.write("t/a.ipynb", notebook(code(lines, tags=("solution",)), code(typed), code(begun, tags=("start",))))
    variants = ["code-along/notebook", "completed/notebook", "student/html", "speaker/notebook"]
    done = convert(course.job("t/a.ipynb", variants, scope=True, includes=[["shared/whole.json", "whole.json"]], execute=NEVER))
    found = {(problem["severity"], problem["cell"], problem["message"].split(", which")[0]) for problem in done.problems}
    assert found == {
        ("warning", 0, f"The file {name} is published beside the {kind} version and holds 4 lines of this cell")
        for name in ("data/solution.py", "whole.json") for kind in ("code-along", "student")
    } and len(done.outputs) == 4  # fmt: skip


def test_what_only_hidden_cells_name_is_not_copied(course: Any, convert: Any, notebook: Any) -> None:
    course.write("solutions.py", "")
    course.write("data/secret.csv", "1")
    course.write("img/secret.png", b"png")
    picture = {"cell_type": "markdown", "source": "![x](img/secret.png) [y](data/secret.csv)", "metadata": {"tags": ["private"]}}
    course.write(
        "a.ipynb", notebook(code("import solutions\nopen('data/secret.csv')", tags=("private",)), picture, code("1", tags=("keep",)))
    )
    done = convert(
        course.job("a.ipynb", ["completed/notebook", "completed/html", "code-along/notebook", "speaker/notebook"], execute=NEVER)
    )
    assert [done.outputs[number]["assets"] for number in "012"] == [[], ["/page"], []]
    assert done.outputs["3"]["assets"] == ["data/secret.csv", "img/secret.png", "solutions.py"]
