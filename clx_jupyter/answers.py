"""What the frames of a worker must hold to be believed: one that holds something else is as bad as one that is no JSON.

What they say is kept in the database and read by every later build, so nothing gets there that those would stumble over.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from clx_jupyter.errors import Problem
from clx_jupyter_workers.protocol import FrameError

_HASH = re.compile(r"[0-9a-f]{64}")
_LARGEST = 2**53
_STATUSES = ("ok", "failed", "changed", "cancelled", "infrastructure")

Rule = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _count(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value < _LARGEST


def _seconds(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and 0 <= value < _LARGEST


def _hash(value: Any) -> bool:
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def _files(value: Any) -> bool:
    """Files by their paths, with their hashes; none of what was too large to be kept."""
    return isinstance(value, dict) and all(each == "" or _hash(each) for each in value.values())


def _runs(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(run, dict) and _text(run.get("key")) and isinstance(run.get("handed_on"), bool) and _files(run.get("written"))
        and _files(run.get("given")) for run in value.values()
    )  # fmt: skip


_NEEDED: dict[str, dict[str, Rule]] = {
    "progress": {"phase": _text},
    "output": {"variant": _text, "sha256": _hash, "size": _count},
    "missing": {"variant": _text, "state": ("failed", "skipped").__contains__},
    "problem": {"problem": lambda value: isinstance(value, dict)},
    "keep": {"key": _text},
    "written": {"files": lambda value: isinstance(value, list) and all(map(_hash, value))},
    "execution": {"key": _text},
    "done": {"status": _STATUSES.__contains__},
}
_POSSIBLE: dict[str, dict[str, Rule]] = {
    "progress": {"cell": _count, "cells": _count, "source_cell": _count, "limit": _seconds, "key": _text, "language": _text},
    "output": {"assets": _texts, "shown": _texts, "note": _text},
    "missing": {"problem": _text, "hidden": _texts},
    "done": {"executions": _count, "kernels": _count, "runs": _runs},
}
"""What may be missing, or ``null``."""


def check(header: dict[str, Any]) -> None:
    """Raise :class:`FrameError` where a frame does not hold what one of its type must hold."""
    kind = header["t"]
    for name, rule in _NEEDED.get(kind, {}).items():
        if not rule(header.get(name)):
            raise FrameError(f"a frame {kind!r} has no {name!r}, or none that can be")
    for name, rule in _POSSIBLE.get(kind, {}).items():
        if header.get(name) is not None and not rule(header[name]):
            raise FrameError(f"a frame {kind!r} has no {name!r} that can be")


def problem(raw: dict[str, Any]) -> Problem:
    """The problem that a frame tells; raises :class:`FrameError` where it is none."""
    try:
        told = Problem.from_json(raw)
    except (KeyError, TypeError, ValueError) as error:
        raise FrameError(f"a frame 'problem' holds none: {error}") from error
    texts = (told.category, told.message, told.hint, told.severity, told.traceback, told.path or "", told.cell_id or "", *told.outputs)
    if not all(map(_text, texts)) or not all(each is None or _count(each) for each in (told.cell, told.line)):
        raise FrameError("a frame 'problem' holds something else in its fields")
    return told
