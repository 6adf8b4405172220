"""Which cells a kind gets: the table of the course format, cell by cell."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from clx_jupyter.kinds import KINDS, own_kind
from clx_jupyter_workers.notebook import cells
from clx_jupyter_workers.notebook.document import Cell, Document, Origin

RULES = {kind.id: kind.to_json() for kind in KINDS.values()}
STYLE = {"cell_ids": "sha3", "slide_types": True}


def cell(type: str, tags: str = "", source: str = "text", **metadata: Any) -> Cell:
    if tags:
        metadata["tags"] = tags.split()
    return Cell(type, source, Origin("a.py", 0, 2), metadata)


def document(*made: Cell) -> Document:
    return Document(list(made), {}, has_lines=True)


def fate(made: Cell, kind: str, language: str = "") -> str:
    return {"removed": "D", "blanked": "B", "kept": "K"}[cells.fates(document(made), RULES[kind], RULES, language)[0].value]


@pytest.mark.parametrize(
    ("written", "limit"), [(60, 60), (0.5, 0.5), ("60", None), (True, None), (0, None), (-1, None), (None, None), ([60], None)]
)
def test_a_cell_may_have_a_time_limit_of_its_own(written: Any, limit: float | None) -> None:
    assert cell("code", timeout=written).limit == limit


def test_a_marker_that_cannot_be_read_hides_secrets_but_not_what_is_only_typed_along() -> None:
    rule = own_kind("code-along", {"base": "completed", "blank": ["code-along", "solution"], "remove": ["teacher"]}, KINDS).to_json()
    for tag, fate_of_it in (("code-along", "kept"), ("solution", "blanked"), ("teacher", "removed"), ("private", "removed")):
        made = cell("code", incorrectly_encoded_metadata=f'{{"slideshow": {{}}}} tags=["{tag}"]')
        assert [each.value for each in cells.fates(document(made), rule, RULES, "")] == [fate_of_it], tag
        readable = cell("code", tag)
        assert cells.fates(document(readable), rule, RULES, "") != [cells.Fate.KEPT]


def test_a_slip_that_would_remove_a_cell_leaves_it_empty_where_code_is_blanked_anyway() -> None:
    made = cell("code", incorrectly_encoded_metadata='tags=["subslide", alt]')
    assert [fate(made, kind) for kind in ("code-along", "completed")] == ["B", "K"]
    (shown,) = cells.apply(document(made), RULES["code-along"], RULES, "", STYLE, "java")
    assert (shown.cell.source, shown.cell.metadata) == ("", {})
    assert fate(cell("markdown", incorrectly_encoded_metadata='tags=["subslide", alt]'), "code-along") == "D"
    assert fate(cell("code", incorrectly_encoded_metadata='tags=["private]'), "code-along") == "D"


def test_the_slide_type_of_notes_hides_as_the_tag_does() -> None:
    notes = cell("markdown", source="for me", slideshow={"slide_type": "notes"})
    assert [fate(notes, kind) for kind in ("code-along", "student", "completed", "speaker")] == ["D", "D", "D", "K"]
    (shown,) = cells.apply(document(notes), RULES["speaker"], RULES, "", STYLE, "python")
    assert "background: yellow" in shown.cell.source
    for odd in ("notes", ["notes"], {"slide_type": ["notes"]}, {"slide_type": "slide"}):
        assert fate(cell("markdown", slideshow=odd), "student") == "K"


def test_a_tag_that_only_looks_like_a_hiding_one_hides_unless_the_rule_knows_it() -> None:
    assert fate(cell("markdown", "prviate"), "completed") == "D"
    assert fate(cell("code", "solutions"), "student") == "B"
    own = own_kind("student", {"keep": ["solutions"]}, KINDS).to_json()
    assert cells.fates(document(cell("code", "solutions")), own, RULES, "") == [cells.Fate.KEPT]


# cell type, tags, then: code-along, student, completed, speaker, trainer, partial (outside a workshop)
TABLE = [
    ("code", "", "BKKKKK"),
    ("code", "keep", "KKKKKK"),
    ("code", "start", "KKDDDD"),
    ("code", "completed", "DKKKKK"),
    ("code", "alt", "DKKKKK"),
    ("code", "solution", "DBKKKK"),
    ("code", "slide", "BKKKKK"),
    ("code", "del", "DDDDDD"),
    ("code", "keep del", "DDDDDD"),
    ("code", "keep private", "DDDKKD"),
    ("code", "notes", "DDDKKD"),
    ("markdown", "", "KKKKKK"),
    ("markdown", "alt", "DKKKKK"),
    ("markdown", "answer", "KKKKKK"),
    ("markdown", "solution", "DBKKKK"),
    ("markdown", "notes", "DDDKKD"),
    ("markdown", "voiceover", "DDDKDD"),
    ("markdown", "private", "DDDKKD"),
    ("markdown", "del", "DDDDDD"),
    ("markdown", "slide", "KKKKKK"),
    ("raw", "", "KKKKKK"),
]


@pytest.mark.parametrize(("type", "tags", "expected"), TABLE)
def test_every_kind_does_what_the_table_says(type: str, tags: str, expected: str) -> None:
    kinds = ("code-along", "student", "completed", "speaker", "trainer", "partial")
    assert "".join(fate(cell(type, tags), kind) for kind in kinds) == expected


@pytest.mark.parametrize(
    ("lang", "asked", "expected"), [("de", "de", "K"), ("de", "en", "D"), ("", "en", "K"), ("de", "", "K"), (None, "fr", "K")]
)
def test_cells_without_a_language_are_for_all(lang: str | None, asked: str, expected: str) -> None:
    assert fate(cell("code", lang=lang), "completed", asked) == expected


def test_an_own_kind_that_keeps_notes_gets_none_while_it_is_public() -> None:
    own = {**RULES["completed"], "id": "own", "remove": []}
    for public, expected in ((True, "removed"), (False, "kept")):
        assert cells.fates(document(cell("markdown", "notes")), {**own, "public": public}, RULES, "")[0].value == expected


WORKSHOP = document(
    cell("code", source="before"), cell("markdown", "workshop"), cell("code", source="task"), cell("code", "start"), cell("code", "alt"),
    cell("markdown", "answer"), cell("markdown", "notes"), cell("code", "end-workshop", source="after"), cell("code", source="later"),
)  # fmt: skip


def test_partial_is_code_along_inside_workshops() -> None:
    assert "".join(fate.value[0] for fate in cells.fates(WORKSHOP, RULES["partial"], RULES, "")) == "kkbkrkrkk"
    shown = cells.apply(WORKSHOP, RULES["partial"], RULES, "en", STYLE, "python")
    assert [each.cell.source for each in shown] == ["before", "text", "", "text", "*Answer:* ", "after", "later"]


OPENERS = [
    ([cell("markdown", "workshop"), cell("code")], {0, 1}),
    ([cell("code", "workshop"), cell("code")], set()),
    ([cell("markdown", "slide", slide_id="workshop-a"), cell("code")], {0, 1}),
    ([cell("markdown", "notes", slide_id="workshop-a"), cell("code")], set()),
    ([cell("markdown", "workshop"), cell("markdown", "workshop"), cell("markdown", "end-workshop"), cell("code")], {0, 1}),
]


@pytest.mark.parametrize(("made", "inside"), OPENERS)
def test_a_workshop_ends_before_the_next_end_or_at_the_end(made: list[Cell], inside: set[int]) -> None:
    assert cells.workshop_cells(made) == inside


def test_a_slip_in_the_tags_publishes_nothing_private() -> None:
    assert fate(cell("markdown", source="secret"), "completed") == "K"
    for metadata in ({"tags": "private"}, {"tags": "slide, notes"}, {"incorrectly_encoded_metadata": 'tags=["private"'}):
        made = Cell("markdown", "secret", Origin("a.py", 0, 2), dict(metadata))
        assert (fate(made, "completed"), fate(made, "speaker")) == ("D", "K")


SLIPS = {
    '# %% tags=["keep",\n# "private"]\nx = 1': "several lines",
    '# %% [markdown] tags=[\n#   "slide",\n#   "notes",\n# ]\n# x = 1': "several lines of text",
    '# %% [markdown] tags=["slide" "notes"]\n# x = 1': "no comma",
    '# %% [markdown] tags=["private slide"]\n# x = 1': "one text",
    '# %% [markdown] tags=["speaker-notes"]\n# x = 1': "another name",
    '# %% tags=["keep"]\n1\n\ufeff# %% tags=["private"]\nx = 1': "a mark of joined files",
    '# %% tags=["keep"]\n1\n# +++ {"tags": ["private"]}\nx = 1': "MyST",
    '# %% [markdown]\n# one\n# <codecell> tags=["private"]\nx = 1': "an old marker",
}


@pytest.mark.parametrize("text", SLIPS, ids=SLIPS.values())
def test_a_slip_of_the_pen_in_a_marker_hides(course: Any, convert: Any, text: str) -> None:
    course.write("a.py", f'# %% tags=["keep"]\nfirst = 0\n{text}\n# %% tags=["keep"]\nlast = 9\n')
    done = convert(course.job("a.py", ["completed/notebook", "code-along/code", "speaker/notebook"]))
    pages = [course.page(done.outputs[number]) for number in "012"]
    assert ["x = 1" in page for page in pages] == [False, False, True]
    assert all("first = 0" in page and "last = 9" in page for page in pages)


def test_an_unfinished_marker_takes_only_lines_of_tags_with_it() -> None:
    for source in ("private = [1]", "# notes for all", "print('notes')"):
        assert fate(Cell("code", source, Origin("a.py", 0, 2), {"incorrectly_encoded_metadata": 'tags=["keep"'}), "completed") == "K"


def test_an_answer_whose_marker_became_text_of_a_kept_cell_is_blanked() -> None:
    made = cell("code", "keep", source='1\n# % [markdown] tags=["answer"]\n# it is 7')
    assert [fate(made, kind) for kind in ("code-along", "completed")] == ["B", "K"]


def test_a_kind_whose_workshop_rule_is_not_in_the_job_is_refused() -> None:
    with pytest.raises(cells.RuleMissing, match="code-along"):
        cells.fates(WORKSHOP, RULES["partial"], {"partial": RULES["partial"]}, "")


def test_the_cells_that_run_are_those_some_kind_shows_without_start_and_del() -> None:
    made = document(
        cell("code"), cell("code", "start"), cell("code", "alt"), cell("code", "del"), cell("markdown"), cell("code", source=" \n"),
        cell("code", lang="de"), cell("code", "private"), cell("code", "skip-execution"),
    )  # fmt: skip
    assert cells.running(made, ["completed"], RULES, "en") == [0, 2, 8]
    assert cells.running(made, ["completed", "speaker"], RULES, "de") == [0, 2, 6, 7, 8]
    assert cells.running(made, ["code-along"], RULES, "de") == []


def text_of(made: Cell, kind: str, language: str = "en") -> str:
    return cells.apply(document(made), RULES[kind], RULES, language, STYLE, "python")[0].cell.source


TEXTS = [
    ("answer", "completed", "de", "*Antwort:* text"),
    ("answer", "completed", "en", "*Answer:* text"),
    ("answer", "code-along", "de", "*Antwort:* "),
    ("answer", "student", "fr", "*Answer:* "),
    ("notes", "speaker", "en", "<div style='background: yellow; color: black;'>\ntext\n</div>"),
    ("voiceover", "speaker", "en", "<div style='background: #FFEEBA; color: black;'>\ntext\n</div>"),
    ("notes", "trainer", "en", "<div style='background: yellow; color: black;'>\ntext\n</div>"),
]


@pytest.mark.parametrize(("tags", "kind", "language", "expected"), TEXTS)
def test_answers_are_labelled_and_notes_boxed(tags: str, kind: str, language: str, expected: str) -> None:
    assert text_of(cell("markdown", tags), kind, language) == expected


def test_a_blanked_cell_loses_its_text_outputs_and_attachments() -> None:
    made = cell("markdown", "solution", "![x](attachment:x.png)")
    made.attachments = {"x.png": {"image/png": "aa"}}
    [shown] = cells.apply(document(made), RULES["student"], RULES, "", STYLE, "python")
    assert (shown.cell.source, shown.cell.attachments, shown.complete) == ("", {}, False)
    code = cell("code")
    code.outputs = [{"output_type": "stream", "name": "stdout", "text": "secret"}]
    [shown] = cells.apply(document(code), RULES["code-along"], RULES, "", STYLE, "python")
    assert (shown.cell.source, shown.cell.outputs, shown.complete) == ("", [], False)


def test_the_notebook_itself_is_never_changed() -> None:
    before = repr(WORKSHOP)
    for rule in RULES.values():
        cells.apply(WORKSHOP, rule, RULES, "de", STYLE, "python")
    assert repr(WORKSHOP) == before


def test_ids_are_clx_s_hash_of_the_text_before_blanking() -> None:
    made = document(cell("code", source="a"), cell("code", source="b"), cell("code", source="a"), cell("code", source="a"))
    digest = hashlib.sha3_224(b"a")
    second, third = digest.copy(), digest.copy()
    second.update(b"2:a")
    third.update(b"3:a")
    expected = [digest.hexdigest()[:16], hashlib.sha3_224(b"b").hexdigest()[:16], second.hexdigest()[:16], third.hexdigest()[:16]]
    for kind in ("code-along", "completed"):
        assert [each.cell.id for each in cells.apply(made, RULES[kind], RULES, "", STYLE, "python")] == expected


def test_a_hash_that_is_taken_again_goes_on_with_the_next_number() -> None:
    ids = cells._Ids("sha3")
    first = ids.of(cell("code", source="a"), 5)
    digest = hashlib.sha3_224(b"a")
    digest.update(b"5:a")
    ids._used.add(digest.hexdigest()[:16])
    digest.update(b"6:a")
    assert ids.of(cell("code", source="a"), 5) == digest.hexdigest()[:16] != first


def test_own_ids_are_kept_where_they_are_unique() -> None:
    made = [cell("code", source=str(number)) for number in range(3)]
    made[0].id = made[1].id = "own"
    shown = cells.apply(document(*made), RULES["completed"], RULES, "", {"cell_ids": "keep"}, "python")
    assert shown[0].cell.id == "own" and len({each.cell.id for each in shown}) == 3


def test_metadata_of_slides_and_of_clm() -> None:
    made = cell("markdown", "keep subslide", slide_id="s", for_slide="t", lang="de", lines_to_next_cell=2)
    [shown] = cells.apply(document(made), RULES["completed"], RULES, "de", STYLE, "python")
    assert shown.cell.metadata == {"tags": ["keep", "subslide"], "lang": "de", "slideshow": {"slide_type": "subslide"}}
    [shown] = cells.apply(document(made), RULES["completed"], RULES, "de", {"cell_ids": "keep"}, "python")
    assert "slideshow" not in shown.cell.metadata and shown.cell.metadata["slide_id"] == "s"
