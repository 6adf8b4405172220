"""Outputs of CLX and CLM courses lie where those two programs put them."""

from __future__ import annotations

from pathlib import Path

import pytest

from clx_jupyter.course.clm_layout import Places, course_folder, sanitised, sanitised_path, section_folder, variant_path
from clx_jupyter.course.model import Asset, Course, Section, Source, Text
from clx_jupyter.course.topics import TopicFile, file_type
from clx_jupyter.errors import Problem
from clx_jupyter.kinds import KINDS, Kind

NAMES = [
    ("  Woche 1 ", "Woche 1", "Woche 1"),
    ("C# in [2] {x}", "CSharp in (2) (x)", "CSharp in (2) (x)"),
    ('a/b\\c$d#e%f&g<h>i*j=k^l€m|n', "a_b_c_d_e_f_g_h_i_j_k_l_m_n", "a_b_c_d_e_f_g_h_i_j_k_l_m_n"),
    ("\"What's\"; `new`! now?:", "Whats new now", "Whats new now"),
    ("Version 1.2", "Version 1.2", "Version 12"),
    ("..", "__", ""),
    (". .", "_ _", " "),
    (":..:", "__", ""),
    ("Übung", "Übung", "Übung"),
    ("", "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "clm", "clx"), NAMES)
def test_names_become_names_of_files(text: str, clm: str, clx: str) -> None:
    assert (sanitised(text), sanitised(text, "clx")) == (clm, clx)


PATHS = [
    ("Code/Solutions", "Code/Solutions", "Code/Solutions"),
    ("", "", ""),
    ("../../etc", "__/__/etc", "__/__/etc"),
    ("/a//./b/", "a/b", "a/b"),
    ("a\\b: c", "a/b c", "a/b: c"),
]


@pytest.mark.parametrize(("text", "clm", "clx"), PATHS)
def test_names_of_directory_groups_may_have_levels_but_never_lead_upwards(text: str, clm: str, clx: str) -> None:
    assert (sanitised_path(text), sanitised_path(text, "clx")) == (clm, clx)


SECTION = Section({"de": "Woche 1.1", "en": "Week 1.1"}, ())
SOURCE = Source("slides/m/topic_1_a/slides_a.md", {"de": "Thema: A", "en": "Topic: A"}, "cpp", number=3)


def course(layout: str = "clm", slug: str = "", prog_lang: str = "python", title: Text | None = None) -> Course:
    kinds = {**KINDS, "my-own": Kind("my-own", "Mine")}
    title = title or {"de": "Mein Kurs", "en": "My Course"}
    return Course(Path("/c"), "a.xml", title, ("de", "en"), (SECTION,), (), layout, prog_lang, slug=slug, kinds=kinds)


VARIANTS = [
    ("clm", "ml", "code-along", "de", "html", "ml-de/Folien/Html/Code-Along/Woche 1.1/03 Thema A.html"),
    ("clm", "", "completed", "en", "notebook", "My Course-en/Slides/Notebooks/Completed/Week 1.1/03 Topic A.ipynb"),
    ("clm", "", "speaker", "en", "code", "My Course-en/Slides/Python/Recording/Week 1.1/03 Topic A.cpp"),
    ("clm", "", "trainer", "de", "html", "Mein Kurs-de/Folien/Html/Trainer/Woche 1.1/03 Thema A.html"),
    ("clm", "", "partial", "de", "slides", "Mein Kurs-de/Folien/Slides/Partial/Woche 1.1/03 Thema A.slides.html"),
    ("clm", "", "my-own", "de", "pdf", "Mein Kurs-de/Folien/Pdf/My-Own/Woche 1.1/03 Thema A.pdf"),
    ("clx", "ml", "speaker", "de", "html", "De/Mein Kurs/Folien/Html/Speaker/Woche 11/03 Thema A.html"),
    ("clx", "ml", "code-along", "en", "notebook", "En/My Course/Slides/Notebooks/Code-Along/Week 11/03 Topic A.ipynb"),
]


@pytest.mark.parametrize(("layout", "slug", "kind", "language", "format", "expected"), VARIANTS)
def test_every_variant_has_its_path(layout: str, slug: str, kind: str, language: str, format: str, expected: str) -> None:
    made = course(layout, slug)
    assert variant_path(made, SECTION, SOURCE, kind, language, format) == expected
    assert section_folder(made, SECTION, kind, language, format) == expected.rsplit("/", 1)[0]
    assert expected.startswith(course_folder(made, language) + "/")


@pytest.mark.parametrize(("prog_lang", "folder"), [("csharp", "CSharp"), ("typescript", "TypeScript"), ("rust", "Rust"), ("", "Code")])
def test_the_folder_of_the_code_format_is_the_language_of_the_course(prog_lang: str, folder: str) -> None:
    assert f"/{folder}/" in section_folder(course(prog_lang=prog_lang), SECTION, "completed", "de", "code")


def test_a_slug_or_name_cannot_lead_out_of_the_target() -> None:
    assert course_folder(course(slug="../x"), "de") == "__/x-de"
    assert course_folder(course(title={"": "../.."}), "de") == ".._..-de"


def test_a_course_without_languages_has_folders_without_them() -> None:
    assert section_folder(course(slug="ml"), SECTION, "completed", "", "html").startswith("ml/Slides/Html/Completed/")


def files(root: Path, topic: str, contents: dict[str, str]) -> list[TopicFile]:
    """The files of a topic with their contents, by their place in it."""
    made = []
    for at, text in contents.items():
        path = root / topic / at
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        made.append(TopicFile(f"{topic}/{at}", at, file_type(at)))
    return made


Settled = tuple[tuple[Asset, ...], tuple[tuple[str, str], ...], list[Problem]]


def settle(places: Places, topic: str, contents: dict[str, str], section: Text | None = None) -> Settled:
    return places.settle(section or {"": "S"}, topic, files(places.root, topic, contents))


def test_equal_pictures_of_two_topics_share_a_place(tmp_path: Path) -> None:
    places = Places(tmp_path, ("de", "en"))
    settle(places, "t1", {"img/a.png": "A"})
    assets, renames, problems = settle(places, "t2", {"img/a.png": "A"})
    assert assets == (Asset("t2/img/a.png", "img/a.png"),)
    assert not renames
    assert not problems


def test_a_different_picture_moves_to_a_folder_of_its_topic_with_one_warning(tmp_path: Path) -> None:
    places = Places(tmp_path, ("de", "en"))
    settle(places, "t1", {"img/a.png": "A", "pics/b.png": "B"})
    assets, renames, problems = settle(places, "t2", {"img/a.png": "other", "pics/b.png": "other"})
    assert [asset.dest for asset in assets] == ["img/t2/a.png", "img/t2/pics/b.png"]
    assert renames == (("img/a.png", "img/t2/a.png"), ("pics/b.png", "img/t2/pics/b.png"))
    assert [(problem.category, problem.severity, problem.path) for problem in problems] == [
        ("collision", "warning", "t2/img/a.png"),
        ("collision", "warning", "t2/pics/b.png"),
    ]
    assert "t1/img/a.png" in problems[0].message


def test_topics_of_one_id_still_get_places_of_their_own(tmp_path: Path) -> None:
    places = Places(tmp_path, ("de",))
    moved = []
    for folder in ("m1", "m2", "m3"):
        assets, _, _ = places.settle({"": "S"}, "t", files(tmp_path, folder, {"img/a.png": folder}))
        moved.append(assets[0].dest)
    assert moved == ["img/a.png", "img/t/a.png", "img/t-2/a.png"]


def test_different_data_cannot_move_so_the_first_stays(tmp_path: Path) -> None:
    places = Places(tmp_path, ("de", "en"))
    settle(places, "t1", {"data/x.csv": "A"})
    assets, renames, problems = settle(places, "t2", {"data/x.csv": "other"})
    assert (assets, renames) == ((), ())
    assert "only the second is published" in problems[0].message


def test_sections_share_places_only_if_they_share_a_folder(tmp_path: Path) -> None:
    places = Places(tmp_path, ("de", "en"))
    settle(places, "t1", {"img/a.png": "1"}, {"de": "A", "en": "B"})
    assert settle(places, "t2", {"img/a.png": "2"}, {"": "C"})[1] == ()
    assert settle(places, "t3", {"img/a.png": "3"}, {"de": "A!", "en": "D"})[1] == (("img/a.png", "img/t3/a.png"),)


def test_a_picture_for_one_language_meets_only_those_of_that_language(tmp_path: Path) -> None:
    places = Places(tmp_path, ("de", "en"))
    settle(places, "t1", {"img/a.de.png": "1"}, {"de": "A", "en": "B"})
    assert settle(places, "t2", {"img/a.de.png": "2"}, {"de": "C", "en": "B"})[1] == ()


ASSETS = [
    ("img-generated/x.png", "img/x.png", (), frozenset()),
    ("deep/img-generated/x.png", "deep/img-generated/x.png", (), frozenset()),
    ("img-generated/x.mp4", "img-generated/x.mp4", (), frozenset({"code"})),
    ("img/x.de.MP3", "img/x.de.MP3", ("de",), frozenset({"code"})),
    ("data/x.wav", "data/x.wav", (), frozenset()),
    ("x.en.csv", "x.en.csv", ("en",), frozenset()),
    ("drawio/x.png", "drawio/x.png", (), frozenset()),
]


@pytest.mark.parametrize(("at", "dest", "languages", "without"), ASSETS)
def test_an_asset_goes_where_its_name_says(tmp_path: Path, at: str, dest: str, languages: tuple[str, ...], without: frozenset[str]) -> None:
    assets, _, _ = settle(Places(tmp_path, ("de", "en")), "t", {at: "x"})
    assert assets == (Asset(f"t/{at}", dest, languages, without),)


def test_what_must_not_be_published_is_no_asset_and_secrets_are_named(tmp_path: Path) -> None:
    assets, _, problems = settle(Places(tmp_path, ("de",)), "t", {"pu/x.txt": "", "voiceover_a.py": "", ".env": "KEY=1"})
    assert assets == ()
    assert [(problem.category, problem.path) for problem in problems] == [("leak", "t/.env")]


def test_a_hand_made_picture_wins_over_a_generated_one_of_the_same_topic(tmp_path: Path) -> None:
    assets, renames, problems = settle(Places(tmp_path, ("de",)), "t", {"img/a.png": "1", "img-generated/a.png": "2"})
    assert [asset.path for asset in assets] == ["t/img/a.png"]
    assert renames == ()
    assert len(problems) == 1
