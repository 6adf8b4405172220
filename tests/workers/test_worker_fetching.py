"""Files that a worker fetches are whole, or do not count."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from clx_jupyter_workers.fetching import Fetching
from clx_jupyter_workers.protocol import FrameError, Header, Link

WORDS = b"some words"
SHA256 = hashlib.sha256(WORDS).hexdigest()


class Supervisor:
    """Answers each question at once with the same frames."""

    fetching: Fetching

    def __init__(self, *parts: tuple[int, bytes, bool]) -> None:
        self.parts = parts

    def send(self, header: Header, body: bytes = b"") -> None:
        for offset, data, last in self.parts:
            self.fetching.hear({"t": "chunk", "sha256": SHA256, "offset": offset, "last": last}, data)


def fetched(folder: Path, *parts: tuple[int, bytes, bool]) -> tuple[dict[str, Path], set[str]]:
    supervisor = Supervisor(*parts)
    supervisor.fetching = fetching = Fetching(Link(supervisor, {"job": 1, "attempt": 1}), folder)
    try:
        return fetching.fetch([("words.txt", SHA256)])
    finally:
        for part in fetching._parts.values():  # a worker whose stream is spoilt ends
            part.end()


def test_a_file_in_parts_is_there_when_its_last_part_is(tmp_path: Path) -> None:
    assert fetched(tmp_path, (0, WORDS[:4], False), (4, WORDS[4:], True)) == ({SHA256: tmp_path / SHA256}, set())
    assert (tmp_path / SHA256).read_bytes() == WORDS


@pytest.mark.parametrize("came", [b"other words", WORDS[:4], b""])
def test_bytes_with_another_hash_are_a_file_that_changed_under_way(tmp_path: Path, came: bytes) -> None:
    assert fetched(tmp_path, (0, came, True)) == ({}, {SHA256})


@pytest.mark.parametrize("offset", [0, 5])
def test_a_part_that_does_not_follow_the_one_before_spoils_the_stream(tmp_path: Path, offset: int) -> None:
    with pytest.raises(FrameError, match=f"begins at byte {offset}, not at 4"):
        fetched(tmp_path, (0, WORDS[:4], False), (offset, WORDS[4:], True))
