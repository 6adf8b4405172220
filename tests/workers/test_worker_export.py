"""Pages, notebooks and scripts."""

from __future__ import annotations

import json
import re
from typing import Any

import nbformat
from bs4 import BeautifulSoup

from clx_jupyter_workers.notebook import export
from clx_jupyter_workers.notebook.cells import Shown
from clx_jupyter_workers.notebook.document import Cell, Origin
from clx_jupyter_workers.notebook.execution import Result
from clx_jupyter_workers.notebook.pages import Memory

PAGE = {"title": "A & B", "language": "de", "note": "", "assets": "../clx-assets"}
PYTHON = {"language_info": {"name": "python", "pygments_lexer": "ipython3"}, "kernelspec": {"name": "python3", "display_name": "P"}}


def shown(type: str, source: str, index: int = 0, complete: bool = True, **metadata: Any) -> Shown:
    return Shown(index, Cell(type, source, Origin("a", 0), metadata, f"id{index}"), complete)


RESULT = {0: Result([{"output_type": "stream", "name": "stdout", "text": "res<ult>"}], 7)}


def page(*cells: Shown, metadata: Any = PYTHON, results: Any = None, missing: Any = None, **changes: str) -> str:
    return export.html(cells, metadata, results, {**PAGE, **changes}, missing or {})[0].decode()


def test_a_page_loads_nothing_from_anywhere_and_keeps_the_classes_of_the_classic_template() -> None:
    text = page(
        shown("code", "x = '<b>'", tags=["keep"]), shown("markdown", "# T\n\n![](a.png) $x$", 1), results=RESULT, assets="../clx-assets"
    )
    soup = BeautifulSoup(text, "html.parser")
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", text)
    loaded = [each.get("src") or each.get("href") for each in soup.select("script, link[rel=stylesheet]")]
    assert loaded == [f"../clx-assets/{name}" for name in ("page.css", "outputs.css", "page.js", "math.js", "vendor/mathjax/tex-svg.js")]
    assert soup.html is not None and soup.html["lang"] == "de" and soup.title is not None and soup.title.text == "A & B"
    assert soup.select_one("#cell-id\\=id0.cell.border-box-sizing.code_cell.rendered.celltag_keep .input_area .highlight") is not None
    output = soup.select_one(".output_wrapper .output .clx-output.clx-text pre")
    assert output is not None and output.text == "res<ult>"
    assert soup.select_one(".text_cell .text_cell_render.rendered_html h1#T") is not None
    assert [image["alt"] for image in soup.select("img")] == [""]


def test_results_never_stand_below_a_cell_that_is_not_complete() -> None:
    cell = shown("code", "", complete=False)
    assert "res&lt;ult" not in page(cell, results=RESULT) and "clx-output" not in page(cell, results=RESULT)
    assert json.loads(export.notebook([cell], PYTHON, RESULT))["cells"][0]["outputs"] == []


def test_a_note_stands_on_the_page() -> None:
    assert "Nicht &lt;ausgeführt&gt;" in page(shown("code", "1"), note="Nicht <ausgeführt>")


def test_unknown_languages_are_shown_as_text() -> None:
    assert "odd" in page(shown("code", "odd"), metadata={"language_info": {"name": "no such language"}})
    assert "odd" in page(shown("code", "odd"), metadata={})


def test_equal_cells_with_other_attachments_differ() -> None:
    cells = []
    for number in range(2):
        each = shown("markdown", "![x](attachment:x.png)", number)
        each.cell.attachments = {"x.png": {"image/png": f"data{number}"}}
        cells.append(each)
    text = page(*cells)
    assert "data0" in text and "data1" in text


def test_a_notebook_is_valid_without_outputs_and_ends_with_one_newline() -> None:
    data = export.notebook([shown("code", "a\nb"), shown("markdown", "c", 1)], PYTHON, None)
    node = nbformat.reads(data.decode(), 4)
    nbformat.validate(node)
    assert (node.nbformat, node.nbformat_minor, node.cells[0].outputs, node.cells[0].execution_count) == (4, 5, [], None)
    assert data.endswith(b"}\n") and not data.endswith(b"\n\n") and data.startswith(b'{\n "cells"')


def test_a_notebook_shows_results_when_there_are_any() -> None:
    [cell] = nbformat.reads(export.notebook([shown("code", "a")], PYTHON, RESULT).decode(), 4).cells
    assert (cell.outputs[0].text, cell.execution_count) == ("res<ult>", 7)


def test_a_script_has_no_metadata_and_other_languages_their_comment_sign() -> None:
    cells = [shown("markdown", "# T", tags=["slide"]), shown("code", "int x;", 1, tags=["keep"])]
    assert export.code(cells, {}, "cpp:percent") == b"// %% [markdown]\n// # T\n\n// %%\nint x;\n"


def test_metadata_are_the_courses_in_place_of_the_sources() -> None:
    source = {"kernelspec": {"name": "old"}, "jupytext": {"text_representation": {"extension": ".py"}, "main_language": "python"}, "own": 1}
    made = export.metadata_of(source, {"kernelspec": {"name": "new"}})
    assert made == {"kernelspec": {"name": "new"}, "jupytext": {"main_language": "python"}, "own": 1}
    assert export.metadata_of(source, None)["kernelspec"] == {"name": "old"}


def test_the_memory_forgets_what_was_used_longest_ago() -> None:
    memory, made = Memory(limit=10), []

    def get(key: str) -> str:
        return memory.get((key,), lambda: made.append(key) or "12345")  # type: ignore[func-returns-value]

    for key in ("a", "b", "a", "c", "a", "b"):
        get(key)
    assert made == ["a", "b", "c", "b"]
