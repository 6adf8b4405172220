"""What goes into the archive of a target, and whom it is for."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from clx_jupyter.archives import Archive, archive_of, packed, strangers, target_of
from clx_jupyter.audience import audience
from clx_jupyter.course.model import Course, Target
from clx_jupyter.errors import ClxError, MissingError, RequestError
from clx_jupyter.kinds import KINDS, Kind
from clx_jupyter.manifest import MANIFEST, Entry, course_name, read_manifest, write_manifest
from tests.stories.conftest import write

KEY = "code-along/html"


def course_of(root: Path, title: str = "A course", file: str = "", own: tuple[Kind, ...] = (), **targets: tuple[str, ...]) -> Course:
    made = tuple(Target(name, root / "output" / name, kinds) for name, kinds in targets.items())
    kinds = KINDS | {kind.id: kind for kind in own}
    return Course(root, file, {"": title}, (), (), made, kinds=kinds)


def published(target: Path, files: dict[str, bytes], variant: str = KEY, course: str = "") -> None:
    """Files in a target, as a build leaves them."""
    write(target, dict(files))
    entries = {
        path: Entry(hashlib.sha256(data).hexdigest(), len(data), course, "a.py", variant, "k", "new") for path, data in files.items()
    }
    write_manifest(target, read_manifest(target) | entries)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return course_of(tmp_path, students=("code-along",))


@pytest.fixture
def target(course: Course) -> Target:
    return course.targets[0]


def content(archive: Archive) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(b"".join(packed(archive)))) as opened:
        assert opened.testzip() is None
        return {info.filename: opened.read(info) for info in opened.infolist()}


def test_an_archive_holds_what_the_manifest_says_in_one_folder(course: Course, target: Target) -> None:
    published(target.path, {"b.html": b"B", "code-along/Übung 1.html": b"A" * 3_000_000, "empty.txt": b""})
    write(target.path, {"mine.txt": "x", "code-along/also mine.html": "y", ".hidden": "z"})
    archive = archive_of(course, target)
    assert archive.name == "A-course-students.zip"
    assert content(archive) == {
        "A-course-students/b.html": b"B",
        "A-course-students/code-along/Übung 1.html": b"A" * 3_000_000,
        "A-course-students/empty.txt": b"",
    }
    assert strangers(target.path) == ["code-along/also mine.html", "mine.txt"]


def test_the_same_files_are_the_same_bytes_whatever_their_times_and_modes(course: Course, target: Target) -> None:
    published(target.path, {"b.html": b"B", "a.html": b"A"})
    first = b"".join(packed(archive_of(course, target)))
    os.utime(target.path / "a.html", (1, 1))
    (target.path / "b.html").chmod(0o600)
    assert b"".join(packed(archive_of(course, target))) == first
    with zipfile.ZipFile(io.BytesIO(first)) as opened:
        assert opened.namelist() == ["A-course-students/a.html", "A-course-students/b.html"]
        assert {(info.date_time[0], info.external_attr >> 16) for info in opened.infolist()} == {(1980, 0o100644)}


def test_a_name_outside_ascii_is_marked_as_utf_8(course: Course, target: Target) -> None:
    published(target.path, {"Übung.html": b"A"})
    with zipfile.ZipFile(io.BytesIO(b"".join(packed(archive_of(course, target))))) as opened:
        assert opened.infolist()[0].flag_bits & 0x800


def test_it_comes_in_pieces(course: Course, target: Target) -> None:
    noise = os.urandom(9 << 20)
    published(target.path, {"big.bin": noise})
    pieces = list(packed(archive_of(course, target)))
    assert max(map(len, pieces)) < 3 << 20
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as opened:
        assert opened.read("A-course-students/big.bin") == noise


@pytest.mark.parametrize(
    "path", ["../outside.txt", "/etc/passwd", "a/../../outside.txt", "link.txt", "folder/inside.txt", "..", "", "a\x00b"]
)
def test_a_manifest_leads_nowhere_else(path: str, course: Course, target: Target, tmp_path: Path) -> None:
    outside = write(tmp_path / "elsewhere", {"inside.txt": "CANARY"})
    (target.path.parent).mkdir(parents=True)
    (target.path.parent / "outside.txt").write_text("CANARY")
    published(target.path, {"good.html": b"good"})
    (target.path / "link.txt").symlink_to(outside / "inside.txt")
    (target.path / "folder").symlink_to(outside)
    entries = read_manifest(target.path)
    write_manifest(target.path, entries | {path: replace(entries["good.html"], source="b.py")})
    archive = archive_of(course, target)
    assert content(archive) == {"A-course-students/good.html": b"good"}
    assert archive.gone == (path,)


def test_only_files_of_this_course_go_in(tmp_path: Path) -> None:
    mine, other = course_of(tmp_path, file="a.xml", t=("completed",)), course_of(tmp_path, file="b.xml", t=("completed",))
    published(mine.targets[0].path, {"a.html": b"a"}, course="a.xml")
    published(mine.targets[0].path, {"b.html": b"b"}, course="b.xml")
    entries = read_manifest(mine.targets[0].path)
    both = {"both.png": replace(entries["a.html"], course="b.xml", also=("a.xml",))}
    write(mine.targets[0].path, {"both.png": "a"})
    write_manifest(mine.targets[0].path, entries | both)
    assert list(archive_of(mine, mine.targets[0]).files) == ["a.html", "both.png"]
    assert list(archive_of(other, other.targets[0]).files) == ["b.html", "both.png"]


def test_a_folder_that_got_a_course_file_keeps_its_files_and_a_target_elsewhere_too(tmp_path: Path) -> None:
    course = course_of(tmp_path / "root", file="course.yaml", near=("completed",))
    far = Target("far", tmp_path / "far", ("completed",))
    published(course.targets[0].path, {"a.html": b"a"}, course="")
    published(far.path, {"b.html": b"b"}, course=course_name("course.yaml", course.root, far.path))
    assert list(archive_of(course, course.targets[0]).files) == ["a.html"]
    assert list(archive_of(replace(course, targets=(far,)), far).files) == ["b.html"]


def test_what_changed_since_it_was_built_goes_in_and_is_named(course: Course, target: Target) -> None:
    published(target.path, {"a.html": b"A", "b.html": b"B", "c.html": b"C"})
    archive, odd = archive_of(course, target), list[str]()
    (target.path / "a.html").write_bytes(b"edited")
    (target.path / "b.html").unlink()
    with zipfile.ZipFile(io.BytesIO(b"".join(packed(archive, odd.append)))) as opened:
        assert {name: opened.read(name) for name in opened.namelist()} == {
            "A-course-students/a.html": b"edited",
            "A-course-students/c.html": b"C",
        }
    assert odd == ["a.html", "b.html"]
    assert archive_of(course, target).gone == ("b.html",)


def test_nothing_built_a_broken_manifest_and_an_unknown_target_are_told(course: Course, target: Target) -> None:
    with pytest.raises(MissingError, match="nothing is built in the target students yet"):
        archive_of(course, target)
    with pytest.raises(RequestError, match="no target 'staff'"):
        target_of(course, "staff")
    write(target.path, {MANIFEST: "{"})
    with pytest.raises(ClxError, match="is damaged"):
        archive_of(course, target)


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("Python für C# / C++", "Python-für-CSharp-C++-students"), ("../..", "course-students"), ("", "course-students"),
        ("<script>alert(1)</script>", "script_alert-1-script-students"), ("x" * 300, "x" * 80 + "-students"), ("a\nb\x00c", "a-b-c-students"),
    ],
)  # fmt: skip
def test_a_title_makes_a_safe_name(title: str, stem: str, tmp_path: Path) -> None:
    course = course_of(tmp_path, title, students=("code-along",))
    published(course.targets[0].path, {"a.html": b"A"})
    archive = archive_of(course, course.targets[0])
    assert archive.stem == stem
    assert all(name.startswith(f"{stem}/") for name in content(archive))


@pytest.mark.parametrize(
    ("targets", "level", "why"),
    [
        ({"t": ("code-along",)}, "students", "Code-along"),
        ({"t": ("completed",)}, "students", "Solution"),
        ({"t": ("completed",), "students": ("student",)}, "solutions", "Solution"),
        ({"t": ("code-along", "completed"), "other": ("student",)}, "students", "Code-along, Solution"),
        ({"t": ("speaker",)}, "private", "Speaker"),
        ({"t": ("completed", "speaker"), "students": ("code-along",)}, "private", "Speaker; Solution beside it could be handed out"),
        ({"t": ("trainer", "own")}, "private", "Trainer, own"),
    ],
)
def test_whom_a_target_is_for(targets: dict[str, tuple[str, ...]], level: str, why: str, tmp_path: Path) -> None:
    course = course_of(tmp_path, own=(replace(KINDS["completed"], id="own", label="own", public=False),), **targets)
    found = audience(course, targets["t"])
    assert (found.level, found.why) == (level, why)


def test_a_kind_that_left_the_course_makes_an_archive_private(course: Course, target: Target) -> None:
    published(target.path, {"a.html": b"A"})
    assert archive_of(course, target).audience.level == "students"
    published(target.path, {"b.html": b"B"}, variant="speaker/en/html")
    assert (archive_of(course, target).name, archive_of(course, target).audience.level) == ("A-course-students-PRIVATE.zip", "private")
    published(target.path, {"b.html": b"B"}, variant="gone/html")
    assert archive_of(course, target).audience.why == "gone; Code-along beside it could be handed out"
