"""From errors to problems."""

from __future__ import annotations

import pytest

from clx_jupyter_workers.notebook.document import Cell, Origin
from clx_jupyter_workers.notebook.failures import MAX_TRACEBACK, Failure, classify, line_in_cell, problem, without

CASES = [
    ("ModuleNotFoundError", "No module named 'torch'", "missing-package", "pip install torch"),
    ("ModuleNotFoundError", "No module named 'sklearn.x'", "missing-package", "pip install scikit-learn"),
    ("ImportError", "cannot import name 'x' from 'y'", "cell-error", "raises-exception"),
    ("FileNotFoundError", "[Errno 2] No such file or directory: 'data/x.csv'", "missing-file", "data/x.csv"),
    ("URLError", "<urlopen error [Errno -3] Temporary failure in name resolution>", "network", ""),
    ("HTTPError", "HTTP Error 404: Not Found", "network", ""),
    ("gaierror", "[Errno -2] Name or service not known", "network", ""),
    ("ConnectionError", "HTTPSConnectionPool(host='x'): Max retries exceeded", "network", ""),
    ("requests.exceptions.ConnectTimeout", "", "network", ""),
    ("RuntimeError", "Failed: getaddrinfo failed", "network", ""),
    ("StdinNotImplementedError", "raw_input was called", "input", "skip-execution"),
    ("MemoryError", "", "out-of-memory", ""),
    ("ValueError", "no", "cell-error", "raises-exception"),
    ("ValueError", "No module named 'x'", "cell-error", "raises-exception"),
    ("ERROR", "Error in library(xyz): there is no package called \u2018xyz\u2019\n", "missing-package", "install.packages('xyz')"),
    ("ERROR", 'Error in file(file, "rt"): cannot open the connection\n', "missing-file", ""),
    ("ERROR", "Error: cannot open file 'x.csv'", "missing-file", "x.csv"),
    ("ERROR", "Error in url(\"http://x\"): cannot open the connection to 'http://x'", "network", ""),
    ("ERROR", "Error in eval(expr): object 'x' not found", "cell-error", "raises-exception"),
]


@pytest.mark.parametrize(("name", "value", "category", "hint"), CASES)
def test_the_name_of_an_error_decides_before_its_text(name: str, value: str, category: str, hint: str) -> None:
    found = classify(Failure(name, value))
    assert found[0] == category and hint in found[1]


LINES = [
    (Failure("E", "", ("\x1b[0;36mCell \x1b[0;32mIn[3], line 7\x1b[0m\n",), 3), 7),
    (Failure("E", "", ("Cell In[5], line 2\n", "Cell In[3], line 9, in f()\n"), 5), 2),
    (Failure("E", "", ("Cell In[2], line 2\n",), 5), None),
    (Failure("ERROR", "Error in parse(text = x): <text>:4:1: unexpected symbol"), 4),
    (Failure("ERROR", "Error: x"), None),
]


@pytest.mark.parametrize(("failure", "line"), LINES)
def test_the_line_is_read_off_the_traceback_of_the_failing_cell(failure: Failure, line: int | None) -> None:
    assert line_in_cell(failure) == line


def test_the_line_becomes_the_files_for_text_and_stays_the_cells_for_ipynb() -> None:
    failure = Failure("NameError", "name 'x' is not defined", ("Cell In[1], line 3\n",), 1)
    cell = Cell("code", "a\nb\nx", Origin("week/a.py", 4, 20), id="own")
    in_text = problem(failure, cell, has_lines=True)
    assert (in_text.path, in_text.cell, in_text.cell_id, in_text.line) == ("week/a.py", 4, "own", 22)
    assert problem(failure, cell, has_lines=False).line == 3
    assert in_text.message == "NameError: name 'x' is not defined"


def test_messages_are_one_line_and_tracebacks_plain_and_short() -> None:
    failure = Failure("ValueError", "\x1b[31mfirst\x1b[0m\nsecond", ("\x1b[31m" + "x" * 100_000,), 1)
    made = problem(failure, Cell("code", "", Origin("a", 0)), has_lines=False)
    assert made.message == "ValueError: first" and len(made.traceback) <= MAX_TRACEBACK + 20 and "\x1b" not in made.traceback


def test_names_of_cells_are_left_out_of_messages() -> None:
    assert Failure("SyntaxError", "invalid syntax (2747763117.py, line 1)").message == "SyntaxError: invalid syntax"


def test_paths_are_shortened_and_secrets_covered() -> None:
    text = without("/tmp/s/a/x.py secret-1 /tmp/s yes", {"/tmp/s": ".", "/tmp/s/": ""}, ["secret-1", "yes"])
    assert text == "a/x.py *** . yes"
