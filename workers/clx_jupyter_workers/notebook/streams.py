"""What a terminal would show of text printed in pieces: one text per stream, carriage returns and backspaces applied.

nbclient's own way takes quadratic time on long lines; a flood of output would hold the worker for minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

Output = dict[str, Any]


def coalesced(outputs: Iterable[Output]) -> list[Output]:
    """The outputs with neighbouring pieces of a stream joined; standard output first, as the two race each other."""
    result: list[Output] = []
    for is_stream, group in groupby(outputs, lambda output: output["output_type"] == "stream"):
        neighbours = list(group)
        result += _joined(neighbours) if is_stream else neighbours
    return result


def _joined(group: Iterable[Output]) -> list[Output]:
    texts: dict[str, list[str]] = {}
    for output in group:
        texts.setdefault(output["name"], []).append(output["text"])
    names = sorted(texts, key=lambda name: name != "stdout")
    return [{"output_type": "stream", "name": name, "text": overwritten("".join(texts[name]))} for name in names]


def overwritten(text: str) -> str:
    """The text with ``\\r`` starting its line over and ``\\b`` taking a character back."""
    if "\r" not in text and "\b" not in text:
        return text
    return "\n".join(_line(line) for line in text.replace("\r\n", "\n").split("\n"))


def _line(line: str) -> str:
    last = line.rstrip("\r").rsplit("\r", 1)[-1]
    if "\b" not in last:
        return last
    kept: list[str] = []
    for char in last:
        if char != "\b":
            kept.append(char)
        elif kept:
            kept.pop()
    return "".join(kept)
