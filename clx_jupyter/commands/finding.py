"""What ``clx doctor`` says, line by line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: ``ok``, ``missing`` (something needed is not there) or ``note``."""

    state: str
    what: str
    hint: str = ""


def needed(there: bool, what: str, hint: str) -> Finding:
    """What must be there."""
    return Finding("ok", what) if there else Finding("missing", what, hint)
