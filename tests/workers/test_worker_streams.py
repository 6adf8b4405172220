"""Text printed in pieces."""

from __future__ import annotations

import time

import pytest

from clx_jupyter_workers.notebook.streams import coalesced, overwritten


def stream(name: str, text: str) -> dict[str, str]:
    return {"output_type": "stream", "name": name, "text": text}


def test_neighbouring_pieces_are_joined_with_standard_output_first() -> None:
    picture = {"output_type": "display_data"}
    pieces = [stream("stderr", "e"), stream("stdout", "a"), stream("stdout", "b"), picture, stream("stdout", "c")]
    assert coalesced(pieces) == [stream("stdout", "ab"), stream("stderr", "e"), picture, stream("stdout", "c")]


CASES = [
    ("a\rb", "b"),
    ("a\r\nb", "a\nb"),
    ("10%\r50%\r100%\nx", "100%\nx"),
    ("ab\bc", "ac"),
    ("\b\ba", "a"),
    ("a\r", "a"),
    ("x\ny\rz", "x\nz"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_carriage_returns_and_backspaces_are_applied(text: str, expected: str) -> None:
    assert overwritten(text) == expected


def test_long_lines_take_no_time() -> None:
    started = time.monotonic()
    overwritten(("x" * 1_000_000 + "\r") * 3 + "y\b" * 1000)
    assert time.monotonic() - started < 10
