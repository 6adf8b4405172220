"""Voiceover companions: the spoken text of a deck, kept in a file of its own, takes its place among the slides again.

The rules are those of CLM 1.35: a cell goes to the slide that its ``for_slide`` names, there behind the cell that its
``vo_anchor`` remembers, else to the end of the slide. All of this looks at lines, before Jinja and jupytext.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_LANG = re.compile(r'lang="(\w+)"')
_TAGS = re.compile(r"tags=\[([^\]]*)\]")
_QUOTED = re.compile(r'"([^"]*)"')
_SLIDE_ID = re.compile(r'\bslide_id="([^"]*)"')
_FOR_SLIDE = re.compile(r'\bfor_slide="([^"]*)"')
_ANCHOR = re.compile(r'\s*\bvo_anchor="([^"]*)"')
_TITLE = "title"
_TITLE_MACRO = re.compile(r"{{\s*header(?:_de|_en)?\s*\(")
_SPOKEN = frozenset({"notes", "voiceover"})
_STARTS = frozenset({"slide", "subslide"})


@dataclass(frozen=True, slots=True)
class Block:
    """A cell as it stands in the text: its first line, and the one after its last (0-based)."""

    start: int
    end: int
    #: ``markdown``, ``code`` or ``j2`` (a line of a template).
    type: str
    language: str
    tags: frozenset[str]
    slide_id: str
    for_slide: str
    #: Fingerprint of its text.
    text: str

    @property
    def spoken(self) -> bool:
        """It is voiceover or notes."""
        return bool(self.tags & _SPOKEN)

    @property
    def starts(self) -> bool:
        """A slide begins with it."""
        return bool(self.tags & _STARTS)

    def fits(self, language: str) -> bool:
        """Whether it is there for a spoken cell of *language*; ``""`` fits all."""
        return not language or not self.language or self.language == language


@dataclass(frozen=True, slots=True)
class Insertion:
    """Lines of the companion and where they go: before line ``at`` of the deck (both 0-based)."""

    at: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Merge:
    """Where a companion's cells go, and what is wrong with those that go nowhere: line (1-based) and the slide named."""

    insertions: tuple[Insertion, ...]
    lost: tuple[tuple[int, str], ...]

    def lines(self, deck: Sequence[str], companion: Sequence[str]) -> list[tuple[int, bool, str]]:
        """The merged text as (1-based line, whether of the companion, text).

        The lines may have been changed since the merge was planned, not their number.
        """
        by_line: dict[int, list[Insertion]] = {}
        for insertion in self.insertions:
            by_line.setdefault(insertion.at, []).append(insertion)
        merged: list[tuple[int, bool, str]] = []
        for number in range(len(deck) + 1):
            for each in by_line.get(number, ()):
                # The anchor is for us only.
                merged.append((each.start + 1, True, _ANCHOR.sub("", companion[each.start])))
                merged += [(line + 1, True, companion[line]) for line in range(each.start + 1, each.end)]
            if number < len(deck):
                merged.append((number + 1, False, deck[number]))
        return merged


def merge(deck: str, companion: str, comment: str) -> Merge:
    """Plan where the cells of *companion* go in *deck*; *comment* is the language's sign for line comments."""
    place = _Places(deck, comment)
    insertions, lost = [], []
    lines = companion.split("\n")
    for block in blocks(companion, comment):
        anchor = _ANCHOR.search(lines[block.start])
        at = place.of(block, anchor[1] if anchor else "")
        if at is None:
            lost.append((block.start + 1, block.for_slide))
        else:
            insertions.append(Insertion(at, block.start, block.end))
    return Merge(tuple(insertions), tuple(lost))


def blocks(text: str, comment: str) -> list[Block]:
    """The cells of a percent text; each line of a template is a cell, too."""
    lines = text.split("\n")
    begins = (f"{comment} %%", f"{comment} j2 ", f"{comment} {{{{ ")
    starts = [number for number, line in enumerate(lines) if line.startswith(begins)]
    return [_block(lines, start, end, comment) for start, end in zip(starts, [*starts[1:], len(lines)], strict=False)]


def _block(lines: list[str], start: int, end: int, comment: str) -> Block:
    head = lines[start]
    template = not head.startswith(f"{comment} %%")
    kind = "j2" if template else "markdown" if "[markdown]" in head else "code"
    text = _fingerprint(kind, lines[start if template else start + 1 : end])
    if template:
        return Block(start, end, kind, "", frozenset(), "", "", text)
    tags = _TAGS.search(head)
    return Block(
        start, end, kind, _first(_LANG, head), frozenset(_QUOTED.findall(tags[1])) if tags else frozenset(),
        _first(_SLIDE_ID, head), _first(_FOR_SLIDE, head), text,
    )  # fmt: skip


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


def _fingerprint(kind: str, lines: Iterable[str]) -> str:
    """CLM's: over the type and the lines that are not blank, so that blank lines may come and go."""
    text = "\n".join(filter(None, (line.rstrip() for line in lines)))
    return hashlib.sha256(f"{kind}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()[:12]


class _Places:
    """Finds the place of spoken cells in one deck."""

    def __init__(self, deck: str, comment: str) -> None:
        self._blocks = blocks(deck, comment)
        self._by_id: dict[str, list[int]] = {}
        for number, block in enumerate(self._blocks):
            if block.slide_id and not block.spoken:
                self._by_id.setdefault(block.slide_id, []).append(number)
        lines = deck.split("\n")
        titles = (n for n, block in enumerate(self._blocks) if block.type == "j2" and _TITLE_MACRO.search(lines[block.start]))
        self._title = next(titles, None)

    def of(self, spoken: Block, anchor: str) -> int | None:
        """The line of the deck that *spoken* goes before; ``None`` where nothing fits."""
        number = self._anchored(spoken, anchor) if anchor else None
        if number is None and spoken.for_slide:
            number = self._end_of_slide(spoken.for_slide, spoken.language)
        if number is None and _TITLE in (spoken.for_slide, spoken.slide_id if not spoken.for_slide else ""):
            number = self._end_of_title(spoken.language)
        return None if number is None else self._blocks[number].end

    def _anchored(self, spoken: Block, anchor: str) -> int | None:
        """The cell that the anchor (``id:…#n``, ``fp:…#n``, ``tm:…``) remembers, within the slide."""
        kind, _, rest = anchor.partition(":")
        value, _, number = rest.partition("#")
        if kind == "tm":
            return self._title
        within = self._slide(spoken.for_slide, spoken.language) if spoken.for_slide else range(len(self._blocks))
        same = [
            n for n in within
            if not (block := self._blocks[n]).spoken and block.fits(spoken.language)
            and ((kind == "id" and block.slide_id == value) or (kind == "fp" and block.text == value))
        ]  # fmt: skip
        place = int(number) if number.isdigit() else 0
        return same[place] if place < len(same) else None

    def _slide(self, slide_id: str, language: str) -> range:
        """The cells of a slide, up to the next one; the other language's twin does not end it."""
        known = self._by_id.get(slide_id, [])
        starts = [n for n in known if self._blocks[n].starts and self._blocks[n].fits(language)]
        start = starts[-1] if starts else known[0] if known else self._title if slide_id == _TITLE else None
        if start is None:
            return range(0)
        ends = (n for n in range(start + 1, len(self._blocks)) if self._blocks[n].starts and self._blocks[n].fits(language))
        return range(start, next(ends, len(self._blocks)))

    def _end_of_slide(self, slide_id: str, language: str) -> int | None:
        known = self._by_id.get(slide_id)
        if not known:
            return None
        last = next((n for n in reversed(known) if self._blocks[n].fits(language)), known[-1])
        return self._last(last, own={slide_id}, language=language)

    def _end_of_title(self, language: str) -> int | None:
        return None if self._title is None else self._last(self._title, own=set(), language=language)

    def _last(self, start: int, own: set[str], language: str) -> int:
        """The last cell that goes on with what begins at *start*."""
        last = start
        for number, block in self._following(start):
            if block.spoken or block.starts or not block.fits(language) or (block.slide_id and block.slide_id not in own):
                break
            last = number
        return last

    def _following(self, start: int) -> Iterator[tuple[int, Block]]:
        return ((number, self._blocks[number]) for number in range(start + 1, len(self._blocks)))
