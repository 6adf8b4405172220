"""Which cells of a notebook in several languages lack a counterpart."""

from __future__ import annotations

import random

import pytest

from clx_jupyter_workers.notebook.counterparts import missing_counterparts
from clx_jupyter_workers.notebook.document import Cell, Document, Origin


def deck(*rows: str) -> Document:
    """Cells written as ``language type tags: text``; ``-`` is no language; the line is 10 times the place, from 1."""
    made = []
    for index, row in enumerate(rows):
        head, _, text = row.partition(": ")
        language, type, *tags = head.split()
        metadata = {"lang": language} if language != "-" else {}
        names = [tag for tag in tags if not tag.startswith("id=")]
        names_ids = [tag[3:] for tag in tags if tag.startswith("id=")]
        metadata |= {"tags": names} if names else {}  # type: ignore[dict-item]
        metadata |= {"slide_id": names_ids[0]} if names_ids else {}
        made.append(Cell({"m": "markdown", "c": "code"}[type], text or "text", Origin("a.py", index, 10 * (index + 1)), metadata))
    return Document(made, {}, has_lines=True)


def told(document: Document, *languages: str) -> list[tuple[int | None, str]]:
    return [(problem.line, problem.message) for problem in missing_counterparts(document, languages or ("de", "en"))]


COMPLETE = ["de m slide: # A", "en m slide: # B", "- c", "de c keep", "en c keep", "de m", "en m", "de m subslide", "en m subslide"]


def test_a_deck_with_both_languages_gives_no_word() -> None:
    assert told(deck(*COMPLETE)) == []
    blocks = [row for row in COMPLETE if row.startswith("de")] + [row for row in COMPLETE if row.startswith("en")]
    assert told(deck(*blocks)) == []


@pytest.mark.parametrize("gone", [index for index, row in enumerate(COMPLETE) if not row.startswith("-")])
def test_the_cell_whose_counterpart_is_gone_is_named(gone: int) -> None:
    rows = [row for index, row in enumerate(COMPLETE) if index != gone]
    other = gone + 1 if COMPLETE[gone].startswith("de") else gone - 1
    place = rows.index(COMPLETE[other])
    has, lacks = ("en", "de") if COMPLETE[gone].startswith("de") else ("de", "en")
    assert told(deck(*rows)) == [(10 * (place + 1), f"This cell in {has} has no counterpart in {lacks}.")]


def test_among_many_like_cells_the_right_one_is_found() -> None:
    rows = [f"{language} m" for _ in range(30) for language in ("de", "en")]
    del rows[31]
    assert told(deck(*rows)) == [(310, "This cell in de has no counterpart in en.")]


def test_a_run_of_cells_is_one_problem() -> None:
    rows = ["de m slide: # A", "en m slide: # A", "de m", "de c", "de m", "- c", "de m slide: # Z", "en m slide: # Z"]
    assert told(deck(*rows)) == [(30, "3 cells in de, from here on, have no counterpart in en.")]


def test_what_may_stand_alone() -> None:
    rows = [*COMPLETE, "de m notes", "de m voiceover", "en m del", "de m allow-untranslated", "- m", "- c"]
    assert told(deck(*rows)) == []


def test_a_language_that_is_not_there_at_all() -> None:
    assert told(deck("de m", "de c")) == [(None, "The notebook has cells in de, and none in en.")]
    assert told(deck("- m", "- c")) == []
    assert told(deck("de m allow-untranslated", "- c")) == []
    assert told(deck("de m", "de c"), "de") == []


def test_three_languages() -> None:
    rows = ["de m: # A", "en m: # A", "fr m: # A", "de m", "en m"]
    assert told(deck(*rows), "de", "en", "fr") == [(40, "This cell in de has no counterpart in fr.")]


def test_counterparts_that_differ() -> None:
    assert told(deck("de m slide: # A", "en m subslide: # A")) == [
        (20, "This cell in en and its counterpart in de differ in the tag 'slide', 'subslide'.")
    ]
    assert told(deck("de m", "en m private")) == [(20, "This cell in en and its counterpart in de differ in the tag 'private'.")]
    rows = ["de m slide: # A", "en m slide: # A", "de c", "en m", "de m slide: # B", "en m slide: # B"]
    assert told(deck(*rows)) == [(40, "This cell is markdown in en, and its counterpart in de is code.")]


def test_slides_know_each_other_by_name() -> None:
    rows = ["de m slide id=a: # A", "de m slide id=b: # B", "en m slide id=b: # B", "de m slide id=c: # C", "en m slide id=!c: # C"]
    assert told(deck(*rows)) == [(10, "This cell in de has no counterpart in en.")]


def test_cells_of_templates_are_left_out() -> None:
    document = deck("de m slide: # A", "- c")
    document.cells[0].origin = Origin("macros.j2", None, 3)
    assert told(document) == []


def test_a_very_long_deck_is_only_counted() -> None:
    document = deck(*["de m"] * 1100, *["en m"] * 1000)
    assert told(document) == [(None, "The notebook has 1100 cells in de and 1000 in en.")]


def test_random_decks_name_exactly_what_was_taken_away() -> None:
    chance = random.Random(7)
    for _ in range(100):
        kinds = [chance.choice(["m slide: # A", "m", "c", "c keep", "m subslide: ## B"]) for _ in range(chance.randrange(2, 25))]
        rows = [f"{language} {kind}" for kind in kinds for language in ("de", "en")]
        gone = chance.randrange(len(rows))
        place = gone if gone % 2 == 0 else gone - 1
        found = told(deck(*(row for index, row in enumerate(rows) if index != gone)))
        assert len(found) == 1 and found[0][0] == 10 * (place + 1)
