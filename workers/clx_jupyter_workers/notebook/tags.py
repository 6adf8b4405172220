"""The words a course is written with: tags, keys and languages, and what a misspelled one was meant to be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from functools import cache
from typing import Any

SLIDE_TAGS = ("slide", "subslide", "notes", "voiceover")
MARKS = frozenset({
    *SLIDE_TAGS, "keep", "start", "alt", "completed", "answer", "del", "private", "solution", "workshop", "end-workshop",
})  # fmt: skip
"""Tags that decide what of a cell is shown, to whom and how."""

OWN = MARKS | {"exercise", "nodataurl", "global", "allow-untranslated"}
"""Every tag of the course formats."""

FOREIGN = frozenset({
    "fragment", "skip", "raises-exception", "skip-execution", "remove-input", "remove_input", "hide-input", "hide_input", "hide-output",
    "hide_output", "remove-output", "remove_output", "remove-cell", "remove_cell", "hide-cell", "hide_cell", "parameters",
    "injected-parameters", "nbgrader", "output_scroll", "full-width", "margin", "popout", "thebe-init", "thebe-remove-input-init",
})  # fmt: skip
"""Tags of other programs that may stand beside ours."""

KEYS = ("tags", "lang", "slide_id", "for_slide")
"""Metadata keys of the course formats."""

HIDING = ("private", "notes", "voiceover", "solution", "answer", "completed", "alt", "del")
"""Tags that keep text from somebody."""

_ALSO = {"speakernotes": "notes", "speakernote": "notes", "trainernotes": "notes", "teachernotes": "notes", "privatenotes": "notes"}

_LANGUAGES = {"german": "de", "ger": "de", "spanish": "es", "espanol": "es", "chinese": "zh", "dutch": "nl", "greek": "el", "polish": "pl",
              "swedish": "sv", "czech": "cs"}  # fmt: skip


def own_tags(kinds: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Every tag that means something to the formats or to one of the course's *kinds* (rules by name)."""
    named = {tag for rule in kinds.values() for field in ("remove", "keep", "blank") for tag in rule.get(field) or ()}
    return OWN | named | {box[0] for rule in kinds.values() for box in rule.get("boxes") or ()}


def is_foreign(tag: str) -> bool:
    """Whether a tag belongs to another program."""
    return tag in FOREIGN or tag.startswith(("jp-", "active-", "_")) or ":" in tag


@cache
def hides_as(tag: str) -> str | None:
    """The hiding tag that an unknown one is taken for (``prviate``, ``Notes``): what it marks must not get out by a slip of the pen."""
    return None if tag in OWN or is_foreign(tag) else meant(tag, HIDING, 0.83) or _ALSO.get(_plain(tag)) or _one_of_several(tag.lower())


def _one_of_several(text: str) -> str | None:
    """The hiding one of two tags that were written as one: ``"private slide"``, or ``"notes" "slide"``, which reads as ``notesslide``."""
    found = {*re.split(r"[\s,;]+", text), *(tag for tag in HIDING for other in OWN if text in (tag + other, other + tag))}
    return next((tag for tag in HIDING if tag in found), None)


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


def meant(word: str, known: Iterable[str], least: float = 0.75) -> str | None:
    """The one of *known* that *word* nearly is; ``None`` where none is near enough, or two are.

    Letter case, ``-`` and ``_`` do not count as differences.
    """
    if len(word) > 40:
        return None
    plain = _plain(word)
    rated = sorted(((_likeness(plain, _plain(name)), name) for name in known), reverse=True)
    if not rated or rated[0][0] < least or (len(rated) > 1 and rated[1][0] > rated[0][0] - 0.04 and rated[0][0] < 1):
        return None
    return rated[0][1]


def _plain(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")


def key_meant(key: str, value: Any, own: frozenset[str], languages: Iterable[str]) -> str | None:
    """The key of ours that an unknown key was meant to be, judged by its name and its value together."""
    if len(key) > 40:
        return None
    if _plain(key) in map(_plain, KEYS):
        return next(name for name in KEYS if _plain(name) == _plain(key))
    words = [value] if isinstance(value, str) and _likeness(key.lower(), "tags") > 0.8 else value
    if isinstance(words, list) and words and all(isinstance(word, str) and (word in own or meant(word, own)) for word in words):
        # `tss=["slide"]`: nothing else has values like these. A name that is far from it belongs to another program.
        return "tags" if key.lower().startswith("t") or _likeness(key.lower(), "tags") >= 0.5 else None
    if isinstance(value, str) and value and language_meant(value, languages) and _likeness(key.lower(), "language") >= 0.6:
        return "lang"
    return meant(key, ("slide_id", "for_slide"), 0.85) if isinstance(value, str) else None


def language_meant(value: str, languages: Iterable[str]) -> str | None:
    """The language of the course that a text such as ``DE``, ``deu``, ``de-AT`` or ``German`` means."""
    known, plain = list(languages), value.strip().lower()
    code = _LANGUAGES.get(plain, plain.replace("_", "-").split("-")[0][:2] if plain.isascii() else plain)
    return next((name for name in known if name.lower() == plain), next((name for name in known if name.lower() == code), None))
