"""Corrections that checks propose, written into sources: the characters they name change, and nothing else (``docs/report.md``)."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections.abc import Iterable, Sequence
from json.decoder import JSONDecoder
from pathlib import Path
from typing import Any

from clx_jupyter.errors import RequestError
from clx_jupyter.manifest import write_atomically

Fix = dict[str, Any]

_BREAK = re.compile(r"\r\n|\r|\n")
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = JSONDecoder()


class _Gone(ValueError):
    """What a correction is about is not there."""


def apply(path: Path, fixes: Sequence[Fix], sha256: str = "") -> list[Fix]:
    """Write corrections into a file; gives those that were made.

    One that overlaps another, or whose old text is not there, is left out: a new check proposes it again if it still holds.

    :raises RequestError: the file is not the one with the hash *sha256*, or cannot be read or written
    """
    real = path.resolve()
    try:
        data = real.read_bytes()
        if sha256 and hashlib.sha256(data).hexdigest() != sha256:
            raise RequestError(f"{path.name} was changed since it was checked", "check it again", path=path.name)
        new, made = corrected(data, fixes)
        if made:
            write_atomically(real, new, mode=stat.S_IMODE(real.stat().st_mode))
    except OSError as error:
        raise RequestError(f"{path.name} cannot be corrected: {error.strerror or error}", path=path.name) from error
    return made


def corrected(data: bytes, fixes: Iterable[Fix]) -> tuple[bytes, list[Fix]]:
    """The bytes of a UTF-8 text with corrections made, and which ones were."""
    text = data.decode("utf-8")
    spans: list[tuple[int, int, str, Fix]] = []
    for fix in fixes:
        try:
            start, end, new = _in_json(text, fix) if "at" in fix else _in_line(text, fix)
        except _Gone:
            continue
        if all(end <= other[0] or start >= other[1] for other in spans):
            spans.append((start, end, new, fix))
    made = sorted(spans, key=lambda span: span[0])
    for start, end, new, _ in reversed(made):
        text = text[:start] + new + text[end:]
    return text.encode("utf-8"), [fix for *_, fix in made]


def described(fix: Fix) -> str:
    """A correction in a few words, as people read it."""
    old, new = (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in (fix["old"], fix["new"]))
    return f"{old.strip()} → {new.strip()}" if new.strip() else f"{old.strip()} taken away"


# --- text ---------------------------------------------------------------------


def _in_line(text: str, fix: Fix) -> tuple[int, int, str]:
    begin = 1 if text.startswith("\ufeff") else 0
    for _ in range(fix["line"] - 1):
        found = _BREAK.search(text, begin)
        if found is None:
            raise _Gone
        begin = found.end()
    following = _BREAK.search(text, begin)
    line = text[begin : following.start() if following else len(text)]
    start, old = fix["column"], fix["old"]
    if line != fix["was"] or line[start : start + len(old)] != old:
        raise _Gone
    return begin + start, begin + start + len(old), fix["new"]


# --- .ipynb ---------------------------------------------------------------------


def _in_json(text: str, fix: Fix) -> tuple[int, int, str]:
    start = 1 if text.startswith("\ufeff") else 0
    try:
        key = (0, 0)
        for step in fix["at"]:
            key, start = _step(text, start, step)
        value, end = _DECODER.raw_decode(text, start)
        if fix.get("key"):
            start, end = key
            value, end = _DECODER.raw_decode(text, start)
    except (ValueError, IndexError, RecursionError) as error:
        raise _Gone from error
    if value != fix["old"]:
        raise _Gone
    return start, end, _json(text, start, end, fix["new"])


def _step(text: str, start: int, step: str | int) -> tuple[tuple[int, int], int]:
    """From the value at *start* to its member *step*: where the member's key stands (objects), and where its value begins."""
    position = _skip(text, start)
    if text[position] != ("{" if isinstance(step, str) else "["):
        raise _Gone
    position, number = _skip(text, position + 1), 0
    while text[position] not in "}]":
        key = (0, 0)
        name: str | int = number
        if isinstance(step, str):
            name, end = _DECODER.raw_decode(text, position)
            key = (position, end)
            position = _skip(text, _skip(text, end) + 1)  # past the colon
        if name == step:
            return key, position
        _, position = _DECODER.raw_decode(text, position)
        position, number = _skip(text, position), number + 1
        if text[position] == ",":
            position = _skip(text, position + 1)
    raise _Gone


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _json(text: str, start: int, end: int, value: Any) -> str:
    """The new value, laid out as the old one is."""
    ascii = text.isascii()
    old = text[start:end]
    if not (isinstance(value, list) and value and "\n" in old and old.startswith("[")):
        return json.dumps(value, ensure_ascii=ascii)
    item = old[1 : _skip(old, 1)]
    closing = old[len(old[:-1].rstrip()) : -1]
    return "[" + ",".join(item + json.dumps(each, ensure_ascii=ascii) for each in value) + closing + "]"
