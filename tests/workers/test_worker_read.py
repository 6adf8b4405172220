"""Reading sources: every cell knows where it was written, every broken file says what is wrong."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from clx_jupyter_workers.notebook.document import Document, Origin
from clx_jupyter_workers.notebook.marks import Marks
from clx_jupyter_workers.notebook.read import decode, read_ipynb, read_text, text_format
from clx_jupyter_workers.problems import SourceError


def text(source: str, path: str = "a.py", comment: str = "#", format: str | None = None) -> Document:
    long_form = text_format(source, path, format)
    marks = Marks(comment) if long_form.get("format_name") == "percent" else None
    return read_text(marks.mark(source, path) if marks else source, path, long_form, marks, source)


def places(document: Document) -> list[tuple[int | None, int | None]]:
    return [(cell.origin.cell, cell.origin.line) for cell in document.cells]


TYPES = "Cell 1 has outputs or metadata of the wrong type."
BROKEN = [
    (b"", "The file is empty.", None),
    (b"  \n", "The file is empty.", None),
    (b"{}", "The file is JSON, but no Jupyter notebook: it names no 'nbformat'.", None),
    (b"[]", "The file is JSON, but no Jupyter notebook: it names no 'nbformat'.", None),
    (b'{"nbformat": 4,\n "cells": [', "The file is no valid JSON (line 2): it ends in the middle.", 2),
    (b'{"nbformat": 4,\n x}', "The file is no valid JSON (line 2): expecting property name enclosed in double quotes.", 2),
    (b'{"nbformat": 9}', "The notebook was written by a newer Jupyter (nbformat 9; up to 4 is known).", None),
    (b'{"nbformat": 2}', "The notebook is too old (nbformat 2).", None),
    (b"[" * 100_000, "The file is no notebook: its JSON is nested too deeply.", None),
    (b'{"nbformat": 4}', "The file is no notebook: it has no list of 'cells'.", None),
    (b'{"nbformat": 4, "cells": [3]}', "Cell 1 is no code, markdown or raw cell.", None),
    (b'{"nbformat": 4, "cells": [{"cell_type": "code"}]}', "The 'source' of cell 1 is no text.", None),
    (b'{"nbformat": 4, "cells": [{"cell_type": "raw", "source": "", "metadata": 1}]}', TYPES, None),
    ("ä".encode("latin-1"), "Line 1 is not UTF-8 (byte 0xe4); the file looks like Latin-1 or Windows-1252.", 1),
    (b"a\nb\0", "Line 2 holds a NUL byte: this is a binary file, or UTF-16 text.", 2),
    ("a".encode("utf-16"), "The file is UTF-16, not UTF-8 (line 1).", 1),
]  # fmt: skip


def test_a_block_in_a_list_or_without_an_end_swallows_no_cell() -> None:
    listed = '# %% [markdown]\n# - ```python\n#   x\n#   ```\n# - more\n\n# %% [markdown] tags=["notes"]\n# secret\n# ```\n# a\n# ```\n\n# %%\n1\n'
    document = text(listed)
    assert [cell.source for cell in document.cells] == ["- ```python\n  x\n  ```\n- more", "secret\n```\na\n```", "1"]
    endless = "# %% [markdown]\n# ```\n# a\n\n# %%\nsolution = 1\n\n# %% [markdown]\n# ~~~\n# ```\n# b\n\n# %%\n2\n# ~~~\n"
    assert [cell.source for cell in text(endless).cells] == ["```\na", "solution = 1", "~~~\n```\nb", "2\n# ~~~"]
    assert places(document) == [(0, 2), (1, 8), (2, 14)]


@pytest.mark.parametrize(("data", "message", "line"), BROKEN)
def test_a_broken_file_says_what_is_wrong(data: bytes, message: str, line: int | None) -> None:
    with pytest.raises(SourceError) as error:
        read_ipynb(decode(data, "a.ipynb"), "a.ipynb")
    problem = error.value.problem
    assert (problem.category, problem.message, problem.line, problem.path) == ("bad-source", message, line, "a.ipynb")


def test_byte_order_marks_and_line_ends_of_windows_are_taken_away() -> None:
    assert decode("\ufeffa\r\nb\rc".encode(), "a.py") == "a\nb\nc"


def test_an_ipynb_keeps_ids_outputs_and_attachments() -> None:
    raw: dict[str, Any] = {
        "nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": {"name": "ir", "display_name": "R"}},
        "cells": [
            {"cell_type": "markdown", "id": "one", "metadata": {}, "source": ["a\n", "b"], "attachments": {"x.png": {"image/png": "aa"}}},
            {"cell_type": "code", "id": "two", "metadata": {"tags": ["keep"]}, "source": "1", "execution_count": 3,
             "outputs": [{"output_type": "stream", "name": "stdout", "text": ["x\n", "y"]}]},
        ],
    }  # fmt: skip
    document = read_ipynb(json.dumps(raw), "a.ipynb")
    first, second = document.cells
    assert (first.id, first.source, first.attachments) == ("one", "a\nb", {"x.png": {"image/png": "aa"}})
    assert (second.execution_count, second.outputs[0]["text"], second.tags) == (3, "x\ny", ["keep"])
    assert second.origin == Origin("a.ipynb", 1) and not document.has_lines


def test_nbformat_3_is_upgraded_without_random_ids() -> None:
    cell = {"cell_type": "code", "input": "x = 1", "outputs": [], "language": "python"}
    raw = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": [cell]}]}
    [read] = read_ipynb(json.dumps(raw), "a.ipynb").cells
    assert (read.type, read.source, read.id) == ("code", "x = 1", None)


def test_cells_of_a_percent_text_know_their_lines() -> None:
    document = text('# %% [markdown] lang="de" tags=["slide"]\n#\n# # T\n\n# %%\nx = 1\n\n\ny\n# %% {"tags": ["a"]}\nz\n# %% {}\n1\n')
    assert places(document) == [(0, 2), (1, 6), (2, 11), (3, 13)]
    assert [(cell.language, cell.tags) for cell in document.cells] == [("de", ["slide"]), ("", []), ("", ["a"]), ("", [])]


def test_text_before_the_first_marker_is_cell_0_and_a_header_is_none() -> None:
    assert places(text("\nimport os\n\n# %%\nx\n")) == [(0, 2), (1, 5)]
    header = "# ---\n# jupyter:\n#   kernelspec:\n#     name: python3\n#     display_name: P\n# ---\n\n"
    assert places(text(header + "# %%\nx\n")) == [(0, 9)]


def test_markers_inside_strings_and_fences_are_no_cells_and_keep_their_text() -> None:
    document = text('# %% [markdown]\n# ```\n# %% no\n# ```\n\n# %%\ns = """\n# %% no\n"""\n\n# %%\nlast\n')
    assert places(document) == [(0, 2), (1, 7), (2, 12)]
    assert document.cells[0].source == "```\n%% no\n```" and document.cells[1].source == 's = """\n# %% no\n"""'


@pytest.mark.parametrize(
    "marker",
    ["# %% What's up", "# %% a = b", "# %% Title [markdown]", "# %% x=1 y", "#%%", "# %%%% deep", '# %% pycharm={"name": "#%%\\n"}'],
)
def test_odd_markers_lose_no_origin(marker: str) -> None:
    document = text(f"# %%\n1\n\n{marker}\n# 2\n")
    assert places(document) == [(0, 2), (1, 5)]
    assert "clx_origin" not in json.dumps([cell.metadata for cell in document.cells]) + json.dumps(document.metadata)


def test_commented_installs_stay_comments_and_other_magics_become_active() -> None:
    written = "# !pip install x\n  # !conda install y\n# %pip install z\n# !sudo apt-get -y install a\n# !python3 -m pip install b"
    [cell] = text(f"# %%\n{written}\n# %matplotlib inline\n# !ls\n# !pip list\n", format="py:percent").cells
    assert cell.source == f"{written}\n%matplotlib inline\n!ls\n!pip list"
    [cell] = text('# %%\ns = """\n# !pip install x\n# %% \n"""\n', format="py:percent").cells
    assert cell.source == 's = """\n# !pip install x\n# %% \n"""'


MYST = (
    "---\njupytext:\n  text_representation: {extension: .md, format_name: myst}\nkernelspec:\n  name: python3\n  display_name: P\n---\n\n"
)
OTHERS = [
    ("a.md", "# T\n\n```python\nx = 1\n```\n\nmore\n", [(0, 1), (1, 4), (2, 7)]),
    ("a.py", "# # T\n\nimport os\n\nx = 2\n", [(0, 1), (1, 3), (2, 5)]),
    ("a.md", MYST + "# T\n\n```{code-cell} ipython3\nx = 1\n```\n", [(0, 9), (1, 12)]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "source", "expected"), OTHERS)
def test_cells_of_other_texts_are_found_by_their_first_lines(path: str, source: str, expected: Any) -> None:
    assert places(text(source, path)) == expected


@pytest.mark.parametrize("path", ["a.cpp", "a.c", "a.java", "a.cs", "a.ts", "a.rs", "a.rust"])
def test_languages_with_slashes_are_read(path: str) -> None:
    source = '// %% [markdown] lang="de"\n// # T\n\n// %% tags=["keep"]\nint x = 1;\n'
    marks = Marks("//")
    document = read_text(marks.mark(source, path), path, text_format(source, path, "cpp:percent"), marks, source)
    assert [cell.source for cell in document.cells] == ["# T", "int x = 1;"] and places(document) == [(0, 2), (1, 5)]


def test_a_header_that_is_no_yaml_is_an_error_of_the_source() -> None:
    with pytest.raises(SourceError, match="cannot be read as jupytext"):
        text("---\njupytext: {format_name: myst\n---\n\n```{code-cell}\n---\n: [\n---\nx\n```\n", "a.md")


def _aliases(mark: str) -> str:
    lines = (f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'x'}]" for n in range(9))
    return "\n".join(mark + line for line in lines)


_MERGED = "".join(f"# b{n}: &b{n}\n#   <<: [{', '.join([f'*b{n - 1}' if n else '*a'] * 9)}]\n" for n in range(9))
_HEADERS = {
    "aliases.py": ("# ---\n" + _aliases("# ") + "\n# title: *a8\n# ---\n\n# %%\n1\n", 6),
    "aliases of jupyter.py": ("# ---\n# x: [\n# jupyter:\n" + _aliases("#   ") + "\n# ---\n\n# %%\n1\n", 8),
    "merged.py": (f"# ---\n# a: &a {{x: 1, y: 2}}\n{_MERGED}# ---\n", 8),
    "in itself.py": ("# ---\n# a: &a [*a]\n# ---\n\n# %%\n1\n", 2),
    "deep.py": ("# ---\n# jupyter: " + "[" * 1_000_000 + "\n# ---\n\n# %%\n1\n", 2),
    "huge.py": ("# ---\n# jupyter:\n" + "#   k: 1\n" * 200_000 + "# ---\n\n# %%\n1\n", 1501),
    "long.md": ("---\njupyter: {x: '" + "y" * 4_000_000 + "'}\n---\n\n```python\n1\n```\n", 2),
    "unclosed.md": ("---\n" + _aliases("") + "\n", 6),
    "cell.md": ("---\nkernelspec: {name: python3}\n---\n\n```{code-cell}\n---\n" + _aliases("") + "\n---\n1\n```\n", 11),
    "options.md": ("---\nkernelspec: {name: python3}\n---\n\n```{code-cell}\n" + _aliases(":") + "\n1\n```\n", 10),
}  # fmt: skip


@pytest.mark.parametrize("name", _HEADERS)
def test_yaml_that_would_fill_the_memory_is_refused_at_once(name: str) -> None:
    text, line = _HEADERS[name]
    started = time.monotonic()
    with pytest.raises(SourceError) as caught:
        text_format(text, name, None)
    assert time.monotonic() - started < 5
    problem = caught.value.problem
    assert (problem.category, problem.path, problem.line) == ("bad-source", name, line)
    assert problem.hint


def test_lines_of_dashes_in_a_text_are_no_header() -> None:
    text = "# %% [markdown]\n# One\n#\n# ---\n# *Note that* this is\n# : a, [b](c)\n# ---\n# " + "word " * 200 + "\n\n# %%\nx = {1: [2]}\n"
    assert text_format(text, "a.py", None)["format_name"] == "percent"
