"""What start pages say and link, by what lies there."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from clx_jupyter import words
from clx_jupyter.after import sites
from clx_jupyter.course.model import Course, Section, Source, Target, Topic
from clx_jupyter.job_rows import StoredOutput
from clx_jupyter.kinds import KINDS, own_kind
from clx_jupyter.navigation import Navigation
from clx_jupyter.start_pages import Made, made_pages
from clx_jupyter.variants import Choice, Variant, twins_of, variants

HOSTILE = "<script>alert(1)</script> \"'&amp; {{ 7 * 7 }}"


def course_of(root: Path, count: int = 2, **fields: object) -> Course:
    target = Target("staff", root / "out", ("completed", "speaker"), ("html", "slides", "notebook", "code"))
    sources = [Source(f"{n}.py", {"": f"{HOSTILE} {n}", "de": f"Größe {n}"}, "python") for n in range(1, count + 1)]
    section = Section({"": "Part"}, tuple(Topic(each.path, (each,)) for each in sources))
    course = Course(root, "course.yaml", {"": HOSTILE}, ("en", "de", "he"), (section,), (target,))
    return replace(course, **fields)  # type: ignore[arg-type]


def all_variants(course: Course) -> dict[str, list[Variant]]:
    twins = twins_of(course)
    return {site.place: list(variants(course, site.section, site.source, twins)) for site in sites(course)}


def built(course: Course, states: dict[str, str] | None = None) -> dict[str, StoredOutput]:
    """Rows, and the files themselves; *states* of some, by path. What is missing has no file."""
    rows = {}
    for variant in (each for group in all_variants(course).values() for each in group):
        state = (states or {}).get(variant.path, "built")
        file = variant.target.path / variant.path
        if state != "missing":
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
            rows[file.as_posix()] = StoredOutput(file.as_posix(), "course.yaml", "", variant.name, "", state, "", sha256="0" * 64)
    return rows


def made(course: Course, rows: dict[str, StoredOutput], choice: Choice | None = None) -> dict[str, Made]:
    return {each.path: each for each in made_pages(Navigation(course, all_variants(course)), choice or Choice(), rows)}


def items(page: Made) -> list[dict[str, object]]:
    return [item for section in page.data["page"]["sections"] for topic in section["topics"] for item in topic["entries"]]


def labels(choices: Iterable[dict[str, str]]) -> dict[str, str]:
    return {each["label"]: each["href"] for each in choices}


def test_a_page_lists_what_is_there_and_nothing_leads_to_what_is_not(tmp_path: Path) -> None:
    course = course_of(tmp_path)
    states = {
        "completed/en/html/1.html": "missing", "completed/en/code/1.py": "missing", "completed/en/html/2.html": "failed",
        "completed/en/notebook/2.ipynb": "withdrawn",
    }  # fmt: skip
    one, two = items(made(course, built(course, states))["completed/en/html/index.html"])
    assert (one["href"], one["note"]) == ("", "not available") and (two["href"], two["note"]) == ("2.html", "earlier version")
    files = [{file["label"]: (file["href"], file["note"]) for file in item["files"]} for item in (one, two)]  # type: ignore[attr-defined]
    assert files[0] == {
        "Slides": ("../slides/1.slides.html", ""), "Notebook": ("../notebook/1.ipynb", ""), "Code": ("", "not available"),
    }  # fmt: skip
    assert files[1]["Notebook"] == ("", "not available")
    nothing = items(made(course, {})["completed/en/html/index.html"])
    assert {(item["href"], item["note"], str(item["files"])) for item in nothing} == {("", "not available", "[]")}


def test_public_pages_do_not_lead_to_private_ones(tmp_path: Path) -> None:
    pages = made(course_of(tmp_path), {})
    public, private = (pages[f"{kind}/de/html/index.html"].data["page"] for kind in ("completed", "speaker"))
    assert (labels(public["kinds"]), public["door"], public["private"]) == ({"Lösung": ""}, "", False)
    assert labels(private["kinds"]) == {"Lösung": "../../../completed/de/html/index.html", "Für Vortragende": ""}
    assert (private["door"], private["private"]) == ("../../../index.html", True)
    assert labels(public["languages"]) == {"English": "../../en/html/index.html", "Deutsch": "", "עברית": "../../he/html/index.html"}
    notes = {item["title"]: item["note"] for item in items(pages["index.html"])}
    assert notes == {"Solution": "", "Speaker": "private"}


def test_a_build_of_a_part_writes_its_pages_only_and_leads_to_those_that_are_there(tmp_path: Path) -> None:
    course = course_of(tmp_path)
    pages = made(course, {}, Choice(kinds=("speaker",), languages=("de",)))
    assert list(pages) == ["speaker/de/html/index.html"] and labels(pages["speaker/de/html/index.html"].data["page"]["kinds"]) == {
        "Für Vortragende": ""
    }
    (tmp_path / "out/completed/de/html").mkdir(parents=True)
    (tmp_path / "out/completed/de/html/index.html").touch()
    pages = made(course, {}, Choice(kinds=("speaker",), languages=("de",)))
    assert list(pages) == ["speaker/de/html/index.html", "index.html"]
    assert [item["href"] for item in items(pages["index.html"])] == ["completed/de/html/index.html", "speaker/de/html/index.html"]


def test_titles_are_shown_and_never_run(tmp_path: Path) -> None:
    course = course_of(tmp_path)
    page = made(course, built(course))["completed/he/html/index.html"].html().decode()
    assert "<script>" not in page and "&lt;script&gt;alert(1)&lt;/script&gt;" in page and "{{ 7 * 7 }} 1" in page
    assert '<html lang="he" dir="rtl">' in page and 'lang="en">Slides' not in page and '<span class="start-files" lang="en">' in page
    assert "Größe 2" in made(course, built(course))["completed/de/html/index.html"].html().decode()


def test_a_page_that_holds_everything_loads_nothing(tmp_path: Path) -> None:
    course = course_of(tmp_path)
    whole = replace(course, targets=(replace(course.targets[0], self_contained=True),))
    linked, held = (made(each, {})["completed/en/html/index.html"] for each in (course, whole))
    assert b'href="../../../clx-assets/page.css"' in linked.html() and b"clx-assets" not in held.html()
    assert linked.key != held.key and len(held.html()) > len(linked.html())


def test_topics_with_a_title_of_their_own_stand_above_their_notebooks(tmp_path: Path) -> None:
    pair = tuple(Source(f"{name}.py", {"": name}, "python") for name in "ab")
    section = Section({"": "Part"}, (Topic("one", pair[:1], title={"": "a"}), Topic("two", pair, title={"": "Both"})), number=3)
    course = course_of(tmp_path, languages=(), sections=(section,), names="numbered")
    [listed] = made(course, {})["completed/html/index.html"].data["page"]["sections"]
    assert (listed["number"], [topic["title"] for topic in listed["topics"]]) == ("3", ["", "Both"])


def test_a_thousand_notebooks_take_no_time(tmp_path: Path) -> None:
    course = course_of(tmp_path, 1000, languages=())
    rows, found = built(course), all_variants(course)
    start = time.perf_counter()  # generous: what must not be is work that grows with the square of the notebooks
    [page, *_] = made_pages(Navigation(course, found), Choice(), rows)
    assert page.html().count(b'class="start-page"') == 1000
    assert time.perf_counter() - start < 5


def test_every_language_has_every_word_and_a_label_of_the_course_stays() -> None:
    assert all(all(words.words(language).values()) for language in ("en", "de", "fr", "es", "it", "pt", "nl", "pl"))
    assert {words.kind_label(kind, "pl") for kind in KINDS.values()}.isdisjoint(kind.label for kind in KINDS.values())
    assert words.kind_label(KINDS["speaker"], "de-AT") == "Für Vortragende" and words.words("cs") == words.words("en")
    assert words.kind_label(own_kind("student", {"base": "student", "label": "Zum Selbstlernen"}, KINDS), "de") == "Zum Selbstlernen"


@pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("fa-IR", "rtl"), ("de", "ltr"), ("", "ltr")])
def test_languages_are_written_their_way(language: str, direction: str) -> None:
    assert words.direction(language) == direction
