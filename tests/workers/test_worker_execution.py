"""Kept executions."""

from __future__ import annotations

import gzip

import pytest

from clx_jupyter_workers.notebook.execution import Execution, Result, load
from clx_jupyter_workers.problems import Problem


def test_an_execution_comes_back_as_it_was_kept() -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "ä\ud800"}
    kept = Execution(
        [Result([output], 1), Result([], None)], Problem("cell-error", "no", line=3), 2, 1, [Problem("tag", "w")], 1.5, {"name": "python"}
    )
    assert load(kept.dump("key"), "key") == kept
    assert kept.dump("key") == kept.dump("key"), "the same result gives the same bytes"


@pytest.mark.parametrize(
    "body",
    [b"", b"x", *(gzip.compress(text, mtime=0) for text in (b"{", b"[]", b'{"version": 9, "key": "key"}'))],
    ids=["empty", "no gzip", "cut off", "no execution", "of another version"],
)
def test_what_is_damaged_or_of_another_version_is_none(body: bytes) -> None:
    assert load(body, "key") is None
    assert load(Execution().dump("other"), "key") is None
