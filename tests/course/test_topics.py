"""From the id of a topic to its place, and from its place to what its files are."""

from __future__ import annotations

from pathlib import Path

import pytest

from clx_jupyter.course.topics import (
    Contents,
    Place,
    contents,
    file_language,
    file_type,
    find_topics,
    id_of,
    numbers,
    resolve,
    title_in,
)
from clx_jupyter.course.withheld import published
from clx_jupyter.course.xml_spec import IncludeSpec, TopicSpec

SPEC = "course-specs/a.xml"
M = "slides/module_1"


def make(root: Path, *paths: str, **texts: str) -> None:
    """Files below *root*; the text of each is its own name unless *texts* (by stem) says otherwise."""
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(texts.get(file.stem, file.name), encoding="utf-8")


def topic(root: Path, path: str, *includes: IncludeSpec, prog_lang: str = "python") -> Contents:
    place = Place("t", path, path.split("/")[1], (root / path).is_file())
    return contents(root, place, includes, prog_lang, SPEC)


IDS = [
    ("topic_100_some_topic", "some_topic"),
    ("topic_110_x_y.py", "x_y"),
    ("img_foo_bar", "bar"),
    ("topic_100_v1.2", "v1"),
    ("data", ""),
    ("img", ""),
    ("include_me.py", ""),
]


@pytest.mark.parametrize(("name", "expected"), IDS)
def test_the_id_is_what_follows_the_second_underscore(name: str, expected: str) -> None:
    assert id_of(name) == expected


def test_topics_are_folders_and_files_in_every_module_but_parked_ones(tmp_path: Path) -> None:
    make(
        tmp_path, f"{M}/topic_100_a/x", f"{M}/topic_110_b.py", f"{M}/_topic_1_no/x", f"{M}/.topic_1_no", f"{M}/data/x",
        "slides/no_t_file.txt", "slides/_old_m/topic_100_no/x", "slides/build/topic_100_no/x", "slides/any name/img_foo_bar/x",
        f"{M}/topic_100_c.bkp",
    )  # fmt: skip
    found, problems = find_topics(tmp_path)
    assert {name: [place.path for place in places] for name, places in found.items()} == {
        "a": [f"{M}/topic_100_a"],
        "b": [f"{M}/topic_110_b.py"],
        "bar": ["slides/any name/img_foo_bar"],
    }
    assert not problems


@pytest.mark.parametrize("folder", ["build", "out", "target", "dist", "bin"])
def test_a_course_may_lie_below_a_folder_with_an_ignored_name(tmp_path: Path, folder: str) -> None:
    make(tmp_path / folder, f"{M}/topic_100_a/slides_a.py")
    assert find_topics(tmp_path / folder)[0]["a"]
    assert topic(tmp_path / folder, f"{M}/topic_100_a").decks


def test_the_first_of_several_topics_counts_with_a_warning(tmp_path: Path) -> None:
    make(tmp_path, "slides/m1/topic_1_a/x", "slides/m2/topic_1_a/x", "slides/m2/topic_2_a/x")
    found, _ = find_topics(tmp_path)
    place, (problem,) = resolve(found, TopicSpec("a", 7), SPEC)
    assert place is not None
    assert place.path == "slides/m1/topic_1_a"
    assert (problem.severity, problem.path, problem.line) == ("warning", SPEC, 7)
    assert "slides/m2/topic_1_a" in problem.message


def test_a_module_decides_between_topics_of_one_id(tmp_path: Path) -> None:
    make(tmp_path, "slides/m1/topic_1_a/x", "slides/m2/topic_1_a/x", "slides/m3/topic_1_a/x", "slides/m3/topic_2_a/x")
    found, _ = find_topics(tmp_path)
    assert resolve(found, TopicSpec("a", 7, module="m2"), SPEC) == (found["a"][1], ())
    place, (problem,) = resolve(found, TopicSpec("a", 7, module="m3"), SPEC)
    assert place == found["a"][2]
    assert "2 times" in problem.message


MISSING = [
    (TopicSpec("intrduction", 5), "did you mean introduction?"),
    (TopicSpec("introduction", 5, module="m9"), "it is in m1"),
    (TopicSpec("zzz", 5), "make a folder slides/<module>/topic_100_zzz"),
    (TopicSpec("", 5), "write <topic>its id</topic>"),
]


@pytest.mark.parametrize(("wanted", "hint"), MISSING)
def test_a_missing_topic_is_an_error_with_its_id_the_line_and_near_names(tmp_path: Path, wanted: TopicSpec, hint: str) -> None:
    make(tmp_path, "slides/m1/topic_1_introduction/x")
    place, (problem,) = resolve(find_topics(tmp_path)[0], wanted, SPEC)
    assert place is None
    assert (problem.severity, problem.category, problem.path, problem.line) == ("error", "bad-course", SPEC, 5)
    assert wanted.id in problem.message
    assert hint in problem.hint


TYPES = [
    ("a/slides_x.py", "notebook"),
    ("a/topic_x.md", "notebook"),
    ("project_x.rs", "notebook"),
    ("slides_x.de.cs", "notebook"),
    ("slides_x.ipynb", "data"),
    ("x.py", "data"),
    ("slides_x.R", "data"),
    ("img/x.png", "image"),
    ("imgdata/x.png", "data"),
    ("x.PNG", "data"),
    ("pu/x.puml", "diagram"),
    ("slides_x.drawio", "diagram"),
]


@pytest.mark.parametrize(("path", "expected"), TYPES)
def test_the_name_of_a_file_says_what_it_is(path: str, expected: str) -> None:
    assert file_type(path) == expected


PUBLISHED = [
    ("data/x.csv", True), ("pu/x.txt", False), ("a/drawio/x.txt", False), ("cassettes/x", False), ("voiceover_a.py", False),
    ("voiceover_a.md", False), ("voiceover_a.c", False), ("Voiceover_a.rust", False), ("voiceover.md", True),
    ("a.http-cassette.yaml", False), ("a.http-cassette.yaml.staging-1", False), (".env", False), ("a.env", True),
    ("x/.env.local", False), (".env.example", True), (".environment", True),
]  # fmt: skip


@pytest.mark.parametrize(("at", "expected"), PUBLISHED)
def test_some_data_stays_in_the_source(at: str, expected: bool) -> None:
    assert published(at) is expected


LANGUAGES = [("x.de.png", "de"), ("x.en.csv", "en"), ("model.v2.png", ""), ("x.de.tar.gz", ""), (".de.png", ""), ("de.png", "")]


@pytest.mark.parametrize(("name", "language"), LANGUAGES)
def test_the_end_of_the_stem_names_the_language_of_an_asset(name: str, language: str) -> None:
    assert file_language(name) == language


TITLES = [
    ('# {{ header("DE: x", "EN") }}', {"de": "DE: x", "en": "EN"}),
    ("// {{header( 'DE' ,\"It's\" )}}", {"de": "DE", "en": "It's"}),
    ('{{ header("A \\"b\\" c", "") }}', {"de": 'A \\"b\\" c', "en": ""}),
    ('# {{ header_en("EN") }}', {"en": "EN"}),
    ("# {{ header_de('DE') }}\n# {{ header_en('EN') }}", {"de": "DE", "en": "EN"}),
    ('# {{ header_de("A") }}\n# {{ header("B", "C") }}', {"de": "B", "en": "C"}),
    ('# {{ header("A",\n# "B") }}', {}),
    ("# Title", {}),
]


@pytest.mark.parametrize(("text", "expected"), TITLES)
def test_the_title_is_what_the_header_macro_says(text: str, expected: dict[str, str]) -> None:
    assert title_in(text) == expected


def test_numbers_run_through_a_section_and_halves_share_one() -> None:
    assert numbers(["a/slides_x.de.py", "a/slides_x.en.py", "b/slides_x.py", "b/slides_y.md"]) == {
        "a/slides_x.de.py": 1,
        "a/slides_x.en.py": 1,
        "b/slides_x.py": 2,
        "b/slides_y.md": 3,
    }


def test_a_folder_gives_notebooks_in_order_and_other_files(tmp_path: Path) -> None:
    t = f"{M}/topic_1_a"
    make(
        tmp_path, f"{t}/slides_b.py", f"{t}/slides_a.de.py", f"{t}/slides_a.en.py", f"{t}/zsub/slides_c.py", f"{t}/helper.py",
        f"{t}/nb.ipynb", f"{t}/img/a.png", f"{t}/data/x.bin", f"{t}/build/x.txt", f"{t}/voiceover/v.py", f"{t}/voiceover_b.py",
        f"{t}/.clm/x",
        slides_b='# {{ header("B", "B") }}',
    )  # fmt: skip
    found = topic(tmp_path, t)
    assert [(deck.path.removeprefix(t), deck.languages) for deck in found.decks] == [
        ("/zsub/slides_c.py", ()),  # as in CLM: those in sub-folders come first
        ("/slides_a.de.py", ("de",)),
        ("/slides_a.en.py", ("en",)),
        ("/slides_b.py", ()),
    ]
    assert [deck.title for deck in found.decks] == [{"": "slides_c"}, {"": "slides_a.de"}, {"": "slides_a.en"}, {"de": "B", "en": "B"}]
    assert [file.at for file in found.files] == ["img/a.png", "helper.py", "nb.ipynb", "voiceover_b.py"]
    assert found.scope == (f"{t}/img/a.png", f"{t}/helper.py", f"{t}/nb.ipynb")
    assert not found.problems


def test_a_lone_half_is_built_and_reported(tmp_path: Path) -> None:
    make(tmp_path, f"{M}/topic_1_a/slides_a.de.py")
    found = topic(tmp_path, f"{M}/topic_1_a")
    (problem,) = found.problems
    assert [deck.languages for deck in found.decks] == [("de",)]
    assert (problem.category, problem.severity, problem.path) == ("language", "error", f"{M}/topic_1_a/slides_a.de.py")
    assert "slides_a.en.py" in problem.hint


def test_halves_beside_their_whole_are_an_error_and_none_is_built(tmp_path: Path) -> None:
    make(tmp_path, f"{M}/topic_1_a/slides_a.de.py", f"{M}/topic_1_a/slides_a.py", f"{M}/topic_1_a/slides_b.py")
    found = topic(tmp_path, f"{M}/topic_1_a")
    assert [deck.path for deck in found.decks] == [f"{M}/topic_1_a/slides_b.py"]
    assert [(problem.category, problem.severity) for problem in found.problems] == [("collision", "error")]


def test_a_file_topic_takes_its_pictures_and_modules_along(tmp_path: Path) -> None:
    text = (
        "import helper, other\n  from deep import x\nimport numpy\n# <img src=\"img/a.png\"> <img src='img/no.png'>\n"
        '# <img src="img/missing.png"> <img src="../m2/outside.png"> <img src="http://x/y.png">'
    )
    make(
        tmp_path, f"{M}/topic_1_a.py", f"{M}/helper.py", f"{M}/other.py", f"{M}/deep.py", f"{M}/unused.py", f"{M}/img/a.png",
        f"{M}/img/no.png", "slides/m2/outside.png", topic_1_a=text,
    )  # fmt: skip
    found = topic(tmp_path, f"{M}/topic_1_a.py")
    assert [deck.path for deck in found.decks] == [f"{M}/topic_1_a.py"]
    assert sorted(file.at for file in found.files) == ["deep.py", "helper.py", "img/a.png", "other.py"]


DIAGRAMS = [
    ("pu/x.pu", "img/x.png", True),
    ("pu/x.pu", "img-generated/x.svg", True),
    ("deep/pu/x.puml", "deep/img/x.png", True),
    ("x.drawio", "img/x.png", True),
    ("drawio/x.de.drawio", "img/x.de.png", True),
    ("drawio/x.de.drawio", "img/x.png", False),
    ("drawio/x.drawio", "drawio/x.png", False),
]


@pytest.mark.parametrize(("diagram", "picture", "serves"), DIAGRAMS)
def test_a_diagram_needs_a_picture_in_the_topic(tmp_path: Path, diagram: str, picture: str, serves: bool) -> None:
    t = f"{M}/topic_1_a"
    make(tmp_path, f"{t}/{diagram}", f"{t}/{picture}")
    found = topic(tmp_path, t)
    assert [file.at for file in found.diagrams] == [diagram]
    assert [file.at for file in found.files] == [picture]
    assert [(problem.category, problem.severity) for problem in found.problems] == ([] if serves else [("tool-missing", "warning")])
    if not serves:
        assert f"{t}/img/" in found.problems[0].hint


def include(source: str, at: str, optional: bool = False) -> IncludeSpec:
    return IncludeSpec(source, at, optional, 9)


def test_includes_appear_in_the_topic_at_their_place(tmp_path: Path) -> None:
    make(tmp_path, f"{M}/topic_1_a/x.py", "lib/u.py", "lib/sub/v.py", "lib/node_modules/x.js", "lib/.git/x", "pics/p.png")
    found = topic(tmp_path, f"{M}/topic_1_a", include("lib", "tools"), include("pics/p.png", "img/q.png"), include("no", "no", True))
    assert [(file.path, file.at, file.type) for file in found.files[1:]] == [
        ("lib/sub/v.py", "tools/sub/v.py", "data"),
        ("lib/u.py", "tools/u.py", "data"),
        ("pics/p.png", "img/q.png", "image"),
    ]
    assert not found.problems


def test_a_missing_include_is_an_error_at_its_line(tmp_path: Path) -> None:
    make(tmp_path, f"{M}/topic_1_a/x.py")
    (problem,) = topic(tmp_path, f"{M}/topic_1_a", include("lib", "lib")).problems
    assert (problem.severity, problem.path, problem.line) == ("error", SPEC, 9)
    assert "'lib'" in problem.message


def test_a_file_of_the_topic_wins_over_an_include_with_a_warning_unless_they_are_equal(tmp_path: Path) -> None:
    make(tmp_path, f"{M}/topic_1_a/u.py", "lib/u.py")
    assert not topic(tmp_path, f"{M}/topic_1_a", include("lib/u.py", "u.py")).problems
    (tmp_path / "lib/u.py").write_text("other")
    found = topic(tmp_path, f"{M}/topic_1_a", include("lib/u.py", "u.py"))
    assert [file.path for file in found.files] == [f"{M}/topic_1_a/u.py"]
    assert [problem.severity for problem in found.problems] == ["warning"]
    make(tmp_path, f"{M}/topic_1_a/.clm-include")
    assert not topic(tmp_path, f"{M}/topic_1_a", include("lib/u.py", "u.py")).problems


def test_an_included_notebook_is_never_published_as_data(tmp_path: Path) -> None:
    make(tmp_path, f"{M}/topic_1_a/x.py", "lib/slides_solution.py")
    found = topic(tmp_path, f"{M}/topic_1_a", include("lib", "lib"))
    assert [file.at for file in found.files] == ["x.py"]
    assert "is a notebook and cannot be included" in found.problems[0].message


def test_links_are_followed_only_inside_the_course(tmp_path: Path) -> None:
    root, t = tmp_path / "course", f"{M}/topic_1_a"
    make(root, f"{t}/slides_a.py", "shared/x.csv", "shared/sub/y.csv")
    make(tmp_path, "secret/passwords", "secret/z.csv")
    for name, target in {"in": "shared", "there": "../secret", "z.csv": "../secret/z.csv", "loop": t, "gone": "nowhere"}.items():
        (root / t / name).symlink_to((root / target).resolve() if name != "gone" else target)
    found = topic(root, t)
    assert [file.at for file in found.files] == ["in/sub/y.csv", "in/x.csv"]
    (problem,) = found.problems
    assert problem.message == f"{t}/there (and 1 more) is left out: it is a link that leads outside the course"


def test_a_module_that_is_a_link_to_elsewhere_is_left_out_with_a_warning(tmp_path: Path) -> None:
    make(tmp_path, "elsewhere/topic_1_a/x", "course/slides/m/topic_1_b/x")
    (tmp_path / "course/slides/z").symlink_to(tmp_path / "elsewhere")
    found, (problem,) = find_topics(tmp_path / "course")
    assert list(found) == ["b"]
    assert problem.path == "slides/z"


def test_copies_that_editors_and_jupytext_make_of_a_deck_stay_in_the_source(tmp_path: Path) -> None:
    t = f"{M}/topic_1_a"
    copies = (
        "slides_a.py.bak",
        "slides_a.py~",
        ".slides_a.py.swp",
        "#slides_a.py#",
        "slides_a.ipynb",
        "nb/slides_b.de.ipynb",
        "slides_a.py.1",
    )
    others = ("slides_a.pyc", "slides_c.ipynb", "slides_a.csv", "slides_b.ipynb", "my_slides_a.py")
    make(tmp_path, f"{t}/slides_a.py", f"{t}/slides_b.de.py", f"{t}/slides_b.en.py", *(f"{t}/{name}" for name in (*copies, *others)))
    found = topic(tmp_path, t)
    assert {file.at for file in found.files} == set(others) and set(found.scope) == {f"{t}/{name}" for name in others}
    assert {(problem.category, problem.severity, problem.path) for problem in found.problems} == {
        ("leak", "warning", f"{t}/{name}") for name in copies
    }
