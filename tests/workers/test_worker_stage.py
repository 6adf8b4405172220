"""The stage folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from clx_jupyter_workers.stage import put


def test_bytes_lie_under_their_hash_and_nobody_else_may_read_them(tmp_path: Path) -> None:
    name, size = put(tmp_path / "a" / "b", b"data")
    path = tmp_path / "a" / "b" / name
    assert (name, size) == (hashlib.sha256(b"data").hexdigest(), 4)
    assert path.read_bytes() == b"data" and path.stat().st_mode & 0o777 == 0o600


def test_equal_bytes_are_written_once_and_nothing_else_is_left(tmp_path: Path) -> None:
    first = put(tmp_path, b"data")
    before = (tmp_path / first[0]).stat().st_mtime_ns
    assert put(tmp_path, b"data") == first
    assert [path.name for path in tmp_path.iterdir()] == [first[0]] and (tmp_path / first[0]).stat().st_mtime_ns == before
