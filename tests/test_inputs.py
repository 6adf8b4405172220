"""The guess which files a piece of text needs."""

from __future__ import annotations

import pytest

from clx_jupyter_workers.inputs import imported_names, mentioned, modules, shown_names

FILES = [
    "data/x.csv",
    "data/y.csv",
    "week/data/x.csv",
    "week/img/a.png",
    "util.py",
    "week/local.py",
    "pkg/__init__.py",
    "pkg/core.py",
    "big",
]

MENTIONS = [
    ("pd.read_csv('data/x.csv')", "", {"data/x.csv"}),
    ("pd.read_csv('data/x.csv')", "week", {"data/x.csv", "week/data/x.csv"}),
    ("open('../data/y.csv')", "week", {"data/y.csv"}),
    ("open('./data/y.csv')", "", {"data/y.csv"}),
    ("![a](img/a.png)", "week", {"week/img/a.png"}),
    ('<img src="img/a.png">', "week", {"week/img/a.png"}),
    ("!head data/x.csv | wc", "", {"data/x.csv"}),
    ("os.listdir('data')", "", {"data/x.csv", "data/y.csv"}),
    ("os.listdir('data/')", "", {"data/x.csv", "data/y.csv"}),
    ("glob('data/*.csv')", "", {"data/x.csv", "data/y.csv"}),
    ("glob('data/x*')", "", {"data/x.csv"}),
    ("the data are large", "", set()),  # a folder counts only as a quoted string
    ("os.listdir('.')", "week", set()),  # the notebook's own folder would be everything
    ("os.listdir('week')", "", {"week/data/x.csv", "week/img/a.png", "week/local.py"}),
    ("open('other.csv')", "", set()),
    ("open('/etc/passwd'); open('../../etc/passwd')", "week", set()),
    ("", "", set()),
]


@pytest.mark.parametrize(("text", "folder", "expected"), MENTIONS)
def test_files_are_found_by_path_folder_or_pattern(text: str, folder: str, expected: set[str]) -> None:
    assert mentioned(text, folder, FILES) == expected


NAMES = [
    ("import a", {"a"}),
    ("import a, b.c as d", {"a", "b.c"}),
    ("from a import b", {"a", "a.b"}),
    ("from a import b as c, d", {"a", "a.b", "a.d"}),
    ("from a import (b, c)", {"a", "a.b", "a.c"}),
    ("from a import (\n    b,  # first\n    c as d,\n)", {"a", "a.b", "a.c"}),
    ("from . import b", {"b"}),
    ("from .a import b", {"a", "a.b"}),
    ("from a import *", {"a"}),
    ("if x:\n    import a", {"a"}),
    ("# import a", set()),
    ("important = 1", set()),
]


@pytest.mark.parametrize(("code", "expected"), NAMES)
def test_imports_are_read(code: str, expected: set[str]) -> None:
    assert imported_names(code) == expected


LOADS = [
    ("import util", "week", {"util.py"}),
    ("import local", "week", {"week/local.py"}),
    ("import local", "", set()),
    ("from pkg import core", "", {"pkg/__init__.py", "pkg/core.py"}),
    ("from pkg import (\n    core,\n)", "", {"pkg/__init__.py", "pkg/core.py"}),
    ("import pkg.core", "week", {"pkg/__init__.py", "pkg/core.py"}),
    ("from .core import f", "pkg", {"pkg/core.py"}),
    ("import numpy", "", set()),
]


@pytest.mark.parametrize(("code", "folder", "expected"), LOADS)
def test_local_modules_are_found_beside_the_notebook_and_at_the_root(code: str, folder: str, expected: set[str]) -> None:
    assert modules(code, folder, FILES) == expected


def test_a_line_of_stars_is_no_pattern_of_files() -> None:
    files = ["week/a.csv", "b.csv"]
    assert mentioned("print('*' * 20); re.match('.*', x)", "week", files) == set()
    assert mentioned("glob('*.csv')", "week", files) == {"week/a.csv", "b.csv"}
    assert mentioned("Path().glob('*')", "week", files) == {"week/a.csv"}
    assert mentioned("Path().glob('*')", "", files) == set(files)


def test_what_html_shows_is_named() -> None:
    text = "<img src='a b.png'> <video poster=\"p%20q.png\" src=film.mp4> <img src='https://x.org/y.png'>"
    assert shown_names(text) == {"a b.png", "p q.png", "film.mp4"}
