"""nbgrader's release rules."""

from __future__ import annotations

import pytest

from clx_jupyter_workers.notebook.document import Cell, Origin
from clx_jupyter_workers.notebook.solutions import RegionError, clear, region_problem

REGION = "def f(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION\n\nf(1)"
STUBBED = "def f(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()\n\nf(1)"


def cleared(source: str, prog_lang: str = "python", type: str = "code", solution: bool | None = None) -> tuple[str, bool]:
    metadata = {} if solution is None else {"nbgrader": {"solution": solution, "grade_id": "x"}}
    cell = Cell(type, source, Origin("a.ipynb", 3), metadata)
    changed = clear(cell, prog_lang)
    assert cell.metadata == metadata
    return cell.source, changed


CASES = [
    (REGION, "python", "code", None, STUBBED),
    (REGION, "python", "code", True, STUBBED),
    ("x = 1", "python", "code", True, "# YOUR CODE HERE\nraise NotImplementedError()"),
    ("x = 1", "python", "code", False, "x = 1"),
    ("x = 1", "python", "code", None, "x = 1"),
    ("x <- 1", "R", "code", True, "# YOUR CODE HERE\nfail()"),
    ("int x;", "java", "code", True, "// YOUR CODE HERE"),
    ("  // ### BEGIN SOLUTION\n  int x;\n  // ### END SOLUTION", "cpp", "code", None, "  // YOUR CODE HERE"),
    ("x := 1", "go", "code", True, "// YOUR CODE HERE"),
    ("x=1", "bash", "code", True, "# YOUR CODE HERE"),
    ("let x = 1", "ocaml", "code", True, "(* YOUR CODE HERE *)"),
    ("x\n# BEGIN SOLUTION\ny\n#END SOLUTION", "python", "code", None, "x\n# YOUR CODE HERE\nraise NotImplementedError()"),
    ("<!-- BEGIN SOLUTION -->\ny\n<!-- END SOLUTION -->", "python", "markdown", None, "YOUR ANSWER HERE"),
    ("write it between begin and end solution", "python", "markdown", None, "write it between begin and end solution"),
    ("my answer", "python", "markdown", True, "YOUR ANSWER HERE"),
    ("a\n### BEGIN HIDDEN TESTS\nassert x\n### END HIDDEN TESTS\nb", "python", "code", None, "a\nb"),
    ("task\n### BEGIN MARK SCHEME\n3 points\n### END MARK SCHEME", "python", "markdown", None, "task"),
    (REGION + "\n" + REGION, "python", "code", None, STUBBED + "\n" + STUBBED),
]


@pytest.mark.parametrize(("source", "prog_lang", "type", "solution", "expected"), CASES)
def test_solutions_become_stubs_and_hidden_tests_go(source: str, prog_lang: str, type: str, solution: bool | None, expected: str) -> None:
    assert cleared(source, prog_lang, type, solution) == (expected, source != expected)


BROKEN = [
    ("a\n### BEGIN SOLUTION\nb", "The region 'BEGIN SOLUTION' has no end.", 2),
    ("### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION", "'BEGIN SOLUTION' stands inside the region 'BEGIN SOLUTION'.", 2),
    ("### BEGIN SOLUTION\n### BEGIN MARK SCHEME", "'BEGIN MARK SCHEME' stands inside the region 'BEGIN SOLUTION'.", 2),
    ("a\nb\n### END SOLUTION", "'END SOLUTION' ends no region of this name.", 3),
    ("### Begin Solution\nx", "'Begin Solution' is no mark of a region: it must be written like BEGIN SOLUTION or END SOLUTION.", 1),
    ("# BEGIN_SOLUTION", "'BEGIN_SOLUTION' is no mark of a region: it must be written like BEGIN SOLUTION or END SOLUTION.", 1),
    ("# BEGIN SOLUTION # END SOLUTION", "The region 'BEGIN SOLUTION' has no end.", 1),
    ("### BEGIN SOLUTION\n### END HIDDEN TESTS", "'END HIDDEN TESTS' ends no region of this name.", 2),
]  # fmt: skip


@pytest.mark.parametrize(("source", "message", "line"), BROKEN)
def test_a_broken_region_is_an_error_with_its_line(source: str, message: str, line: int) -> None:
    with pytest.raises(RegionError) as error:
        cleared(source)
    assert (error.value.message, error.value.line) == (message, line)
    in_text = Cell("code", source, Origin("a.py", 3, 10))
    assert region_problem(in_text, error.value, has_lines=True).line == 9 + line
    assert region_problem(in_text, error.value, has_lines=False).line == line
