"""Slides: how cells become columns, steps and notes, and what the finished deck holds."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from nbformat import NotebookNode, from_dict

from clx_jupyter_workers.notebook import export, slides
from tests.workers.test_worker_export import PAGE, PYTHON, RESULT, shown


def cell(source: str, mark: str = "", *tags: str, type: str = "markdown", **more: Any) -> NotebookNode:
    metadata = {**({"slideshow": {"slide_type": mark}} if mark else {}), **({"tags": list(tags)} if tags else {})}
    node: NotebookNode = from_dict({"cell_type": type, "id": source[:8], "metadata": metadata, "source": source, **more})
    return node


def code(source: str, mark: str = "", *tags: str, outputs: Any = ()) -> NotebookNode:
    return cell(source, mark, *tags, type="code", outputs=list(outputs))


def drawn(*cells: NotebookNode) -> list[list[str]]:
    """Columns of slides as text: steps divided by ``+``, notes behind ``!``."""
    columns = []
    for column in slides.deck(cells):
        texts = []
        for slide in column:
            steps = "+".join(" ".join(each.source for each in step.cells) for step in slide.steps)
            texts.append("!".join([steps, *(each.source for each in slide.notes)]))
        columns.append(texts)
    return columns


@pytest.mark.parametrize(
    ("cells", "columns"),
    [
        ([cell("a"), cell("b", "slide"), cell("c", "-"), cell("d", "subslide"), cell("e", "slide")], [["a"], ["b c", "d"], ["e"]]),
        ([cell("a", "slide"), cell("b", "fragment"), cell("c"), cell("d", "fragment")], [["a+b c+d"]]),
        ([cell("a", "subslide"), cell("b", "skip"), cell("c", "notes"), cell("d")], [["a d!c"]]),
        ([cell("n", "notes"), cell("a", "slide"), cell("m", "", "voiceover")], [["a!n!m"]]),
        ([cell("a", "slide", "subslide"), cell("b", "skip", "slide"), cell("c", "", "fragment")], [["a"], ["b+c"]]),
        ([cell("a", "nothing"), cell("b", "slide"), cell("  ", "slide"), cell("c"), code("", "slide")], [["a"], ["b"], ["c"], [""]]),
        ([cell("a", "slide"), cell("b", "fragment", "keep", "notes")], [["a!b"]]),
        ([cell("n", "notes"), cell("s", "skip")], []),
        ([], []),
    ],
)
def test_marks_begin_slides_steps_and_notes(cells: list[NotebookNode], columns: list[list[str]]) -> None:
    assert drawn(*cells) == columns


def test_metadata_of_any_shape_is_no_mark() -> None:
    odd = [
        from_dict({**cell("a"), "metadata": {"slideshow": value, "tags": None}}) for value in ("slide", None, {"slide_type": ["slide"]}, 3)
    ]
    assert drawn(*odd) == [["a a a a"]]


def test_without_marks_headings_begin_slides_also_inside_a_cell() -> None:
    text = "# T\nintro\n\n## One\n```python\n# no heading\n```\n### Below\ntext\n#### not here"
    assert drawn(cell(text), code("1"), cell("## Two")) == [
        ["# T\nintro"], ["## One\n```python\n# no heading\n```", "### Below\ntext\n#### not here 1"], ["## Two"],
    ]  # fmt: skip


def test_without_marks_what_does_not_fit_goes_on_below_and_text_stays_with_its_code() -> None:
    run = {"output_type": "stream", "text": "x\n" * 8}
    cells = [cell("## H"), *(part for n in range(4) for part in (cell(f"text {n}"), code(f"c{n}", outputs=[run])))]
    [column] = drawn(*cells)
    assert column == ["## H text 0 c0", "text 1 c1", "text 2 c2", "text 3 c3"]
    assert drawn(cell("## H"), code("x\n" * 90), code("y")) == [["## H " + "x\n" * 90, "y"]]
    assert drawn(cell("a\n\n" * 30), cell("n", "notes"), cell("b")) == [["a\n\n" * 30 + "!n", "b"]]


def test_a_part_of_a_cell_has_an_id_of_its_own() -> None:
    ids = [
        each.id for column in slides.deck([cell("# A\n\n# B\n\n# C")]) for slide in column for step in slide.steps for each in step.cells
    ]
    assert len(set(ids)) == 3


def made(*cells: Any, **changes: str) -> BeautifulSoup:
    data, groups = export.slide_show(cells, PYTHON, RESULT, {**PAGE, **changes}, {})
    assert set(groups) >= {"page", "slides"}
    return BeautifulSoup(data.decode(), "html.parser")


def test_a_deck_is_sections_in_sections_with_steps_and_notes() -> None:
    soup = made(
        shown("code", "x = '<b>'", 0, tags=["slide"]), shown("markdown", "$x$ ![](a.png)", 1, tags=["fragment"]),
        shown("markdown", "say this", 2, tags=["notes"]), shown("markdown", "below", 3, tags=["subslide"]), shown("markdown", "right", 4, tags=["slide"]),
    )  # fmt: skip
    columns = soup.select("main > div > .slides > section")
    assert [len(column.select("section")) for column in columns] == [2, 0]
    first = soup.select("section.clx-slide")[0]
    assert [image["alt"] for image in first.select(".clx-body > .fragment img")] == [""]
    assert [note.text.strip() for note in first.select(":scope > aside.notes")] == ["say this"] and not first.select(".clx-body aside")
    assert "res<ult>" in first.text and "x = '<b>'" in first.text
    assert not [tag for tag in soup.select("[src], [href]") if str(tag.get("src") or tag.get("href")).startswith(("http", "//"))]


def test_a_deck_of_nothing_shows_its_title_and_titles_are_text() -> None:
    soup = made(title="<script>alert(1)</script>", language="fr")
    assert soup.html is not None and soup.html["lang"] == "fr"
    assert [heading.text for heading in soup.select("section h1")] == ["<script>alert(1)</script>"]
    assert soup.title is not None and soup.title.text == "<script>alert(1)</script>"


DECK = """\
# %% [markdown] tags=["slide"]
# # Lists
# %% [markdown] tags=["notes"]
# Ask who has seen a linked list before today.
# %% tags=["subslide"]
answer_to_everything = compute_the_answer(41) + 1
# %% [markdown] tags=["voiceover"]
# Now we look at the answer that nobody expected.
"""


def test_notes_reach_only_kinds_that_get_them_and_code_along_stays_empty(course: Any, convert: Any) -> None:
    course.write("d.py", DECK)
    made = convert(course.job("d.py", ["code-along/slides", "completed/slides", "speaker/slides"], execute={"mode": "never"}))
    public, solution, speaker = (BeautifulSoup(course.page(made.outputs[str(n)]), "html.parser") for n in range(3))
    assert made.problems == []
    assert [len(each.select("section.clx-slide")) for each in (public, solution, speaker)] == [2, 2, 2]
    assert [len(each.select("aside.notes")) for each in (public, solution, speaker)] == [0, 0, 2]
    assert "linked list" in speaker.text and "nobody expected" in speaker.text and not speaker.select("aside div[style]")
    assert "answer_to_everything" in solution.text and "answer_to_everything" not in str(public)
    assert "linked list" not in str(public) + str(solution)
