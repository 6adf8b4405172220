"""Files by hash that a worker keeps from job to job."""

from __future__ import annotations

from pathlib import Path

from clx_jupyter_workers.blobs import Blobs, look


def give(blobs: Blobs, folder: Path, name: str, size: int) -> None:
    (folder / "given").write_bytes(b"x" * size)
    blobs.give(name, folder / "given")


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs", limit=100)
    for name in ("one", "two", "three"):
        give(blobs, tmp_path, name, 40)
    blobs.take("one", tmp_path / "used")
    blobs.give("one", tmp_path / "used")
    blobs.shrink()
    assert [name for name in ("one", "two", "three") if name in blobs] == ["one", "three"]
    assert sorted(path.name for path in (tmp_path / "blobs").iterdir()) == ["one", "three"]


def test_a_file_larger_than_all_room_is_not_kept(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs", limit=100)
    give(blobs, tmp_path, "large", 101)
    blobs.shrink()
    assert "large" not in blobs and blobs.size == 0


def test_what_was_written_to_looks_different(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("one")
    before = look(path)
    assert look(path) == before
    path.write_text("two, longer")
    assert look(path) != before
