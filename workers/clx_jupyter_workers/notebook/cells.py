"""Which cells a kind gets in a language, and how; which cells run. Pure: a kind's rule comes as data (``kinds.py``)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from clx_jupyter_workers.notebook import solutions
from clx_jupyter_workers.notebook.document import PRIVATE_TAGS, Cell, Document
from clx_jupyter_workers.notebook.tags import HIDING, SLIDE_TAGS, hides_as
from clx_jupyter_workers.problems import Problem

Rule = Mapping[str, Any]
Rules = Mapping[str, Rule]

_ANSWERS = {"de": "*Antwort:* "}
_ANSWER = "*Answer:* "
_WORD = re.compile(r"[\w-]+")
PLAIN_METADATA = frozenset({
    "tags", "lang", "slide_id", "for_slide", "slideshow", "nbgrader", "editable", "deletable", "collapsed", "scrolled", "jupyter", "trusted",
    "region_name", "vscode", "execution", "id", "pycharm", "colab", "lines_to_next_cell",
})  # fmt: skip
"""Keys of a cell's metadata that tools know and students may have; others are the author's, and hidden with the cell's text, unless they are only yes or no."""


Box = tuple[str, str]
NO_BOX = ("", "")


class Fate(Enum):
    """What becomes of a cell in a variant."""

    REMOVED = "removed"
    BLANKED = "blanked"
    KEPT = "kept"


@dataclass(slots=True)
class Shown:
    """A cell of a variant: a copy, without results."""

    #: Its place in the whole notebook.
    index: int
    cell: Cell
    #: Its text is the author's in full, so results may stand below it.
    complete: bool
    #: The tag and the colour of the box that its kind shows it in.
    box: Box = NO_BOX


class RuleMissing(KeyError):
    """A kind names another kind's rule for workshops, and the job does not hold it."""


def fates(document: Document, rule: Rule, rules: Rules, language: str) -> list[Fate]:
    """The fate of each cell."""
    inner = _workshop_rule(rule, rules)
    inside = workshop_cells(document.cells) if inner is not rule else frozenset()
    return [_fate(cell, inner if index in inside else rule, rule, language) for index, cell in enumerate(document.cells)]


def _workshop_rule(rule: Rule, rules: Rules) -> Rule:
    name = rule.get("workshop")
    if not name:
        return rule
    if name not in rules:
        raise RuleMissing(f"the rule of kind {name!r}, which {rule.get('id')!r} uses in workshops, is not in the job")
    return rules[name]


def _fate(cell: Cell, rule: Rule, outer: Rule, language: str) -> Fate:
    tags, named = set(cell.tags), marks(cell, rule)
    if language and cell.language and cell.language != language:
        return Fate.REMOVED
    hides = rule.get("blank_code") or (rule.get("answer_stub") and "answer" in named)
    blanks = cell.type == "code" and hides and (holds_answer(cell) or not tags.intersection(rule.get("keep", ())))
    if tags.intersection(rule["remove"]) or (outer.get("public", True) and named & PRIVATE_TAGS):
        return Fate.REMOVED
    if named.intersection(rule["remove"]):
        # Only a slip of the pen says so: where the cell is empty anyway, it may stay.
        return Fate.BLANKED if blanks else Fate.REMOVED
    if named.intersection(rule.get("blank", ())):
        return Fate.BLANKED
    return Fate.BLANKED if blanks else Fate.KEPT


def marks(cell: Cell, rule: Rule) -> set[str]:
    """The tags by which text may be hidden: also what a marker names that cannot be read, and what a misspelled tag means.

    Jupyter's own way to mark speaker notes, the slide type, counts as the tag ``notes``.
    Nothing gets out by a missing bracket or a slip of the pen. A tag that the *rule* knows means what it says there.
    """
    doubtful = set(_WORD.findall(cell.doubtful))
    # What a course only blanks, for people to type along, is no secret: there the course is published as its format reads it.
    named = set(cell.tags) | (doubtful & {*HIDING, *rule.get("remove", ())})
    slideshow = cell.metadata.get("slideshow")
    if isinstance(slideshow, dict) and slideshow.get("slide_type") == "notes":
        named.add("notes")
    known = {tag for field in ("remove", "blank", "keep") for tag in rule.get(field, ())}
    return named | {meant for tag in (named | doubtful) - known if (meant := hides_as(tag))}


def holds_answer(cell: Cell) -> bool:
    """Whether an answer, whose marker became text, may stand in this cell: no tag of the cell speaks for it."""
    return "answer" in _WORD.findall(cell.doubtful)


def workshop_cells(cells: Sequence[Cell]) -> frozenset[int]:
    """Indices of the cells inside workshops: from an opening markdown cell up to the next ``end-workshop``, or the end."""
    found, opened = [], False
    for index, cell in enumerate(cells):
        if opens_workshop(cell):
            opened = True
        elif "end-workshop" in cell.tags:
            opened = False
        if opened:
            found.append(index)
    return frozenset(found)


def opens_workshop(cell: Cell) -> bool:
    """Whether a workshop begins with this cell."""
    if cell.type != "markdown":
        return False
    tags = cell.tags
    named = str(cell.metadata.get("slide_id") or "").startswith("workshop-")
    return "workshop" in tags or (named and ("slide" in tags or "subslide" in tags))


def running(document: Document, kinds: Iterable[str], rules: Rules, language: str) -> list[int]:
    """Indices of the cells that run, in order: those that at least one of *kinds* shows with its text."""
    shown: set[int] = set()
    for kind in kinds:
        if kind in rules:
            all_fates = fates(document, rules[kind], rules, language)
            shown |= {index for index, fate in enumerate(all_fates) if fate is Fate.KEPT}
    return [index for index in sorted(shown) if _runs(document.cells[index])]


def _runs(cell: Cell) -> bool:
    return cell.type == "code" and bool(cell.source.strip()) and not {"start", "del"}.intersection(cell.tags)


def apply(document: Document, rule: Rule, rules: Rules, language: str, style: Mapping[str, Any], prog_lang: str) -> list[Shown]:
    """The cells of a variant, ready to be written.

    :raises solutions.RegionError: through :func:`check_regions`, which callers ask first
    """
    inner = _workshop_rule(rule, rules)
    inside = workshop_cells(document.cells) if inner is not rule else frozenset()
    ids = _Ids(style.get("cell_ids", "keep"))
    shown = []
    for index, fate in enumerate(fates(document, rule, rules, language)):
        if fate is Fate.REMOVED:
            continue
        cell = document.cells[index].without_results()
        _set_metadata(cell, style)
        if index in inside and style.get("cell_ids") == "sha3" and not cell.tags:
            cell.metadata["tags"] = []  # as CLM publishes it
        mine = inner if index in inside else rule
        complete, box = _set_text(cell, fate, mine, language, prog_lang, bool(style.get("boxed", True)))
        cell.id = ids.of(document.cells[index], index, complete)
        shown.append(Shown(index, cell, complete, box))
    return shown


def hidden_texts(document: Document, rule: Rule, rules: Rules, language: str) -> set[str]:
    """Texts that a variant must not show in full: those of its hidden cells, also as they were before regions were marked."""
    inner = _workshop_rule(rule, rules)
    inside = workshop_cells(document.cells) if inner is not rule else frozenset()
    hidden, told = set(), set()
    for index, (cell, fate) in enumerate(zip(document.cells, fates(document, rule, rules, language), strict=True)):
        mine = inner if index in inside else rule
        before = solutions.without_edges(cell.source) if mine.get("clear_solutions") else cell.source
        if fate is not Fate.KEPT or (mine.get("answer_stub") and "answer" in marks(cell, mine)) or before != cell.source:
            hidden |= {cell.source, before}
        else:
            told.add(cell.source)
    return hidden - told


def _set_text(cell: Cell, fate: Fate, rule: Rule, language: str, prog_lang: str, boxed: bool) -> tuple[bool, Box]:
    """Blank, clear, label or box a cell in place; gives whether the author's text is all there, and its box.

    *boxed*: the box is written into the text, for formats that have nothing else.
    """
    named = marks(cell, rule)
    if fate is Fate.BLANKED:
        cell.source, cell.attachments = "", {}
    changed = fate is Fate.KEPT and bool(rule.get("clear_solutions")) and solutions.clear(cell, prog_lang)
    box = next(((tag, colour) for tag, colour in rule.get("boxes", ()) if tag in named), NO_BOX) if cell.type == "markdown" else NO_BOX
    if boxed and box != NO_BOX:
        cell.source = f"<div style='background: {box[1]}; color: black;'>\n{cell.source}\n</div>"
    if cell.type != "code" and "answer" in named:
        changed |= _label_answer(cell, rule, language)
    complete = fate is Fate.KEPT and not changed
    if not complete:
        cell.metadata = {key: value for key, value in cell.metadata.items() if key in PLAIN_METADATA or isinstance(value, bool)}
    return complete, box


def _label_answer(cell: Cell, rule: Rule, language: str) -> bool:
    """Label an answer, or leave the label only; gives whether text went."""
    label = _ANSWERS.get(language, _ANSWER)
    if rule.get("answer_stub"):
        cell.source, cell.attachments = label, {}
        return True
    if cell.type == "markdown":
        cell.source = label + cell.source
    return False


def _set_metadata(cell: Cell, style: Mapping[str, Any]) -> None:
    if not style.get("line_hints"):
        # jupytext's note on blank lines depends on the neighbour in the source, which another language may not have.
        cell.metadata.pop("lines_to_next_cell", None)
    if style.get("cell_ids") == "sha3":
        for name in ("slide_id", "for_slide", "section_name"):
            cell.metadata.pop(name, None)
    tag = next((tag for tag in cell.tags if tag in SLIDE_TAGS), None)
    if style.get("slide_types") and tag:
        cell.metadata["slideshow"] = {"slide_type": tag}


class _Ids:
    """Cell ids: CLX's rule, so that published notebooks show no difference, or the source's own."""

    def __init__(self, style: str) -> None:
        self._keep = style == "keep"
        self._used: set[str] = set()

    def of(self, cell: Cell, index: int, complete: bool = True) -> str:
        """The id of a cell as it stands in the source; *complete*: the variant shows all of its text."""
        if self._keep and cell.id and cell.id not in self._used:
            self._used.add(cell.id)
            return cell.id
        # From the hash of a short answer the answer can be guessed; CLX's rule leaves no choice.
        source = cell.source if complete or not self._keep else f"hidden {index}"
        digest, text = hashlib.sha3_224(), source
        while True:
            digest.update(text.encode("utf-8", "surrogatepass"))
            name = digest.hexdigest()[:16]
            if name not in self._used:
                self._used.add(name)
                return name
            text, index = f"{index}:{source}", index + 1


def check_regions(document: Document) -> list[Problem]:
    """A problem for each solution, hidden-test or mark-scheme region that is unclosed or nested."""
    found = []
    for cell in document.cells:
        try:
            solutions.clear(cell.without_results(), "")
        except solutions.RegionError as error:
            found.append(solutions.region_problem(cell, error, document.has_lines))
    return found
