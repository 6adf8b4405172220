"""What a CLX or CLM course file says, with the defaults, errors and warnings of its format."""

from __future__ import annotations

import pytest

from clx_jupyter.course.safe_xml import parse
from clx_jupyter.course.xml_oddities import warnings
from clx_jupyter.course.xml_spec import CourseSpec, DirGroupSpec, IncludeSpec, TargetSpec, TopicSpec, read_spec
from clx_jupyter.errors import CourseError, Problem
from clx_jupyter.kinds import KINDS

PATH = "course-specs/a.xml"


def read(body: str) -> CourseSpec:
    return read_spec(parse(f"<course><name>C</name>{body}</course>".encode(), PATH), PATH, KINDS)


def warned(body: str) -> list[Problem]:
    found = warnings(parse(f"<course><name>C</name>{body}</course>".encode(), PATH), PATH)
    return [problem for problem in found if problem.severity == "warning"]


def topics(*elements: str, section: str = "") -> str:
    return f"<sections><section {section}><name>S</name><topics>{''.join(elements)}</topics></section></sections>"


def topic(element: str, section: str = "") -> TopicSpec:
    return read(topics(element, section=section)).sections[0].topics[0]


NAMES = [
    ("<name> Mein Kurs\n</name>", {"": "Mein Kurs"}),
    ("<name><de>Kurs</de><en>Course</en></name>", {"de": "Kurs", "en": "Course"}),
    ("<name><de>Kurs</de></name>", {"de": "Kurs"}),
    ("<name/>", {"": ""}),
    ("", {}),
]


@pytest.mark.parametrize(("xml", "expected"), NAMES)
def test_a_name_is_plain_or_in_two_languages(xml: str, expected: dict[str, str]) -> None:
    spec = read_spec(parse(f"<course>{xml}</course>".encode(), PATH), PATH, KINDS)
    assert spec.name == expected


def test_everything_that_is_absent_has_its_default() -> None:
    spec = read("")
    assert (spec.prog_lang, spec.slug, spec.author, spec.organization, spec.kernel_python) == ("", "", None, None, "")
    assert (spec.sections, spec.targets, spec.dir_groups) == ((), (), ())
    assert (spec.image_options.format, spec.image_options.inline) == ("png", False)
    assert topic("<topic>a</topic>") == TopicSpec("a", 1)


SLUGS = [
    ("<project-slug>ml</project-slug>", "ml"),
    ("<github><project-slug>old</project-slug></github>", "old"),
    ("<github><project-slug>old</project-slug></github><project-slug>ml</project-slug>", "ml"),
]


@pytest.mark.parametrize(("xml", "slug"), SLUGS)
def test_the_slug_stands_at_the_top_or_in_github(xml: str, slug: str) -> None:
    assert read(xml).slug == slug


TOPICS = [
    ("<topic> a \n</topic>", TopicSpec("a", 1)),
    ('<topic id="a"/>', TopicSpec("a", 1)),
    ("<topic>a<dir-group><path>p</path></dir-group> tail </topic>", TopicSpec("a", 1)),
    ('<topic html="no">a</topic>', TopicSpec("a", 1, html=False)),
    ('<topic html="yes">a</topic>', TopicSpec("a", 1, html=False)),
    ('<topic html="">a</topic>', TopicSpec("a", 1)),
    ('<topic evaluate="No">a</topic>', TopicSpec("a", 1, evaluate=False)),
    ('<topic evaluate="0">a</topic>', TopicSpec("a", 1, evaluate=False)),
    ('<topic evaluate="">a</topic>', TopicSpec("a", 1)),
    ('<topic skip-errors="YES">a</topic>', TopicSpec("a", 1, skip_errors=True)),
    ('<topic skip-errors="">a</topic>', TopicSpec("a", 1)),
    ('<topic author="A" prog-lang="cpp" module="m">a</topic>', TopicSpec("a", 1, author="A", prog_lang="cpp", module="m")),
    ('<topic module="">a</topic>', TopicSpec("a", 1)),
]


@pytest.mark.parametrize(("xml", "expected"), TOPICS)
def test_a_topic_has_the_attributes_of_its_element(xml: str, expected: TopicSpec) -> None:
    assert topic(xml) == expected


def test_the_module_of_a_section_counts_where_the_topic_names_none() -> None:
    assert topic("<topic>a</topic>", section='module="m1"').module == "m1"
    assert topic('<topic module="m2">a</topic>', section='module="m1"').module == "m2"


def test_includes_of_the_section_are_defaults_that_the_topic_may_replace() -> None:
    spec = read(
        '<sections><section><name>S</name><include source="shared\\lib"/><include source="x/h.txt" as="h.txt" optional="yes"/>'
        '<topics><topic id="a"><include source="y/h.txt"/></topic><topic>b</topic></topics></section></sections>'
    )
    first, second = spec.sections[0].topics
    assert first.includes == (IncludeSpec("shared/lib", "lib", False, 1), IncludeSpec("y/h.txt", "h.txt", False, 1))
    assert second.includes[1] == IncludeSpec("x/h.txt", "h.txt", True, 1)


def test_disabled_sections_and_subsections_are_dropped_with_all_they_hold() -> None:
    group = "<dir-group><name>G</name><path>g</path></dir-group>"
    spec = read(
        f'<sections><section enabled="False"><topics><topic html="x" evaluate="maybe">gone{group}</topic></topics></section>'
        f'<section id="s2"><name>S</name><topics><topic>a</topic>'
        f'<subsection weekday="mon, TUE"><name>D</name><topic>b{group}</topic></subsection>'
        f'<subsection enabled="false"><topic>gone{group}</topic></subsection><topic>c</topic></topics></section></sections>'
    )
    assert [section.id for section in spec.sections] == ["s2"]
    assert [found.id for found in spec.sections[0].topics] == ["a", "b", "c"]
    assert len(spec.dir_groups) == 1


def test_groups_of_topics_come_before_those_of_the_course() -> None:
    spec = read(
        "<dir-groups><dir-group><name/><path>root</path></dir-group>"
        '<dir-group recursive="FALSE" include-root-files="True" lang="de"><name>B/C</name><path>./p/</path>'
        "<subdirs><subdir>x</subdir><subdir/></subdirs></dir-group></dir-groups>"
        + topics("<topic>a<dir-group><name>A</name><path>a</path></dir-group></topic>")
    )
    assert spec.dir_groups == (
        DirGroupSpec({"": "A"}, 1, "a"),
        DirGroupSpec({"": ""}, 1, "root"),
        DirGroupSpec({"": "B/C"}, 1, "p", ("x", ""), root_files=True, recursive=False, language="de"),
    )


TARGETS = [
    ("<path>out</path>", TargetSpec("t", 1, "out")),
    ("<path>\n out \n</path><kinds/><formats></formats>", TargetSpec("t", 1, "out")),
    (
        "<path>out</path><kinds><kind>recording</kind><kind>speaker</kind><kind>partial</kind></kinds>",
        TargetSpec("t", 1, "out", kinds=("speaker", "partial")),
    ),
    (
        "<path>out</path><formats><format>jupyterlite</format><format>html</format><format>slides</format></formats>",
        TargetSpec("t", 1, "out", formats=("html", "slides")),
    ),
    ("<path>out</path><kinds><kind>recording-code-along</kind></kinds>", TargetSpec("t", 1, "out", kinds=())),
    (
        "<path>out</path><languages><language>en</language><language>de</language></languages>",
        TargetSpec("t", 1, "out", languages=("de", "en")),
    ),
]


@pytest.mark.parametrize(("xml", "expected"), TARGETS)
def test_a_target_lists_what_it_wants_or_wants_all(xml: str, expected: TargetSpec) -> None:
    assert read(f'<output-targets><output-target name="t">{xml}</output-target></output-targets>').targets == (expected,)


def _target(inner: str, name: str = "t") -> str:
    return f'<output-target name="{name}">{inner}</output-target>'


ERRORS = [
    (topics('<topic id="a">a</topic>'), "its id twice"),
    (topics('<topic><include source="x"/></topic>'), "no id"),
    (topics('<topic evaluate="maybe">a</topic>'), "neither yes nor no"),
    (topics('<topic skip-errors="on">a</topic>'), "neither yes nor no"),
    (topics('<topic http-replay="on">a</topic>'), "neither yes nor no"),
    (topics('<subsection weekday="mon,someday"/>'), "no weekday"),
    (topics('<subsection enabled="no"/>'), "neither true nor false"),
    (topics(section='enabled="yes"'), "neither true nor false"),
    (topics('<topic id="a"><include/></topic>'), "needs source"),
    (topics('<topic id="a"><include source="/etc"/></topic>'), "absolute"),
    (topics('<topic id="a"><include source="c:\\x"/></topic>'), "absolute"),
    (topics('<topic id="a"><include source="a/../b"/></topic>'), "leads upwards"),
    (topics('<topic id="a"><include source="a" as="../b"/></topic>'), "leads upwards"),
    (topics('<topic id="a"><include source="a" as="b*"/></topic>'), "one of"),
    (topics('<topic id="a"><include source="x/a"/><include source="y/a"/></topic>'), "two includes"),
    ("<sections><section><name><fr>x</fr></name><topics/></section></sections>", "cannot hold <fr>"),
    ("<organization>text<de>x</de></organization>", "mixes text and languages"),
    ("<dir-groups><dir-group><path>../x</path></dir-group></dir-groups>", "leads upwards"),
    ("<dir-groups><dir-group><path>/x</path></dir-group></dir-groups>", "absolute"),
    ('<dir-groups><dir-group lang="fr"><path>x</path></dir-group></dir-groups>', "not a language"),
    (f"<output-targets>{_target('')}</output-targets>", "no <path>"),
    (f"<output-targets>{_target('<path> </path>')}</output-targets>", "no <path>"),
    (f"<output-targets>{_target('<path>a</path>', '')}</output-targets>", "cannot be called"),
    (f"<output-targets>{_target('<path>a</path>', '../x')}</output-targets>", "cannot be called"),
    (f"<output-targets>{_target('<path>a</path>')}{_target('<path>b</path>')}</output-targets>", "two targets are called"),
    (f"<output-targets>{_target('<path>./a</path>')}{_target('<path>a/</path>', 'u')}</output-targets>", "the same path"),
    (f"<output-targets>{_target('<path>a</path><kinds><kind>student</kind><kind>x</kind></kinds>')}</output-targets>", "'x' is no kind"),
    (f"<output-targets>{_target('<path>a</path><formats><format>doc</format></formats>')}</output-targets>", "'doc' is no format"),
    (f"<output-targets>{_target('<path>a</path><languages><language>fr</language></languages>')}</output-targets>", "'fr' is no language"),
]


@pytest.mark.parametrize(("body", "words"), ERRORS)
def test_what_ends_a_build_of_clm_is_an_error_with_file_and_line(body: str, words: str) -> None:
    with pytest.raises(CourseError) as caught:
        read("\n\n" + body)
    problem = caught.value.problem
    assert words in problem.message
    assert (problem.path, problem.line) == (PATH, 3)
    assert problem.hint


def test_another_root_element_is_no_course() -> None:
    with pytest.raises(CourseError, match="starts with <course>"):
        read_spec(parse(b"<html/>", PATH), PATH, KINDS)


WARNINGS = [
    ("<jupyterlite/><output-targets><output-target><jupyterlite/></output-target></output-targets>", ["jupyterlite"]),
    ("<tasks><task/><task/></tasks>", ["tasks"]),
    ("<release-channels/><release-channels/>", ["release-channels"]),
    ("<sidecar-layout>subdir</sidecar-layout>", ["sidecar-layout"]),
    ("<image-options/><kernel-python>.venv</kernel-python>", []),
    (topics('<topic http-replay="yes">a</topic><topic http-replay="1">b</topic>'), ["http-replay"]),
    (topics('<topic http-replay="no">a</topic>'), []),
    (topics('<topic html="yes">intro</topic><topic html="no">b</topic>'), ["topic intro"]),
    ("<sections><section><name>Empty</name></section></sections>", ["'Empty' has no <topics>"]),
    ("<sections><section><topics/></section></sections>", ["has no name"]),
    ('<sections><section enabled="false"><bogus/></section></sections>', []),
    ('<dir-groups><dir-group recursive="no"><path>x</path></dir-group></dir-groups>', ["neither true nor false"]),
    ("<github><project-slug>s</project-slug></github>", []),
    (f"<output-targets>{_target('<kinds><kind>recording-code-along</kind></kinds>')}</output-targets>", ["recording-code-along"]),
    (f"<output-targets>{_target('<formats><format>jupyterlite</format></formats>')}</output-targets>", ["jupyterlite"]),
]


@pytest.mark.parametrize(("body", "expected"), WARNINGS)
def test_what_is_not_acted_on_is_said_once(body: str, expected: list[str]) -> None:
    found = warned(body)
    assert len(found) == len(expected)
    for problem, words in zip(found, expected, strict=True):
        assert words in problem.message
        assert (problem.category, problem.severity, problem.path) == ("bad-course", "warning", PATH)


SUGGESTIONS = [
    ("<autor>A</autor>", "<autor>", "did you mean author?"),
    ("<whatever/>", "<whatever>", "it is ignored"),
    ("<sections>\n<sektion/></sections>", "<sektion>", "did you mean section?"),
    (topics('<topic evalute="no">a</topic>'), "evalute", "did you mean evaluate?"),
]


@pytest.mark.parametrize(("body", "name", "hint"), SUGGESTIONS)
def test_unknown_names_come_with_the_one_that_was_meant(body: str, name: str, hint: str) -> None:
    (problem,) = warned(body)
    assert name in problem.message
    assert problem.hint == hint
    assert problem.line
