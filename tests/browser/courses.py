"""Courses for the stories, and gates: a deck that waits for one holds a build in the middle for as long as a story needs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]


class Gates:
    """Files that decks wait for. Their folder reaches the kernels by the environment: the code of a deck is the same in every place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)

    @property
    def environment(self) -> dict[str, str]:
        return {"GATES": str(self.folder)}

    def open(self, *names: str) -> None:
        for name in names:
            (self.folder / name).touch()

    def open_all(self) -> None:
        self.open("all")


def deck(title: str, *code: str, gate: str = "") -> str:
    """A text deck: a title, a cell that waits for its gate, and the cells of code."""
    cells = [f"# %% [markdown]\n# # {title}\n"]
    if gate:
        cells.append(
            "# %%\nimport os, pathlib, time\n"
            f"while not any(pathlib.Path(os.environ['GATES'], name).exists() for name in ('{gate}', 'all')):\n"
            "    time.sleep(0.02)\n"
        )
    return "\n".join([*cells, *(f"# %%\n{each}\n" for each in code)])


def notebook(*cells: tuple[str, str]) -> str:
    made: list[dict[str, Any]] = []
    for number, (kind, source) in enumerate(cells):
        cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": source}
        made.append(cell | ({"outputs": [], "execution_count": None} if kind == "code" else {}))
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": made})


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


def demo(root: Path, *without: str) -> Path:
    """A copy of the demo course, *without* some of its files: with no ``course.yaml`` it is a folder of notebooks."""
    return shutil.copytree(PROJECT / "binder" / "demo", root, ignore=shutil.ignore_patterns("output", ".clx", *without))


def gated(root: Path, count: int = 5) -> Path:
    """A course of *count* decks; deck 3 waits for the gate ``3``, or for all to be opened."""
    return write(root, {f"week/{number}.py": deck(f"Lesson {number}", f"{number} * 7", gate=str(number)) for number in range(1, count + 1)})


def files(root: Path) -> dict[str, bytes]:
    """What was published: every file below the output folder, but for the manifests (they hold keys, not content)."""
    found = (path for path in (root / "output").rglob("*") if path.is_file() and path.name != ".clx-manifest.json")
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def looks(root: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of every published file: they tell whether it was written again. Opening a notebook leaves a checkpoint beside it."""
    found = (path for path in (root / "output").rglob("*") if path.is_file() and ".ipynb_checkpoints" not in path.parts)
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}
