"""Every fault of the table in docs/reliability.md is produced by a test, and the table names it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent
DOCUMENT = TESTS.parent / "docs" / "reliability.md"
ROWS = {*range(1, 44), 45, 46, 47} - {14, 22}
TO_COME: set[int] = set()
"""Rows whose tests are not there yet."""


def _rows(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[int]:
    """The rows that the marks of a test name, those of single parameters included."""
    for decorator in function.decorator_list:
        for node in ast.walk(decorator):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.fault":
                yield from (ast.literal_eval(argument) for argument in node.args)


@cache
def shown() -> dict[int, set[str]]:
    """The names of the tests that show each row."""
    found: dict[int, set[str]] = defaultdict(set)
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for row in _rows(node):
                    found[row].add(node.name)
    return found


def listed() -> dict[int, set[str]]:
    """The names of the tests that the document gives for each row."""
    rows = re.findall(r"^\| (\d+) \|[^|]*\|[^|]*\|([^|]*)\|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert len({row for row, _ in rows}) == len(rows), "a row stands there twice"
    return {int(row): set(re.findall(r"`(test_\w+)`", tests)) for row, tests in rows}


def test_every_fault_is_shown_by_a_test() -> None:
    missing = ROWS - set(shown())
    assert missing <= TO_COME, f"rows without a test: {sorted(missing - TO_COME)}"


def test_no_test_shows_a_fault_that_is_not_in_the_table() -> None:
    assert set(shown()) <= set(listed())


def test_the_document_lists_every_fault_with_tests_that_show_it() -> None:
    table, tests = listed(), shown()
    assert set(table) == ROWS
    assert {row: names - tests[row] for row, names in table.items() if names - tests[row]} == {}
    assert {row for row, names in table.items() if not names} <= TO_COME
