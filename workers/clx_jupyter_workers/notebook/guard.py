"""The last look at a variant before it is published: nothing its kind does not get may stand in it (``docs/kinds.md``).

It does not trust what chose the cells: what a kind may show is said here a second time, and the finished bytes are searched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clx_jupyter_workers.notebook import cells, failures, searching, solutions
from clx_jupyter_workers.notebook.cells import Shown
from clx_jupyter_workers.notebook.document import PRIVATE_TAGS, Cell, Document
from clx_jupyter_workers.notebook.execution import Result
from clx_jupyter_workers.notebook.searching import Piece, squeezed
from clx_jupyter_workers.problems import Problem

Results = Mapping[int, Result]

_HINT = "Let this cell show less, or let this version have that cell too; until then this version is not published."
_FILE = "Name the file only in cells that this version does not get, or take those lines out of it."
_LINES_IN_FILE = 3
"""Fewer lines of one cell stand in other files by chance."""
_OURS = "This is a mistake of clx_jupyter, please report it; until it is mended this version is not published."


@dataclass(frozen=True, slots=True)
class _Find:
    """Text of a hidden cell, and the place that shows it."""

    piece: Piece
    #: The showing cell, or ``None``: somewhere else on the page.
    shown: Shown | None
    what: str


class Guard:
    """What one kind must not see of one document, whatever the language and the format."""

    def __init__(self, document: Document, rule: cells.Rule, rules: cells.Rules, titles: Sequence[str] = ()) -> None:
        self.document = document
        self.kind = str(rule.get("id", ""))
        self._hidden = _hidden(document, rule, rules)
        self._marked = {index for index in self._hidden if _is_marked(document.cells[index], rule, rules)}
        visible = [text for index, cell in enumerate(document.cells) for text in _visible(cell, self._hidden.get(index))]
        self._visible = squeezed("\n".join([*visible, *titles]))
        self._pieces = [piece for piece in self._all() if piece.squeezed not in self._visible]

    def _all(self) -> list[Piece]:
        found: dict[bytes, Piece] = {}
        for index, lines in self._hidden.items():
            cell = self.document.cells[index]
            pieces = searching.of_lines(index, lines, prose=cell.type != "code")
            pieces += searching.of_data(index, [_own_metadata(cell), list(cell.outputs), cell.attachments if _whole(cell, lines) else {}])
            for piece in pieces:
                found.setdefault(piece.squeezed, piece)
        return list(found.values())

    def problem(
        self, data: bytes, format: str, shown: Sequence[Shown], metadata: Mapping[str, Any], results: Results | None
    ) -> Problem | None:  # fmt: skip
        """What is wrong with a variant's bytes, written from *shown*, *metadata* and *results*; ``None``: nothing."""
        if (broken := self._wrong_cell(shown)) is not None:
            return self._problem(broken)
        pieces = self._pieces + self._of_results(results)
        if not pieces:
            return None
        views = searching.views(data, format)
        hits = [piece for piece in pieces if any(piece.squeezed in view for view in views)]
        find = self._confirmed(hits, data, format, shown, metadata, results) if hits else None
        return self._problem(find) if find else None

    def in_file(self, name: str, text: bytes, *, given: bool = False) -> Problem | None:
        """A warning where a file beside the variant holds lines of a cell that the kind does not get.

        *given*: the file belongs to the topic, whatever the cells say. Finished code often lies beside a deck in which it is
        typed along, so only cells that somebody marked count.
        """
        pieces = [piece for piece in self._pieces if piece.line and (not given or piece.place in self._marked)]
        if not pieces or not text:
            return None
        flat = squeezed(text)
        lines = Counter(piece.place for piece in pieces if piece.squeezed in flat)
        place, count = next(iter(lines.most_common(1)), (0, 0))
        if count < _LINES_IN_FILE:
            return None
        cell = self.document.cells[place]
        message = (
            f"The file {name} is published beside the {self.kind} version and holds {count} lines of this cell, which is kept from it."
        )
        return Problem("leak", message, _FILE, "warning", **failures.at(cell, None, self.document.has_lines))

    def _wrong_cell(self, shown: Sequence[Shown]) -> _Find | None:
        """A cell that is there although it must not, or with a text that must not be: short texts, too, are found here."""
        for each in shown:
            lines = self._hidden.get(each.index)
            if not lines or all(not text.strip() or solutions.is_stub(text) for text in lines.values()):
                continue
            written = set(map(str.strip, each.cell.source.split("\n")))
            cell = self.document.cells[each.index]
            extra = {text.strip() for text in lines.values() if not solutions.is_stub(text)} & written - {""}
            extra -= {text.strip() for text in _visible(cell, lines)}
            if extra or (_whole(cell, lines) and (each.complete or each.cell.attachments)):
                text = min(extra, default="")
                return _Find(Piece(each.index, min(lines), text, b""), each, "source")
        return None

    def _of_results(self, results: Results | None) -> list[Piece]:
        """Results of cells that the kind does not get."""
        found = [
            piece for index in self._hidden if results and index in results for piece in searching.of_data(index, results[index].outputs)
        ]
        return [piece for piece in found if piece.squeezed not in self._visible]

    # --- what of the hits is a leak: rare, so it may take its time ---

    def _confirmed(
        self, hits: list[Piece], data: bytes, format: str, shown: Sequence[Shown], metadata: Mapping[str, Any], results: Results | None
    ) -> _Find | None:  # fmt: skip
        for each in shown:
            source = squeezed(each.cell.source)
            if found := next((piece for piece in hits if piece.squeezed in source), None):
                return _Find(found, each, "source")
        legitimate = searching.Words(
            [output for each in shown if results and each.complete and each.index in results for output in results[each.index].outputs]
        )
        hits = [piece for piece in hits if not (piece.result and legitimate.squeezed_contains(piece))]
        for each in shown:
            result = results.get(each.index) if results and each.complete else None
            for what, value in (("output", result.outputs if result else []), ("metadata", [each.cell.metadata, each.cell.attachments])):
                if found := self._told(hits, searching.Words(value)):
                    return _Find(found, each, what)
        if found := self._told(hits, searching.Words(metadata)) or self._told(hits, searching.Words(searching.texts(data, format))):
            return _Find(found, None, "page")
        return None

    def _told(self, hits: list[Piece], words: searching.Words) -> Piece | None:
        """The piece that a text certainly has from a hidden cell; one line that might be a value needs company."""
        there = [piece for piece in hits if words.contains(piece)]
        weak: dict[int, Piece] = {}
        for piece in there:
            strength = searching.strength(piece, self.document.cells[piece.place].source)
            if strength == 2 or (strength == 1 and piece.place in weak):
                return piece
            if strength == 1:
                weak[piece.place] = piece
        return None

    def _problem(self, find: _Find) -> Problem:
        hidden = self.document.cells[find.piece.place].origin.cell
        name = f"cell {hidden + 1}" if hidden is not None else "a cell of a template"
        line = f"line {find.piece.line} of " if find.piece.line and not find.piece.result else "data of " if find.piece.result else ""
        if find.what == "source":
            message, hint = f"The {self.kind} version would get text that is kept from it.", _OURS
        elif find.shown is None:
            message, hint = f"The {self.kind} version would show {line}{name}, which is kept from it, outside its cells.", _HINT
        else:
            message, hint = f"The {find.what} of this cell shows {line}{name}, which the {self.kind} version does not get.", _HINT
        place = self.document.cells[find.shown.index if find.shown else find.piece.place]
        return Problem("leak", message, hint, **failures.at(place, None, self.document.has_lines))


# --- what a kind may show, said a second time ---


def _hidden(document: Document, rule: cells.Rule, rules: cells.Rules) -> dict[int, dict[int, str]]:
    """For each cell that the kind does not get as a whole: the lines it does not get, by their number from 1."""
    inner = rules.get(str(rule.get("workshop")), rule)
    inside = cells.workshop_cells(document.cells) if inner is not rule else frozenset()
    found = {}
    for index, cell in enumerate(document.cells):
        mine = inner if index in inside else rule
        lines = dict(enumerate(cell.source.split("\n"), 1))
        if not _gets(cell, mine, bool(rule.get("public", True))):
            found[index] = lines
        elif mine.get("clear_solutions") and (region := _region(cell, lines)):
            found[index] = region
    return found


def _gets(cell: Cell, rule: cells.Rule, public: bool) -> bool:
    marks = cells.marks(cell, rule)
    hiding = {*rule.get("remove", ()), *rule.get("blank", ())} | (PRIVATE_TAGS if public else frozenset())
    answer = bool(rule.get("answer_stub")) and "answer" in marks
    if marks & hiding or (answer and cell.type != "code"):
        return False
    if answer and cells.holds_answer(cell):
        return False
    return cell.type != "code" or not (rule.get("blank_code") or answer) or bool(set(cell.tags) & set(rule.get("keep", ())))


def _is_marked(cell: Cell, rule: cells.Rule, rules: cells.Rules) -> bool:
    """Whether a cell that a kind does not get is a secret: hidden by what its author wrote there, and no code to begin with."""
    named = cells.marks(cell, rule)
    begins = named & {"start", "del"} and not named & PRIVATE_TAGS
    return not begins and (bool(named & _secret_tags(rule, rules)) or bool(_region(cell, dict(enumerate(cell.source.split("\n"), 1)))))


def _secret_tags(rule: cells.Rule, rules: cells.Rules) -> frozenset[str]:
    inner = rules.get(str(rule.get("workshop")), rule)
    return PRIVATE_TAGS | {"answer"} | {tag for each in (rule, inner) for name in ("remove", "blank") for tag in each.get(name, ())}


def _region(cell: Cell, lines: dict[int, str]) -> dict[int, str]:
    """The lines of solution, test and mark regions; of a solution cell without any, all."""
    found, inside, begun = {}, False, False
    for number, line in lines.items():
        if edge := solutions.EDGE.search(line):
            inside = edge.group(1) == "BEGIN"
            begun = begun or (inside and edge.group(2) == "SOLUTION")
        elif inside:
            found[number] = line
    nbgrader = cell.metadata.get("nbgrader")
    alone = isinstance(nbgrader, dict) and nbgrader.get("solution") is True and not begun
    return lines if alone else found


def _whole(cell: Cell, lines: dict[int, str] | None) -> bool:
    """Whether nothing of the cell may be seen."""
    return lines is not None and len(lines) == cell.source.count("\n") + 1


def _visible(cell: Cell, hidden: dict[int, str] | None) -> list[str]:
    if hidden is None:
        return [cell.source]
    return [line for number, line in enumerate(cell.source.split("\n"), 1) if number not in hidden]


def _own_metadata(cell: Cell) -> dict[str, Any]:
    """What the author wrote there, without what tools know and without a marker that could not be read."""
    plain = cells.PLAIN_METADATA | {"incorrectly_encoded_metadata"}
    return {key: value for key, value in cell.metadata.items() if key not in plain}
