"""A place for campaigns: marked processes, temporary files of their own, and the undisturbed build to compare with."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.faults import leftovers
from tests.faults.courses import SMALL, WHOLE, is_page, tree, write_course
from tests.stories.conftest import command


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.story)


@dataclass(frozen=True)
class Undisturbed:
    """What a build of so many *sources* during which nothing died left behind."""

    sources: int
    tree: dict[str, bytes]
    folders: list[str]

    @property
    def pages(self) -> int:
        return sum(map(is_page, self.tree))


whole_course = pytest.mark.parametrize("undisturbed", [WHOLE], indirect=True, ids=["whole"])
"""For campaigns; other tests take the small course."""


@pytest.fixture(scope="session", params=[SMALL], ids=["small"])
def undisturbed(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Undisturbed:
    home = tmp_path_factory.mktemp("undisturbed")
    root = write_course(home / "course", request.param)
    done = command("build", str(root), "--jobs", "2", cwd=root, XDG_STATE_HOME=str(home / "state"))
    assert done.returncode == 0, done.stderr
    made = tree(root)
    folders = [path.relative_to(root).as_posix() for path in (root / "output", *sorted((root / "output").rglob("*"))) if path.is_dir()]
    assert made and folders
    return Undisturbed(request.param, made, folders)


@dataclass(frozen=True)
class Place:
    """Where one campaign works; what it starts is known by *mark*."""

    home: Path
    mark: str
    temporary: Path
    #: Seconds, and other figures, by name; shown by ``pytest -rP``.
    figures: dict[str, list[float]] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        return {**os.environ, leftovers.MARK: self.mark, "TMPDIR": str(self.temporary), "XDG_STATE_HOME": str(self.home / "state")}

    def course(self, name: str, like: Undisturbed) -> Path:
        """A new copy of the course, with the empty folders of its outputs so that they can be watched from the start."""
        root = write_course(self.home / name / "course", like.sources)
        for folder in like.folders:
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "output" / ".gitignore").write_bytes(like.tree[".gitignore"])  # written only where the folder is new
        return root

    def note(self, name: str, value: float) -> None:
        self.figures.setdefault(name, []).append(value)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    mark = str(tmp_path)
    temporary = leftovers.temporary_folder(tmp_path)
    made = Place(tmp_path, mark, temporary)
    monkeypatch.setenv(leftovers.MARK, mark)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield made
    leftovers.end(mark)
    for name, values in made.figures.items():
        ordered = sorted(values)
        p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
        print(f"{name}: n {len(ordered)}, median {ordered[len(ordered) // 2]:.3f}, p95 {p95:.3f}, largest {ordered[-1]:.3f}")
