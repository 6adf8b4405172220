"""``clx build --watch``, as a user leaves it running while editing."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stories.conftest import Watcher, looks, write

pytestmark = pytest.mark.story

SPEC = """<course><name><en>Course</en></name><prog-lang>python</prog-lang><author>Ada</author>
<sections><section><name><en>Week</en></name><topics><topic>lists</topic><topic>loops</topic></topics></section></sections>
<output-targets><output-target name="all"><path>out</path><kinds><kind>completed</kind></kinds>
<formats><format>html</format></formats><languages><language>en</language></languages></output-target></output-targets></course>"""
DECK = '# j2 from "macros.j2" import header\n# {{{{ header("{0}", "{0}") }}}}\n\n# %%\n{1}\n'


@pytest.fixture
def watch() -> Iterator[Callable[..., Watcher]]:
    started: list[Watcher] = []

    def start(*arguments: str) -> Watcher:
        started.append(Watcher(*arguments))
        return started[-1]

    yield start
    for watcher in started:
        watcher.process.kill()
        watcher.process.wait()


@pytest.fixture
def course(tmp_path: Path) -> Path:
    files = {f"slides/module_1_x/topic_1{n}_{name}/slides_{name}.py": DECK.format(name, n) for n, name in enumerate(("lists", "loops"))}
    return write(tmp_path, {**files, "course-specs/c.xml": SPEC})


def built(report: dict[str, Any]) -> list[str]:
    return [output["source"].rpartition("_")[2] for output in report["outputs"] if output["state"] == "built"]


def test_a_change_is_built_a_broken_course_file_is_told_and_ctrl_c_ends_with_0(watch: Callable[..., Watcher], course: Path) -> None:
    spec = course / "course-specs/c.xml"
    deck = next(course.rglob("slides_loops.py"))
    watcher = watch(str(spec), "--report", str(course / "report.json"))
    assert built(watcher.report()) == ["lists.py", "loops.py"]
    watcher.hears("watching")
    deck.write_text(DECK.format("loops", "6 * 7"))
    (deck.parent / ".~slides_loops.py").write_text("passing")
    assert built(watcher.report()) == ["loops.py"]
    assert "42" in next((course / "out").rglob("02 loops.html")).read_text()
    before = looks(course / "out")

    spec.write_text("<course>\n<name>\n</course>")
    broken = watcher.report()
    assert broken["status"] == "invalid" and broken["problems"][0]["path"] == "course-specs/c.xml" and broken["problems"][0]["line"] == 3
    assert json.loads((course / "report.json").read_text())["status"] == "invalid"
    spec.write_text(SPEC)
    deck.write_text(DECK.format("loops", "1 / 0"))
    failed = watcher.report()
    assert [problem["class"] for problem in failed["problems"] if problem["severity"] == "error"] == ["cell-error"]
    assert looks(course / "out") == before
    deck.write_text(DECK.format("loops", "6 * 7 + 1"))
    assert built(watcher.report()) == ["loops.py"]
    assert watcher.silent(2)  # what it wrote itself is no change
    assert watcher.end() == 0
    assert "Traceback" not in "".join(watcher.said)


def test_a_watcher_hands_changes_to_the_process_that_builds_and_takes_over_when_that_ends(
    watch: Callable[..., Watcher], course: Path
) -> None:
    deck = next(course.rglob("slides_lists.py"))
    first = watch(str(course / "course-specs/c.xml"))
    first.report()
    second = watch(str(course / "course-specs/c.xml"))
    assert built(second.report()) == []
    second.hears(f"process {first.process.pid} builds here already")
    for watcher in (first, second):
        watcher.hears("watching")
    deck.write_text(DECK.format("lists", "'changed'"))
    reports = [first.report(), second.report()]
    assert {output["state"] for report in reports for output in report["outputs"]} == {"built", "fresh"}
    assert reports[0]["build"] != reports[1]["build"]
    assert first.end() == 0
    deck.write_text(DECK.format("lists", "'changed again'"))
    assert built(second.report()) == ["lists.py"]
    assert second.end(signal.SIGTERM) == 0


def test_ctrl_c_during_a_build_cancels_it(watch: Callable[..., Watcher], tmp_path: Path) -> None:
    watcher = watch(str(write(tmp_path, {"a.py": "# %%\nimport time; time.sleep(1000)\n"})))
    watcher.hears("0 of 1 sources")
    assert watcher.end() == 130
    assert watcher.report()["status"] == "cancelled"


def test_a_course_that_is_removed_ends_watching_and_is_not_made_again(watch: Callable[..., Watcher], tmp_path: Path) -> None:
    root = write(tmp_path / "course", {"a.py": "# %% [markdown]\n# # A\n"})
    watcher = watch(str(root))
    watcher.report()
    watcher.hears("watching")
    while root.exists():  # whoever watches may be tidying up just then
        shutil.rmtree(root, ignore_errors=True)
    assert watcher.process.wait(60) == 2 and not root.exists()
    watcher.hears("there is no folder")
    assert "Traceback" not in "".join(watcher.said)
