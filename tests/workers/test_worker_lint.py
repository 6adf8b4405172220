"""Slips of the pen in tags and metadata: a dirty deck for each rule, and what its correction makes of it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clx_jupyter.fixes import corrected
from clx_jupyter.kinds import KINDS
from clx_jupyter_workers.notebook import check, lint, markers, sources, tags
from clx_jupyter_workers.problems import Problem, SourceError

RULES = {kind.id: kind.to_json() for kind in KINDS.values()}
LANGUAGES = ("de", "en")


def checked(root: Path, path: str, text: str, languages: tuple[str, ...] = (), strict: bool = True) -> list[Problem]:
    """The problems of a source."""
    (root / path).write_text(text, encoding="utf-8")
    comment = "//" if path.endswith(".cpp") else "#"
    reader = {"format": "ipynb" if path.endswith(".ipynb") else f"{path.rpartition('.')[2]}:percent", "comment": comment}
    job: dict[str, Any] = {
        "reader": reader, "kinds": RULES, "source": {"path": path, "languages": list(languages)}, "style": {"slide_types": strict}
    }  # fmt: skip
    source = sources.load(root, path, "", reader)
    try:
        return list(check.problems(source, source.document("", "html"), job))
    except SourceError as error:
        return [check.explained(source, error, job).problem]


def mended(text: str, problems: list[Problem]) -> str:
    """The text with all corrections made."""
    return corrected(text.encode(), [problem.fix for problem in problems if problem.fix])[0].decode()


# marker as written, its message, as corrected ("": nothing safe can be done)
MARKERS = [
    ('# %% tag=["keep"]', "The key 'tag' is unknown: it has no effect.", '# %% tags=["keep"]'),
    ('# %% tss=["keep"]', "The key 'tss' is unknown: it has no effect.", '# %% tags=["keep"]'),
    ('# %% Tags=["keep"]', "The key 'Tags' is unknown: it has no effect.", '# %% tags=["keep"]'),
    ('# %% tag="keep"', "The key 'tag' is unknown: it has no effect.", '# %% tags=["keep"]'),
    ('# %% tags=["keep"] tag=["alt"]', "The key 'tag' is unknown: it has no effect.", ""),
    ('# %% [markdown] tags: ["slide"] lang="de"', "cannot be understood: tags: [", '# %% [markdown] tags=["slide"] lang="de"'),
    ('# %% [markdown] tags["slide"] lang="de"', "cannot be understood: tags[", '# %% [markdown] tags=["slide"] lang="de"'),
    ('# %% [markdown] lang="de" tags=["slid"]', "The tag 'slid' is unknown", '# %% [markdown] lang="de" tags=["slide"]'),
    ('# %% tags=["keeep", "slide"]', "The tag 'keeep' is unknown", '# %% tags=["keep", "slide"]'),
    ("# %% tags=['Keep']", "The tag 'Keep' is unknown", "# %% tags=['keep']"),
    ('# %% tags=["start", "complted"]', "The tag 'complted' is unknown", '# %% tags=["start", "completed"]'),
    ('# %% tags=["kepp"]', "The tag 'kepp' is unknown", ""),
    ('# %% tags=["homework"]', "The tag 'homework' is unknown", ""),
    ('# %% tags=["exercse"]', "The tag 'exercse' is unknown", '# %% tags=["exercise"]'),
    ('# %% [markdown] Lang="de"', "The key 'Lang' is unknown", '# %% [markdown] lang="de"'),
    ('# %% [markdown] language="de"', "The key 'language' is unknown", '# %% [markdown] lang="de"'),
    ('# %% [markdown] slideid="intro"', "The key 'slideid' is unknown", '# %% [markdown] slide_id="intro"'),
    ('# %% [markdown] lang="DE" tags=["slide"]', "The language 'DE' is none", '# %% [markdown] lang="de" tags=["slide"]'),
    ('# %% [markdown] lang="deu"', "The language 'deu' is none", '# %% [markdown] lang="de"'),
    ('# %% [markdown] lang="German"', "The language 'German' is none", '# %% [markdown] lang="de"'),
    ('# %% [markdown] lang="fr"', "The language 'fr' is none", ""),
    ('# %% [markdown] lang=""', "The cell's language is empty", "# %% [markdown]"),
    ('# %% [markdown] lang="de", tags=["slide"]', "The language ['de'] is none", '# %% [markdown] lang="de" tags=["slide"]'),
    ('# %% [markdown] lang=de tags=["slide"]', "cannot be understood: lang=de", '# %% [markdown] lang="de" tags=["slide"]'),
    ('# %% [markdown] lang="de tags=["slide"]', 'cannot be understood: lang="de', '# %% [markdown] lang="de" tags=["slide"]'),
    ('# %% tags=["keep"', "cannot be understood: tags=[", '# %% tags=["keep"]'),
    ('# %% tags=["keep" lang="de"', "cannot be understood: tags=[", '# %% tags=["keep"] lang="de"'),
    ('# %% tags=["keep, "alt"]', "cannot be understood: tags=[", '# %% tags=["keep", "alt"]'),
    ("# %% tags=[keep]", "cannot be understood: tags=[keep]", '# %% tags=["keep"]'),
    (
        '# %% [markdown] {"slideshow": {"slide_type": "slide"}, "x": 1} tags=["slide"]',
        "cannot be understood: {",
        '# %% [markdown] slideshow={"slide_type": "slide"} x=1 tags=["slide"]',
    ),
    ('# %% tags=[something"]', "cannot be understood: tags=[something", ""),
    ('# %% tags=["keep"] tags=["alt"]', "names 'tags' more than once", ""),
    ('# %% tags="keep"', "The tags are no list of different names", '# %% tags=["keep"]'),
    ('# %% tags="keep, alt"', "The tags are no list of different names", '# %% tags=["keep", "alt"]'),
    ('# %% tags=("keep")', "The tags are no list of different names", '# %% tags=["keep"]'),
    ('# %% tags=["keep", 3]', "The tags are no list of different names", '# %% tags=["keep", "3"]'),
    ('# %% tags=["keep", "keep"]', "The tags are no list of different names", '# %% tags=["keep"]'),
    ('# %% [markdown] tags=["slide", "notes"]', "The tags 'slide' and 'notes' contradict each other; 'slide' is taken.", ""),
    ('# %% [markdown] tags=["slide"] slideshow={"slide_type": "notes"}', "slide_type='notes' contradict each other", ""),
    ('# %% tags=["workshop"]', "opens no workshop on a code cell", ""),
    ('# %% [markdown] tags=["end-workshop"]', "No workshop is open here", ""),
    ('# %% tags=["start"]', "No cell tagged 'completed' follows this 'start'", ""),
    ('# %% tags=["completed"]', "The tag 'completed' follows no cell tagged 'start'.", ""),
    ('# %% [markdwon] lang="de"', "'[markdwon]' is no type of cell", '# %% [markdown] lang="de"'),
    ('# %% [Markdown] lang="de"', "'[Markdown]' is no type of cell", '# %% [markdown] lang="de"'),
    ('# %% [markdown lang="de"', "'[markdown' is no type of cell", '# %% [markdown] lang="de"'),
    ('# %% markdown lang="de"', "'markdown' is no type of cell", '# %% [markdown] lang="de"'),
    ('## %% [markdown] lang="de"', "This line begins no cell", '# %% [markdown] lang="de"'),
    ('# %%[markdown] lang="de"', "This line begins no cell", '# %% [markdown] lang="de"'),
    ('# % [markdown] lang="de"', "This line begins no cell", '# %% [markdown] lang="de"'),
]


@pytest.mark.parametrize(("marker", "message", "wanted"), MARKERS, ids=[marker for marker, _, _ in MARKERS])
def test_each_slip_is_told_and_mended(tmp_path: Path, marker: str, message: str, wanted: str) -> None:
    text = f"# %%\n1\n\n{marker}\n# Text\n\n# %%\n2\n"
    found = [problem for problem in checked(tmp_path, "deck.py", text, LANGUAGES) if problem.category != "language"]
    told = [problem for problem in found if message in problem.message]
    assert len(told) == 1, found
    assert (told[0].path, told[0].line) == ("deck.py", 4)
    assert told[0].hint
    assert bool(told[0].fix) == bool(wanted)
    if wanted:
        assert mended(text, told) == text.replace(marker, wanted)
        after = checked(tmp_path, "deck.py", mended(text, told), LANGUAGES)
        assert [problem for problem in after if problem.message == told[0].message] == []


CLEAN = [
    '# %% tags=["keep", "slide"]', '# %% [markdown] tags=["slide"] slide_id="a"', "# %% A title", '# %% [raw]', "# %% keep",
    '# %% tags=["hide-input", "jp-x", "my:tag", "raises-exception"]', '# %% {"tags": ["keep"]}', "# %% tags=[]",
    '# %% id="abc" colab={"base_uri": "https://x=1"} outputId="x-1"', '# %% [markdown] title="slide" name="alt"', "#%% tags=[\"keep\"]",
    '# %% pycharm={"name": "#%%\\n"}', '# %% slideshow={"slide_type": "slide"}', "# %% raw values", "# %% markdown is a language",
    '# %% label="de"', '# %% [md] tags=["answer"]',
]  # fmt: skip


@pytest.mark.parametrize("marker", CLEAN)
def test_what_is_right_gives_no_word(tmp_path: Path, marker: str) -> None:
    assert checked(tmp_path, "deck.py", f"# %%\n1\n\n{marker}\n# Text\n", LANGUAGES) == []


def test_languages_count_only_where_there_are_some(tmp_path: Path) -> None:
    assert checked(tmp_path, "deck.py", '# %% [markdown] lang="xx"\n# Text\n') == []


def test_a_deck_with_another_comment_sign(tmp_path: Path) -> None:
    text = '// %% tag=["keep"]\nint i;\n\n/// %%\n1\n\n// %% tags=["slid"]\n2\n'
    found = checked(tmp_path, "deck.cpp", text)
    assert [problem.line for problem in found] == [1, 7, 4]
    assert mended(text, found) == '// %% tags=["keep"]\nint i;\n\n// %%\n1\n\n// %% tags=["slide"]\n2\n'


def test_tags_of_the_course_s_own_kinds_are_known(tmp_path: Path) -> None:
    own = tags.own_tags({"mine": {"remove": ["teacher"], "keep": ["given"], "blank": ["gap"], "boxes": [["hint", "red"]]}})
    (tmp_path / "a.py").write_text('# %% tags=["teacher", "given", "gap", "hint", "techer"]\n1\n')
    source = sources.load(tmp_path, "a.py", "", {"format": "py:percent"})
    found = lint.lint(source.document("", "html"), lint.Words(own), source.lines)
    assert [(problem.message, problem.hint) for problem in found] == [("The tag 'techer' is unknown.", "Did you mean 'teacher'?")]


@pytest.mark.parametrize("written", ['"60"', "true", "0", "-1", "[60]"])
def test_a_time_limit_that_is_none_is_said(tmp_path: Path, written: str) -> None:
    (found,) = checked(tmp_path, "deck.py", f"# %% timeout={written}\n1\n")
    assert (found.category, found.severity, found.line, found.hint) == ("tag", "warning", 1, "Write timeout=60")


def test_starts_and_ends_pair_up_in_each_language(tmp_path: Path) -> None:
    markers = ['tags=["start"] lang="de"', 'tags=["start"] lang="en"', 'tags=["completed"] lang="de"', 'tags=["completed"] lang="en"']
    deck = "".join(f"# %% {marker}\n1\n\n" for marker in markers)
    assert checked(tmp_path, "deck.py", deck, LANGUAGES) == []
    legacy = '# %% tags=["start"]\n1\n\n# %% tags=["alt"]\n2\n\n# %% tags=["alt"]\n3\n'
    assert checked(tmp_path, "deck.py", legacy) == []
    twice = '# %% tags=["start"]\n1\n\n# %% tags=["start"]\n2\n\n# %% tags=["completed"]\n3\n'
    assert [problem.line for problem in checked(tmp_path, "deck.py", twice)] == [1]


def test_two_slides_of_one_language_with_one_name(tmp_path: Path) -> None:
    deck = "".join(
        f'# %% [markdown] lang="{language}" tags=["{tag}"] slide_id="{name}"\n# Text\n\n'
        for language, tag, name in [("de", "slide", "a"), ("en", "slide", "a"), ("de", "notes", "a"), ("de", "subslide", "!a")]
    )
    found = [problem for problem in checked(tmp_path, "deck.py", deck, LANGUAGES) if problem.category == "tag"]
    assert [(problem.line, problem.message) for problem in found] == [(10, "The slide_id 'a' belongs to an earlier slide (line 1).")]


def test_a_slip_in_an_included_text_names_it_and_can_be_mended(tmp_path: Path) -> None:
    (tmp_path / "part.j2").write_text('# %% tags=["keeep"]\n1\n')
    (tmp_path / "deck.py").write_text("# %%\n1\n\n# j2 include 'part.j2'\n")
    reader = {"format": "py:percent", "comment": "#", "jinja": True, "prog_lang": "python"}
    source = sources.load(tmp_path, "deck.py", "", reader)
    job = {"reader": reader, "kinds": RULES, "source": {"path": "deck.py"}, "style": {"slide_types": True}}
    [problem] = check.problems(source, source.document("", "html"), job)
    assert (problem.path, problem.line, problem.cell) == ("part.j2", 1, None)
    assert mended('# %% tags=["keeep"]\n1\n', [problem]) == '# %% tags=["keep"]\n1\n'


# --- .ipynb -------------------------------------------------------------------


def ipynb(*metadata: dict[str, Any]) -> str:
    cells = [{"cell_type": "markdown", "metadata": each, "source": ["Text"]} for each in metadata]
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}, indent=1) + "\n"


def test_tags_of_other_programs_are_none_of_our_business(tmp_path: Path) -> None:
    foreign = ipynb({"tags": ["homework", "deep", "important"]}, {"tags": ["slice"], "collapsed": True, "pycharm": {}}, {"lang": "xx"})
    assert checked(tmp_path, "a.ipynb", foreign, strict=False) == []
    assert len(checked(tmp_path, "a.ipynb", foreign, strict=True)) == 4


def test_near_misspellings_of_ours_are_told_and_mended_in_notebooks(tmp_path: Path) -> None:
    text = ipynb({"tags": ["solutin", "homework"]}, {"tag": ["keep"]}, {"lang": "DE"})
    found = checked(tmp_path, "a.ipynb", text, LANGUAGES, strict=False)
    assert [(problem.cell, problem.line) for problem in found if problem.category == "tag"] == [(0, None), (1, None), (2, None)]
    after = mended(text, found)
    assert after == ipynb({"tags": ["solution", "homework"]}, {"tags": ["keep"]}, {"lang": "de"})
    assert [problem for problem in checked(tmp_path, "a.ipynb", after, LANGUAGES, strict=False) if problem.fix] == []


@pytest.mark.parametrize("tags", ["keep", ["keep", "keep"], ["keep", 1]])
def test_tags_that_make_a_notebook_invalid_are_named(tmp_path: Path, tags: Any) -> None:
    [problem] = checked(tmp_path, "a.ipynb", ipynb({}, {"tags": tags}))
    assert (problem.category, problem.cell) == ("bad-source", 1) and "no list of different names" in problem.message
    after = mended(ipynb({}, {"tags": tags}), [problem])
    assert json.loads(after)["cells"][1]["metadata"]["tags"][0] == "keep" and checked(tmp_path, "a.ipynb", after, strict=False) == []


@pytest.mark.parametrize("options", ['tags=["a" ' * 4000, "a=" * 20_000, "[" * 20_000, "{} " * 10_000 + "a=", "tags=[" + '"a", ' * 20_000])
def test_a_marker_of_endless_length_takes_no_time(options: str) -> None:
    before = time.monotonic()
    for length in (3990, len(options)):
        parsed = markers.parse(f"# %% {options[:length]}", 1, "#")
        assert parsed is None or all(isinstance(attribute.readable, bool) for attribute in parsed.attributes)
        markers.in_one_style(f"# %% {options[:length]}", 1)
    assert time.monotonic() - before < 10


# --- any marker -----------------------------------------------------------------

WORDS = st.sampled_from([*sorted(tags.OWN), "slid", "keeep", "Notes", "complted", "homework", "hide-input", "x y", "ä"])
VALUES = st.lists(WORDS, max_size=3).flatmap(
    lambda words: st.sampled_from([json.dumps(words, ensure_ascii=False), json.dumps(words)[:-1], str(words), f"[{', '.join(words)}]"])
)
PARTS = st.one_of(
    st.tuples(st.sampled_from(["tags", "tag", "tss", "Tags", "other"]), st.sampled_from(["=", ": ", " = ", ""]), VALUES).map("".join),
    st.tuples(
        st.sampled_from(["lang", "Lang", "language", "id"]), st.just("="), st.sampled_from(['"de"', '"DE"', "de", '"en', '""', '"fr",'])
    ).map("".join),
)
LINES = st.tuples(
    st.sampled_from(["# %% ", "# %% [markdown] ", "# %% [markdwon] ", "## %% ", "# %% Title "]), st.lists(PARTS, max_size=3).map(" ".join)
).map("".join)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(marker=LINES)
def test_whatever_a_marker_says_a_correction_ends_its_problem_and_changes_one_line(tmp_path: Path, marker: str) -> None:
    text = f"# %%\n1\n\n{marker}\n# Text\n\n# %%\n2\n"
    for problem in checked(tmp_path, "deck.py", text, LANGUAGES):
        if problem.fix is None:
            continue
        after = mended(text, [problem])
        changed = [number for number, (old, new) in enumerate(zip(text.split("\n"), after.split("\n"), strict=True), 1) if old != new]
        assert changed == [4]
        again = checked(tmp_path, "deck.py", after, LANGUAGES)
        assert problem.message not in [each.message for each in again]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(marker=LINES)
def test_corrections_come_to_an_end(tmp_path: Path, marker: str) -> None:
    text = f"# %%\n1\n\n{marker}\n# Text\n"
    for _ in range(6):
        after = mended(text, checked(tmp_path, "deck.py", text, LANGUAGES))
        if after == text:
            return
        text = after
    raise AssertionError(text)
