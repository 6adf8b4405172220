"""Publishing touches nothing of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from clx_jupyter.errors import RequestError
from clx_jupyter.fingerprint import file_digest
from clx_jupyter.manifest import Entry
from clx_jupyter.publish import Tree, check_target


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    (tmp_path / "out").mkdir()
    return Tree(tmp_path / "out")


def put(tree: Tree, name: str, text: str, accepted: str | None = None) -> str:
    content = tree.root.parent / "content"
    content.write_text(text)
    entry = Entry(file_digest(content), len(text), "", "a.ipynb", "completed/html", "k", "new")
    return tree.put(name, content, entry, accepted)


def test_a_file_is_written_once_and_then_left_alone(tree: Tree) -> None:
    assert put(tree, "a/b.html", "one") == "written"
    before = (tree.root / "a/b.html").stat()
    assert put(tree, "a/b.html", "one") == "same"
    after = (tree.root / "a/b.html").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert put(tree, "a/b.html", "two") == "written"
    assert (tree.root / "a/b.html").read_text() == "two"


@pytest.mark.parametrize("ours_before", [True, False])
def test_a_file_that_somebody_else_wrote_stays(tree: Tree, ours_before: bool) -> None:
    if ours_before:
        put(tree, "a.html", "ours")
    (tree.root / "a.html").write_text("theirs")
    assert put(tree, "a.html", "new") == "kept"
    assert (tree.root / "a.html").read_text() == "theirs"
    assert [problem.category for problem in tree.problems] == ["collision"]
    assert tree.prune("", lambda name, entry: False) == [] and (tree.root / "a.html").exists()


def test_a_file_that_holds_what_would_be_written_is_ours(tree: Tree) -> None:
    (tree.root / "a.html").write_text("same")
    assert put(tree, "a.html", "same") == "same"
    assert put(tree, "a.html", "next") == "written"


def test_what_was_accepted_but_not_yet_in_the_manifest_is_ours(tree: Tree) -> None:
    (tree.root / "a.html").write_text("accepted")
    assert put(tree, "a.html", "next", accepted=file_digest(tree.root / "a.html")) == "written"


def test_a_file_that_a_power_cut_emptied_is_written_again(tree: Tree) -> None:
    put(tree, "a.html", "text")
    (tree.root / "a.html").write_text("")
    assert put(tree, "a.html", "text") == "written"


def test_nothing_is_written_through_a_link_out_of_the_target(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tree.root / "link").symlink_to(tmp_path / "elsewhere")
    assert put(tree, "link/a.html", "text") == "kept"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_pruning_removes_ours_and_the_empty_folders_only(tree: Tree) -> None:
    put(tree, "x/old.html", "old")
    put(tree, "y/stays.html", "stays")
    (tree.root / "y/mine.txt").write_text("mine")
    assert tree.prune("", lambda name, entry: "stays" in name) == ["x/old.html"]
    assert sorted(path.relative_to(tree.root).as_posix() for path in tree.root.rglob("*")) == ["y", "y/mine.txt", "y/stays.html"]


def test_other_courses_entries_are_never_pruned(tree: Tree) -> None:
    put(tree, "a.html", "text")
    assert tree.prune("other.xml", lambda name, entry: False) == []


def test_an_unchanged_manifest_keeps_its_time(tree: Tree) -> None:
    put(tree, "a.html", "text")
    tree.save()
    before = (tree.root / ".clx-manifest.json").stat()
    again = Tree(tree.root)
    put(again, "a.html", "text")
    again.save()
    after = (tree.root / ".clx-manifest.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_dangerous_targets_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "a/b"
    root.mkdir(parents=True)
    for target in (root, root.parent, tmp_path, root / "slides", Path.home()):
        with pytest.raises(RequestError):
            check_target(target, root)
    check_target(root / "output", root)
