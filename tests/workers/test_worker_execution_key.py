"""What makes code run again, and what does not."""

from __future__ import annotations

from typing import Any

from clx_jupyter_workers.notebook.document import Cell, Origin
from clx_jupyter_workers.notebook.execution_key import key, used_files

KERNEL = {"name": "python3", "fingerprint": "f"}
EXECUTE: dict[str, Any] = {"allow_errors": False, "environment": {"A": "1"}}


def code(source: str, *tags: str, path: str = "a.py", line: int = 1) -> Cell:
    return Cell("code", source, Origin(path, 0, line), {"tags": list(tags)})


def make(cells: list[Cell] | None = None, kernel: Any = KERNEL, execute: Any = EXECUTE, used: Any = None) -> str:
    return key(cells if cells is not None else [code("x"), code("y")], kernel, execute, used or {"d.csv": "1"})


def test_what_makes_code_run_again() -> None:
    others = [
        make([code("x")]),
        make([code("y"), code("x")]),
        make([code("xy"), code("")]),
        make([code("x "), code("y")]),
        make([code("x", "raises-exception"), code("y")]),
        make([code("x", "skip-execution"), code("y")]),
        make(kernel={**KERNEL, "name": "ir"}),
        make(kernel={**KERNEL, "fingerprint": "g"}),
        make(execute={**EXECUTE, "allow_errors": True}),
        make(execute={**EXECUTE, "environment": {"A": "2"}}),
        make(execute={**EXECUTE, "environment": {"B": "1"}}),
        make(used={"d.csv": "2"}),
        make(used={"e.csv": "1"}),
    ]
    assert len({make(), *others}) == len(others) + 1


def test_what_does_not() -> None:
    moved = [code("x", "slide", "keep", path="b.py", line=9), code("y")]
    assert make(moved, {**KERNEL, "display_name": "P"}, {**EXECUTE, "cell_timeout": 9, "kinds": ["speaker"], "mode": "always"}) == make()


def test_no_value_of_a_variable_can_be_read_from_the_key() -> None:
    assert "1" * 20 not in make(execute={"environment": {"A": "1" * 20}})


FILES = {
    "week/x.csv": "1",
    "data/y.csv": "2",
    "mod.py": "3",
    "week/deep.py": "4",
    "other.csv": "5",
    "pkg/__init__.py": "6",
    "pkg/z.json": "7",
}


def used(text: str, texts: dict[str, str] | None = None) -> set[str]:
    return set(used_files(text, "week", FILES, lambda path: (texts or {}).get(path, "")))


def test_files_count_when_the_code_names_them() -> None:
    assert used("open('x.csv'), open('../data/y.csv')") == {"week/x.csv", "data/y.csv"}
    assert used("print('hello')") == set()
    assert used("import pkg") == {"pkg/__init__.py"}


def test_what_modules_need_counts_too_even_in_a_circle() -> None:
    texts = {"mod.py": "import deep", "week/deep.py": "import mod\nopen('other.csv')"}
    assert used("import mod", texts) == {"mod.py", "week/deep.py", "other.csv"}
