"""The kinds of audience as one table of rules: which cells each of them gets, and how.

The worker applies a rule cell by cell; it receives it as data inside the job, so a course's own kinds need no code.
Source of the rules: the CLX/CLM course format and nbgrader's release version (``docs/kinds.md``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
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


class KindError(ValueError):
    """A rule of a course's own that cannot hold; ``hint`` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def own_kind(id: str, rule: Mapping[str, Any], known: Mapping[str, Kind]) -> Kind:
    """The kind *id* of a course with a rule as ``course.yaml`` has it; *known* are the packaged kinds and those of the course so far.

    What the rule leaves open is as in its base. A tag goes where the rule puts it, whatever the base does with it; private
    tags never reach a public kind. Raises :class:`KindError`.
    """
    base = known.get(rule["base"]) if "base" in rule else known.get(id) or known["completed"]
    if base is None:
        raise KindError(
            f"the base {rule['base']!r} of kind {id!r} is not known", f"packaged kinds and those written above are: {', '.join(known)}"
        )
    removed, blanked, kept = (frozenset(rule.get(name, ())) for name in ("remove", "blank", "keep"))
    if both := (removed & blanked) | (removed & kept) | (blanked & kept):
        raise KindError(f"kind {id!r} has {', '.join(sorted(both))} in two of remove, blank and keep", "a tag can have one meaning only")
    packaged = KINDS.get(id)
    public = rule.get("public", packaged.public if packaged else True)
    if public and (shown := (blanked | kept) & PRIVATE_TAGS):
        raise KindError(
            f"kind {id!r} is public and cannot have {', '.join(sorted(shown))}",
            "write `public: false` if only staff gets it, or leave the tag to be removed",
        )
    return replace(
        base,
        id=id,
        label=rule.get("label") or (packaged.label if packaged else id),
        public=public,
        remove=(base.remove - blanked - kept) | removed | (PRIVATE_TAGS if public else frozenset()),
        blank=(base.blank - removed - kept) | blanked,
        keep=(base.keep - removed - blanked) | kept,
        boxes=(*((tag, colour) for tag, colour in base.boxes if tag not in rule.get("boxes", {})), *rule.get("boxes", {}).items()),
        folder=rule.get("folder") or (packaged.folder if packaged else ""),
        **{name: rule[name] for name in ("executed", "blank_code", "answer_stub", "clear_solutions", "workshop") if name in rule},
    )


def own_kinds(rules: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Kind], dict[str, KindError]]:
    """All kinds of a course with these rules of its own, and what is wrong with rules by the kind's id."""
    kinds, wrong = dict(KINDS), {}
    for id, rule in rules.items():
        try:
            kinds[id] = own_kind(id, rule, kinds)
        except KindError as error:
            wrong[id] = error
    for id, kind in kinds.items():
        if kind.workshop is not None and kind.workshop not in kinds and id not in wrong:
            wrong[id] = KindError(
                f"the kind {kind.workshop!r}, which kind {id!r} uses in workshops, is not known", f"known are: {', '.join(kinds)}"
            )
    return kinds, wrong


BLACK_MARKS = frozenset({"solution"})
WHITE_MARKS = frozenset({"keep", "start", "alt", "completed"})
