"""What an ``nbgrader_config.py`` says about the sources. It is read, never run: a course must not run code by being looked at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
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


@dataclass(frozen=True, slots=True)
class _Setting:
    name: str
    line: int
    #: ``None`` where only running the file would tell.
    value: object


def read(root: Path) -> tuple[Path, tuple[Problem, ...]]:
    """The folder in which the sources of the course at *root* lie, and what of its nbgrader settings is not followed.

    Raises :class:`CourseError` for delimiters of its own: what they enclose would reach students.
    """
    settings = {setting.name: setting for setting in _settings(root / CONFIG)}
    for name, usual in _DELIMITERS.items():
        found = settings.get(name)
        if found and (not isinstance(found.value, str) or found.value not in (usual, f"### {usual}")):
            raise CourseError(
                f"{CONFIG} sets {name}: regions are found only by nbgrader's own words, such as {usual!r}",
                f"mark the regions with {usual!r}, and remove the setting",
                path=CONFIG,
                line=found.line,
            )
    problems = tuple(
        Problem("bad-course", f"{name} in {CONFIG} is not used", "students get nbgrader's standard text", "warning", path=CONFIG, line=found.line)
        for name, found in settings.items()
        if name in _UNUSED
    )  # fmt: skip
    folder = settings[_FOLDER].value if _FOLDER in settings else "source"
    start = root / folder if isinstance(folder, str) else root / "source"
    inside = start.resolve().is_relative_to(root.resolve())
    return (start if start.is_dir() and inside else root), problems


def _settings(config: Path) -> Iterator[_Setting]:
    """Every ``c.Class.trait = value`` of the file; none where it is no Python."""
    try:
        tree = ast.parse(config.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.Assign)):
        for target in node.targets:
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Attribute) and isinstance(target.value.value, ast.Name):
                yield _Setting(f"{target.value.attr}.{target.attr}", node.lineno, _literal(node))


def _literal(node: ast.Assign) -> object:
    try:
        return ast.literal_eval(node.value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
