"""One folder of all that can be wrong with a file: each is one clear problem, and everything else is built."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stories.conftest import Built
from tests.stories.zoo import DECK, make_zoo

pytestmark = pytest.mark.story

Clx = Callable[..., Built]


def test_each_bad_file_is_one_clear_problem_and_everything_else_is_built(clx: Clx, tmp_path: Path) -> None:
    zoo = make_zoo(tmp_path / "zoo")
    assert len(zoo.broken) >= 45
    built = clx(zoo.root, "--no-execute")
    problems: dict[str, list[Any]] = defaultdict(list)
    for problem in built.report["problems"]:
        problems[problem["path"]].append(problem)
    states: dict[str, set[str]] = defaultdict(set)
    for output in built.report["outputs"]:
        states[output["source"]].add(output["state"])
    assert built.code == 1
    assert {path: [each["message"] for each in found] for path, found in problems.items() if path not in zoo.broken or len(found) > 1} == {}
    assert set(problems) == zoo.broken
    for path, (problem,) in problems.items():
        assert problem["severity"] == "error" and problem["class"] in ("bad-source", "tool-missing"), problem
        assert problem["message"] and problem["hint"] and not problem["traceback"], path
        assert states[path] == {"failed"}, path
    assert {path: found for path, found in states.items() if path not in zoo.broken} == {path: {"built"} for path in zoo.fine}
    assert not [path for path in Path.cwd().iterdir() if path.name in ("x.py", "x", "y", "y).py", "z")]


def test_marks_of_byte_order_and_ends_of_lines_change_no_output(clx: Clx, tmp_path: Path) -> None:
    pages = []
    for name, data in (("plain", DECK), ("bom", "\ufeff" + DECK), ("crlf", DECK.replace("\n", "\r\n")), ("cr", DECK.replace("\n", "\r"))):
        root = tmp_path / name / "course"
        root.mkdir(parents=True)
        (root / "a.py").write_bytes(data.encode())
        assert clx(root, "--no-execute", "--format", "html", "--format", "notebook", "--format", "code").code == 0
        shutil.rmtree(root / ".clx")
        pages.append({path.name: path.read_bytes() for path in (root / "output").rglob("a.*")})
    assert len(pages[0]) == 3 and all(page == pages[0] for page in pages)
