"""Where start pages lie, what they list, and which page comes before and after which."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from clx_jupyter.after import sites
from clx_jupyter.course.model import Course, Section, Source, Target, Topic
from clx_jupyter.fingerprint import FileHashes
from clx_jupyter.kernels import Kernel
from clx_jupyter.navigation import Navigation
from clx_jupyter.plan import Known, Options, Plan, Row
from clx_jupyter.planner import Planner
from clx_jupyter.variants import Choice, twins_of, variants

KERNELS = {"python3": Kernel("python3", "python", "Python", ("no-such-python",))}


def source(path: str, title: str = "", **fields: object) -> Source:
    return replace(Source(path, {"": title or path}, "python"), **fields)  # type: ignore[arg-type]


def course_of(root: Path, *sections: list[Source], **fields: object) -> Course:
    targets = (
        Target("students", root / "out/students", ("code-along",), ("html", "notebook")),
        Target("staff", root / "out/staff", ("completed", "speaker"), ("html", "code")),
    )
    made = tuple(Section({"": f"Part {n}"}, tuple(Topic(each.path, (each,)) for each in group)) for n, group in enumerate(sections, 1))
    return replace(Course(root, "course.yaml", {"": "Course"}, (), made, targets), **fields)  # type: ignore[arg-type]


def navigation_of(course: Course) -> Navigation:
    twins = twins_of(course)
    return Navigation(course, {site.place: list(variants(course, site.section, site.source, twins)) for site in sites(course)})


def links(course: Course, path: str) -> dict[str, str]:
    """Where the page at *path* in any target leads: addresses by name."""
    twins, navigation = twins_of(course), navigation_of(course)
    every = [each for site in sites(course) for each in variants(course, site.section, site.source, twins)]
    [found] = {str(navigation.links(each)): navigation.links(each) for each in every if each.path == path}.values()
    return {name: link["href"] for name, link in found.items()}


def paths(course: Course) -> list[str]:
    return [f"{page.target.name}/{page.path}" for page in navigation_of(course).pages]


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return course_of(tmp_path, [source("a.py"), source("week 1/b.py")], [source("week 1/ü#.py"), source("c.py")])


def test_a_page_leads_to_its_neighbours_across_sections_and_to_the_start(course: Course) -> None:
    assert links(course, "completed/html/a.html") == {"next": "week%201/b.html", "start": "index.html"}
    assert links(course, "completed/html/week 1/b.html") == {"previous": "../a.html", "next": "%C3%BC%23.html", "start": "../index.html"}
    assert links(course, "completed/html/week 1/ü#.html") == {"previous": "b.html", "next": "../c.html", "start": "../index.html"}
    assert links(course, "completed/html/c.html") == {"previous": "week%201/%C3%BC%23.html", "start": "index.html"}


def test_only_pages_lead_anywhere(course: Course) -> None:
    assert links(course, "code-along/notebook/a.ipynb") == links(course, "completed/code/a.py") == {}


def test_there_is_a_start_page_for_each_kind_and_a_door_where_there_are_several(course: Course) -> None:
    assert paths(course) == ["students/code-along/html/index.html", "staff/completed/html/index.html", "staff/speaker/html/index.html"]
    assert [target.name for target in navigation_of(course).doors()] == ["staff"]


def test_a_source_called_index_keeps_its_name(course: Course, tmp_path: Path) -> None:
    course = course_of(tmp_path, [source("Index.py"), source("a.py")])
    assert set(map(Path, paths(course))) == {
        Path(f"{place}/html/contents.html") for place in ("students/code-along", "staff/completed", "staff/speaker")
    }
    assert links(course, "completed/html/a.html") == {"previous": "Index.html", "start": "contents.html"}
    both = course_of(tmp_path, [source("index.py"), source("contents.py")])
    assert "staff/speaker/html/contents-2.html" in paths(both)


def test_sources_without_pages_are_passed_over(tmp_path: Path) -> None:
    course = course_of(tmp_path, [source("a.py"), source("b.py", without=frozenset({"html"})), source("c.py")])
    assert links(course, "completed/html/a.html")["next"] == "c.html"
    [page, *_] = navigation_of(course).pages
    assert [[each.format for each in files] for _, files in page.entries] == [["html", "notebook"], ["notebook"], ["html", "notebook"]]


def test_each_language_has_its_own_chain(tmp_path: Path) -> None:
    parts = [source("a.py"), source("b.de.py", languages=("de",)), source("c.py", title="C")]
    course = course_of(tmp_path, parts, languages=("en", "de"))
    assert links(course, "completed/en/html/a.html")["next"] == "c.html"
    assert links(course, "completed/de/html/a.html")["next"] == "b.html"
    assert "staff/speaker/de/html/index.html" in paths(course)
    assert [target.name for target in navigation_of(course).doors()] == ["students", "staff"]


def test_of_two_sources_at_one_place_the_first_is_in_the_chain(tmp_path: Path) -> None:
    course = course_of(tmp_path, [source("a.py"), source("B.py"), source("b.py"), source("c.py")])
    assert links(course, "completed/html/a.html")["next"] == "B.html"
    assert links(course, "completed/html/c.html")["previous"] == "B.html"


def test_slides_alone_have_a_start_page_and_notebooks_alone_have_none(tmp_path: Path) -> None:
    course = course_of(tmp_path, [source("a.py")])
    bare = replace(course, targets=(replace(course.targets[0], formats=("notebook", "code")),))
    assert paths(bare) == [] and navigation_of(bare).doors() == []


@pytest.mark.parametrize(
    ("layout", "asked", "has"), [("source", None, True), ("source", False, False), ("clm", None, False), ("clm", True, True)]
)
def test_navigation_is_on_by_itself_where_no_published_repository_would_change(
    tmp_path: Path, layout: str, asked: bool | None, has: bool
) -> None:
    course = course_of(tmp_path, [source("a.py", number=1), source("b.py", number=2)], layout=layout, navigation=asked, file="c.xml")
    assert bool(paths(course)) is has
    page = "Course/Slides/Html/Completed/Part 1/01 a.py.html" if layout == "clm" else "completed/html/a.html"
    start = {"clm": "../index.html", "source": "index.html"}[layout]
    assert links(course, page).get("start") == (start if has else None)


# --- what is built again ---


def plan_of(course: Course, before: Plan | None = None) -> Plan:
    known = {each.place: Known(each.parts.to_json(), ()) for each in before.sources} if before else {}
    rows = {output.name: Row(output.key, "built", True) for each in before.sources for output in each.outputs} if before else {}
    return Planner(course, FileHashes(course.root), KERNELS, known, rows, Options()).plan(Choice())


def reasons(plan: Plan) -> dict[str, str]:
    return {
        f"{each.source.path} {output.variant.format}": output.reason for each in plan.sources for output in each.outputs if output.reason
    }


def test_a_title_that_changes_makes_the_pages_of_its_neighbours_again_and_runs_none_of_their_code(tmp_path: Path) -> None:
    old = [source(f"{name}.py", title=name) for name in "abcd"]
    new = [each if each.path != "c.py" else replace(each, title={"": "Sea"}) for each in old]
    before = plan_of(course_of(tmp_path, old))
    assert reasons(plan_of(course_of(tmp_path, old), before)) == {}
    plan = plan_of(course_of(tmp_path, new), before)
    assert {name: why for name, why in reasons(plan).items() if not name.startswith("c.py")} == dict.fromkeys(
        ("b.py html", "d.py html"), "its links to other pages changed"
    )
    by_path = {each.source.path: each for each in plan.sources}
    assert by_path["b.py"].parts == {each.source.path: each for each in before.sources}["b.py"].parts
    [variant, *_] = by_path["b.py"].spec["variants"]
    assert variant["navigation"]["next"] == {"href": "c.html", "title": "Sea"}


def test_what_several_targets_have_is_written_once_with_its_links(tmp_path: Path) -> None:
    course = course_of(tmp_path, [source("a.py", number=1), source("b.py", number=2)], layout="clm", navigation=True, file="c.xml")
    pair = tuple(Target(name, tmp_path / name, ("completed",), ("html",)) for name in ("one", "two"))
    [first, _] = plan_of(replace(course, targets=pair)).sources
    [variant] = first.spec["variants"]
    assert len(first.wanted) == 2 and len({output.key for output in first.wanted}) == 1
    assert variant["navigation"]["next"]["href"] == "02%20b.py.html"
