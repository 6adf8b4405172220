"""Small courses that need no kernel, and looks at what is published of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clx_jupyter.journal import JOURNAL
from clx_jupyter.manifest import MANIFEST

BUILD = (sys.executable, "-m", "clx_jupyter.cli", "build")
COURSE = """version: 1
title: Course
targets:
  students: {path: output/students, kinds: [code-along], formats: [html, code]}
"""


def course(root: Path, *, sources: int = 2, word: str = "first") -> Path:
    """A course with pictures and pages, in words that can be exchanged."""
    (root / "slides" / "img").mkdir(parents=True, exist_ok=True)
    (root / "course.yaml").write_text(COURSE)
    for number in range(sources):
        text = f"# %% [markdown]\n# # Page {number}\n#\n# {word} ![a dot](img/{number}.svg)\n\n# %%\nprint('{word}')\n"
        (root / "slides" / f"{number}.py").write_text(text)
        (root / "slides" / "img" / f"{number}.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg"><title>{word}</title></svg>')
    return root


def tree(root: Path, *, but: tuple[str, ...] = ()) -> dict[str, bytes]:
    """The bytes of every file below *root*, by its path; *but* are names to leave out."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*")) if path.is_file() and path.name not in but
    }  # fmt: skip


def strays(root: Path) -> list[str]:
    """Temporary files, journals, and folders with nothing in them."""
    found = [path for path in root.rglob("*") if path.name.startswith((JOURNAL, ".clx-")) and path.name != MANIFEST]
    return [str(path) for path in (*found, *(path for path in root.rglob("*") if path.is_dir() and not any(path.iterdir())))]


def build(root: Path, *options: str, **environment: str) -> tuple[int, dict[str, Any]]:
    """Exit code and report of ``clx build``."""
    command = [*BUILD, str(root), "--json", "--jobs", "1", "--no-execute", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, **environment})
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout.startswith("{") else {}


@contextmanager
def disk(place: Path, size: int, *options: str) -> Iterator[Path]:
    """A real disk of so many bytes at *place*."""
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join([f"size={size}", *options]), "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def read_only(place: Path, on: bool) -> None:
    """Make a mounted disk read-only, or writable again."""
    subprocess.run(["mount", "-o", f"remount,{'ro' if on else 'rw'}", place], check=True)


def shim(place: Path) -> Path:
    """``nth_call.c``, compiled."""
    library = place / "nth_call.so"
    command = ["gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(Path(__file__).with_name("nth_call.c")), "-ldl", "-lpthread"]
    subprocess.run(command, check=True, capture_output=True)
    return library


def killed_at(library: Path, root: Path, number: int, error: int = 0, last: int | None = None, log: str = "") -> tuple[int, dict[str, Any]]:
    """A build whose change number so and so of a file below the outputs kills it, or fails with *error*, as do all up to *last*."""
    environment = {"NTH_BELOW": str(root / "output"), "NTH_AT": str(number), "NTH_ERROR": str(error), "NTH_TO": str(last or number)}
    environment |= {"NTH_LOG": log} if log else {}
    return build(root / "course.yaml", LD_PRELOAD=str(library), **environment)
