"""Decks in every language a course may be written in, in a folder and in a course of CLX and CLM: read, written, read again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jupytext
import pytest

from tests.stories.conftest import Built, write

pytestmark = pytest.mark.story

Clx = Callable[..., Built]

SIGNS = {".py": "#", ".cpp": "//", ".c": "//", ".cs": "//", ".java": "//", ".ts": "//", ".rs": "//"}
LANGUAGES = {".py": "python", ".cpp": "c++", ".c": "c", ".cs": "csharp", ".java": "java", ".ts": "typescript", ".rs": "rust"}
CELLS = [("markdown", "# Title\n\nSome *text*."), ("code", "int x = 1;"), ("code", "x + 1")]


def deck(sign: str) -> str:
    parts = []
    for kind, source in CELLS:
        lines = [f"{sign} {line}".rstrip() for line in source.split("\n")] if kind == "markdown" else source.split("\n")
        parts.append("\n".join([f"{sign} %%" + (" [markdown]" if kind == "markdown" else ""), *lines]))
    return "\n\n".join(parts) + "\n"


XML = """<course><name><de>K</de><en>C</en></name><prog-lang>{}</prog-lang><author>A</author>
<sections><section><name><de>W</de><en>W</en></name><topics><topic>a</topic></topics></section></sections>
<output-targets><output-target name="all"><path>out</path><kinds><kind>completed</kind></kinds>
<formats><format>notebook</format><format>code</format><format>html</format></formats>
<languages><language>en</language></languages></output-target></output-targets></course>"""
PROG_LANGS = {".py": "python", ".cpp": "cpp", ".cs": "csharp", ".java": "java", ".ts": "typescript", ".rs": "rust"}


def check(root: Path, suffix: str) -> None:
    """The three outputs below *root* show the cells of the deck."""
    (made,) = root.rglob("*.ipynb")
    raw = json.loads(made.read_text(encoding="utf-8"))
    assert [(cell["cell_type"], "".join(cell["source"])) for cell in raw["cells"]] == CELLS
    assert raw["metadata"].get("language_info", {}).get("name", LANGUAGES[suffix]).lower() in (LANGUAGES[suffix], "c#", "rust", "c++")
    (page,) = root.rglob("*.html")
    assert "Some <em>text</em>" in page.read_text(encoding="utf-8")
    (code,) = (file for file in root.rglob(f"*{suffix}"))
    text = code.read_text(encoding="utf-8")
    assert text.startswith(f"{SIGNS[suffix]} %% [markdown]\n{SIGNS[suffix]} # Title\n")
    extension = {".c": ".cpp"}.get(suffix, suffix)
    again = jupytext.reads(text, {"extension": extension, "format_name": "percent"})
    assert [(cell.cell_type, cell.source) for cell in again.cells] == CELLS


def test_decks_of_every_language_in_a_folder(clx: Clx, tmp_path: Path) -> None:
    for suffix, sign in SIGNS.items():
        write(tmp_path, {f"in{suffix}/deck{suffix}": deck(sign)})
    built = clx(tmp_path, "--no-execute", "--format", "html", "--format", "notebook", "--format", "code")
    assert (built.code, built.classes()) == (0, [])
    for suffix in SIGNS:
        folders = [folder for folder in (tmp_path / "output").rglob(f"in{suffix}") if folder.is_dir()]
        root = tmp_path / "gathered" / suffix[1:]
        for folder in folders:
            write(root, {f"{folder.parent.name}/{file.name}": file.read_bytes() for file in folder.iterdir()})
        check(root, suffix)


@pytest.mark.parametrize("suffix", PROG_LANGS)
def test_decks_of_every_language_in_a_course_of_clx_and_clm(clx: Clx, tmp_path: Path, suffix: str) -> None:
    write(tmp_path, {"c.xml": XML.format(PROG_LANGS[suffix]), f"slides/m/topic_100_a/slides_a{suffix}": deck(SIGNS[suffix])})
    built = clx(tmp_path / "c.xml", "--no-execute")
    assert (built.code, built.classes()) == (0, [])
    check(tmp_path / "out", suffix)
