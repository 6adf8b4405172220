"""Spoken text from a file of its own: where it goes, who gets it, and where people find it again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clx_jupyter_workers.notebook.companion import blocks, merge

DECK = """# j2 from 'macros.j2' import header
# {{ header("T", "T") }}

# %% [markdown] lang="de" tags=["slide"] slide_id="one"
# eins

# %% [markdown] lang="en" tags=["slide"] slide_id="one"
# one

# %%
x = 1

# %%
x = 1

# %% [markdown] tags=["subslide"] slide_id="two"
# two
"""


def spoken(text: str, **metadata: str) -> str:
    named = "".join(f' {name}="{value}"' for name, value in metadata.items())
    return f'# %% [markdown] tags=["voiceover"]{named}\n# {text}\n\n'


def merged(deck: str, companion: str, comment: str = "#") -> list[str]:
    """The lines of the merged text that say something."""
    lines = merge(deck, companion, comment).lines(deck.split("\n"), companion.split("\n"))
    return [text for _, _, text in lines if text and not text.startswith((f"{comment} %%", f"{comment} j2", f"{comment} {{{{"))]


TWIN = blocks(DECK, "#")[4].text
PLACES = [
    ({"for_slide": "one", "lang": "en"}, ["# eins", "# one", "x = 1", "x = 1", "# SAID", "# two"]),
    ({"for_slide": "one", "lang": "de"}, ["# eins", "# SAID", "# one", "x = 1", "x = 1", "# two"]),
    ({"for_slide": "two"}, ["# eins", "# one", "x = 1", "x = 1", "# two", "# SAID"]),
    ({"for_slide": "title"}, ["# SAID", "# eins", "# one", "x = 1", "x = 1", "# two"]),
    ({"slide_id": "title"}, ["# SAID", "# eins", "# one", "x = 1", "x = 1", "# two"]),
    ({"for_slide": "one", "lang": "en", "vo_anchor": f"fp:{TWIN}#0"}, ["# eins", "# one", "x = 1", "# SAID", "x = 1", "# two"]),
    ({"for_slide": "one", "lang": "en", "vo_anchor": f"fp:{TWIN}#1"}, ["# eins", "# one", "x = 1", "x = 1", "# SAID", "# two"]),
    ({"for_slide": "one", "lang": "en", "vo_anchor": "id:one#0"}, ["# eins", "# one", "# SAID", "x = 1", "x = 1", "# two"]),
    # What it remembers is gone: the end of its slide, never another slide.
    ({"for_slide": "two", "vo_anchor": f"fp:{TWIN}#0"}, ["# eins", "# one", "x = 1", "x = 1", "# two", "# SAID"]),
]


@pytest.mark.parametrize(("metadata", "expected"), PLACES)
def test_a_cell_goes_where_clm_puts_it(metadata: dict[str, str], expected: list[str]) -> None:
    assert merged(DECK, spoken("SAID", **metadata)) == expected


def test_cells_of_one_place_keep_their_order_and_lose_their_anchor() -> None:
    companion = spoken("A", for_slide="two", vo_anchor="id:two#0") + spoken("B", for_slide="two")
    assert merged(DECK, companion)[-2:] == ["# A", "# B"]
    lines = merge(DECK, companion, "#").lines(DECK.split("\n"), companion.split("\n"))
    assert not any("vo_anchor" in text for _, _, text in lines)


def test_cells_without_a_slide_are_named_with_their_line() -> None:
    companion = spoken("A", for_slide="gone") + spoken("B")
    assert merge(DECK, companion, "#").lost == ((1, "gone"), (4, ""))
    assert merged(DECK, companion) == merged(DECK, "")


def test_other_comment_signs() -> None:
    deck = '// %% [markdown] tags=["slide"] slide_id="a"\n// a\n'
    assert merged(deck, '// %% [markdown] tags=["notes"] for_slide="a"\n// SAID\n', "//") == ["// a", "// SAID"]


JINJA = {"jinja": True, "globals": {"author": "", "organization": ""}}


def job(course: Any, companion: str, *variants: str, deck: str = DECK, **changes: Any) -> dict[str, Any]:
    course.write("t/slides_a.py", deck)
    course.write("t/voiceover_a.py", companion)
    source = {"companion": {"path": "t/voiceover_a.py"}}
    made: dict[str, Any] = course.job(
        "t/slides_a.py", list(variants), ("de", "en"), source=source, reader=JINJA, execute={"mode": "never"}, **changes
    )
    return made


def test_only_kinds_that_may_show_it_get_spoken_text(course: Any, convert: Any) -> None:
    companion = spoken("SAID", for_slide="two") + '# %% [markdown] for_slide="two"\n# UNTAGGED\n'
    kinds = ["completed", "code-along", "partial", "student", "speaker"]
    done = convert(job(course, companion, *(f"{kind}/{format}/en" for kind in kinds for format in ("notebook", "html"))))
    assert done.done["status"] == "ok", done.problems
    seen = [[word in course.page(done.outputs[str(number)]) for word in ("SAID", "UNTAGGED", "vo_anchor")] for number in range(10)]
    assert seen == [[False, False, False]] * 8 + [[True, True, False]] * 2
    (problem,) = done.problems
    assert (problem["path"], problem["cell"], problem["line"], problem["severity"]) == ("t/voiceover_a.py", 1, 5, "warning")
    assert "counts as voiceover" in problem["message"]


def test_what_is_lost_is_reported_once_with_file_and_line(course: Any, convert: Any) -> None:
    done = convert(job(course, spoken("A", for_slide="gone"), "speaker/html/de", "speaker/html/en", "completed/code/en"))
    (problem,) = done.problems
    assert (problem["class"], problem["path"], problem["line"]) == ("tag", "t/voiceover_a.py", 1)
    assert "'gone'" in problem["message"]


def test_cells_of_the_companion_name_it_and_those_of_the_deck_keep_their_lines(course: Any, convert: Any) -> None:
    companion = "# spoken\n\n" + spoken("![](img/none.png)", for_slide="one", lang="de")
    deck = DECK + "\n# %% [markdown]\n# ![](img/other.png)\n"
    done = convert(job(course, companion, "speaker/html/de", deck=deck))
    assert [(each["path"], each["cell"], each["line"]) for each in done.problems] == [
        # What stands before the first mark is a cell of its own in an editor.
        ("t/voiceover_a.py", 1, 4),
        ("t/slides_a.py", 6, 20),
    ]


def test_an_error_of_jinja_names_the_line_people_wrote(course: Any, convert: Any) -> None:
    done = convert(job(course, spoken("{{ nobody }}", for_slide="one", lang="de"), "speaker/html/de"))
    (problem,) = done.problems
    assert (problem["path"], problem["line"]) == ("t/voiceover_a.py", 2)
    done = convert(job(course, spoken("A", for_slide="one", lang="de"), "speaker/html/de", deck=DECK + "# {{ nobody }}\n"))
    (problem,) = done.problems
    assert (problem["path"], problem["line"]) == ("t/slides_a.py", 18)


def test_a_changed_companion_makes_the_job_plan_again(course: Any, convert: Any) -> None:
    made = job(course, spoken("A", for_slide="one"), "speaker/html/de")
    made["source"]["companion"]["sha256"] = "0" * 64
    assert convert(made).done["status"] == "changed"


def test_notebooks_and_ids_are_those_of_a_deck_with_its_notes_inside(course: Any, convert: Any) -> None:
    said = spoken("SAID", for_slide="two")
    apart = convert(job(course, said, "speaker/notebook/en", "completed/notebook/en"))
    course.write("t/slides_b.py", DECK + said)
    made = course.job(
        "t/slides_b.py", ["speaker/notebook/en", "completed/notebook/en"], ("de", "en"), reader=JINJA, execute={"mode": "never"}
    )
    inside = convert(made)
    for variant in ("0", "1"):
        one, other = (json.loads(course.page(done.outputs[variant])) for done in (apart, inside))
        assert one == other
