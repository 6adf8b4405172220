"""Whatever people do to a course and to its outputs, in whatever order: nothing of theirs is lost, nothing of ours is left over."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from clx_jupyter.journal import remove_empty
from clx_jupyter.manifest import MANIFEST, read_manifest
from clx_jupyter.state import FOLDER
from tests.faults.kept import Kept, built
from tests.faults.publishing import killed_at, shim, strays, tree

NAMES = [f"{folder}/{name}.py" for folder in ("a", "b") for name in ("one", "two", "three")]
PICTURES = ["a/img/dot.svg", "a/img/line.svg", "b/img/dot.svg"]
WORDS = ["red", "tan", "blue", "green", "a longer word"]
THEIRS = "somebody's own words"


class Editing(RuleBasedStateMachine):
    """A course in ``root`` and two targets; ``theirs`` are the files among the outputs that belong to people."""

    runner: ClassVar[asyncio.Runner]
    kept: ClassVar[Kept]
    folder: ClassVar[Path]
    shim: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(dir=self.folder))
        self.root, self.theirs = self.place / "course", dict[Path, bytes]()
        self.kinds, self.languages, self.second = ["code-along"], ["en"], True
        self.built = False

    def teardown(self) -> None:
        shutil.rmtree(self.place)

    # --- what people do -----------------------------------------------------

    @initialize(names=st.sets(st.sampled_from(NAMES), min_size=1))
    def begin(self, names: set[str]) -> None:
        self.root.mkdir()
        for path in PICTURES:
            self._write(path, f'<svg xmlns="http://www.w3.org/2000/svg"><title>{path}</title></svg>')
        for name in names:
            self._write(name, self._text(name, "first", "1"))
        self._course_file()

    def _write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.built = False

    @staticmethod
    def _text(name: str, words: str, code: str) -> str:
        picture = "img/dot.svg" if name.endswith(("one.py", "two.py")) else "img/line.svg"
        return f"# %% [markdown]\n# # {name}\n#\n# {words} ![dot]({picture})\n\n# %%\nprint({code!r}, 'data.txt')\n"

    def _course_file(self) -> None:
        second = f"  staff: {{path: output/staff, kinds: [{', '.join(self.kinds)}, speaker], formats: [code]}}\n" if self.second else ""
        languages = f"languages: [{', '.join(self.languages)}]\n"
        first = f"  students: {{path: output/students, kinds: [{', '.join(self.kinds)}], formats: [html, notebook]}}\n"
        self._write("course.yaml", f"version: 1\ntitle: Course\n{languages}targets:\n{first}{second}")

    def _sources(self) -> list[str]:
        return [name for name in NAMES if (self.root / name).exists()]

    @rule(name=st.sampled_from(NAMES), words=st.sampled_from(WORDS))
    def add_or_change_words(self, name: str, words: str) -> None:
        self._write(name, self._text(name, words, "1"))

    @rule(name=st.sampled_from(NAMES), code=st.sampled_from(WORDS))
    def add_or_change_code(self, name: str, code: str) -> None:
        self._write(name, self._text(name, "first", code))

    @rule(old=st.sampled_from(NAMES), new=st.sampled_from(NAMES))
    def rename(self, old: str, new: str) -> None:
        if (self.root / old).exists():
            (self.root / new).parent.mkdir(parents=True, exist_ok=True)
            (self.root / old).replace(self.root / new)
            self.built = False

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name: str) -> None:
        if len(self._sources()) > 1:
            (self.root / name).unlink(missing_ok=True)
            self.built = False

    @rule(path=st.sampled_from(PICTURES), words=st.sampled_from(WORDS), gone=st.booleans())
    def picture(self, path: str, words: str, gone: bool) -> None:
        if gone:
            (self.root / path).unlink(missing_ok=True)
            self.built = False
        else:
            self._write(path, f'<svg xmlns="http://www.w3.org/2000/svg"><title>{words}</title></svg>')

    @rule(words=st.sampled_from(WORDS), folder=st.sampled_from("ab"))
    def data(self, words: str, folder: str) -> None:
        self._write(f"{folder}/data.txt", words)

    @rule(kinds=st.sampled_from([["code-along"], ["completed"], ["code-along", "completed"]]), second=st.booleans())
    def choose_kinds_and_targets(self, kinds: list[str], second: bool) -> None:
        self.kinds, self.second = kinds, second
        self._course_file()

    @rule(languages=st.sampled_from([["en"], ["de"], ["en", "de"]]))
    def choose_languages(self, languages: list[str]) -> None:
        self.languages = languages
        self._course_file()

    # --- what people do among the outputs -----------------------------------

    def _outputs(self) -> list[Path]:
        """Files of ours that lie there, by what the manifests say."""
        targets = [self.root / "output" / name for name in ("students", "staff")]
        return [target / path for target in targets for path in read_manifest(target) if (target / path).is_file()]

    @rule(name=st.sampled_from(["mine.txt", "code-along/en/html/a/mine.html", "code-along/en/html/b/three.html", "staff/note.md"]))
    def put_a_file_among_the_outputs(self, name: str) -> None:
        file = self.root / "output" / ("students" if not name.startswith("staff") else "") / name
        if not file.exists() and not any(parent.is_file() for parent in file.parents):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(THEIRS)
            self.theirs[file] = THEIRS.encode()
            self.built = False

    @rule(number=st.integers(0, 1000))
    def change_an_output(self, number: int) -> None:
        if found := self._outputs():
            file = found[number % len(found)]
            file.write_bytes(file.read_bytes() + f"\n{THEIRS} {number}".encode())
            self.theirs[file] = file.read_bytes()
            self.built = False

    @rule(number=st.integers(0, 1000))
    def delete_an_output(self, number: int) -> None:
        if found := self._outputs():
            file = found[number % len(found)]
            self.theirs.pop(file, None)
            file.unlink()
            self.built = False

    @rule()
    def take_their_files_away(self) -> None:
        for file in self.theirs:
            file.unlink()
            remove_empty(file.parent, self.root)
        self.theirs, self.built = {}, False

    # --- builds -------------------------------------------------------------

    def _build(self, root: Path, **asked: Any) -> dict[str, Any]:
        return self.runner.run(built(root, self.kept, **asked))

    @rule(force=st.integers(0, 9))
    def build(self, force: int) -> None:
        if self._succeeds(force=force == 0):
            self.built = True
            self._compare()

    def _succeeds(self, **asked: Any) -> bool:
        """Build; a build that would meet somebody's file in a folder that it never wrote to is refused."""
        report = self._build(self.root, **asked)
        if report["status"] == "invalid":
            (problem,) = report["problems"]
            assert self.theirs and "no record says that it was built from here" in problem["message"], report["problems"]
            return False
        assert report["status"] == "succeeded", report["problems"]
        kept = {row["path"] for row in (*report["outputs"], *report["assets"], *report["pages"]) if row["state"] == "stale"}
        told = {path for problem in report["problems"] for path in problem["outputs"] if problem["class"] == "collision"}
        assert kept <= {path.relative_to(self.root / "output").as_posix() for path in self.theirs}
        assert kept <= told or not asked.get("force"), "what stands in the way of an output is told"
        return True

    @rule(number=st.integers(0, 5))
    def build_one(self, number: int) -> None:
        sources = self._sources()
        self._succeeds(sources=(sources[number % len(sources)],))

    @rule()
    def build_what_failed(self) -> None:
        self._build(self.root, failed=True)

    @precondition(lambda self: not self.built)
    @rule(number=st.integers(1, 250), now=st.integers(0, 3))
    def a_build_is_killed(self, number: int, now: int) -> None:
        """By SIGKILL, as it changes something below the targets; not often, for it takes long."""
        if now == 0:
            killed_at(self.shim, self.root, number)

    # --- what must be so ----------------------------------------------------

    @invariant()
    def nothing_of_theirs_is_lost(self) -> None:
        for file, content in self.theirs.items():
            assert file.read_bytes() == content, f"{file} is not as its owner left it"

    def _compare(self) -> None:
        """After a whole build: manifests and disk say the same, and a build in a fresh folder gives the same."""
        output = self.root / "output"
        assert strays(output) == []
        for target in (output / "students", output / "staff"):
            listed, there = read_manifest(target), tree(target, but=(MANIFEST,)) if target.exists() else {}
            mine = {path for path in there if target / path not in self.theirs}
            assert mine == {path for path in listed if target / path not in self.theirs}, "manifest and disk differ"
        fresh = self.place / "fresh"
        shutil.copytree(self.root, fresh, ignore=shutil.ignore_patterns("output", FOLDER))
        try:
            self._build(fresh)
            wanted, found = tree(fresh / "output", but=(MANIFEST, ".gitignore")), tree(output, but=(MANIFEST, ".gitignore"))
            theirs = {file.relative_to(output).as_posix() for file in self.theirs}
            # Start pages say of somebody's file in the place of an output that it is an earlier version.
            theirs |= {path for path in wanted if path.endswith("index.html")} if theirs else set()
            assert {path: wanted[path] for path in wanted if path not in theirs} == {
                path: found[path] for path in found if path not in theirs
            }
        finally:
            shutil.rmtree(fresh)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[type[Editing]]:
    with asyncio.Runner() as runner:
        Editing.runner, Editing.folder, Editing.kept = runner, tmp_path, Kept(tmp_path / "worker.log")
        Editing.shim = shim(tmp_path)
        yield Editing
        runner.run(Editing.kept.end())


def _settings(count: int, steps: int) -> settings:
    return settings(
        max_examples=count, stateful_step_count=steps, deadline=None, derandomize=True, database=None, print_blob=False,
        suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink) if count > 20 else (Phase.generate,),
    )  # fmt: skip


@pytest.mark.story
def test_ten_sequences_of_edits_lose_nothing_and_leave_nothing(machine: type[Editing]) -> None:
    run_state_machine_as_test(machine, settings=_settings(10, 12))


@pytest.mark.long
def test_two_hundred_sequences_of_edits_lose_nothing_and_leave_nothing(machine: type[Editing]) -> None:
    run_state_machine_as_test(machine, settings=_settings(200, 25))
