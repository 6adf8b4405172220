"""The kinds of audience as one table of rules: which cells each of them gets, and how.

The worker applies a rule cell by cell; it receives it as data inside the job, so a course's own kinds need no code.
Source of the rules: the CLX/CLM course format and nbgrader's release version (``docs/kinds.md``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PRIVATE_TAGS = frozenset({"private", "notes", "voiceover"})
"""Cells with one of these tags never reach a public kind, whatever the kind's own rule says."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What one audience gets. A cell is removed, blanked (it stays, empty) or kept, in this order of precedence."""

    id: str
    #: What people read.
    label: str
    #: Public kinds get nothing private; kinds nobody described are public.
    public: bool = True
    #: Pages of this kind show results, so their code runs.
    executed: bool = True
    #: Tags whose cells are removed.
    remove: frozenset[str] = frozenset({"del"})
    #: Tags whose code cells keep their text although ``blank_code`` is on.
    keep: frozenset[str] = frozenset()
    #: Blank every code cell that no ``keep`` tag protects.
    blank_code: bool = False
    #: Tags whose cells are blanked.
    blank: frozenset[str] = frozenset()
    #: Answers show only their label ("*Answer:* ").
    answer_stub: bool = False
    #: Solution regions and marker-less nbgrader solution cells are replaced by the stub of the language.
    clear_solutions: bool = False
    #: Background colour of the box that a cell with this tag is shown in.
    boxes: tuple[tuple[str, str], ...] = ()
    #: The kind whose rule holds inside workshop ranges; ``None``: the same rule everywhere.
    workshop: str | None = None
    #: The name of the folder in CLX and CLM courses.
    folder: str = ""

    def to_json(self) -> dict[str, Any]:
        """The rule as it travels in a job: plain lists instead of sets."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in values.items()}


_NOTES = (("notes", "yellow"),)
_TABLE = (
    Kind(
        "code-along", "Code-along (students fill in)", executed=False, remove=frozenset({"del", "alt", "completed", "solution"}) | PRIVATE_TAGS,
        keep=frozenset({"keep", "start"}), blank_code=True, answer_stub=True, clear_solutions=True, folder="Code-Along",
    ),
    Kind(
        "student", "Student version (solutions cleared)", executed=False, remove=frozenset({"del"}) | PRIVATE_TAGS,
        blank=frozenset({"solution"}), answer_stub=True, clear_solutions=True, folder="Student",
    ),
    Kind("completed", "Solution", remove=frozenset({"del", "start"}) | PRIVATE_TAGS, folder="Completed"),
    Kind(
        "speaker", "Speaker (with notes)", public=False, remove=frozenset({"del", "start"}),
        boxes=(*_NOTES, ("voiceover", "#FFEEBA")), folder="Recording",
    ),
    Kind(
        "trainer", "Trainer", public=False, remove=frozenset({"del", "start", "voiceover"}), boxes=_NOTES, folder="Trainer",
    ),
    Kind(
        "partial", "Partial (workshops to fill in)", remove=frozenset({"del", "start"}) | PRIVATE_TAGS, workshop="code-along",
        folder="Partial",
    ),
)  # fmt: skip

KINDS: dict[str, Kind] = {kind.id: kind for kind in _TABLE}
"""Every kind that comes with the package, by its id."""


BLACK_MARKS = frozenset({"solution"})
WHITE_MARKS = frozenset({"keep", "start", "alt", "completed"})
