"""A course that gives the same bytes each time, and what a build of it left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from clx_jupyter.manifest import MANIFEST
from tests.stories.conftest import write

WHOLE, SMALL = 40, 12
"""Sources of the course of campaigns, and of the one with which ``make test`` shows each fault once."""
_TEXT = "---\njupyter:\n  jupytext:\n    text_representation: {{extension: .md, format_name: markdown}}\n---\n\n# Lesson {n}\n\nWords of *lesson {n}*.\n"
_CODE = '# %% [markdown]\n# # Lesson {n}\n\n# %%\ntotal = sum(range({n}))\ntotal\n\n# %%\nprint("lesson", {n}, total)\n'
_WITH_CODE = 10
"""Every tenth source starts a kernel; the others are text, so that forty jobs take seconds."""


def write_course(root: Path, sources: int = WHOLE, with_code: int = _WITH_CODE) -> Path:
    """A folder of lessons in sections of ten; each *with_code*-th runs code, none where that is 0."""
    files = {}
    for n in range(sources):
        runs = with_code and n % with_code == with_code // 2
        files[f"{n // 10} section/lesson {n:03}.{'py' if runs else 'md'}"] = (_CODE if runs else _TEXT).format(n=n)
    return write(root, files)


def tree(root: Path) -> dict[str, bytes]:
    """Every file among the outputs, hidden ones and manifests included, by its place."""
    output = root / "output"
    return {path.relative_to(output).as_posix(): _content(path) for path in sorted(output.rglob("*")) if path.is_file()}


def _content(path: Path) -> bytes:
    """What is in a file; of a manifest without the reasons: what was interrupted was not made because it was new."""
    if path.name != MANIFEST:
        return path.read_bytes()
    entries = json.loads(path.read_text(encoding="utf-8"))["files"]
    return json.dumps({name: {**entry, "reason": ""} for name, entry in entries.items()}).encode()


def is_page(name: str) -> bool:
    """Whether a file was made from a source, or leads to those that were."""
    return name.endswith((".html", ".ipynb"))


def unfinished(root: Path, temporary: Path) -> Iterator[Path]:
    """Files and folders that a build should have taken away again: temporary ones, and what lay in the stage."""
    yield from temporary.iterdir()
    yield from (root / ".clx" / "stage").iterdir()
    yield from (root / ".clx" / "requests").iterdir()
    for folder in (root / ".clx", root / "output"):
        yield from folder.rglob("*.tmp")
