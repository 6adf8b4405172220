"""What stands around the cells of a page, and what its text becomes."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup

from clx_jupyter_workers.notebook import export, headings, markdown
from clx_jupyter_workers.notebook.cells import Shown
from clx_jupyter_workers.notebook.document import Cell, Origin
from clx_jupyter_workers.notebook.words import Words


def shown(type: str, source: str, index: int, complete: bool = True, box: tuple[str, str] = ("", ""), **metadata: Any) -> Shown:
    return Shown(index, Cell(type, source, Origin("a", 0), metadata, f"id{index}"), complete, box)


def page(*texts: str | Shown, metadata: Any = None, **changes: Any) -> BeautifulSoup:
    cells = [each if isinstance(each, Shown) else shown("markdown", each, number) for number, each in enumerate(texts)]
    about = {"title": "Loops", "language": "en", "note": "", "assets": "clx-assets", **changes}
    return BeautifulSoup(export.html(cells, metadata or {}, None, about, {})[0].decode(), "html.parser")


def outline(soup: BeautifulSoup) -> list[tuple[str, str]]:
    return [(each.name, each.get_text().removesuffix("#")) for each in soup.select("main :is(h1, h2, h3, h4, h5, h6)")]


@pytest.mark.parametrize(
    ("texts", "levels"),
    [
        (["# Loops", "## A\n\n### B", "## C"], "1232"),
        (["# Any title", "# Other", "# Third"], "122"),
        (["## A", "#### B", "## C"], "1232"),  # the page's own title comes first
        (["# Loops", "#### A", "## B", "###### C"], "1223"),
        (["<h1>Loops</h1>", "<h5>A</h5>"], "12"),
        (["text only"], "1"),
        ([], "1"),
    ],
)
def test_one_first_heading_and_none_left_out(texts: list[str], levels: str) -> None:
    soup = page(*texts)
    assert "".join(name[1] for name, _ in outline(soup)) == levels


def test_an_author_s_level_is_how_a_heading_looks() -> None:
    assert [each["data-look"] for each in page("# Loops", "#### A", "## B").select("main [data-look]")] == ["1", "4", "2"]


def test_a_title_slide_shows_the_title_already() -> None:
    soup = page('<div style="font-size:200%"><b>Loops</b></div>', "## A")
    assert outline(soup) == [("h1", "Loops"), ("h2", "A")] and soup.h1 is not None and soup.h1["class"] == ["clx-unseen"]


def test_equal_headings_have_addresses_of_their_own_and_the_list_leads_to_them() -> None:
    soup = page("# Loops", "## A b\n\n## A b\n\n## Übung `x`", "## clx-top")
    ids = [str(each["id"]) for each in soup.select("[id]")]
    assert len(set(ids)) == len(ids)
    assert [each["href"] for each in soup.select(".clx-contents a")] == ["#A-b", "#A-b-2", "#%C3%9Cbung-x", "#clx-top-2"]
    assert soup.find(id="Übung-x") is not None and soup.select_one(".clx-contents code") is not None


def test_titles_are_shown_and_never_run() -> None:
    bad = "<script>alert(1)</script>"
    there = {"href": 'x"><script>', "title": bad}
    kind = {"id": "x", "label": bad, "public": True}
    soup = page("text", title=bad, course=bad, note=bad, kind=kind, previous=there, next=there, start=there)
    assert all(script.get("src") for script in soup.select("script"))
    assert soup.h1 is not None and soup.h1.text == bad and soup.select_one(".clx-course").text == bad  # type: ignore[union-attr]
    assert [bad in link.text for link in soup.select(".clx-neighbours a")] == [True, True, True]


def test_the_page_says_for_whom_it_is_and_speaks_its_language() -> None:
    kind = {"id": "speaker", "label": "Speaker (with notes)", "public": False}
    note = shown("markdown", "Say **this**.", 0, box=("notes", "yellow"), tags=["notes"])
    soup = page(note, shown("code", "", 1, complete=False), language="de", kind=kind)
    assert soup.html is not None and (soup.html["lang"], soup.html["dir"]) == ("de", "ltr")
    assert soup.select_one(".clx-kind").text.split()[::3] == ["Für", "vertraulich"]  # type: ignore[union-attr]
    [box] = soup.select(".clx-notes[role=note]")
    assert box["aria-label"] == "Notizen für Vortragende" and box.strong is not None and "yellow" not in str(box)
    assert soup.select_one(".clx-fill-in .clx-label").text == "Ihr Code"  # type: ignore[union-attr]
    arabic = page("x", language="ar")
    assert arabic.html is not None and arabic.html["dir"] == "rtl"
    assert [each["lang"] for each in arabic.select(".clx-skip, .clx-theme")] == ["en", "en"]


def test_only_formulas_are_typeset() -> None:
    soup = page("# Loops", "$a$ costs \\$5 and \\$6, `$code$`\n\n$$b$$\n\n<div>$c$</div>\n\n<pre>$d$</pre>", shown("code", "'$e$'", 2))
    assert [each.text for each in soup.select(".clx-math")] == ["$a$", "$$b$$", "$c$"]
    assert "mathjax" in str(soup.head) and "mathjax" not in str(page("no $ here").head)


def test_markdown_that_people_write_elsewhere() -> None:
    text = (
        "> [!WARNING]\n> Take care.\n\n:::{tip} Try\nThis.\n:::\n\n- [x] done\n- [ ] open\n\n|a||\n|-|-:|\n|1|2|"
        "\n\n```nolang\nx = 1\n```\n\nA[^1]\n\n[^1]: B"
    )
    soup = page("# Loops", text, "C[^1]\n\n[^1]: D", language="de")
    assert [each.text for each in soup.select(".clx-alert > .clx-label")] == ["Warnung", "Tipp"]
    assert [each["aria-label"] for each in soup.select("input")] == ["[x]", "[ ]"]
    assert [each.text for each in soup.select(".clx-scroll > table th")] == ["a"] and len(soup.select("td")) == 3
    assert [each.text.strip() for each in soup.select("pre")] == ["x = 1"]
    notes = {str(each["id"]) for each in soup.select("section.footnotes li")}
    assert len(notes) == 2 and {str(each["href"])[1:] for each in soup.select(".footnote-ref a")} == notes


@pytest.mark.parametrize("metadata", [{}, {"kernelspec": {"language": "python"}}, {"language_info": {"name": "python"}}])
def test_code_has_its_colours_whatever_the_notebook_says_of_itself(metadata: Any) -> None:
    soup = page(shown("code", "import math", 0), metadata=metadata, prog_lang="python")
    assert soup.select_one(".input_area .kn") is not None


def test_headings_that_code_prints_are_none_of_the_page() -> None:
    assert headings.without(markdown.to_html("## A", {})).startswith('<p data-look="2"')


def test_every_language_has_every_word() -> None:
    german, unknown = Words("de-AT"), Words("xx")
    assert (german.language, german["next"], german.lang) == ("de", "Weiter", "")
    assert (unknown["next"], unknown.lang) == ("Next", ' lang="en" dir="ltr"')
    assert german["a label of a course"] == "a label of a course"
