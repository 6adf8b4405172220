"""Where links between sources lead: planned for the whole course, written by the worker."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

import pytest

from clx_jupyter.course.clm import load
from clx_jupyter.course.folder import load_folder
from clx_jupyter.course.load import find
from clx_jupyter.course.load import load as read
from clx_jupyter.course.model import Course
from clx_jupyter.fingerprint import FileHashes
from clx_jupyter.kernels import Kernel
from clx_jupyter.plan import Known, Options, Plan
from clx_jupyter.planner import Planner
from clx_jupyter.variants import Choice
from clx_jupyter_workers.inputs import link_names

M = "slides/module_1"
KERNELS = {"python3": Kernel("python3", "python", "Python", ("no-such-python",))}


def write(root: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def plan_of(course: Course, known: Mapping[str, Known] | None = None) -> Plan:
    return Planner(course, FileHashes(course.root), KERNELS, known or {}, {}, Options()).plan(Choice())


def links(plan: Plan, path: str) -> dict[str, dict[str, str]]:
    (found,) = [source.spec["links"] for source in plan.sources if source.source.path == path]
    return {name: dict(hrefs) for name, hrefs in found.items()}


def text(body: str) -> str:
    return "# %% [markdown]\n" + "".join(f"# {line}\n" for line in body.splitlines()) + "# %%\n1\n"


def spec(root: Path, topics: str, extra: str = "", second: str = "") -> Course:
    more = f"<section><name><de>Woche 2</de><en>Week: 2</en></name><topics>{second}</topics></section>" if second else ""
    section = f"<section><name><de>Woche 1</de><en>Week 1</en></name><topics>{topics}</topics></section>"
    name = "<name><de>Kurs</de><en>Course</en></name><prog-lang>python</prog-lang><author>A</author>"
    write(root, {"course-specs/a.xml": f"<course>{name}<sections>{section}{more}</sections>{extra}</course>"})
    return load(root / "course-specs/a.xml")


def deck(de: str, en: str, body: str = "") -> str:
    return f'# j2 from \'macros.j2\' import header\n# {{{{ header("{de}", "{en}") }}}}\n\n' + text(body)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("[x](other.py) ![](img/a.png)", {"other.py", "img/a.png"}),
        ("# [x](../b%20c.ipynb#top 'title')", {"../b c.ipynb"}),
        ('<a class="k" href="d/./e.md?x=1">', {"d/e.md"}),
        ("[x](<my file.py>)", {"my file.py"}),
        ("// [ref]: f.cs", {"f.cs"}),
        ("[a](https://x.y/z.py) [b](#top) [c](mailto:a@b)", set()),
        ("[t](clm:topic/stem#here) [u](clm: other)", {"clm:topic/stem", "clm:other"}),
        ("no links", set()),
    ],
)
def test_names_that_links_use_are_found(written: str, expected: set[str]) -> None:
    assert link_names(written) == expected


def test_links_in_a_folder_lead_to_the_same_format(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": text("[x](w/b c.py) [x](w/b%20c.py#h) [n](none.py)"), "w/b c.py": text("[a](../a.ipynb)")})
    plan = plan_of(load_folder(tmp_path))
    assert links(plan, "a.py") == {"w/b c.py": {"completed/html": "w/b%20c.html", "completed/notebook": "w/b%20c.ipynb"}}
    # The name it has in Jupyter will do.
    assert links(plan, "w/b c.py") == {"../a.ipynb": {"completed/html": "../a.html", "completed/notebook": "../a.ipynb"}}


def test_the_other_file_of_a_pair_is_the_notebook(tmp_path: Path) -> None:
    empty = '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}'
    write(tmp_path, {"a.py": text("[x](b.ipynb)"), "b.py": text("B"), "b.ipynb": empty})
    assert links(plan_of(load_folder(tmp_path)), "a.py")["b.ipynb"]["completed/html"] == "b.html"


def test_links_in_a_clm_course_use_titles_numbers_and_languages(tmp_path: Path) -> None:
    body = "[x](slides_b.py) [y](../topic_200_c/slides_c.py) [z](clm:c#top)"
    write(tmp_path, {f"{M}/topic_100_a/slides_a.py": deck("A", "A", body), f"{M}/topic_100_a/slides_b.py": deck("Bä", "B: b")})
    write(tmp_path, {f"{M}/topic_200_c/slides_c.py": deck("C", "C")})
    found = links(plan_of(spec(tmp_path, "<topic>a</topic>", second="<topic>c</topic>")), f"{M}/topic_100_a/slides_a.py")
    assert found["slides_b.py"]["completed/de/html"] == "02%20B%C3%A4.html"
    assert found["slides_b.py"]["code-along/en/code"] == "02%20B%20b.py"
    assert found["../topic_200_c/slides_c.py"]["speaker/en/notebook"] == "../Week%202/01%20C.ipynb"
    assert found["clm:c"] == found["../topic_200_c/slides_c.py"]


def test_without_pages_of_the_other_the_notebook_is_nearest(tmp_path: Path) -> None:
    write(tmp_path, {f"{M}/topic_100_a/slides_a.py": deck("A", "A", "[x](clm:b)"), f"{M}/topic_200_b/slides_b.py": deck("B", "B")})
    topics = "<topic>a</topic><topic html='no'>b</topic>"
    path = f"{M}/topic_100_a/slides_a.py"
    assert (
        links(plan_of(spec(tmp_path, topics)), path)["clm:b"]["completed/en/html"] == "../../../Notebooks/Completed/Week%201/02%20B.ipynb"
    )
    html_only = (
        "<output-targets><output-target name='t'><path>o</path><formats><format>html</format></formats></output-target></output-targets>"
    )
    assert links(plan_of(spec(tmp_path, topics, html_only)), path)["clm:b"]["completed/en/html"] == ""


def test_halves_of_a_pair_lead_to_the_half_of_the_language(tmp_path: Path) -> None:
    one, two = f"{M}/topic_100_a", f"{M}/topic_200_b"
    write(tmp_path, {f"{one}/slides_a.py": deck("A", "A", "[x](../topic_200_b/slides_b.de.py) [y](../topic_200_b/slides_b.py) [z](clm:b)")})
    write(tmp_path, {f"{two}/slides_b.de.py": "# {{ header_de('Zwei') }}\n", f"{two}/slides_b.en.py": "# {{ header_en('Two') }}\n"})
    plan = plan_of(spec(tmp_path, "<topic>a</topic><topic>b</topic>"))
    found = links(plan, f"{one}/slides_a.py")
    assert {unquote(hrefs["completed/de/html"]) for hrefs in found.values()} == {"02 Zwei.html"}
    assert {unquote(hrefs["completed/en/html"]) for hrefs in found.values()} == {"02 Two.html"}
    assert len(found) == 3
    assert not [problem for problem in plan.problems if problem.category == "link"]


def test_a_topic_of_several_notebooks_wants_a_stem(tmp_path: Path) -> None:
    write(tmp_path, {f"{M}/topic_100_a/slides_010_{name}.py": deck(name, name) for name in ("one", "two")})
    body = "[x](clm:a) [y](clm:a/two) [z](clm:a/slides_010_two) [n](clm:a/three) [m](clm:none)"
    write(tmp_path, {f"{M}/topic_200_b/slides_b.py": deck("B", "B", body)})
    plan = plan_of(spec(tmp_path, "<topic>a</topic><topic>b</topic>"))
    found = {name: hrefs["completed/de/html"] for name, hrefs in links(plan, f"{M}/topic_200_b/slides_b.py").items()}
    assert found == {"clm:a": "01%20one.html", "clm:a/two": "02%20two.html", "clm:a/slides_010_two": "02%20two.html"}
    (problem,) = [problem for problem in plan.problems if problem.category == "link"]
    assert "may mean 2 notebooks" in problem.message
    assert problem.severity == "warning"


def test_the_section_of_the_page_comes_first(tmp_path: Path) -> None:
    write(tmp_path, {f"{M}/topic_100_a/slides_a.py": deck("A", "A"), f"{M}/topic_200_b/slides_b.py": deck("B", "B", "[x](clm:a)")})
    plan = plan_of(spec(tmp_path, "<topic>a</topic>", second="<topic>b</topic><topic>a</topic>"))
    assert links(plan, f"{M}/topic_200_b/slides_b.py")["clm:a"]["completed/de/html"] == "02%20A.html"


def test_a_link_to_an_output_stays(tmp_path: Path) -> None:
    extra = "<dir-groups><dir-group><name>Code</name><path>code</path></dir-group></dir-groups>"
    body = "[x](02%20B.html) [y](../../../../Code/x.zip) [z](03%20C.html)"
    write(
        tmp_path, {f"{M}/topic_100_a/slides_a.py": deck("A", "A", body), f"{M}/topic_100_a/slides_b.py": deck("B", "B"), "code/x.zip": ""}
    )
    found = links(plan_of(spec(tmp_path, "<topic>a</topic>", extra)), f"{M}/topic_100_a/slides_a.py")
    assert found == {"02 B.html": {}, "../../../../Code/x.zip": {}}


def test_links_in_included_texts_are_planned_too(tmp_path: Path) -> None:
    topic = f"{M}/topic_100_a"
    write(
        tmp_path, {f"{topic}/slides_a.py": "# {% include 'x/more.inc' %}\n", f"{topic}/x/more.inc": "# [x](clm:b)\n# {% include 'y.inc' %}"}
    )
    write(
        tmp_path,
        {f"{topic}/y.inc": "# [x](slides_c.py)", f"{topic}/slides_c.py": deck("C", "C"), f"{M}/topic_200_b/slides_b.py": deck("B", "B")},
    )
    assert set(links(plan_of(spec(tmp_path, "<topic>a</topic><topic>b</topic>")), f"{topic}/slides_a.py")) == {"clm:b", "slides_c.py"}


def test_links_in_a_course_of_yaml_use_its_names_and_languages(tmp_path: Path) -> None:
    file = (
        "version: 1\ntitle: T\nlanguages: [en, uk]\nnames: numbered\nsections:\n  - title: {en: One, uk: Один}\n    topics: [a.py, b.py]\n"
    )
    write(tmp_path, {"course.yaml": file, "a.py": text("[x](b.py#top)"), "b.py": "# %% [markdown]\n# # Second\n"})
    course = read(find(tmp_path))
    found = links(plan_of(course), "a.py")["b.py"]
    names = {f"{variant}": unquote(href) for variant, href in found.items() if variant.endswith("html")}
    assert set(names.values()) == {"02 Second.html"}
    assert {name.split("/")[1] for name in names} == {"en", "uk"}


def test_a_renamed_target_rebuilds_the_pages_that_link_to_it(tmp_path: Path) -> None:
    one, two, three = (f"{M}/topic_100_{name}/slides_{name}.py" for name in "abc")
    write(tmp_path, {one: deck("A", "A", "[x](clm:b)"), two: deck("B", "B"), three: deck("C", "C")})
    topics = "<topic>a</topic><topic>b</topic><topic>c</topic>"
    first = plan_of(spec(tmp_path, topics))
    known = {source.place: Known(source.parts.to_json(), ()) for source in first.sources}
    write(tmp_path, {two: deck("B", "Other")})
    again = plan_of(spec(tmp_path, topics), known)
    reasons = {source.source.path: {output.reason for output in source.outputs} for source in again.sources}
    assert reasons == {one: {"the link to clm:b changed"}, two: {"source changed"}, three: {"new output"}}
