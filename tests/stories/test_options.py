"""Options of ``clx build``, with real builds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from clx_jupyter_workers.assets import FOLDER
from tests.stories.conftest import Built, looks, write

pytestmark = pytest.mark.story

Clx = Callable[..., Built]
DECK = """# j2 from "macros.j2" import header
# {{{{ header("{0}", "{0}") }}}}

# %% [markdown] lang="en" tags=["notes"]
# Only for the speaker.

# %% tags=["keep"]
import os
print("letters:", len(os.environ.get("VALUE", "")))
"""
SPEC = """<course><name><en>Course</en></name><prog-lang>python</prog-lang><author>Ada</author>
<sections>
<section id="first"><name><en>Week 1</en></name><topics><topic>lists</topic></topics></section>
<section enabled="false"><name><en>Week 2</en></name><topics><topic>later</topic></topics></section>
<section id="second"><name><en>Week 3</en></name><topics><topic>loops</topic>{more}</topics></section></sections>
<output-targets>
<output-target name="students"><path>out/students</path><kinds><kind>completed</kind></kinds>
<formats><format>html</format><format>code</format></formats><languages><language>en</language></languages></output-target>
<output-target name="staff"><path>out/staff</path><kinds><kind>completed</kind><kind>recording</kind></kinds>
<formats><format>html</format></formats><languages><language>en</language></languages></output-target></output-targets></course>"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    topics = {f"slides/module_1_x/topic_1{n}_{name}": name for n, name in enumerate(("lists", "loops"))}
    decks = {f"{folder}/slides_{name}.py": DECK.format(name.title()) for folder, name in topics.items()}
    data = {f"{folder}/data/{name}.csv": name for folder, name in topics.items()}
    write(
        tmp_path,
        {
            **decks,
            **data,
            ".env": "VALUE=of the course\n",
            "other.env": "VALUE=of the other file\n",
            "course-specs/c.xml": SPEC.format(more=""),
        },
    )
    return tmp_path / "course-specs/c.xml"


def built(result: Built) -> set[str]:
    return {path for path, state in result.states().items() if state == "built"}


def files(spec: Path) -> set[str]:
    root = spec.parent.parent / "out"
    found = (path for path in root.rglob("*") if path.is_file() and not path.name.startswith(".") and FOLDER not in path.parts)
    return {path.relative_to(root).as_posix() for path in found}


def test_a_part_is_built_and_the_rest_is_neither_made_nor_removed(clx: Clx, spec: Path) -> None:
    part = clx(spec, "--only-sections", "idx:3", "-T", "students,staff", "--speaker-only")
    page = "staff/Course-en/Slides/Html/Recording/Week 3/01 Loops.html"
    assert (part.code, set(part.states())) == (0, {page})
    assert files(spec) == {page, "staff/Course-en/Slides/Html/Recording/Week 3/data/loops.csv"}
    assert clx(spec, "--no-html").code == 0
    code = {f"students/Course-en/Slides/Python/Completed/Week {n}/01 {name}.py" for n, name in ((1, "Lists"), (3, "Loops"))}
    assert {path for path in files(spec) if not path.endswith(".csv")} == {page, *code}
    whole = clx(spec)
    assert whole.code == 0 and set(whole.states().values()) == {"built", "fresh"} and len(whole.states()) == 8
    before = looks(spec.parent.parent / "out")
    for options in (["--no-html"], ["--speaker-only"], ["-s", "first"], ["-L", "en"], ["-T", "staff"]):
        assert set(clx(spec, *options).states().values()) == {"fresh"}, options
    assert looks(spec.parent.parent / "out") == before
    assert [clx(spec, "--only-sections", name).code for name in ("2", "week", "nothing")] == [2, 2, 2]


def test_values_for_kernels_come_from_the_file_that_is_named_or_from_none(clx: Clx, spec: Path) -> None:
    page = spec.parent.parent / "out/students/Course-en/Slides/Html/Completed/Week 1/01 Lists.html"
    other = str(spec.parent.parent / "other.env")
    for letters, options in ((len("of the course"), []), (len("of the other file"), ["--env-file", other]), (0, ["--no-env-file"])):
        result = clx(spec, "-s", "first", *options)
        assert result.code == 0 and f"letters: {letters}\n" in page.read_text()  # the values themselves are never shown


def test_code_runs_again_only_when_asked(clx: Clx, spec: Path) -> None:
    assert clx(spec).report["executions"] == 2
    forced = clx(spec, "--force")
    assert forced.report["executions"] == 0 and set(forced.states().values()) == {"built"}
    for option in ("--force-execute", "--ignore-cache"):
        again = clx(spec, option)
        assert again.report["executions"] == 2 and set(again.states().values()) == {"built"}
    assert set(clx(spec).states().values()) == {"fresh"}


def test_a_missing_topic_is_one_error_the_rest_is_built_and_warnings_count_when_asked(clx: Clx, spec: Path) -> None:
    spec.write_text(SPEC.format(more="<topic>nowhere</topic>"))
    result = clx(spec)
    assert (result.code, result.classes(), len(built(result))) == (1, ["bad-course"], 8)
    assert [problem["line"] for problem in result.report["problems"] if problem["severity"] == "error"] == [5]
    assert clx(spec, "--no-fail-on-error").code == 0
    spec.write_text(SPEC.format(more="<oddity/>"))
    assert (clx(spec).code, clx(spec, "--strict").code, clx(spec, "--strict", "--no-fail-on-error").code) == (0, 1, 1)
