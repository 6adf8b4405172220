"""Which sources run before which, and what has to run for the files they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from clx_jupyter.after import Order, sites
from clx_jupyter.course.folder import load_folder
from clx_jupyter.course.model import Course, Section, Source, Topic
from clx_jupyter.errors import Problem
from clx_jupyter.fingerprint import FileHashes
from clx_jupyter.kernels import Kernel
from clx_jupyter.plan import Known, Options, Plan, Row, SourcePlan
from clx_jupyter.planner import Planner
from clx_jupyter.variants import Choice

KERNELS = {"python3": Kernel("python3", "python", "Python", ("no-such-python",))}
RUN = {"": {"key": "k", "written": {"clean.csv": "h"}, "given": {}}}


def course_of(after: Mapping[str, tuple[str, ...]], *sections: tuple[str, ...]) -> Course:
    made = tuple(
        Section({"": str(n)}, (Topic("t", tuple(Source(path, {}, "python", after=after.get(path, ())) for path in paths)),))
        for n, paths in enumerate(sections)
    )
    return Course(Path("/c"), "", {}, (), made, ())


def ordered(order: Order, course: Course, *paths: str) -> list[str]:
    return [site.place for site in order.with_all_before(site for site in sites(course) if site.source.path in paths)]


def test_all_that_is_needed_comes_before_what_needs_it() -> None:
    course = course_of({"c": ("b",), "b": ("d", "a")}, ("a", "b", "c", "d", "e"))
    order = Order(course)
    assert order.problems == []
    assert ordered(order, course, "c") in (["0:a", "0:d", "0:b", "0:c"], ["0:d", "0:a", "0:b", "0:c"])
    assert ordered(order, course, "e") == ["0:e"]
    assert [path for path in "abcde" if order.leads(path)] == ["a", "b", "d"]


def test_of_a_source_in_several_sections_the_one_of_the_same_section_is_meant() -> None:
    course = course_of({"b": ("a",), "c": ("a",)}, ("a", "c"), ("b", "a"), ("c",))
    before = {site.place: [each.place for each in Order(course).before(site)] for site in sites(course)}
    assert before == {"0:a": [], "0:c": ["0:a"], "1:b": ["1:a"], "1:a": [], "2:c": ["0:a"]}


def test_circles_are_told_and_broken() -> None:
    course = course_of({"a": ("b",), "b": ("c",), "c": ("a",), "d": ("d",), "e": ("a",)}, ("a", "b", "c", "d", "e"))
    order = Order(course)
    assert sorted(len(ordered(order, course, path)) for path in "abcde") == [1, 1, 2, 3, 4]
    told = {problem.message for problem in order.problems}
    assert len(told) == 2 and "d after d: these can never run" in told
    assert all(problem.category == "bad-course" and problem.hint for problem in order.problems)


def test_a_name_that_is_no_source_is_told() -> None:
    order = Order(course_of({"a": ("x",)}, ("a",)))
    assert [(problem.message, problem.path) for problem in order.problems] == [("a comes after x, which is no source of the course", "a")]


def test_a_chain_of_a_thousand_is_no_trouble() -> None:
    names = tuple(f"s{n}" for n in range(1000))
    course = course_of(dict(zip(names[1:], ((name,) for name in names[:-1]), strict=True)), names[::-1])
    assert ordered(Order(course), course, "s999") == [f"0:{name}" for name in names]


class World:
    """Two notebooks and what their last build left behind."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.known: dict[str, Known] = {}
        self.rows: dict[str, Row] = {}
        self.kept = True
        for name, text in {"a.py": "# %%\nopen('raw.csv')\n", "b.py": "# %%\nopen('clean.csv')\n", "raw.csv": "1"}.items():
            (root / name).write_text(text)

    def plan(self, choice: Choice | None = None, after: tuple[str, ...] = ("a.py",), **options: object) -> Plan:
        course = load_folder(self.root)
        topics = course.sections[0].topics
        a, b = (next(topic for topic in topics if topic.sources[0].path == name) for name in ("a.py", "b.py"))
        b = replace(b, sources=(replace(b.sources[0], after=after),))
        course = replace(course, sections=(replace(course.sections[0], topics=(b, a)),))
        hashes = FileHashes(self.root)
        planner = Planner(course, hashes, KERNELS, self.known, self.rows, Options(**options), lambda run: self.kept)  # type: ignore[arg-type]
        return planner.plan(choice or Choice())

    def build(self, failed: Mapping[str, Problem] | None = None) -> None:
        """Remember a plan as if it had been carried out."""
        for source in self.plan().sources:
            problem = (failed or {}).get(source.source.path)
            self.known[source.place] = Known(source.parts.to_json(), (problem,) if problem else (), {} if problem else RUN)
            for output in source.outputs:
                bad = problem and output.variant.outputs
                self.rows[output.name] = Row(output.key, "failed" if bad else "built", True, problem.id if problem and bad else "")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def jobs(plan: Plan) -> dict[str, tuple[str, list[str]]]:
    """What is to be done: reason and languages in which code runs for others, by source."""
    return {source.source.path: (source.reason, source.spec["execute"]["run"]) for source in plan.jobs}


def test_the_fingerprint_of_the_second_holds_all_that_the_first_depends_on(world: World) -> None:
    world.build()
    assert jobs(world.plan()) == {}
    (world.root / "raw.csv").write_text("2")
    assert jobs(world.plan()) == {"a.py": ("raw.csv changed", [""]), "b.py": ("raw.csv changed", [])}
    (world.root / "raw.csv").write_text("1")
    (world.root / "a.py").write_text("# %%\nopen('raw.csv').read()\n")
    assert jobs(world.plan()) == {"a.py": ("source changed", [""]), "b.py": ("a.py changed", [])}
    assert jobs(world.plan(after=())) == {"a.py": ("source changed", []), "b.py": ("a.py removed", [])}


def test_the_first_keeps_files_only_if_another_comes_after_it(world: World) -> None:
    hand_on = {source.source.path: source.spec["execute"]["hand_on"] for source in world.plan().sources}
    assert hand_on == {"a.py": True, "b.py": False}
    assert not any(source.spec["execute"]["hand_on"] for source in world.plan(after=()).sources)


def test_the_second_alone_has_the_first_run_only_if_its_files_are_not_there(world: World) -> None:
    alone = Choice(sources=("b.py",))
    assert jobs(world.plan(alone)) == {"a.py": ("b.py needs its files", [""]), "b.py": ("new", [])}
    assert [source.source.path for source in world.plan(alone).sources] == ["b.py"]
    assert [(source.source.path, source.outputs) for source in world.plan(alone).needed] == [("a.py", [])]
    world.build()
    (world.root / "b.py").write_text("# %%\nopen('clean.csv').read()\n")
    assert jobs(world.plan(alone)) == {"b.py": ("source changed", [])}
    assert jobs(world.plan(Choice(sources=("b.py",), formats=("code",)))) == {}
    world.kept = False
    assert jobs(world.plan(alone)) == {"a.py": ("b.py needs its files", [""]), "b.py": ("source changed", [])}
    assert jobs(world.plan()) == jobs(world.plan(alone))
    assert jobs(world.plan(alone, execute=False)).keys() == {"b.py"}


@pytest.mark.parametrize(("category", "again"), [("cell-error", False), ("timeout", True)])
def test_what_failed_because_of_the_first_is_tried_again_with_it(world: World, category: str, again: bool) -> None:
    world.build({"a.py": Problem(category, "it failed", cell=0), "b.py": Problem("missing-file", "a.py failed")})
    assert set(jobs(world.plan())) == ({"a.py", "b.py"} if again else set())


def test_what_failed_for_lack_of_files_is_tried_again_when_they_are_there(world: World) -> None:
    world.build({"b.py": Problem("missing-file", "a.py was not run")})
    assert set(jobs(world.plan())) == {"b.py"}
    world.build({"b.py": Problem("missing-file", "no such file", cell=0)})
    assert jobs(world.plan()) == {}


def places(plans: list[SourcePlan]) -> list[str]:
    return [plan.place for plan in plans]


def test_a_plan_knows_its_sources_by_place(world: World) -> None:
    plan = world.plan(Choice(sources=("b.py",)))
    assert plan.at("0:a.py") is plan.needed[0] and plan.at("0:b.py") is plan.sources[0] and plan.at("0:c.py") is None
    assert places(plan.sources[0].before) == ["0:a.py"]
