"""Publishing: accepted files into targets, and nothing of the user's touched."""

from __future__ import annotations

import json
import shutil
import stat
from hashlib import sha256
from pathlib import Path

import pytest

from clx_jupyter.errors import RequestError
from clx_jupyter.manifest import CLM_MANIFEST, MANIFEST, Entry, read_manifest
from clx_jupyter.publish import ASSET, Tree, check_target

PATH = "completed/html/a.html"


def entry(text: str, *, course: str = "", reason: str = "new", variant: str = "completed/html", source: str = "a.py") -> Entry:
    return Entry(hash_of(text), len(text.encode()), course, source, variant, "key", reason)


def hash_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def put(tree: Tree, text: str, path: str = PATH, accepted: str | None = None, **fields: str) -> str:
    content = tree.root.parent / "stage"
    content.write_text(text)
    return tree.put(path, content, entry(text, **fields), accepted)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "output"


def published(target: Path, text: str = "old", path: str = PATH) -> Tree:
    """A tree that published one file, as the next build finds it."""
    tree = Tree(target)
    assert put(tree, text, path) == "written"
    tree.save()
    return Tree(target)


def lay(target: Path, text: str, path: str = PATH) -> Path:
    file = target / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_a_file_is_published_whole_readable_and_recorded(target: Path) -> None:
    tree = published(target)
    assert (target / PATH).read_text() == "old"
    assert stat.S_IMODE((target / PATH).stat().st_mode) == 0o644
    assert read_manifest(target) == tree.entries == {PATH: entry("old")}
    assert sorted(file.name for file in target.rglob("*") if file.is_file()) == [MANIFEST, "a.html"]


def test_a_file_of_ours_is_replaced(target: Path) -> None:
    tree = published(target)
    assert put(tree, "new") == "written"
    assert (target / PATH).read_text() == "new"


def test_an_unchanged_file_is_not_touched_and_keeps_its_reason(target: Path) -> None:
    tree = published(target)
    before = (target / PATH).stat()
    assert put(tree, "old", reason="asked for") == "same"
    after = (target / PATH).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert tree.entries[PATH].reason == "new"


def test_a_file_that_somebody_changed_stays_and_is_reported(target: Path) -> None:
    tree = published(target)
    lay(target, "by hand")
    assert put(tree, "new") == "kept"
    assert (target / PATH).read_text() == "by hand"
    (problem,) = tree.problems
    assert (problem.category, problem.severity, problem.outputs) == ("collision", "warning", (f"output/{PATH}",))


def test_an_unknown_file_stays(target: Path) -> None:
    lay(target, "theirs")
    tree = Tree(target)
    assert put(tree, "new") == "kept"
    assert (target / PATH).read_text() == "theirs"
    assert tree.entries == {}


def test_an_unknown_file_is_taken_over_only_when_asked(target: Path) -> None:
    lay(target, "theirs")
    assert put(Tree(target, adopt=True), "new") == "written"


def test_a_file_that_holds_our_bytes_already_is_ours(target: Path) -> None:
    file = lay(target, "new")
    before = file.stat()
    tree = Tree(target)
    assert put(tree, "new") == "same"
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert PATH in tree.entries


def test_a_file_that_was_accepted_but_not_yet_recorded_is_ours(target: Path) -> None:
    lay(target, "from a build that was killed")
    assert put(Tree(target), "new", accepted=hash_of("from a build that was killed")) == "written"


def test_a_file_that_a_power_cut_emptied_is_replaced(target: Path) -> None:
    tree = published(target)
    lay(target, "")
    assert put(tree, "old") == "written"
    lay(target, "")
    assert put(Tree(target / "other"), "old") == "written"  # nothing was there
    assert put(Tree(target), "old", accepted=hash_of("old")) == "written"


def test_an_empty_file_of_somebody_stays(target: Path) -> None:
    lay(target, "")
    assert put(Tree(target), "new") == "kept"


@pytest.mark.parametrize("adopt", [False, True])
def test_nothing_is_written_through_links(target: Path, tmp_path: Path, adopt: bool) -> None:
    outside = lay(tmp_path / "outside", "theirs", "html/a.html")
    target.mkdir()
    (target / "completed").symlink_to(tmp_path / "outside")
    (target / "link.html").symlink_to(outside)
    (target / "dangling.html").symlink_to(tmp_path / "made")
    tree = Tree(target, adopt=adopt)
    assert [put(tree, "new", path) for path in (PATH, "link.html", "dangling.html", "../x.html")] == ["kept"] * 4
    assert outside.read_text() == "theirs"
    assert (target / "link.html").is_symlink()
    assert not (tmp_path / "made").exists()
    assert not (tmp_path / "x.html").exists()


def test_a_folder_that_becomes_a_link_while_a_build_goes_on_is_not_written_through(target: Path, tmp_path: Path) -> None:
    outside = lay(tmp_path / "outside", "old", "html/a.html")
    tree = published(target)
    (target / "completed").rename(tmp_path / "moved")
    (target / "completed").symlink_to(tmp_path / "outside")
    assert [put(tree, "new"), put(tree, "new", "completed/html/b.html")] == ["kept"] * 2
    assert not tree.remove(PATH)
    assert outside.read_text() == "old"
    assert [file.name for file in outside.parent.iterdir()] == ["a.html"]


@pytest.mark.parametrize("where", ["nowhere", "completed"])
def test_a_link_that_leads_nowhere_or_to_itself_is_no_folder(target: Path, where: str) -> None:
    target.mkdir()
    (target / "completed").symlink_to(target / where)
    tree = Tree(target)
    assert put(tree, "new") == "kept"
    assert len(tree.problems) == 1
    assert not (target / "nowhere").exists()


def test_a_link_within_the_target_is_followed(target: Path) -> None:
    (target / "real").mkdir(parents=True)
    (target / "completed").symlink_to("real")
    assert put(Tree(target), "new") == "written"
    assert (target / "real" / "html" / "a.html").read_text() == "new"


def test_a_folder_is_looked_at_once_for_all_that_lies_there_already(target: Path) -> None:
    tree = Tree(target)
    paths = [f"completed/html/{name}.html" for name in "abc"]
    assert [put(tree, "new", path) for path in paths] == ["written"] * 3
    assert [put(tree, "new", path) for path in paths] == ["same"] * 3
    assert tree._sound == {"completed", "completed/html"}


def test_a_folder_or_file_in_the_way_stays(target: Path) -> None:
    (target / PATH).mkdir(parents=True)
    lay(target, "theirs", "notes")
    tree = Tree(target)
    assert [put(tree, "new"), put(tree, "new", "notes/a.html")] == ["kept", "kept"]
    assert (target / PATH).is_dir()
    assert (target / "notes").read_text() == "theirs"


def test_pruning_removes_what_left_the_course_and_empty_folders(target: Path) -> None:
    tree = published(target)
    put(tree, "x", "stays.html")
    assert tree.prune(lambda path: path == "stays.html") == [PATH]
    tree.save()
    assert [file.name for file in target.iterdir() if file.name != MANIFEST] == ["stays.html"]
    assert list(read_manifest(target)) == ["stays.html"]


@pytest.mark.parametrize("taken", [PATH, PATH.rpartition("/")[0]])
def test_pruning_removes_the_empty_folder_of_a_file_that_somebody_deleted(target: Path, taken: str) -> None:
    tree = published(target)
    put(tree, "x", "stays.html")
    shutil.rmtree(target / taken) if (target / taken).is_dir() else (target / taken).unlink()
    assert tree.prune(lambda path: path == "stays.html") == []
    tree.save()
    assert [file.name for file in target.iterdir() if file.name != MANIFEST] == ["stays.html"]
    assert list(read_manifest(target)) == ["stays.html"]


def test_pruning_leaves_what_is_not_ours(target: Path) -> None:
    other = of("other.xml", target)
    put(other, "x", "of/another/course.html", course="other.xml")
    other.save()
    tree = published(target)
    put(tree, "x", "changed.html")
    lay(target, "by hand", "changed.html")
    lay(target, "theirs", "completed/html/theirs.txt")
    lay(target, "ref", ".git/HEAD")
    assert tree.prune(lambda _: False) == [PATH]
    tree.save()
    left = sorted(file.relative_to(target).as_posix() for file in target.rglob("*") if file.is_file() and file.name != MANIFEST)
    assert left == [".git/HEAD", "changed.html", "completed/html/theirs.txt", "of/another/course.html"]
    assert [problem.outputs for problem in tree.problems] == [("output/changed.html",)]
    assert list(tree.entries) == ["of/another/course.html"]


def test_nothing_goes_into_a_repository_s_own_folder_or_over_a_manifest(target: Path) -> None:
    lay(target, "ref", ".git/HEAD")
    lay(target, "theirs", CLM_MANIFEST)
    tree = Tree(target, adopt=True)
    assert [put(tree, "new", path) for path in (".git/HEAD", "course-en/.GIT/config", MANIFEST, CLM_MANIFEST)] == ["kept"] * 4
    assert sorted(file.relative_to(target).as_posix() for file in target.rglob("*") if file.is_file()) == [CLM_MANIFEST, ".git/HEAD"]
    assert (target / ".git/HEAD").read_text() == "ref" and len(tree.problems) == 4


# --- several courses in one target ---------------------------------------------


def of(course: str, target: Path, *courses: str) -> Tree:
    """The target as a build of *course* finds it while *courses* exist."""
    return Tree(target, names=[course], alive=lambda name: name in courses)


def test_what_another_course_published_stays_and_is_an_error_that_names_both(target: Path) -> None:
    tree = of("a.xml", target, "a.xml", "b.xml")
    put(tree, "of a", course="a.xml")
    tree.save()
    tree = of("b.xml", target, "a.xml", "b.xml")
    assert [put(tree, text, course="b.xml") for text in ("of b", "of a")] == ["kept", "kept"]  # rendered for another course, even if equal
    assert tree.others(PATH) == ["a.xml"] and tree.prune(lambda _: False) == []
    assert (target / PATH).read_text() == "of a"
    problem = tree.problems[0]
    assert (problem.category, problem.severity, problem.path) == ("collision", "error", "a.py")
    assert "a.xml" in problem.message and "b.xml" in problem.message


def test_what_a_course_file_published_that_is_gone_is_taken_over(target: Path) -> None:
    tree = of("old.xml", target, "old.xml")
    put(tree, "old", course="old.xml")
    tree.save()
    tree = of("new.xml", target, "new.xml")
    assert tree.others(PATH) == [] and put(tree, "new", course="new.xml") == "written"
    assert tree.entries[PATH].courses == ("new.xml",)


def test_a_course_keeps_its_files_under_a_new_name(target: Path) -> None:
    tree = of("", target)
    assert [put(tree, name, name) for name in ("solutions.html", "stays.html")] == ["written"] * 2
    tree.save()
    tree = Tree(target, names=["course.yaml", ""])
    assert put(tree, "new", "stays.html") == "written" and tree.entries["stays.html"].course == "course.yaml"
    assert tree.prune(lambda path: path == "stays.html") == ["solutions.html"]


def test_a_copied_file_may_be_of_several_courses_and_goes_with_the_last(target: Path) -> None:
    for course in ("a.xml", "b.xml", "a.xml"):
        tree = of(course, target, "a.xml", "b.xml")
        assert put(tree, "data", course=course, variant=ASSET) in ("written", "same")
        tree.save()
    assert read_manifest(target)[PATH].courses == ("a.xml", "b.xml")
    tree = of("a.xml", target, "a.xml", "b.xml")
    assert put(tree, "other data", course="a.xml", variant=ASSET) == "written"  # the same file of the course, changed
    assert put(tree, "its own", course="a.xml", variant=ASSET, source="other.csv") == "kept"
    assert tree.prune(lambda _: False) == [] and (target / PATH).read_text() == "other data"
    tree.save()
    assert read_manifest(target)[PATH].courses == ("b.xml",)
    assert of("b.xml", target, "a.xml", "b.xml").prune(lambda _: False) == [PATH]


def test_two_builds_at_once_forget_nothing_of_each_other(target: Path) -> None:
    gone = published(target, path="gone.html")
    other = of("b.xml", target, "a.xml", "b.xml")
    put(other, "b", "b.html", course="b.xml")
    assert gone.remove("gone.html")
    put(gone, "a", "a.html")
    gone.save()
    other.save()
    assert sorted(read_manifest(target)) == ["a.html", "b.html"]


# --- what CLM left behind ---------------------------------------------------------


def clm(target: Path, spec: str, **files: str) -> None:
    rows = [{"path": path, "content_hash": f"sha256:{hash_of(text)}"} for path, text in files.items()]
    lay(target, json.dumps({"version": 1, "spec": spec, "target": "x", "files": rows}), CLM_MANIFEST)


def test_outputs_of_clm_are_ours_where_they_are_as_it_wrote_them(target: Path) -> None:
    for name in ("kept", "replaced", "gone", "changed"):
        lay(target, name, name)
    lay(target, "theirs", "unknown")
    clm(target, "c.xml", kept="kept", replaced="replaced", gone="gone", changed="as it was", lost="x", **{"../outside": "x"})
    tree = of("specs/c.xml", target, "specs/c.xml")
    assert sorted(tree.entries) == ["changed", "gone", "kept", "replaced"] and tree.occupied(["kept", "new"]) is None
    assert [put(tree, text, path, course="specs/c.xml") for path, text in (("kept", "kept"), ("replaced", "new"), ("changed", "new"))] == [
        "same", "written", "kept",
    ]  # fmt: skip
    assert tree.prune(lambda path: path in ("kept", "replaced", "changed")) == ["gone"]
    tree.save()
    assert (target / "changed").read_text() == "changed" and (target / "unknown").read_text() == "theirs"
    assert [problem.outputs for problem in tree.problems] == [("output/changed",)]
    lay(target, "kept by CLM", "kept")  # it built once more
    clm(target, "c.xml", kept="kept by CLM")
    assert put(of("specs/c.xml", target, "specs/c.xml"), "new", "kept", course="specs/c.xml") == "written"


@pytest.mark.parametrize("spec", ["other.xml", None])
def test_outputs_of_another_course_of_clm_or_none_are_not_ours(target: Path, spec: str | None) -> None:
    lay(target, "theirs")
    if spec:
        clm(target, spec, **{PATH: "theirs"})
    tree = of("c.xml", target, "c.xml")
    assert tree.entries == {} and tree.occupied([PATH]) == PATH


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"spec": "c.xml"}', '{"spec": "c.xml", "files": [1]}', '{"spec": "c.xml", "files": 1}'])
def test_a_manifest_of_clm_that_cannot_be_read_says_nothing(target: Path, text: str) -> None:
    lay(target, text, CLM_MANIFEST)
    assert of("c.xml", target).entries == {}


def test_pruning_does_not_follow_links(target: Path, tmp_path: Path) -> None:
    tree = published(target)
    (target / "completed").rename(tmp_path / "moved")
    (target / "completed").symlink_to(tmp_path / "moved")
    assert tree.prune(lambda _: False) == []
    assert (tmp_path / "moved" / "html" / "a.html").exists()


def test_what_must_go_goes_although_the_build_that_made_it_was_killed_before_it_noted_it(target: Path) -> None:
    file = lay(target, "private")
    tree = Tree(target)
    assert not tree.remove(PATH)
    assert not tree.remove(PATH, hash_of("other"))
    assert tree.remove(PATH, hash_of("private"))
    assert not file.exists()


def test_what_is_gone_already_is_forgotten(target: Path) -> None:
    tree = published(target)
    (target / PATH).unlink()
    assert not tree.remove(PATH)
    assert (tree.entries, tree.problems) == ({}, [])


def test_where_nothing_was_published_there_is_no_manifest(target: Path) -> None:
    Tree(target).save()
    assert not target.exists()


def test_planned_places_that_are_taken_are_found_only_without_a_manifest(target: Path) -> None:
    assert Tree(target).occupied([PATH]) is None
    lay(target, "theirs")
    assert Tree(target).occupied(["other", PATH]) == PATH
    assert Tree(target).occupied(["other"]) is None
    assert published(target, "x", "b.html").occupied([PATH]) is None


REFUSED = [".", "slides", "..", "../..", "output/..", "link"]


@pytest.mark.parametrize("path", REFUSED)
def test_targets_whose_cleaning_could_reach_the_users_files_are_refused(tmp_path: Path, path: str) -> None:
    root = tmp_path / "a" / "course"
    (root / "slides").mkdir(parents=True)
    (root / "link").symlink_to(root)
    with pytest.raises(RequestError, match="cannot be a target"):
        check_target(root / path, root)


def test_a_home_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(RequestError, match="a home folder"):
        check_target(tmp_path / "home", tmp_path / "course")


@pytest.mark.parametrize("path", ["output/students", "../elsewhere"])
def test_other_targets_are_fine(tmp_path: Path, path: str) -> None:
    check_target(tmp_path / "course" / path, tmp_path / "course")
