"""A target's record of what was published there."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from clx_jupyter.errors import ClxError
from clx_jupyter.manifest import MANIFEST, Entry, course_name, parted, read_manifest, write_atomically, write_manifest

ENTRY = Entry("0" * 64, 3, "course.xml", "slides/ä.py", "completed/de/html", "key", "new")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    entries = {"b/ü.html": ENTRY, "a.html": ENTRY}
    write_manifest(tmp_path, entries)
    assert read_manifest(tmp_path) == entries


def test_the_order_of_entries_does_not_show_in_the_file(tmp_path: Path) -> None:
    write_manifest(tmp_path / "x", {"b": ENTRY, "a": ENTRY})
    write_manifest(tmp_path / "y", {"a": ENTRY, "b": ENTRY})
    assert (tmp_path / "x" / MANIFEST).read_bytes() == (tmp_path / "y" / MANIFEST).read_bytes()


def test_no_manifest_means_no_entries(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) == read_manifest(tmp_path / "nothing") == {}


def test_an_unchanged_manifest_is_not_touched(tmp_path: Path) -> None:
    write_manifest(tmp_path, {"a": ENTRY})
    before = (tmp_path / MANIFEST).stat()
    write_manifest(tmp_path, {"a": ENTRY})
    after = (tmp_path / MANIFEST).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_course_is_called_by_its_file_and_elsewhere_with_a_mark_of_its_root(tmp_path: Path) -> None:
    root = tmp_path / "a"
    assert course_name("c.xml", root, root / "out") == "c.xml" and course_name("", root, root / "out") == ""
    outside = [course_name("c.xml", each, tmp_path / "out") for each in (root, tmp_path / "b")]
    assert len(set(outside)) == 2 and [parted(name)[0] for name in outside] == ["c.xml", "c.xml"]
    assert parted("c@home.xml") == ("c@home.xml", "") and parted(course_name("", root, tmp_path))[0] == ""


DAMAGED = ["", "{", "[]", "null", '{"version": 1}', '{"version": 1, "files": []}', '{"version": 1, "files": {"a": {"sha256": "x"}}}']


@pytest.mark.parametrize("text", DAMAGED)
def test_nothing_is_published_over_a_damaged_manifest(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(ClxError, match="damaged"):
        read_manifest(tmp_path)


def test_a_newer_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(json.dumps({"version": 2, "files": {}}))
    with pytest.raises(ClxError, match="newer version"):
        read_manifest(tmp_path)


def test_a_file_is_replaced_whole_and_with_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "file"
    write_atomically(file, b"one", mode=0o600)
    write_atomically(file, b"two", mode=0o600, sync=True)
    assert file.read_bytes() == b"two"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "inside").touch()
    with pytest.raises(OSError, match=r".+"):
        write_atomically(tmp_path / "file", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
