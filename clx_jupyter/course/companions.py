"""Voiceover companions: files beside decks that hold what is spoken. Where they lie, and which belong to no deck.

Source of the rules: CLM 1.35. All paths are POSIX strings relative to the course root.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from clx_jupyter.errors import Problem

FOLDER = "voiceover"
_PREFIX = "voiceover_"
_DECK = re.compile(r"^(?:slides_|topic_|project_)")


def names(deck: str) -> tuple[str, str]:
    """Where the companion of *deck* may lie, the place that counts first: in a folder of its own, or beside the deck."""
    folder, name = posixpath.split(deck)
    own = _PREFIX + _DECK.sub("", name)
    return posixpath.join(folder, FOLDER, own), posixpath.join(folder, own)


def companion_of(root: Path, deck: str) -> tuple[str, tuple[Problem, ...]]:
    """The companion of *deck*, ``""`` if it has none, and what is to be said about it."""
    found = [path for path in names(deck) if (root / path).is_file() and (root / path).resolve().is_relative_to(root.resolve())]
    if len(found) < 2:
        return next(iter(found), ""), ()
    message = f"{deck} has two voiceover companions, {found[0]} and {found[1]}; the first is used"
    return found[0], (Problem("bad-course", message, "remove one of the two", "warning", path=found[1]),)


def orphans(root: Path, decks: Iterable[str], files: Iterable[str]) -> Iterator[Problem]:
    """A warning for each companion among *files*, or in a folder for companions beside *decks*, that belongs to none of *decks*."""
    decks = list(decks)
    known = {path for deck in decks for path in names(deck)}
    suffixes = {posixpath.splitext(deck)[1] for deck in decks}
    folders = dict.fromkeys(posixpath.join(posixpath.dirname(deck), FOLDER) for deck in decks)
    listed = [*files, *(f"{folder}/{path.name}" for folder in folders for path in sorted((root / folder).glob(f"{_PREFIX}*")))]
    for path in listed:
        name = posixpath.basename(path)
        if name.startswith(_PREFIX) and posixpath.splitext(name)[1] in suffixes and path not in known:
            message = f"{path} is in no page: there is no deck it belongs to"
            hint = f"call it after its deck: {_PREFIX}<name> for slides_<name>"
            yield Problem("bad-course", message, hint, "warning", path=path)
