"""A CLX or CLM course file becomes the frozen course that everything else works on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clx_jupyter.course.clm import load
from clx_jupyter.course.clm_layout import variant_path
from clx_jupyter.course.model import Asset, Course, DirGroup, Execute
from clx_jupyter.errors import CourseError, Problem
from clx_jupyter.kinds import KINDS, Kind

M = "slides/module_1"
SHARED = os.environ.get("CLX_SHARED", "")


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def spec(*topics: str, extra: str = "", author: str = "<author>Ada</author>") -> str:
    listed = "".join(topic if topic.startswith("<") else f"<topic>{topic}</topic>" for topic in topics)
    return (
        f"<course>\n<name><de>Kurs</de><en>Course</en></name><prog-lang>python</prog-lang>{author}\n"
        "<sections><section id='s1'><name><de>Woche 1</de><en>Week 1</en></name><topics>\n"
        f"{listed}</topics></section></sections>{extra}</course>"
    )


def course(root: Path, *topics: str, extra: str = "", author: str = "<author>Ada</author>", **options: object) -> Course:
    write(root, {"course-specs/a.xml": spec(*topics, extra=extra, author=author)})
    (root / "slides").mkdir(exist_ok=True)
    return load(root / "course-specs/a.xml", **options)  # type: ignore[arg-type]


def deck(de: str, en: str) -> str:
    return f'# j2 from \'macros.j2\' import header\n# {{{{ header("{de}", "{en}") }}}}\n\n# %%\n1\n'


def targets(*elements: str) -> str:
    return f"<output-targets>{''.join(elements)}</output-targets>"


def target(path: str, inner: str = "", name: str = "t") -> str:
    return f'<output-target name="{name}"><path>{path}</path>{inner}</output-target>'


def paths(made: Course) -> list[str]:
    """The path of every output below the course root."""
    return [
        f"{place.path.relative_to(made.root).as_posix()}/{variant_path(made, section, source, kind, language, format)}"
        for section, _, source in made.sources()
        for place in made.targets
        for format in place.formats
        for kind in place.kinds
        for language in place.languages
        if format not in source.without and language in (source.languages or made.languages)
    ]


def messages(made: Course, severity: str) -> list[str]:
    return [problem.message for problem in made.problems if problem.severity == severity]


def test_a_small_course_is_read_whole(tmp_path: Path) -> None:
    t = f"{M}/topic_100_intro"
    write(tmp_path, {f"{t}/slides_intro.py": deck("Einführung", "Introduction"), f"{t}/img/a.png": "A", f"{t}/data/x.csv": "1"})
    made = course(tmp_path, "intro")
    (section,) = made.sections
    (topic,) = section.topics
    (source,) = topic.sources
    assert (made.root, made.file, made.title) == (tmp_path, "course-specs/a.xml", {"de": "Kurs", "en": "Course"})
    assert (made.languages, made.layout, made.prog_lang, made.slug) == (("de", "en"), "clm", "python", "")
    assert made.organization == {"de": "Coding-Akademie München", "en": "Coding-Academy Munich"}
    assert (section.id, section.title, topic.id) == ("s1", {"de": "Woche 1", "en": "Week 1"}, "intro")
    assert (source.path, source.title) == (f"{t}/slides_intro.py", {"de": "Einführung", "en": "Introduction"})
    assert (source.prog_lang, source.kernel, source.languages, source.number) == ("python", None, (), 1)
    assert (source.execute, source.without, source.jinja, source.author) == (Execute(), frozenset(), True, "Ada")
    assert source.scope == (f"{t}/data/x.csv", f"{t}/img/a.png")
    assert (source.includes, source.renames) == ((), ())
    assert topic.assets == (Asset(f"{t}/data/x.csv", "data/x.csv"), Asset(f"{t}/img/a.png", "img/a.png"))
    assert made.problems == ()


def test_without_targets_there_are_the_three_trees_of_clm(tmp_path: Path) -> None:
    write(tmp_path, {f"{M}/topic_100_a/slides_a.py": deck("A", "A")})
    made = course(tmp_path, "a")
    assert [(place.name, place.path.relative_to(tmp_path).as_posix(), place.kinds, place.formats) for place in made.targets] == [
        ("shared", "output/shared", ("code-along", "completed"), ("html", "notebook", "code")),
        ("trainer", "output/trainer", ("code-along", "completed", "trainer"), ("html", "notebook", "code")),
        ("speaker", "output/speaker", ("speaker",), ("html", "notebook", "code")),
    ]
    assert not any(place.outputs for place in made.targets)
    assert "shared, trainer, speaker" in made.notice
    assert len(paths(made)) == 6 * 3 * 2


def test_the_layout_of_clx_has_its_folders(tmp_path: Path) -> None:
    write(tmp_path, {f"{M}/topic_100_a/slides_a.py": deck("A.", "A")})
    made = course(tmp_path, "a", layout="clx")
    assert "output/public/De/Kurs/Folien/Html/Code-Along/Woche 1/01 A.html" in paths(made)
    assert "output/speaker/En/Course/Slides/Python/Speaker/Week 1/01 A.py" in paths(made)
    assert made.organization == {}


def test_explicit_targets_have_what_they_list(tmp_path: Path) -> None:
    inner = "<kinds><kind>recording</kind></kinds><formats><format>slides</format></formats><languages><language>en</language></languages>"
    made = course(tmp_path, extra=targets(target("./out/all", name="all"), target("out/en", inner, "en")))
    everything, english = made.targets
    assert (everything.kinds, everything.languages) == (("code-along", "completed", "trainer", "speaker", "partial"), ("de", "en"))
    assert (english.kinds, english.formats, english.languages) == (("speaker",), ("slides",), ("en",))
    assert everything.path == tmp_path / "out/all"
    assert made.notice == ""


def test_the_languages_of_the_course_are_those_of_its_targets(tmp_path: Path) -> None:
    english = "<languages><language>en</language></languages>"
    assert course(tmp_path, extra=targets(target("a", english))).languages == ("en",)
    german = "<languages><language>de</language></languages>"
    assert course(tmp_path, extra=targets(target("a", english), target("b", german, "u"))).languages == ("de", "en")


def test_an_output_folder_given_holds_one_folder_for_each_target(tmp_path: Path) -> None:
    made = course(tmp_path, extra=targets(target("a", name="one"), target("b", name="two")), output_dir=tmp_path / "else/../where")
    assert [place.path for place in made.targets] == [tmp_path / "where/one", tmp_path / "where/two"]


def test_a_target_may_ask_for_a_kind_of_the_course_itself(tmp_path: Path) -> None:
    kinds = {**KINDS, "exam": Kind("exam", "Exam")}
    made = course(tmp_path, extra=targets(target("a", "<kinds><kind>exam</kind></kinds>")), kinds=kinds)
    assert made.targets[0].kinds == ("exam",)
    assert made.kinds is kinds


REFUSED = [
    (".", "it holds the course itself"),
    ("slides", "the sources lie there"),
    ("slides/m/out", "the sources lie there"),
    ("repo", "it is a git repository"),
    ("../x", "leads outside the course"),
    ("/tmp/x", "leads outside the course"),
    ("C:/x", "leads outside the course"),
    ("link", "it holds the course itself"),
]


@pytest.mark.parametrize(("path", "why"), REFUSED)
def test_a_target_never_covers_the_course_or_a_repository(tmp_path: Path, path: str, why: str) -> None:
    root = tmp_path / "root"
    (root / "repo/.git").mkdir(parents=True)
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(CourseError, match=why) as caught:
        course(root, extra="\n" + targets(target(path)))
    assert (caught.value.problem.path, caught.value.problem.line) == ("course-specs/a.xml", 5)


@pytest.mark.parametrize(("path", "why"), [("..", "it holds the course itself"), ("../home", "it is a home folder")])
def test_not_even_clx_may_build_over_the_course_or_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, why: str) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    with pytest.raises(CourseError, match=why):
        course(tmp_path / "root", extra=targets(target(path)), layout="clx")


def test_an_output_folder_given_is_checked_as_well(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="it holds the course itself"):
        course(tmp_path / "t", extra=targets(target("a")), output_dir=tmp_path)


def test_the_root_is_the_folder_of_the_file_or_the_one_above_or_the_one_given(tmp_path: Path) -> None:
    write(tmp_path, {"a.xml": spec(), "specs/b.xml": spec(), "slides/x": "", "other/slides/x": ""})
    assert (load(tmp_path / "a.xml").root, load(tmp_path / "a.xml").file) == (tmp_path, "a.xml")
    assert (load(tmp_path / "specs/b.xml").root, load(tmp_path / "specs/b.xml").file) == (tmp_path, "specs/b.xml")
    made = load(tmp_path / "a.xml", tmp_path / "other")
    assert (made.root, made.file) == (tmp_path / "other", "../a.xml")


def test_a_missing_file_or_slides_folder_is_an_error_of_the_course(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"there is no course file a\.xml"):
        load(tmp_path / "specs/a.xml")
    write(tmp_path, {"specs/a.xml": spec()})
    with pytest.raises(CourseError, match="there is no folder slides"):
        load(tmp_path / "specs/a.xml")


def test_a_missing_topic_is_one_error_and_the_rest_goes_on(tmp_path: Path) -> None:
    write(tmp_path, {f"{M}/topic_100_intro/slides_intro.py": deck("A", "A")})
    made = course(tmp_path, "intrp", "intro", "intrp")
    (problem,) = made.problems
    assert (problem.severity, problem.path, problem.line) == ("error", "course-specs/a.xml", 4)
    assert "'intrp'" in problem.message
    assert "intro" in problem.hint
    assert [topic.id for topic in made.sections[0].topics] == ["intro"]


def test_numbers_run_through_the_section_in_the_order_of_its_topics(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            f"{M}/topic_200_b/slides_1.de.py": '# {{ header_de("Eins") }}',
            f"{M}/topic_200_b/slides_1.en.py": '# {{ header_en("One") }}',
            f"{M}/topic_200_b/slides_2.py": deck("Zwei", "Two"),
            f"{M}/topic_100_a.py": deck("Drei", "Three"),
        },
    )
    pages = "<kinds><kind>completed</kind></kinds><formats><format>html</format></formats>"
    made = course(tmp_path, "b", "a", extra=targets(target("o", pages)))
    assert [(source.number, source.languages) for _, _, source in made.sources()] == [(1, ("de",)), (1, ("en",)), (2, ()), (3, ())]
    assert sorted(path.rsplit("/", 1)[1] for path in paths(made)) == [
        "01 Eins.html", "01 One.html", "02 Two.html", "02 Zwei.html", "03 Drei.html", "03 Three.html",
    ]  # fmt: skip


def test_the_attributes_of_a_topic_reach_its_notebooks(tmp_path: Path) -> None:
    write(tmp_path, {f"{M}/topic_100_{name}/slides_x.{suffix}": "" for name, suffix in [("a", "py"), ("b", "md"), ("c", "c"), ("d", "md")]})
    first, second = '<topic id="a" html="no" evaluate="no" author="Bob"/>', '<topic id="b" skip-errors="yes"/>'
    last = '<topic id="d" prog-lang="C#"/>'
    made = course(tmp_path, first, second, "c", last)
    a, b, c, d = [source for _, _, source in made.sources()]
    assert (a.without, a.execute.mode, a.author) == (frozenset({"html"}), "never", "Bob")
    assert (b.execute.allow_errors, b.prog_lang, b.author) == (True, "python", "Ada")
    assert (c.prog_lang, d.prog_lang) == ("cpp", "csharp")


def test_a_course_without_author_says_so_once_and_has_none(tmp_path: Path) -> None:
    write(tmp_path, {f"{M}/topic_100_a/slides_a.py": ""})
    made = course(tmp_path, "a", author="")
    assert next(made.sources())[2].author == ""
    assert messages(made, "info") == ["the course names no author: title slides show none"]


def test_a_topic_of_two_sections_is_read_for_both_and_reported_once(tmp_path: Path) -> None:
    write(tmp_path, {f"{M}/topic_100_a/slides_a.py": "", f"{M}/topic_100_a/pu/x.pu": ""})
    second = "<sections><section><name>S</name><topics><topic>a</topic></topics></section></sections>"
    made = course(tmp_path, "a", extra=second)
    assert len(list(made.sources())) == 2
    assert [problem.category for problem in made.problems] == ["tool-missing"]


def test_includes_reach_the_notebook_at_their_place(tmp_path: Path) -> None:
    write(tmp_path, {f"{M}/topic_100_a/slides_a.py": "", f"{M}/topic_100_a/sub/slides_b.py": "", "lib/u.py": "u"})
    made = course(tmp_path, '<topic id="a"><include source="lib" as="tools"/></topic>')
    nested, direct = made.sections[0].topics[0].sources
    assert direct.includes == (("lib/u.py", "tools/u.py"),)
    assert nested.includes == (("lib/u.py", "../tools/u.py"),)
    assert direct.scope == ("lib/u.py",)
    assert made.sections[0].topics[0].assets == (Asset("lib/u.py", "tools/u.py"),)


def test_pictures_of_two_topics_in_one_place_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path, {f"{M}/topic_1_{name}/slides_{name}.py": "" for name in "abc"})
    write(tmp_path, {f"{M}/topic_1_{name}/img/p.png": text for name, text in {"a": "1", "b": "1", "c": "2"}.items()})
    made = course(tmp_path, "a", "b", "c")
    assert [[asset.dest for asset in topic.assets] for topic in made.sections[0].topics] == [["img/p.png"], ["img/p.png"], ["img/c/p.png"]]
    assert [source.renames for _, _, source in made.sources()] == [(), (), (("img/p.png", "img/c/p.png"),)]
    assert len(messages(made, "warning")) == 1


def test_two_sources_that_want_one_path_are_an_error_naming_both(tmp_path: Path) -> None:
    write(tmp_path, {f"{M}/topic_1_a/slides_a.py": deck("X", "A"), f"{M}/topic_1_b/slides_b.py": deck("X", "B")})
    second = "<sections><section><name><de>Woche 1!</de><en>Other</en></name><topics><topic>b</topic></topics></section></sections>"
    (problem,) = course(tmp_path, "a", extra=second).problems
    assert (problem.category, problem.severity) == ("collision", "error")
    assert f"{M}/topic_1_a/slides_a.py and {M}/topic_1_b/slides_b.py would both" in problem.message


def group(inner: str, attributes: str = "") -> str:
    return f"<dir-groups><dir-group {attributes}>{inner}</dir-group></dir-groups>"


CODE = {
    "code/top.txt": "", "code/.env": "", "code/a/x.bin": "", "code/a/sub/y.py": "", "code/a/build/z": "", "code/a/voiceover_x.py": "",
    "code/a/pu/d.pu": "", "code/a/my.egg-info/x": "", "code/b/w.txt": "",
}  # fmt: skip
GROUPS = [
    ("<path>code</path>", "", ["a/sub/y.py", "a/x.bin", "b/w.txt", "top.txt"]),
    ("<path>code</path><subdirs><subdir>b</subdir><subdir>a/sub</subdir></subdirs>", "", ["a/sub/y.py", "b/w.txt"]),
    ("<path>code</path><subdirs><subdir>b</subdir></subdirs>", 'include-root-files="true"', ["b/w.txt", "top.txt"]),
    ("<path>code</path><subdirs><subdir>a</subdir></subdirs>", 'recursive="false"', ["a/voiceover_x.py", "a/x.bin"]),
    ("<path>code</path>", 'recursive="false"', []),
    ("<path>code</path>", 'recursive="false" include-root-files="true"', ["top.txt"]),
]


def test_a_directory_group_copies_no_decks(tmp_path: Path) -> None:
    """The decks of the course would be published with all solutions; files of such names elsewhere are what they are."""
    write(tmp_path, CODE | {f"{M}/topic_100_a/slides_a.py": "", f"{M}/topic_100_a/slides_a.py~": "", f"{M}/topic_100_a/x.txt": ""})
    write(tmp_path, {"code/topic_x.py": ""})
    made = course(tmp_path, extra=group("<name>All</name><path>.</path>"))
    files = {path for path, _ in made.dir_groups[0].files}
    assert {"code/top.txt", "code/topic_x.py", f"{M}/topic_100_a/x.txt"} <= files and not [path for path in files if "slides_a" in path]
    kept = [problem.path for problem in made.problems if problem.category == "leak"]
    assert kept == ["code/.env", f"{M}/topic_100_a/slides_a.py", f"{M}/topic_100_a/slides_a.py~"]


@pytest.mark.parametrize(("inner", "attributes", "expected"), GROUPS)
def test_a_directory_group_lists_its_files(tmp_path: Path, inner: str, attributes: str, expected: list[str]) -> None:
    write(tmp_path, CODE)
    made = course(tmp_path, extra=group(f"<name>Code</name>{inner}", attributes))
    assert [below for _, below in made.dir_groups[0].files] == expected
    assert all(path == f"code/{below}" for path, below in made.dir_groups[0].files)


NAMES = [
    ("<name/>", {"": ""}),
    ("", {"": ""}),
    ("<name>Code/Lö: sungen</name>", {"": "Code/Lö sungen"}),
    ("<name><de>../A</de><en>B</en></name>", {"de": "__/A", "en": "B"}),
]


@pytest.mark.parametrize(("name", "expected"), NAMES)
def test_the_name_of_a_directory_group_is_made_safe(tmp_path: Path, name: str, expected: dict[str, str]) -> None:
    write(tmp_path, {"g/x": ""})
    made = course(tmp_path, extra=group(f"{name}<path>g</path>", 'lang="en"'))
    assert made.dir_groups == (DirGroup(expected, (("g/x", "x"),), ("en",)),)


def test_a_directory_group_of_the_whole_course_leaves_outputs_and_state_out(tmp_path: Path) -> None:
    write(tmp_path, {"output/shared/x": "", ".clx/jobs.db": "", "README.md": "", "slides/x": ""})
    made = course(tmp_path, extra=group("<name>All</name>"))
    assert [below for _, below in made.dir_groups[0].files] == ["README.md", "course-specs/a.xml", "slides/x"]


def test_what_a_directory_group_cannot_copy_is_said(tmp_path: Path) -> None:
    write(tmp_path, {"root/code/x": "", "root/code/.env": "", "secret/y": ""})
    (tmp_path / "root/code/link").symlink_to(tmp_path / "secret")
    subdirs = "<subdirs><subdir/><subdir>gone</subdir></subdirs>"
    made = course(tmp_path / "root", extra=group(f"<name/><path>code</path>{subdirs}"))
    assert made.dir_groups[0].files == (("code/x", "x"),)
    assert sorted(messages(made, "warning")) == [
        "code/.env is not published: it may hold secrets",
        "code/link is left out: it is a link that leads outside the course",
        "there is no folder code/gone, which a directory group copies",
    ]


def test_a_directory_group_that_is_itself_a_link_to_elsewhere_copies_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"root/slides/x": "", "secret/y": ""})
    (tmp_path / "root/code").symlink_to(tmp_path / "secret")
    made = course(tmp_path / "root", extra=group("<name/><path>code</path>"))
    assert made.dir_groups[0].files == ()
    assert len(messages(made, "warning")) == 1


def test_macros_and_variables_beside_the_file_are_found(tmp_path: Path) -> None:
    assert (course(tmp_path).env_file, course(tmp_path).templates) == (None, ())
    write(tmp_path, {"course-specs/.env": "A=1", "course-specs/templates/x.j2": "", "templates/x.j2": ""})
    made = course(tmp_path)
    assert made.env_file == tmp_path / "course-specs/.env"
    assert made.templates == ("course-specs/templates", "templates")


def test_warnings_of_the_file_are_among_the_problems(tmp_path: Path) -> None:
    made = course(tmp_path, extra="<tasks/><release-channels/><autor/>")
    assert len(messages(made, "warning")) == 3
    assert all(isinstance(problem, Problem) and problem.path == "course-specs/a.xml" for problem in made.problems)


def test_a_large_course_is_read_quickly(tmp_path: Path) -> None:
    for n in range(200):
        t = f"slides/module_{n // 20}/topic_{n}_t{n}"
        write(tmp_path, {f"{t}/slides_{n}.py": deck(f"D{n}", f"E{n}") * 50, **{f"{t}/data/{i}.csv": "x" for i in range(9)}})
    write(tmp_path, {"course-specs/a.xml": spec(*(f"t{n}" for n in range(200)))})
    started = time.perf_counter()
    made = load(tmp_path / "course-specs/a.xml")
    assert time.perf_counter() - started < 10  # ten times what is promised
    assert len(list(made.sources())) == 200


MINI = [
    ("test-spec-1.xml", 4, 0), ("test-spec-2.xml", 1, 0), ("test-spec-3.xml", 1, 0), ("test-spec-4.xml", 0, 1), ("test-spec-5.xml", 0, 1),
    ("test-spec-6-failing.xml", 1, 0), ("subsection-spec.xml", 5, 0), ("subsection-disabled-spec.xml", 1, 0),
    ("subsection-optional-spec.xml", 3, 0),
]  # fmt: skip


@pytest.mark.shared
@pytest.mark.skipif(not SHARED, reason="CLX_SHARED names no folder")
@pytest.mark.parametrize(("name", "sources", "warnings"), MINI)
def test_the_example_courses_of_clx_load(tmp_path: Path, name: str, sources: int, warnings: int) -> None:
    root = tmp_path / "clx-mini"
    shutil.copytree(Path(SHARED) / "courses/clx-mini", root)
    made = load(root / "course-specs" / name)
    assert len(list(made.sources())) == sources
    assert len(messages(made, "warning")) == warnings
    assert not messages(made, "error")


@pytest.mark.shared
@pytest.mark.skipif(not SHARED, reason="CLX_SHARED names no folder")
def test_the_first_example_course_has_all_its_parts(tmp_path: Path) -> None:
    root = tmp_path / "clx-mini"
    shutil.copytree(Path(SHARED) / "courses/clx-mini", root)
    made = load(root / "course-specs/test-spec-1.xml")
    assert [[topic.id for topic in section.topics] for section in made.sections] == [
        ["some_topic_from_test_1", "a_topic_from_test_2", "punctuation_test"],
        ["another_topic_from_test_1"],
    ]
    assert [(dict(part.name), [below for _, below in part.files]) for part in made.dir_groups] == [
        ({"": "Code/Solutions"}, ["Example_1/example-1.txt", "Example_3/example-3.txt"]),
        ({"": "Bonus"}, ["Workshop-1/workshop-1.txt", "workshops-toplevel.txt"]),
        ({"": ""}, ["root-file-1.txt", "root-file-2"]),
    ]


@pytest.mark.shared
@pytest.mark.skipif(not SHARED, reason="CLX_SHARED names no folder")
def test_the_benchmark_course_has_the_outputs_that_clm_gives_it(tmp_path: Path) -> None:
    subprocess.run([sys.executable, Path(SHARED) / "bench/gen_course.py", tmp_path / "bench"], check=True, capture_output=True)
    made = load(tmp_path / "bench/course-specs/bench3.xml")
    assert len(set(paths(made))) == 360
    assert "output/all/bench-de/Folien/Html/Code-Along/Woche 1/01 Thema 00 Einführung.html" in paths(made)
    assert "output/all/bench-en/Slides/Python/Recording/Week 4/05 Topic 19 Introduction.py" in paths(made)


# --- the file beside the course file -------------------------------------------------

BLACK_LIST = """\
layout: clx
kinds:
  code-along: {base: completed, blank: [solution]}
  solution: {base: completed, label: Solution}
"""


def test_the_file_beside_gives_older_courses_their_convention(tmp_path: Path) -> None:
    write(tmp_path, {f"{M}/topic_100_a/slides_a.py": deck("A", "A"), "course-specs/a.clx.yaml": BLACK_LIST})
    kinds = "<kinds><kind>code-along</kind><kind>solution</kind></kinds><formats><format>html</format></formats>"
    made = course(tmp_path, "a", extra=targets(target("out", kinds)))
    assert made.problems == ()
    assert (made.layout, made.kinds["code-along"].blank, made.kinds["solution"].public) == ("clx", {"solution"}, True)
    assert paths(made) == [
        f"out/{language}/{slides}/Html/{kind}/{week}/01 A.html"
        for kind in ("Code-Along", "Solution")
        for language, slides, week in (("De/Kurs", "Folien", "Woche 1"), ("En/Course", "Slides", "Week 1"))
    ]


def test_an_own_kind_is_unknown_without_the_file_beside(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="'solution' is no kind"):
        course(tmp_path, extra=targets(target("out", "<kinds><kind>solution</kind></kinds>")))


def test_the_file_beside_says_how_code_runs_and_what_it_may_know(tmp_path: Path) -> None:
    text = "execute: {mode: always, cell_timeout: 5, preload: [numpy]}\nenvironment: [A]\njinja: false\nnavigation: true\n"
    write(tmp_path, {f"{M}/topic_100_{name}/slides_{name}.py": deck("A", "A") for name in "ab"} | {"course-specs/a.clx.yaml": text})
    made = course(tmp_path, "a", '<topic id="b" evaluate="no" skip-errors="yes"/>')
    first, second = (source for _, _, source in made.sources())
    assert first.execute == Execute("always", cell_timeout=5, preload=("numpy",))
    assert second.execute == Execute("never", cell_timeout=5, allow_errors=True, preload=("numpy",))
    assert (made.environment, made.navigation, first.jinja) == (("A",), True, False)


def test_names_of_the_sources_may_take_the_place_of_numbers(tmp_path: Path) -> None:
    files = {f"{M}/topic_100_a/slides_a.{language}.py": deck("A", "A") for language in ("de", "en")}
    write(tmp_path, files | {"course-specs/a.clx.yaml": "names: source\n"})
    made = course(tmp_path, "a")
    names = {
        Path(variant_path(made, made.sections[0], source, "completed", source.languages[0], "html")).name for _, _, source in made.sources()
    }
    assert names == {"slides_a.html"}


def test_a_file_beside_no_course_file_is_a_warning(tmp_path: Path) -> None:
    write(tmp_path, {"course-specs/b.clx.yaml": "layout: clx\n"})
    (problem,) = course(tmp_path).problems
    assert (problem.severity, problem.path) == ("warning", "course-specs/b.clx.yaml")
    assert problem.hint == "call it a.clx.yaml"


def test_what_is_wrong_in_the_file_beside_is_said_with_its_place(tmp_path: Path) -> None:
    write(tmp_path, {"course-specs/a.clx.yaml": "layout: clx\nsections: []\n"})
    with pytest.raises(CourseError) as caught:
        course(tmp_path)
    assert (caught.value.problem.path, caught.value.problem.line) == ("course-specs/a.clx.yaml", 2)


def test_companions_of_decks_are_found_and_never_published(tmp_path: Path) -> None:
    t = f"{M}/topic_100_a"
    names = ("slides_a.py", "voiceover_a.py", "topic_b.py", "voiceover/voiceover_b.py", "slides_c.de.py", "slides_c.en.py")
    write(tmp_path, {f"{t}/{name}": "# %%\n1\n" for name in (*names, "voiceover/voiceover_c.en.py", "slides_d.py")})
    write(tmp_path, {f"{M}/topic_200_file.py": "# %%\n1\n", f"{M}/voiceover/voiceover_200_file.py": "# %%\n"})
    made = course(tmp_path, "a", "file")
    assert {source.path.rpartition("/")[2]: source.companion.rpartition("/module_1/")[2] for _, _, source in made.sources()} == {
        "slides_a.py": "topic_100_a/voiceover_a.py", "topic_b.py": "topic_100_a/voiceover/voiceover_b.py",
        "slides_c.de.py": "", "slides_c.en.py": "topic_100_a/voiceover/voiceover_c.en.py", "slides_d.py": "",
        "topic_200_file.py": "voiceover/voiceover_200_file.py",
    }  # fmt: skip
    assert [asset.path for topic in made.sections[0].topics for asset in topic.assets] == []
    assert all("voiceover" not in path for _, _, source in made.sources() for path in source.scope or ())
    assert messages(made, "warning") == []


def test_a_companion_twice_or_without_a_deck_is_named(tmp_path: Path) -> None:
    t = f"{M}/topic_100_a"
    names = ("slides_a.py", "voiceover_a.py", "voiceover/voiceover_a.py", "voiceover_x.py", "voiceover/voiceover_y.py")
    write(tmp_path, {f"{t}/{name}": "# %%\n1\n" for name in names})
    made = course(tmp_path, "a")
    assert [source.companion for _, _, source in made.sources()] == [f"{t}/voiceover/voiceover_a.py"]
    found = messages(made, "warning")
    assert any("two voiceover companions" in message for message in found)
    assert [message for message in found if "no deck it belongs to" in message] == [
        f"{t}/voiceover_x.py is in no page: there is no deck it belongs to",
        f"{t}/voiceover/voiceover_y.py is in no page: there is no deck it belongs to",
    ]


def image_options(inner: str) -> str:
    return f"<image-options>{inner}</image-options>"


def test_pictures_of_diagrams_are_svg_where_they_are_there(tmp_path: Path) -> None:
    t = f"{M}/topic_100_a"
    names = (
        "pu/one.pu",
        "pu/two.puml",
        "drawio/three.drawio",
        "img/one.svg",
        "img/one.png",
        "img/two.png",
        "img-generated/three.svg",
        "img/four.svg",
    )
    write(tmp_path, {f"{t}/{name}": name for name in names})
    write(tmp_path, {f"{t}/slides_a.py": deck("A", "A")})
    made = course(tmp_path, "a", extra=image_options("<format>svg</format><inline>true</inline>"))
    (source,) = made.sections[0].topics[0].sources
    assert (made.images.format, made.images.inline, made.images.mode) == ("svg", True, "duplicated")
    assert sorted(source.drawn) == [("img/one.png", "img/one.svg"), ("img/three.png", "img/three.svg")]
    assert messages(made, "warning") == []
    for options in ("", image_options("<format>png</format>")):
        made = course(tmp_path, "a", extra=options)
        assert (made.images.format, made.images.inline, made.sections[0].topics[0].sources[0].drawn) == ("png", False, ())
    assert course(tmp_path, "a", images={"format": "svg"}).sections[0].topics[0].sources[0].drawn


def test_words_that_clm_takes_for_png_and_false_are_named(tmp_path: Path) -> None:
    made = course(tmp_path, extra=image_options("<format>webp</format><inline>yes</inline>"))
    assert (made.images.format, made.images.inline) == ("png", False)
    assert len(messages(made, "warning")) == 2


def test_shared_pictures_lie_once_in_the_course_folder(tmp_path: Path) -> None:
    a, b = f"{M}/topic_100_a", f"{M}/topic_200_b"
    write(tmp_path, {f"{a}/slides_a.py": deck("A", "A"), f"{b}/slides_b.py": deck("B", "B")})
    write(
        tmp_path,
        {f"{a}/img/x.png": "1", f"{b}/img/x.png": "2", f"{a}/img/y.png": "3", f"{b}/img/y.png": "3", f"{a}/img/deep/z.de.png": "4"},
    )
    write(tmp_path, {f"{a}/w.png": "5", f"{a}/sub/img-generated/v.svg": "6", f"{a}/img/film.mp4": "7"})
    made = course(tmp_path, "a", "b", images={"mode": "shared"})
    one, two = made.sections[0].topics
    assert [(asset.path.removeprefix(f"{a}/"), asset.dest) for asset in one.assets if asset.shared] == [
        ("img/deep/z.de.png", "img/deep/z.de.png"), ("img/x.png", "img/x.png"), ("img/y.png", "img/y.png"),
        ("sub/img-generated/v.svg", "img/v.svg"), ("w.png", "img/w.png"),
    ]  # fmt: skip
    assert [(asset.path.removeprefix(f"{b}/"), asset.dest) for asset in two.assets] == [
        ("img/x.png", "img/b/x.png"),
        ("img/y.png", "img/y.png"),
    ]
    assert [(asset.dest, asset.shared) for asset in one.assets if asset.path.endswith("mp4")] == [("img/film.mp4", False)]
    assert dict(two.sources[0].shared) == {"img/x.png": "img/b/x.png", "img/y.png": "img/y.png"}
    assert dict(one.sources[0].shared)["w.png"] == "img/w.png"
    assert (one.sources[0].renames, two.sources[0].renames) == ((), ())
    assert [problem.category for problem in made.problems] == ["collision"]


@pytest.mark.parametrize("place", ["env", "course-specs/env", "../env"])
def test_the_interpreter_is_looked_for_from_root_file_and_project(tmp_path: Path, place: str) -> None:
    root = tmp_path / "project/course"
    python = root / place / "bin/python"
    python.parent.mkdir(parents=True)
    python.write_text("")
    (tmp_path / "project/pyproject.toml").write_text("")
    made = course(root, extra="<kernel-python>env</kernel-python>")
    assert made.kernel_python is not None
    assert made.kernel_python.resolve() == python.resolve()
    assert course(root).kernel_python is None
    assert course(root, extra="<kernel-python>gone</kernel-python>").kernel_python == root / "gone"
    assert messages(made, "warning") == []
