"""Whom a target is for: what may be handed to students, what holds solutions, what stays with the teachers. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from clx_jupyter.course.model import Course
from clx_jupyter.kinds import Kind

STUDENTS, SOLUTIONS, PRIVATE = LEVELS = ("students", "solutions", "private")
"""``students``: may be handed out. ``solutions``: public too, but it shows what students of this course work out elsewhere. ``private``: stays."""

TITLES = {STUDENTS: "for students", SOLUTIONS: "solutions", PRIVATE: "keep private"}
"""What people read."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a target is for (one of :data:`LEVELS`) and why, in words."""

    level: str
    why: str


def audience(course: Course, kinds: Iterable[str]) -> Audience:
    """Whom something is for that holds these kinds. A kind that the course does not know counts as private."""
    kinds = tuple(dict.fromkeys(kinds))
    private = [id for id in kinds if id not in course.kinds or not course.kinds[id].public]
    public = [id for id in kinds if id not in private]
    if private:
        beside = f"; {_labels(public, course.kinds)} beside it could be handed out" if public else ""
        return Audience(PRIVATE, _labels(private, course.kinds) + beside)
    asked = {id for target in course.targets for id in target.kinds if _withholds(course.kinds[id])}
    shows = [id for id in public if not _withholds(course.kinds[id])]
    # Whoever puts both into one target wants students to have both.
    return Audience(SOLUTIONS if asked and shows == public and shows else STUDENTS, _labels(public, course.kinds))


def _withholds(kind: Kind) -> bool:
    """Whether a kind leaves something for its readers to work out."""
    return kind.blank_code or kind.clear_solutions or bool(kind.blank) or kind.workshop is not None


def _labels(ids: Iterable[str], kinds: Mapping[str, Kind]) -> str:
    """``Code-along, Solution``: labels without what stands in brackets behind them."""
    return ", ".join(re.sub(r"\s*\([^()]*\)$", "", kinds[id].label) if id in kinds else id for id in ids)
