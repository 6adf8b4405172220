"""What an ``nbgrader_config.py`` says about the sources. It is read, never run: a course must not run code by being looked at."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from clx_jupyter.errors import CourseError, Problem

CONFIG = "nbgrader_config.py"

_DELIMITERS = {
    "ClearSolutions.begin_solution_delimeter": "BEGIN SOLUTION",
    "ClearSolutions.end_solution_delimeter": "END SOLUTION",
    "ClearHiddenTests.begin_test_delimeter": "BEGIN HIDDEN TESTS",
    "ClearHiddenTests.end_test_delimeter": "END HIDDEN TESTS",
    "ClearMarkScheme.begin_mark_scheme_delimeter": "BEGIN MARK SCHEME",
    "ClearMarkScheme.end_mark_scheme_delimeter": "END MARK SCHEME",
}
_UNUSED = frozenset({"ClearSolutions.code_stub", "ClearSolutions.text_stub", "IncludeHeaderFooter.header", "IncludeHeaderFooter.footer"})
_FOLDER = "CourseDirectory.source_directory"


_NONE: Mapping[str, _Setting] = {}


@dataclass(frozen=True, slots=True)
class _Setting:
    name: str
    line: int
    #: ``None`` where only running the file would tell.
    value: object


def start_of(root: Path) -> Path:
    """Where the sources of the course at *root* lie: with nbgrader's configuration only in its folder of sources.

    Raises :class:`CourseError` for delimiters of its own: what they enclose would reach students.
    """
    settings = _settings(root)
    for name, usual in _DELIMITERS.items():
        found = settings.get(name)
        if found and found.value not in (usual, f"### {usual}"):
            raise CourseError(
                f"{CONFIG} sets {name}: regions are found only by nbgrader's own words, such as {usual!r}",
                f"mark the regions with {usual!r}, and remove the setting",
                path=CONFIG,
                line=found.line,
            )
    if settings is _NONE:
        return root
    folder = settings[_FOLDER].value if _FOLDER in settings else "source"
    start = root / folder if isinstance(folder, str) else root / "source"
    return start if start.is_dir() and start.resolve().is_relative_to(root.resolve()) else root


def notes(root: Path) -> list[Problem]:
    """What of the settings is not followed."""
    return [
        Problem("bad-course", f"{name} in {CONFIG} is not used", "students get nbgrader's standard text", "warning", path=CONFIG, line=found.line)
        for name, found in _settings(root).items()
        if name in _UNUSED
    ]  # fmt: skip


def _settings(root: Path) -> Mapping[str, _Setting]:
    """Every ``c.Class.trait = value`` of the course's nbgrader configuration; ``_NONE`` where there is none."""
    config = root / CONFIG
    if not config.is_file():
        return _NONE
    try:
        tree = ast.parse(config.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):  # nbgrader itself could not read it
        return {}
    return {setting.name: setting for setting in _assigned(tree)}


def _assigned(tree: ast.AST) -> Iterator[_Setting]:
    for node in (each for each in ast.walk(tree) if isinstance(each, ast.Assign)):
        for target in node.targets:
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Attribute) and isinstance(target.value.value, ast.Name):
                yield _Setting(f"{target.value.attr}.{target.attr}", node.lineno, _literal(node))


def _literal(node: ast.Assign) -> object:
    try:
        return ast.literal_eval(node.value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
