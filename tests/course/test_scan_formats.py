"""Whatever jupytext reads as a mark in any of its formats, planning sees too: one that is overlooked would publish a solution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jupytext.formats import JUPYTEXT_FORMATS
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from clx_jupyter.course.scan import TEXT_SUFFIXES, is_source, scan
from clx_jupyter.kinds import BLACK_MARKS, WHITE_MARKS

NEED_A_PROGRAM = {"pandoc", "quarto", "marimo"}
FORMATS = sorted({(each.format_name, each.extension) for each in JUPYTEXT_FORMATS if each.format_name not in NEED_A_PROGRAM})
MARKS = sorted(BLACK_MARKS | WHITE_MARKS)
TAGS = st.lists(
    st.sampled_from([*MARKS, "slide", "a b", "ünï", "it's", "[x", "y]", 'say "x"', "a=b", "{", "%%", "--"]), max_size=4, unique=True
)
OTHERS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "lang": st.sampled_from(["de", "en"]),
        "slideshow": st.just({"slide_type": "slide"}),
        "name": st.sampled_from(["plot", "tags", "keep"]),
        "other": st.just({"tags": ["none"]}),
        "nbgrader": st.fixed_dictionaries({"grade": st.booleans(), "solution": st.booleans(), "grade_id": st.just("one")}),
    },
)  # fmt: skip
KINDS = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}


def notebook(kind: str, metadata: dict[str, Any], format: dict[str, str]) -> nbformat.NotebookNode:
    header = {
        "kernelspec": {"name": "python3", "display_name": "Python", "language": "python"},
        "jupytext": {"text_representation": format},
    }
    source = "x = 1\n\ny = 2" if kind == "code" else "Some\n\ntext"
    return new_notebook(
        metadata=header, cells=[new_markdown_cell("# T\n\ntext"), KINDS[kind](source, metadata=metadata), new_code_cell("z")]
    )


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=250, deadline=None, derandomize=True)
@given(st.sampled_from(FORMATS), st.sampled_from(sorted(KINDS)), TAGS, OTHERS)
def test_the_marks_that_jupytext_reads_are_seen(format: tuple[str, str], kind: str, tags: list[str], others: dict[str, Any]) -> None:
    known = {"format_name": format[0], "extension": format[1]}
    text = jupytext.writes(notebook(kind, {"tags": tags, **others} if tags else dict(others), known), known)
    try:
        cells = jupytext.reads(text, known).cells
    except (ValueError, SyntaxError, nbformat.ValidationError):  # jupytext cannot read back what it wrote
        return
    read = {str(tag) for cell in cells for tag in cell.metadata.get("tags") or []}
    solution = any(isinstance(found := cell.metadata.get("nbgrader"), dict) and found.get("solution") is True for cell in cells)
    found = scan(f"a{format[1]}", text.encode())
    assert read.intersection(MARKS) <= found.tags, text
    assert solution <= any(cell.solution for cell in found.cells), text


@pytest.mark.parametrize("suffix", sorted(TEXT_SUFFIXES - {".c"}))
def test_every_suffix_of_a_source_is_one_that_jupytext_reads(tmp_path: Path, suffix: str) -> None:
    if suffix == ".qmd":  # only the program quarto writes it
        assert (suffix, "quarto") in {(each.extension, each.format_name) for each in JUPYTEXT_FORMATS}
        return
    text = jupytext.writes(notebook("code", {"tags": ["keep"]}, {"extension": suffix}), suffix)
    (tmp_path / f"a{suffix}").write_text(text, encoding="utf-8")
    assert is_source(tmp_path / f"a{suffix}")


SPELLINGS = [
    ("a.md", "```{code-cell} python\n---\ntags:\n- solution\n- x\n---\n1\n```\n"),
    ("a.md", "```{code-cell} python\n---\ntags:\n    - solution\nname: x\n---\n1\n```\n"),
    ("a.md", "```{code-cell} python\n:tags: [hide-input,\n:  solution]\n1\n```\n"),
    ("a.md", "```{raw-cell}\n:tags: [solution]\n1\n```\n"),
    ("a.md", '::: {.cell .code execution_count="1" tags="[\\"x\\",\\"solution\\"]"}\n``` python\n1\n```\n:::\n'),
    ("a.md", '<!-- #raw tags=["solution"] -->\n1\n<!-- #endraw -->\n'),
    ("a.qmd", "```{python}\n#| label: x\n#| tags: [solution]\n1\n```\n"),
    ("a.qmd", "```{python}\n#| tags:\n#|   - solution\n1\n```\n"),
    ("a.Rmd", "```{r plot, tags=c('solution', \"x\"), echo=FALSE}\n1\n```\n"),
    ("a.R", '#+ plot, tags=c("solution")\n1\n'),
    ("a.py", "#%% tags='solution'\n1\n"),
    ("a.py", "# %% tags=solution\n1\n"),
    ("a.py", "# %%%% Title tags=['x', 'solution']\n1\n"),
    ("a.py", '  # %% tags=["x]", "solution"]\n1\n'),
    ("a.py", '# %% tags=["solution"\n1\n'),
    ("a.py", '# region tags=["solution"]\n1\n# endregion\n'),
    ("a.py", '# {{{ tags=["solution"]\n1\n# }}}\n'),
    ("a.py", '# ---\n# jupyter:\n#   jupytext:\n#     cell_markers: "<<<,>>>"\n# ---\n\n# <<< tags=["solution"]\n1\n# >>>\n'),
    ("a.ml", '(* %% tags=["solution"] *)\n1\n'),
    ("a.sas", '/* + tags=["solution"] */\n1\n'),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text"), SPELLINGS)
def test_a_mark_is_seen_however_it_is_spelt(path: str, text: str) -> None:
    assert "solution" in scan(path, text.encode()).black


NBGRADER = [
    ("a.py", '# %% nbgrader={"grade": false, "grade_id": "x", "solution": true}\n1\n'),
    ("a.py", '# + nbgrader={"grade": false, "solution": true}\n1\n'),
    ("a.md", '```python nbgrader={"solution": true}\n1\n```\n'),
    ("a.md", "```{code-cell}\n---\nnbgrader:\n  grade: false\n  solution: true\n---\n1\n```\n"),
    ("a.Rmd", '```{r nbgrader={"solution": true}}\n1\n```\n'),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text"), NBGRADER)
def test_nbgraders_solution_cells_are_seen_in_text_too(path: str, text: str) -> None:
    assert "nbgrader" in scan(path, text.encode()).black


def test_what_stands_before_the_first_mark_belongs_to_the_source() -> None:
    found = scan("a.py", b"# ---\n# jupyter: {}\n# ---\n### BEGIN SOLUTION\nopen('x.csv')\n### END SOLUTION\n\n# %%\n1\n")
    assert found.black == {"BEGIN SOLUTION"} and "x.csv" in found.code


REGIONS = [
    ("# BEGIN HIDDEN TESTS", {"BEGIN HIDDEN TESTS"}),
    ("### BEGIN MARK SCHEME", {"BEGIN MARK SCHEME"}),
    ("#### Begin Solutions ####", {"Begin Solutions"}),
    ("# begin_solution", {"begin_solution"}),
    ("# let us begin solution by solution", set()),
]


@pytest.mark.parametrize(("line", "marks"), REGIONS)
def test_regions_with_a_slip_of_the_pen_never_pass_unmarked(line: str, marks: set[str]) -> None:
    assert scan("a.py", f"# %%\nx\n{line}\ny\n".encode()).black == marks
