"""What a worker's frames must hold; a worker in a container, or a broken one, may send anything."""

from __future__ import annotations

from typing import Any

import pytest

from clx_jupyter.answers import check, problem
from clx_jupyter_workers.problems import Problem
from clx_jupyter_workers.protocol import FrameError

HASH = "a" * 64
RUN = {"key": HASH, "handed_on": True, "written": {"x.csv": HASH, "large.bin": ""}, "given": {}}
OUTPUT = {"t": "output", "variant": "0", "sha256": HASH, "size": 3}


@pytest.mark.parametrize(
    "header",
    [
        {"t": "progress", "phase": "read", "cell": 0, "cells": 0, "source_cell": None, "language": ""},
        {"t": "progress", "phase": "run", "cell": 1, "cells": 2, "source_cell": 3, "limit": 0.5, "key": HASH},
        {**OUTPUT, "assets": ["img/a.png", "/page"], "shown": ["abc"], "note": "not executed"},
        {"t": "missing", "variant": "0", "state": "skipped", "problem": None, "hidden": []},
        {"t": "done", "status": "ok", "executions": 1, "kernels": 1, "runs": {"en": RUN, "": RUN}},
        {"t": "written", "files": [HASH]},
        {"t": "of a later version"},
    ],
)
def test_what_workers_say_is_believed(header: dict[str, Any]) -> None:
    check(header)


@pytest.mark.parametrize(
    "header",
    [
        {"t": "progress"},
        {"t": "progress", "phase": "run", "cell": -1},
        {"t": "progress", "phase": "run", "cell": 10**400},
        {"t": "progress", "phase": "run", "limit": "soon"},
        {"t": "progress", "phase": "run", "limit": float("nan")},
        {**OUTPUT, "sha256": "../../secret"},
        {**OUTPUT, "size": None},
        {**OUTPUT, "size": 2**63},
        {**OUTPUT, "assets": "a.png"},
        {**OUTPUT, "shown": [1]},
        {"t": "missing", "variant": "0", "state": "fresh"},
        {"t": "missing", "variant": ["0"], "state": "failed"},
        {"t": "written", "files": ["../x"]},
        {"t": "done", "status": "wonderful"},
        {"t": "done", "status": ["ok"]},
        {"t": "done", "status": "ok", "executions": "1"},
        {"t": "done", "status": "ok", "runs": ["en"]},
        {"t": "done", "status": "ok", "runs": {"en": {**RUN, "written": {"x.csv": "no hash"}}}},
        {"t": "done", "status": "ok", "runs": {"en": {"key": HASH, "handed_on": True, "written": {}}}},
    ],
)
def test_what_no_worker_of_ours_says_is_not(header: dict[str, Any]) -> None:
    with pytest.raises(FrameError, match=repr(header["t"])):
        check(header)


def test_a_problem_comes_as_it_was_sent() -> None:
    sent = Problem("cell-error", "It went wrong.", path="a.py", cell=3, cell_id="abc", line=1, outputs=("students/a.html",))
    assert problem(sent.to_json()) == sent


@pytest.mark.parametrize("change", [{"message": None}, {"outputs": [1]}, {"outputs": 1}, {"cell": "3"}, {"line": 2.5}, {"path": ["a"]}])
def test_a_problem_of_other_fields_is_none(change: dict[str, Any]) -> None:
    with pytest.raises(FrameError):
        problem(Problem("cell-error", "It went wrong.").to_json() | change)
