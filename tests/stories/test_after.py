"""Notebooks that read what others wrote (``after``), with real kernels."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from clx_jupyter.builds import Builds
from clx_jupyter.cli import main
from clx_jupyter.requests import Request
from tests.stories.conftest import notebook, write

pytestmark = pytest.mark.story

CLEAN = "# %% [markdown]\n# # Clean\n\n# %%\nrows = open('raw.csv').read().split()\nopen('clean.csv', 'w').write(' '.join(sorted(rows)))\n"
SHOW = "# %% [markdown]\n# # Show\n\n# %%\nprint('read', open('clean.csv').read())\n"
LATER = "# %%\nprint('later', open('clean.csv').read(), open('notes/sum.txt').read())\n"
AFTER = {"b-show.py": ("a-clean.py",)}


class World:
    """A course of notebooks, in the order of their names, and its builds."""

    def __init__(self, root: Path, after: Mapping[str, tuple[str, ...]]) -> None:
        self.root = root
        self.after = dict(after)
        self.languages: list[str] = []

    def write_course(self) -> None:
        """A course file that says which comes after which."""
        topics = [
            {"path": path.relative_to(self.root).as_posix(), "after": list(self.after.get(path.relative_to(self.root).as_posix(), ()))}
            for path in sorted([*self.root.rglob("*.py"), *self.root.rglob("*.ipynb")]) if "output" not in path.parts
        ]  # fmt: skip
        topics = [topic if topic["after"] else {"path": topic["path"]} for topic in topics]
        targets = {"students": {"path": "output/students", "kinds": ["completed"], "formats": ["html", "notebook"]}}
        course = {"version": 1, "title": "Course", "targets": targets, "sections": [{"title": "All", "topics": topics}]}
        course |= {"languages": self.languages} if self.languages else {}
        (self.root / "course.yaml").write_text(yaml.safe_dump(course, sort_keys=False))

    async def build(self, *, size: int = 1, **choice: Any) -> dict[str, Any]:
        """The report of a build by one process that ends with it."""
        self.write_course()
        builds = await Builds.open(self.root, size=size)
        assert builds is not None
        try:
            return await builds.wait(await builds.start(Request(str(self.root), "course.yaml", **choice)))
        finally:
            await builds.close()

    def page(self, stem: str, where: str = "students") -> str:
        return (self.root / "output" / where / "completed/html" / f"{stem}.html").read_text()

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text()
        assert old in text
        (self.root / name).write_text(text.replace(old, new))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(write(tmp_path / "course", {"raw.csv": "b a c", "a-clean.py": CLEAN, "b-show.py": SHOW}), AFTER)


def states(report: Mapping[str, Any]) -> dict[str, set[str]]:
    """States of the pages by source."""
    found: dict[str, set[str]] = {}
    for output in report["outputs"]:
        if output["format"] == "html":
            found.setdefault(output["source"], set()).add(output["state"])
    return found


def errors(report: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [(each["class"], each["path"], each["message"]) for each in report["problems"] if each["severity"] == "error"]


async def test_a_notebook_reads_what_the_one_before_it_wrote(world: World) -> None:
    # The name of the second comes first: only the order that was asked for helps.
    (world.root / "b-show.py").rename(world.root / "0-show.py")
    world.after = {"0-show.py": ("a-clean.py",)}
    report = await world.build()
    assert (report["state"], report["executions"]) == ("succeeded", 2)
    assert "read a b c" in world.page("0-show")
    assert not (world.root / "clean.csv").exists(), "what code writes stays in the copy"


async def test_without_changes_nothing_runs_and_a_change_runs_what_it_reaches(world: World) -> None:
    await world.build()
    again = await world.build()
    assert (again["kernels_started"], states(again)) == (0, {"a-clean.py": {"fresh"}, "b-show.py": {"fresh"}})

    world.edit("a-clean.py", "# # Clean", "# # Cleaner")
    text = await world.build()
    assert (text["state"], text["kernels_started"]) == ("succeeded", 0)

    world.edit("a-clean.py", "sorted(rows)", "sorted(rows, reverse=True)")
    code = await world.build()
    assert code["kernels_started"] == 2 and "read c b a" in world.page("b-show")
    assert {output["reason"] for output in code["outputs"]} == {"source changed", "a-clean.py changed"}

    world.edit("a-clean.py", "sorted(rows, reverse=True)", "sorted(rows)[::-1]")
    same = await world.build()
    assert same["kernels_started"] == 1, "the same files give the same results"

    (world.root / "raw.csv").write_text("y x")
    data = await world.build()
    assert data["kernels_started"] == 2 and "read y x" in world.page("b-show")
    assert {output["reason"] for output in data["outputs"]} == {"raw.csv changed"}


@pytest.mark.fault(30)
async def test_where_the_first_fails_the_second_says_so_and_is_built_as_far_as_it_can(world: World) -> None:
    world.edit("a-clean.py", "open('raw.csv')", "open(undefined)")
    report = await world.build()
    assert report["state"] == "failed"
    failure = "a-clean.py failed, and this notebook needs its files."
    assert [error for error in errors(report) if error[1] == "b-show.py"] == [("missing-file", "b-show.py", failure)]
    assert states(report)["b-show.py"] == {"failed"}
    codes = {output["state"] for output in report["outputs"] if output["source"] == "b-show.py" and output["format"] != "html"}
    assert codes == {"built"}

    again = await world.build()
    assert (again["kernels_started"], errors(again)) == (0, errors(report))

    world.edit("a-clean.py", "open(undefined)", "open('raw.csv')")
    mended = await world.build()
    assert (mended["state"], "read a b c" in world.page("b-show")) == ("succeeded", True)


async def test_the_second_alone_uses_kept_files_and_runs_the_first_where_there_are_none(world: World) -> None:
    first = await world.build(sources=("b-show.py",))
    assert (first["state"], first["kernels_started"]) == ("succeeded", 2)
    assert {output["source"] for output in first["outputs"]} == {"b-show.py"}
    assert "read a b c" in world.page("b-show")
    assert not (world.root / "output/students/completed/html/a-clean.html").exists()

    world.edit("b-show.py", "'read'", "'found'")
    second = await world.build(sources=("b-show.py",))
    assert second["kernels_started"] == 1 and "found a b c" in world.page("b-show")

    for file in (world.root / ".clx/executions/files").rglob("*"):
        if file.is_file():
            file.unlink()
    world.edit("b-show.py", "'found'", "'got'")
    third = await world.build(sources=("b-show.py",))
    assert third["kernels_started"] == 2 and "got a b c" in world.page("b-show")

    everything = await world.build()
    assert (everything["state"], everything["kernels_started"]) == ("succeeded", 0)


async def test_files_reach_the_third_through_the_second(world: World) -> None:
    write(
        world.root / "deep",
        {"sum.py": "# %%\nimport os\nos.mkdir('notes')\nopen('notes/sum.txt', 'w').write(open('../clean.csv').read()[::-1])\n"},
    )
    write(
        world.root / "other", {"last.py": "# %%\nprint(open('../deep/notes/sum.txt').read(), open('../clean.csv').read())\n", "x.csv": "x"}
    )
    world.after = {"deep/sum.py": ("a-clean.py",), "other/last.py": ("deep/sum.py",)}
    report = await world.build(size=2)
    assert errors(report) == [("missing-file", "b-show.py", "FileNotFoundError: [Errno 2] No such file or directory: 'clean.csv'")]
    assert "c b a a b c" in world.page("other/last")
    assert sorted(path.name for path in (world.root / "deep").iterdir()) == ["sum.py"], "nothing is written into the course"


async def test_in_two_languages_each_gets_the_files_of_its_own_run(world: World) -> None:
    both = [("code", "open('w.txt', 'w').write('hallo')"), ("code", "open('w.txt', 'w').write('hello')")]
    cells = notebook(*both)
    for text, language in (("hallo", "de"), ("hello", "en")):
        cells = cells.replace(f'"metadata": {{}}, "source": "open(\'w.txt\', \'w\').write(\'{text}\')"',
                              f'"metadata": {{"lang": "{language}"}}, "source": "open(\'w.txt\', \'w\').write(\'{text}\')"')  # fmt: skip
    write(world.root, {"w.ipynb": cells, "x.ipynb": notebook(("code", "print(open('w.txt').read())"))})
    world.after = {"x.ipynb": ("w.ipynb",), **AFTER}
    world.languages = ["de", "en"]
    report = await world.build()
    assert errors(report) == []
    folder = world.root / "output/students/completed"
    assert "hallo" in (folder / "de/html/x.html").read_text() and "hello" in (folder / "en/html/x.html").read_text()


async def test_a_first_that_is_killed_is_run_again_and_the_second_waits(world: World) -> None:
    mark = world.root.parent / "killed-once"
    world.edit(
        "a-clean.py",
        "rows =",
        f"import os, time\nif not os.path.exists({str(mark)!r}):\n    open({str(mark)!r}, 'w').close()\n    time.sleep(600)\nrows =",
    )
    world.write_course()
    builds = await Builds.open(world.root, size=2)
    assert builds is not None
    try:
        id = await builds.start(Request(str(world.root), "course.yaml"))

        async def kill() -> None:
            while not mark.exists():
                await asyncio.sleep(0.05)
            live = builds.live(id)
            assert live is not None and list(live.running) == ["a-clean.py"], "the second does not run yet"
            for _, pid in _workers(builds):
                os.kill(pid, signal.SIGKILL)

        await asyncio.wait_for(kill(), 60)
        report = await asyncio.wait_for(builds.wait(id), 120)
    finally:
        await builds.close()
    assert (report["state"], "read a b c" in world.page("b-show")) == ("succeeded", True)


def _workers(builds: Builds) -> Iterable[tuple[str, int]]:
    return [("notebook", child.pid) for child in psutil.Process().children() if "clx_jupyter_workers.notebook" in " ".join(child.cmdline())]


async def test_a_build_whose_process_ended_waits_again_and_a_cancelled_one_ends(world: World) -> None:
    mark = world.root.parent / "go-on"
    world.edit("a-clean.py", "rows =", f"import os, time\nwhile not os.path.exists({str(mark)!r}):\n    time.sleep(0.05)\nrows =")
    world.write_course()
    builds = await Builds.open(world.root, size=2)
    assert builds is not None
    id = await builds.start(Request(str(world.root), "course.yaml"))
    await _until_running(builds, id)
    await builds.close()  # as a server does that is stopped

    builds = await Builds.open(world.root, size=2)
    assert builds is not None
    try:
        live = await _until_running(builds, id)
        assert list(live.running) == ["a-clean.py"]
        other = await builds.start(Request(str(world.root), "course.yaml", force=True))
        await builds.cancel(other)
        assert (await asyncio.wait_for(builds.wait(other), 60))["state"] == "cancelled"
        mark.touch()
        report = await asyncio.wait_for(builds.wait(id), 120)
    finally:
        await builds.close()
    assert (report["state"], "read a b c" in world.page("b-show")) == ("succeeded", True)


async def _until_running(builds: Builds, id: str) -> Any:
    async def wait() -> Any:
        while True:
            live = builds.live(id)
            if live is not None and any(frame.get("phase") == "run" for frame in live.running.values()):
                return live
            await asyncio.sleep(0.05)

    return await asyncio.wait_for(wait(), 60)


async def test_a_circle_is_told_and_does_not_hang(world: World) -> None:
    world.after = {"b-show.py": ("a-clean.py",), "a-clean.py": ("b-show.py",)}
    report = await asyncio.wait_for(world.build(), 60)
    [problem] = report["problems"]
    assert (report["state"], problem["class"], problem["path"]) == ("invalid", "bad-course", "course.yaml")
    assert "wait for each other" in problem["message"]


async def test_a_missing_file_that_another_notebook_writes_is_named(world: World) -> None:
    world.after = {}
    write(world.root, {"0-early.ipynb": notebook(("code", "open('clean.csv').read()")), "z-late.py": "# %%\nopen('never.csv')\n"})
    report = await world.build()
    hints = {each["path"]: each["hint"] for each in report["problems"] if each["class"] == "missing-file"}
    named = "clean.csv is written by a-clean.py; ship it, or declare `after:` in course.yaml"
    assert (hints["0-early.ipynb"], hints["b-show.py"]) == (named, named)
    assert "written by" not in hints["z-late.py"]

    world.after = {"0-early.ipynb": ("a-clean.py",), **AFTER}
    assert [path for _, path, _ in errors(await world.build())] == ["z-late.py"]


async def test_what_is_written_beside_the_notebook_s_folder_is_handed_on_too(world: World) -> None:
    write(world.root, {
        "data/raw.txt": "raw", "one/w.py": "# %%\nopen('../data/w.txt', 'w').write('written')\n",
        "two/r.py": "# %%\nprint(open('../data/w.txt').read(), open('../data/raw.txt').read())\n",
    })  # fmt: skip
    world.after = {"two/r.py": ("one/w.py",), **AFTER}
    assert errors(await world.build()) == []
    assert "written raw" in world.page("two/r")
    assert [path.name for path in (world.root / "data").iterdir()] == ["raw.txt"]


def test_a_dry_run_names_what_runs_only_for_its_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    course = "sections:\n- title: S\n  topics: [a-clean.py, {path: b-show.py, after: [a-clean.py]}]\n"
    write(tmp_path, {"a-clean.py": CLEAN, "b-show.py": SHOW, "raw.csv": "2 1", "course.yaml": course})
    assert main(["build", str(tmp_path), "--dry-run", "--topic", "b-show.py"]) == 0
    first, *outputs, last = capsys.readouterr().out.splitlines()
    assert first == "a-clean.py  runs: b-show.py needs its files"
    assert outputs == [f"students/completed/{name}  new" for name in ("html/b-show.html", "notebook/b-show.ipynb")]
    assert last == "dry run: 2 would be built"
    assert main(["build", str(tmp_path), "--dry-run"]) == 0
    assert "runs:" not in capsys.readouterr().out  # it is made anyway
