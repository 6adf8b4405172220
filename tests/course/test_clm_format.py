"""Every element and attribute of the CLX and CLM format changes the course, or is named: none is ignored silently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clx_jupyter.course.clm import load
from clx_jupyter.course.model import Course
from clx_jupyter.course.xml_oddities import _ATTRIBUTES, _CHILDREN

M = "slides/module_1"
FILES = {
    f"{M}/topic_100_a/slides_a.py": "# {{ header('A', 'A') }}\n", f"{M}/topic_110_b/slides_b.md": "B", f"{M}/topic_110_b/pu/d.pu": "",
    f"{M}/topic_110_b/img/d.svg": "", "slides/module_2/topic_100_a/slides_a.py": "", "shared/x.csv": "", "code/a.txt": "", "code/deep/b.txt": "",
    "code/deep/deeper/c.txt": "",
}  # fmt: skip
SPEC = """<course>{course}<name>{name}</name><author>A</author>
<sections>{sections}<section{section_attributes}><name>{section_name}</name>{section}<topics>{topics}<topic id="a"{topic_attributes}>{topic}</topic>{subsection}</topics></section></sections>
<dir-groups>{groups}<dir-group{group_attributes}><name>{group_name}</name><path>code</path>{subdirs}</dir-group></dir-groups>
<output-targets>{targets}<output-target{target_attributes}><path>{path}</path><kinds>{kinds}</kinds><formats>{formats}</formats><languages>{languages}</languages>{target}</output-target></output-targets>
</course>"""  # noqa: E501
DEFAULTS = {
    "name": "C", "section_name": "S", "group_name": "G", "path": "out", "kinds": "<kind>completed</kind>", "formats": "<format>html</format>",
    "languages": "<language>de</language>",
}  # fmt: skip
INCLUDE = '<include source="shared/x.csv" as="y.csv"/>'
GROUP = "<dir-group><path>code</path></dir-group>"
DEEPER = "<subdirs><subdir>deep/deeper</subdir></subdirs>"

#: What each name of the format does: (parent, element or @attribute) and the text that brings it in.
ACTED = {
    ("course", "name"): {"name": "<de>K</de><en>C</en>"},
    ("course", "prog-lang"): {"course": "<prog-lang>cpp</prog-lang>"},
    ("course", "project-slug"): {"course": "<project-slug>slug</project-slug>"},
    ("course", "author"): {"course": "<author>B</author>"},
    ("course", "organization"): {"course": "<organization><de>O</de></organization>"},
    ("course", "sections"): {"sections": "<section><name>T</name><topics/></section>"},
    ("course", "dir-groups"): {"groups": GROUP},
    ("course", "output-targets"): {"targets": '<output-target name="t"><path>more</path></output-target>'},
    ("course", "image-options"): {"course": "<image-options><inline>true</inline></image-options>"},
    ("image-options", "format"): {"course": "<image-options><format>svg</format></image-options>"},
    ("image-options", "inline"): {"course": "<image-options><inline>true</inline></image-options>"},
    ("course", "kernel-python"): {"course": "<kernel-python>env</kernel-python>"},
    ("sections", "section"): {"sections": "<section><name>T</name><topics/></section>"},
    ("section", "@enabled"): {"section_attributes": ' enabled="false"'},
    ("section", "@id"): {"section_attributes": ' id="s"'},
    ("section", "@module"): {"section_attributes": ' module="module_2"'},
    ("section", "name"): {"section_name": "T"},
    ("section", "include"): {"section": INCLUDE},
    ("section", "topics"): {"section": "<topics><topic>b</topic></topics>"},
    ("section", "dir-group"): {"section": GROUP},
    ("topics", "topic"): {"topics": "<topic>b</topic>"},
    ("topics", "subsection"): {"subsection": "<subsection><name>N</name><topic>b</topic></subsection>"},
    ("topics", "dir-group"): {"topics": GROUP},
    ("subsection", "name"): {"subsection": "<subsection><name>N</name><topic>b</topic></subsection>"},
    ("subsection", "topic"): {"subsection": "<subsection><topic>b</topic></subsection>"},
    ("subsection", "@enabled"): {"subsection": '<subsection enabled="true"><topic>b</topic></subsection>'},
    ("topic", "@id"): {"topics": '<topic id="b"/>'},
    ("topic", "@html"): {"topic_attributes": ' html="no"'},
    ("topic", "@evaluate"): {"topic_attributes": ' evaluate="no"'},
    ("topic", "@skip-errors"): {"topic_attributes": ' skip-errors="yes"'},
    ("topic", "@author"): {"topic_attributes": ' author="B"'},
    ("topic", "@prog-lang"): {"topic_attributes": ' prog-lang="java"'},
    ("topic", "@module"): {"topic_attributes": ' module="module_2"'},
    ("topic", "include"): {"topic": INCLUDE},
    ("topic", "dir-group"): {"topic": GROUP},
    ("include", "@source"): {"topic": '<include source="shared/x.csv"/>'},
    ("include", "@as"): {"topic": INCLUDE},
    ("include", "@optional"): {"topic": '<include source="none" optional="true"/>'},
    ("dir-groups", "dir-group"): {"groups": GROUP},
    ("dir-group", "name"): {"group_name": "H"},
    ("dir-group", "path"): {"groups": "<dir-group><path>shared</path></dir-group>"},
    ("dir-group", "subdirs"): {"subdirs": "<subdirs><subdir>deep</subdir></subdirs>"},
    ("dir-group", "@include-root-files"): {"group_attributes": ' include-root-files="true"', "subdirs": DEEPER},
    ("dir-group", "@recursive"): {"group_attributes": ' recursive="false"'},
    ("dir-group", "@lang"): {"group_attributes": ' lang="de"'},
    ("output-targets", "output-target"): {"targets": '<output-target name="t"><path>more</path></output-target>'},
    ("output-target", "@name"): {"target_attributes": ' name="n"'},
    ("output-target", "path"): {"path": "elsewhere"},
    ("output-target", "kinds"): {"kinds": "<kind>partial</kind><kind>trainer</kind>"},
    ("kinds", "kind"): {"kinds": "<kind>recording</kind>"},
    ("output-target", "formats"): {"formats": "<format>code</format>"},
    ("formats", "format"): {"formats": ""},
    ("output-target", "languages"): {"languages": ""},
    ("languages", "language"): {"languages": "<language>en</language>"},
}  # fmt: skip
#: What it is compared with, where that is not the course without anything more.
BEFORE = {
    ("image-options", "format"): {"course": "<image-options/>"},
    ("subsection", "@enabled"): {"subsection": '<subsection enabled="false"><topic>b</topic></subsection>'},
    ("include", "@as"): {"topic": '<include source="shared/x.csv"/>'},
    ("include", "@optional"): {"topic": '<include source="none"/>'},
    ("dir-group", "@include-root-files"): {"subdirs": DEEPER},
    ("formats", "format"): {"formats": "<format>code</format>"},
}
NAMED = {
    ("course", "jupyterlite"): {"course": "<jupyterlite/>"},
    ("course", "release-channels"): {"course": "<release-channels/>"},
    ("course", "tasks"): {"course": "<tasks/>"},
    ("course", "sidecar-layout"): {"course": "<sidecar-layout>subdir</sidecar-layout>"},
    ("course", "github"): {"course": "<github><repository-base>x</repository-base></github>"},
    ("course", "description"): {"course": "<description>x</description>"},
    ("course", "certificate"): {"course": "<certificate>x</certificate>"},
    ("section", "@http-replay"): {"section_attributes": ' http-replay="yes"'},
    ("section", "@optional"): {"section_attributes": ' optional="yes"'},
    ("subsection", "@weekday"): {"subsection": '<subsection weekday="mon"/>'},
    ("subsection", "@optional"): {"subsection": '<subsection optional="yes"/>'},
    ("subsection", "activity"): {"subsection": "<subsection><activity/></subsection>"},
    ("topic", "@http-replay"): {"topic_attributes": ' http-replay="yes"'},
    ("topic", "@export"): {"topic_attributes": ' export="no"'},
    ("output-target", "@distribute"): {"target_attributes": ' distribute="true"'},
    ("output-target", "remote-path"): {"target": "<remote-path>x</remote-path>"},
    ("output-target", "jupyterlite"): {"target": "<jupyterlite/>"},
}


def course(root: Path, parts: dict[str, str]) -> Course:
    names = ("course", "sections", "section_attributes", "section", "topics", "topic_attributes", "topic", "subsection", "groups", "group_attributes",
             "subdirs", "targets", "target_attributes", "target")  # fmt: skip
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    body = SPEC.format(**{**dict.fromkeys(names, ""), **DEFAULTS, **parts})
    if "<author>B" in body:
        body = body.replace("<author>A</author>", "")
    (root / "a.xml").write_text(body)
    return load(root / "a.xml")


def known() -> Iterator[tuple[str, str]]:
    for parent, children in _CHILDREN.items():
        yield from ((parent, child) for child in children.split())
    for parent, attributes in _ATTRIBUTES.items():
        yield from ((parent, f"@{name}") for name in attributes.split())


def test_every_name_of_the_format_is_looked_at_here() -> None:
    assert {*ACTED, *NAMED} == set(known())
    assert not set(ACTED) & set(NAMED)


@pytest.mark.parametrize("name", ACTED, ids="/".join)
def test_it_changes_the_course_and_nothing_is_said_against_it(tmp_path: Path, name: tuple[str, str]) -> None:
    without, with_it = course(tmp_path, BEFORE.get(name, {})), course(tmp_path, ACTED[name])
    if name == ("include", "@optional"):
        assert len(with_it.problems) == len(without.problems) - 1
    else:
        assert replace(with_it, problems=()) != replace(without, problems=())
    assert [problem for problem in with_it.problems if name[1].strip("@") in problem.message and "known" in problem.message] == []


@pytest.mark.parametrize("name", NAMED, ids="/".join)
def test_it_is_named_once_and_changes_nothing(tmp_path: Path, name: tuple[str, str]) -> None:
    without, with_it = course(tmp_path, {}), course(tmp_path, NAMED[name])
    assert replace(with_it, problems=()) == replace(without, problems=())
    told = [problem for problem in with_it.problems if problem not in without.problems]
    assert [name[1].strip("@") in problem.message for problem in told] == [True]
    assert told[0].severity in ("warning", "info")
