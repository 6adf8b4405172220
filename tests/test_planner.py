"""From a course to what there is to make, and why."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from clx_jupyter.course.folder import load_folder
from clx_jupyter.course.model import Course, Section, Source, Target, Topic
from clx_jupyter.errors import Problem
from clx_jupyter.fingerprint import FileHashes
from clx_jupyter.kernels import Kernel
from clx_jupyter.plan import Known, Options, Plan, Row
from clx_jupyter.planner import Planner
from clx_jupyter.variants import Choice

KERNELS = {"python3": Kernel("python3", "python", "Python", ("no-such-python",))}
FILES = {
    "a.py": "# %% [markdown]\n# # A\n# ![](img/a.png)\n# %%\nimport tools\nfrom pkg import f\nopen('data/x.csv')\n",
    "b.py": "# %%\nx = 1\n",
    "img/a.png": "picture",
    "data/x.csv": "1,2",
    "data/other.csv": "3",
    "tools.py": "import deep\nopen('data/y.csv')\n",
    "deep.py": "import tools\n",
    "pkg/__init__.py": "from .core import f\n",
    "pkg/core.py": "from .more import g\n",
    "pkg/more.py": "g = 1\n",
    "data/y.csv": "5",
}


class World:
    """A course on disk with what its last build left behind."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.known: dict[str, Known] = {}
        self.rows: dict[str, Row] = {}
        self.kernels = dict(KERNELS)
        self.course: Callable[[Path], Course] = load_folder
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, (time.time() - 1000, time.time() - 1000))

    def plan(self, choice: Choice | None = None, **options: object) -> Plan:
        course = self.course(self.root)
        planner = Planner(course, FileHashes(self.root), self.kernels, self.known, self.rows, Options(**options))  # type: ignore[arg-type]
        return planner.plan(choice or Choice())

    def build(self, state: str = "built", *problems: Problem) -> None:
        """Remember a plan as if it had been carried out."""
        for source in self.plan().sources:
            self.known[source.place] = Known(source.parts.to_json(), problems)
            for output in source.outputs:
                self.rows[output.name] = Row(output.key, state, True, problems[0].id if problems else "")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def reasons(plan: Plan) -> dict[str, set[str]]:
    """Why each source is made; nothing for what is fresh."""
    found = {source.source.path: {output.reason for output in source.outputs} - {""} for source in plan.sources}
    return {path: why for path, why in found.items() if why}


def test_everything_is_new_at_first(world: World) -> None:
    plan = world.plan()
    assert reasons(plan) == {"a.py": {"new"}, "b.py": {"new"}}
    assert [variant["format"] for variant in plan.sources[0].spec["variants"]] == ["html", "notebook"]
    assert sorted(plan.all_paths["students"]) == [
        f"completed/{place}" for place in ("html/a.html", "html/b.html", "notebook/a.ipynb", "notebook/b.ipynb")
    ]


def test_after_a_build_nothing_is_wanted(world: World) -> None:
    world.build()
    plan = world.plan()
    assert reasons(plan) == {}
    assert {output.state for source in plan.sources for output in source.outputs} == {"fresh"}
    assert [source.spec["variants"] for source in plan.sources] == [[], []]


CHANGES = [
    ("a.py", FILES["a.py"] + "y = 2\n", {"a.py": {"source changed"}}),
    ("b.py", "# %%\nx = 2\n", {"b.py": {"source changed"}}),
    ("img/a.png", "another", {"a.py": {"img/a.png changed"}}),
    ("data/x.csv", "9", {"a.py": {"data/x.csv changed"}}),
    ("tools.py", "pass\n", {"a.py": {"data/y.csv removed"}}),
    ("deep.py", "import tools  #\n", {"a.py": {"deep.py changed"}}),
    ("data/y.csv", "6", {"a.py": {"data/y.csv changed"}}),
    ("pkg/core.py", "from .more import g  #\n", {"a.py": {"pkg/core.py changed"}}),
    ("pkg/more.py", "g = 2\n", {"a.py": {"pkg/more.py changed"}}),
    ("data/other.csv", "9", {}),
    ("data/new.csv", "9", {}),
]


@pytest.mark.parametrize(("path", "text", "expected"), CHANGES)
def test_a_change_makes_what_depends_on_it_and_nothing_else(world: World, path: str, text: str, expected: dict[str, set[str]]) -> None:
    world.build()
    world.write(path, text)
    assert reasons(world.plan()) == expected


def test_a_new_time_stamp_alone_changes_nothing(world: World) -> None:
    world.build()
    os.utime(world.root / "a.py")
    assert reasons(world.plan()) == {}


def test_a_removed_file_is_named(world: World) -> None:
    world.build()
    (world.root / "data" / "x.csv").unlink()
    assert reasons(world.plan()) == {"a.py": {"data/x.csv removed"}}


def test_another_kernel_makes_everything_again(world: World) -> None:
    world.build()
    world.kernels["python3"] = Kernel("python3", "python", "Python", ("another-python",))
    assert reasons(world.plan()) == {"a.py": {"kernel or its packages changed"}, "b.py": {"kernel or its packages changed"}}


def test_changed_values_of_the_environment_count_as_settings(world: World) -> None:
    world.build()
    assert reasons(world.plan(environment={"A": "hash"})) == {"a.py": {"settings changed"}, "b.py": {"settings changed"}}


def test_force_makes_everything(world: World) -> None:
    world.build()
    assert reasons(world.plan(force=True)) == {"a.py": {"asked for"}, "b.py": {"asked for"}}


def test_an_output_that_was_touched_is_made_again_alone(world: World) -> None:
    world.build()
    name = str(world.root / "output/students/completed/html/a.html")
    world.rows[name] = replace(world.rows[name], fresh=False)
    plan = world.plan()
    assert reasons(plan) == {"a.py": {"output missing or changed"}}
    assert [variant["format"] for variant in plan.sources[0].spec["variants"]] == ["html"]


def test_an_output_without_a_row_is_new(world: World) -> None:
    world.build()
    del world.rows[str(world.root / "output/students/completed/html/a.html")]
    assert reasons(world.plan()) == {"a.py": {"new output"}}


def test_results_of_a_run_are_good_enough_where_nothing_may_run(world: World) -> None:
    world.build()
    assert reasons(world.plan(execute=False)) == {}


def test_pages_made_without_a_run_are_made_again_when_code_may_run(world: World) -> None:
    for source in world.plan(execute=False).sources:
        world.known[source.place] = Known(source.parts.to_json(), ())
        world.rows |= {output.name: Row(output.key, "built", True) for output in source.outputs}
    plan = world.plan()
    assert {output.variant.format for source in plan.sources for output in source.wanted} == {"html"}


CHOICES = [
    (Choice(sources=("b.py",)), ["completed/html/b.html", "completed/notebook/b.ipynb"]),
    (Choice(topics=("a.py",), formats=("html",)), ["completed/html/a.html"]),
    (Choice(places=frozenset()), []),
    (Choice(kinds=("speaker",)), []),
]


@pytest.mark.parametrize(("choice", "expected"), CHOICES)
def test_a_selection_plans_a_part_but_knows_the_whole(world: World, choice: Choice, expected: list[str]) -> None:
    plan = world.plan(choice)
    assert [output.variant.path for source in plan.sources for output in source.wanted] == expected
    assert len(plan.all_paths["students"]) == 4


FAILURES = [
    ("cell-error", "failed", {}),
    ("missing-file", "failed", {}),
    ("missing-package", "failed", {}),
    ("input", "failed", {}),
    ("bad-source", "failed", {}),
    ("network", "failed", {"a.py", "b.py"}),
    ("timeout", "failed", {"a.py", "b.py"}),
    ("out-of-memory", "failed", {"a.py", "b.py"}),
    ("kernel-died", "failed", {"a.py", "b.py"}),
    ("missing-kernel", "skipped", {"a.py", "b.py"}),
]


@pytest.mark.parametrize(("category", "state", "again"), FAILURES)
def test_a_failure_that_would_repeat_itself_is_kept_and_every_other_tried_again(
    world: World, category: str, state: str, again: set[str]
) -> None:
    world.build(state, Problem(category, "it went wrong"))
    plan = world.plan()
    assert reasons(plan) == {path: {f"{state} before"} for path in again}
    if not again:
        assert {output.state for source in plan.sources for output in source.outputs} == {"failed"}
    assert [problem.category for problem in plan.sources[0].problems] == [category]


def test_a_kept_failure_is_tried_again_when_its_source_changes(world: World) -> None:
    world.build("failed", Problem("cell-error", "it went wrong"))
    world.write("b.py", "# %%\nx = 3\n")
    plan = world.plan()
    assert reasons(plan) == {"b.py": {"source changed"}}
    assert [len(source.problems) for source in plan.sources] == [1, 0]


@pytest.mark.parametrize(("there", "expected"), [(True, ""), (False, "output missing")])
def test_a_file_of_somebody_else_is_left_alone_until_it_is_gone(world: World, there: bool, expected: str) -> None:
    world.build("stale")
    world.rows = {name: replace(row, fresh=there) for name, row in world.rows.items()}
    found = {(output.state, output.reason) for source in world.plan().sources for output in source.outputs}
    assert found == {("stale", expected)}


def test_only_what_failed_is_made_when_that_is_asked_for(world: World) -> None:
    world.build()
    name = str(world.root / "output/students/completed/html/a.html")
    world.rows[name] = replace(world.rows[name], state="failed")
    world.write("b.py", "# %%\nx = 4\n")
    plan = world.plan(failed=True)
    assert reasons(plan) == {"a.py": {"failed before"}}
    assert {output.state for output in plan.sources[1].outputs} == {"stale"}


def test_a_missing_kernel_is_known_before_anything_starts(world: World) -> None:
    world.kernels.clear()
    problems = [problem for problem in world.plan().problems if problem.category == "missing-kernel"]
    assert [(problem.severity, problem.path) for problem in problems] == [("error", "a.py"), ("error", "b.py")]


def test_a_language_that_nobody_knows_is_told_with_what_was_meant(world: World) -> None:
    world.write("b.py", "# ---\n# jupyter:\n#   kernelspec:\n#     name: gone\n#     language: pyhton\n# ---\n# %%\nx\n")
    (problem,) = world.plan().problems
    assert (problem.category, problem.path) == ("missing-kernel", "b.py")
    assert problem.hint.startswith("did you mean python? Else install one")


def test_a_missing_kernel_is_no_problem_where_nothing_runs(world: World) -> None:
    world.kernels.clear()
    assert [problem for problem in world.plan(execute=False).problems if problem.category == "missing-kernel"] == []


def test_a_kernel_that_stands_in_for_another_is_told(world: World) -> None:
    world.write("b.py", "# ---\n# jupyter:\n#   kernelspec:\n#     name: gone\n#     language: python\n# ---\n# %%\nx\n")
    (problem,) = world.plan().problems
    assert (problem.severity, problem.path) == ("info", "b.py")
    assert "gone" in problem.message
    world.build()
    assert world.plan().problems == []


def test_two_sources_for_one_path_are_a_collision_and_the_first_keeps_it(world: World) -> None:
    world.write("B.py", "# %%\nx\n")
    plan = world.plan()
    assert [(problem.category, problem.path) for problem in plan.problems] == [("collision", "b.py")] * 2
    assert [source.source.path for source in plan.sources if source.outputs] == ["a.py", "B.py"]


def test_every_file_in_the_scope_of_a_source_counts(world: World) -> None:
    source = Source("b.py", {"": "B"}, "python", scope=("data/other.csv",), includes=(("deep.py", "here.py"),))
    target = Target("t", world.root / "output", ("completed",), ("html",))
    section = Section({"": "S"}, (Topic("b", (source,)),), "s")
    world.course = lambda root: Course(root, "a.xml", {"": "C"}, (), (section,), (target,))
    world.build()
    world.write("data/other.csv", "changed")
    assert reasons(world.plan()) == {"b.py": {"data/other.csv changed"}}
    world.build()
    world.write("deep.py", "changed")
    world.write("data/x.csv", "changed")
    assert reasons(world.plan()) == {"b.py": {"deep.py changed"}}


def test_a_job_holds_nothing_of_this_machine_and_no_secret(world: World) -> None:
    text = str([source.spec for source in world.plan(environment={"KEY": "0123hash"}).sources])
    assert str(world.root) not in text
    assert "0123hash" not in text


def test_templates_know_the_names_of_the_outputs_by_language_and_format(world: World) -> None:
    section = Section({"": "S"}, (Topic("t", (Source("b.py", {"de": "Über b?", "en": "On b"}, "python", number=3, jinja=True),)),))
    target = Target("t", world.root / "out", ("completed", "code-along"), ("html", "code"), ("de", "en"))
    world.course = lambda root: Course(root, "a.xml", {"": "C"}, ("de", "en"), (section,), (target,), layout="clx")
    [source] = world.plan().sources
    assert source.spec["reader"]["globals"]["name"] == {
        "de": {"html": "03 Über b.html", "code": "03 Über b.py"},
        "en": {"html": "03 On b.html", "code": "03 On b.py"},
    }
    assert (source.spec["reader"]["layout"], source.spec["style"]["line_hints"]) == ("clx", True)


def test_names_that_are_one_on_other_file_systems_are_a_collision(world: World) -> None:
    for name in ("Z.py", "z.py", "\u00fc.py", "u\u0308.py"):
        world.write(name, "# %%\n1\n")
    plan = world.plan()
    collided = {problem.path for problem in plan.problems if problem.category == "collision"}
    assert len(collided & {"Z.py", "z.py"}) == len(collided & {"\u00fc.py", "u\u0308.py"}) == 1
    assert len(collided) == 2


def test_a_name_that_is_too_long_with_its_suffix_is_told_once_and_what_fits_is_built(world: World) -> None:
    world.write("n" * 250 + ".py", "# %%\n1\n")
    world.write("\u00e9" * 126 + ".py", "# %%\n1\n")
    plan = world.plan()
    assert sorted((problem.category, problem.path) for problem in plan.problems) == [
        ("bad-source", "n" * 250 + ".py"),
        ("bad-source", "\u00e9" * 126 + ".py"),
    ]
    assert all("255" in problem.message for problem in plan.problems)
    formats = {source.source.path[0]: {output.variant.format for output in source.outputs} for source in plan.sources}
    assert formats["n"] == {"html"}
    assert formats["\u00e9"] == set()
