"""Which folders outputs must not go to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def refused(target: Path, root: Path, sources: Iterable[Path]) -> str:
    """Why outputs of the course at *root* must not go to *target*; ``""`` if they may. *sources* are folders of nothing but sources."""
    target, root = target.resolve(), root.resolve()
    if target == root or target in root.parents:
        return "it holds the course itself"
    if any(target.is_relative_to(folder.resolve()) for folder in sources):
        return "the sources lie there"
    if tool := next((tool for tool in (".git", ".clx") if tool in target.parts[len(root.parts) :]), ""):
        return f"what lies in {tool} belongs to a program"
    if target.exists() and not target.is_dir():
        return "a file lies there"
    if target == Path.home().resolve():
        return "it is a home folder"
    return "it is a git repository" if (target / ".git").exists() else ""
