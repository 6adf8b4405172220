"""What planning sees of a source without the notebook libraries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.course.scan import Scan, is_source, scan

HEADER = "# ---\n# jupyter:\n#   kernelspec:\n#     display_name: R\n#     language: R\n#     name: ir\n# ---\n\n"
MYST = "---\njupytext:\n  text_representation:\n    format_name: myst\nkernelspec:\n  name: python3\n---\n"


def notebook(*cells: dict[str, Any], **metadata: Any) -> bytes:
    return json.dumps({"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}).encode()


def cell(source: str | list[str], kind: str = "code", **metadata: Any) -> dict[str, Any]:
    return {"cell_type": kind, "source": source, "metadata": metadata}


SOURCES = [
    ("a.ipynb", "anything", True),
    ("a.py", "# %%\nx = 1\n", True),
    ("a.py", "x = 1\n\n#%% Title\n", True),
    ("a.py", "x = 1\n", False),
    ("a.py", "# ---\n# jupytext:\n#   format: light\n# ---\n", True),
    ("a.R", HEADER, True),
    ("a.cpp", "// %% [markdown]\n// # T\n", True),
    ("a.md", "# Just text\n", False),
    ("a.md", "---\ntitle: x\n---\n", False),
    ("a.md", MYST, True),
    ("a.md", "# %%\n", False),
    ("a.txt", "# %%\n", False),
    ("a.csv", "# %%\n", False),
]


@pytest.mark.parametrize(("name", "text", "expected"), SOURCES)
def test_text_is_a_source_only_if_it_says_so(tmp_path: Path, name: str, text: str, expected: bool) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert is_source(tmp_path / name) is expected


HEADINGS = [
    ("a.py", b"# %% [markdown]\n# # The *first* `one`\n# %%\n", "The first one"),
    ("a.py", b"# %% [md]\n# text\n#\n# ## Second level ##\n", "Second level"),
    ("a.py", b"# %%\n# # a comment\n", None),
    ("a.cpp", b"// %% [markdown]\n// # Title\n", "Title"),
    ("a.md", b"# A [link](x.html)\n", "A link"),
    ("a.ipynb", notebook(cell(["x\n", "# In a list"], "markdown")), "In a list"),
    ("a.ipynb", notebook(cell("# code", "code")), None),
    ("a.py", "﻿# %% [markdown]\r\n# # Ünï\r\n".encode(), "Ünï"),
]


@pytest.mark.parametrize(("path", "data", "expected"), HEADINGS)
def test_the_title_is_the_first_heading_as_text(path: str, data: bytes, expected: str | None) -> None:
    assert scan(path, data).headings.get("") == expected


LANGUAGES = [
    ("a.py", b"# %%\n", None, "python"),
    ("a.R", HEADER.encode(), "ir", "R"),
    ("a.jl", b"# %%\n", None, "julia"),
    ("a.cs", b"// %%\n", None, "csharp"),
    ("a.md", MYST.encode(), "python3", "python"),
    ("a.go", b"// %%\n", None, "go"),
    ("a.ipynb", notebook(kernelspec={"name": "ir", "language": "R"}), "ir", "R"),
    ("a.ipynb", notebook(language_info={"name": "C++"}), None, "cpp"),
    ("a.ipynb", notebook(), None, "python"),
]


@pytest.mark.parametrize(("path", "data", "kernel", "language"), LANGUAGES)
def test_kernel_and_language_come_from_the_metadata_then_the_suffix(path: str, data: bytes, kernel: str | None, language: str) -> None:
    found = scan(path, data)
    assert (found.kernel, found.prog_lang) == (kernel, language)


MARKS: list[tuple[str, bytes, set[str], set[str]]] = [
    ("a.py", b'# %% tags=["solution"]\nx\n', {"solution"}, set()),
    ("a.py", b'# %% {"tags": ["solution"]}\nx\n', {"solution"}, set()),
    ("a.py", b'# %% tags=["keep", "other"]\nx\n# %% [markdown] tags=["completed"]\n', set(), {"keep", "completed"}),
    ("a.py", b"# %%\n### BEGIN SOLUTION\nx\n### END SOLUTION\n", {"BEGIN SOLUTION"}, set()),
    ("a.py", b'# ---\n# jupytext:\n#   a: b\n# ---\n\n# + tags=["solution"]\nx\n', {"solution"}, set()),
    ("a.py", b"# ---\n# jupytext:\n#   a: b\n# ---\n\n### BEGIN SOLUTION\nx\n", {"BEGIN SOLUTION"}, set()),
    ("a.md", b'```python tags=["start"]\nx\n```\n', set(), {"start"}),
    ("a.md", b"```{code-cell} ipython3\n:tags: [solution, x]\n\nx\n```\n", {"solution"}, set()),
    ("a.md", b"```{code-cell} ipython3\n---\ntags: [alt]\n---\nx\n```\n", set(), {"alt"}),
    ("a.md", b'+++ {"tags": ["solution"]}\n\ntext\n', {"solution"}, set()),
    ("a.md", b'<!-- #region tags=["keep"] -->\ntext\n<!-- #endregion -->\n', set(), {"keep"}),
    ("a.md", b"```python\ntags = ['solution']\n```\n", set(), set()),
    ("a.Rmd", b'```{r tags=c("solution")}\nx\n```\n', {"solution"}, set()),
    ("a.ipynb", notebook(cell("x", tags=["solution"]), cell("y", tags=["keep"])), {"solution"}, {"keep"}),
    ("a.ipynb", notebook(cell("x", nbgrader={"solution": True})), {"nbgrader"}, set()),
    ("a.ipynb", notebook(cell("x", nbgrader={"solution": False})), set(), set()),
    ("a.ipynb", notebook(cell(["### BEGIN ", "SOLUTION"])), {"BEGIN SOLUTION"}, set()),
]


@pytest.mark.parametrize(("path", "data", "black", "white"), MARKS)
def test_marks_for_solutions_are_seen_in_every_format(path: str, data: bytes, black: set[str], white: set[str]) -> None:
    found = scan(path, data)
    assert (set(found.black), set(found.white)) == (black, white)


def test_all_code_of_a_markdown_notebook_is_seen() -> None:
    found = scan("a.md", b"# T\n\n```python\na = 1\n```\n\ntext\n\n~~~python\nb = 2\n~~~\n")
    assert [(each.type, each.source.strip()) for each in found.cells] == [
        ("markdown", "# T"),
        ("code", "a = 1"),
        ("markdown", "text"),
        ("code", "b = 2"),
        ("markdown", ""),
    ]


def test_old_notebooks_keep_their_cells_in_worksheets() -> None:
    old = {"worksheets": [{"cells": [{"cell_type": "heading", "source": "Old"}, {"cell_type": "code", "input": ["x\n", "y"]}]}]}
    found = scan("a.ipynb", json.dumps(old).encode())
    assert (found.headings, found.code) == ({"": "Old"}, "x\ny")


BROKEN = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe",
    b'{"cells": 3}',
    b'{"cells": [1, null]}',
    b'{"metadata": []}',
    b'{"worksheets": 1}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("data", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_notebook_is_left_to_the_worker(data: bytes) -> None:
    assert scan("a.ipynb", data).cells == Scan().cells


def test_wrong_bytes_in_text_do_not_stop_planning() -> None:
    assert len(scan("a.py", b"# %%\n\xff\xfe\n").cells) == 1


def test_each_language_has_the_heading_that_its_readers_see_first() -> None:
    deck = """# %% [markdown] lang="de" tags=["notes"]
# # GEHEIM

# %% [markdown] lang="de" tags=["slide"]
# # Werte

# %% [markdown] lang="en"
# # Values

# %% [markdown]
# # Both

# %% [markdown] lang="fr"
# # Valeurs
"""
    assert scan("a.py", deck.encode()).headings == {"": "Werte", "de": "Werte", "en": "Values", "fr": "Both"}
    notebook = {"metadata": {}, "cells": [{"cell_type": "markdown", "metadata": {"lang": "pt-BR"}, "source": "# Valores"}]}
    assert scan("a.ipynb", json.dumps(notebook).encode()).headings == {"": "Valores", "pt-BR": "Valores"}
