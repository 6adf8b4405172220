"""The name of an execution: equal keys mean that running the code again would give the same."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from clx_jupyter_workers import inputs
from clx_jupyter_workers.notebook.document import Cell

VERSION = "clx-execution-1"
"""Changes when running itself changes: limits of outputs, the layout of the working folder, the environment."""

_RUNNING_TAGS = ("raises-exception", "skip-execution")


def used_files(code: str, folder: str, files: Mapping[str, str], read: Callable[[str], str]) -> dict[str, str]:
    """Those of *files* (path to sha256) that the code can be seen to need: by name, by import, and what these import.

    *read* gives the text of a module.
    """
    used = inputs.mentioned(code, folder, files) | inputs.modules(code, folder, files)
    todo = [path for path in used if path.endswith(".py")]
    while todo:
        path = todo.pop()
        text = read(path)
        base = posixpath.dirname(path)
        more = (inputs.mentioned(text, folder, files) | inputs.modules(text, base, files) | inputs.modules(text, folder, files)) - used
        used |= more
        todo += [name for name in more if name.endswith(".py")]
    return {path: files[path] for path in sorted(used)}


def key(
    cells: Iterable[Cell], kernel: Mapping[str, Any], execute: Mapping[str, Any], used: Mapping[str, str], folder: str = "",
    given: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """The sha256 over everything that decides what the cells give.

    *folder* is the notebook's: the same code elsewhere may list other files, or print where it is. *given*: files that
    notebooks before this one wrote, with their hashes.
    """
    digest = hashlib.sha256()
    before = (f"given {path} {sha256}" for path, sha256 in sorted((given or {}).items()))
    for part in (f"folder {folder}", *before, *_parts(cells, kernel, execute, used)):
        raw = part.encode("utf-8", "surrogatepass")
        # With lengths in front, ("ab", "c") and ("a", "bc") differ.
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.hexdigest()


def _parts(cells: Iterable[Cell], kernel: Mapping[str, Any], execute: Mapping[str, Any], used: Mapping[str, str]) -> Iterable[str]:
    yield from (VERSION, str(kernel.get("name", "")), str(kernel.get("fingerprint", "")), str(bool(execute.get("allow_errors"))))
    for name, value in sorted(execute.get("environment", {}).items()):
        # The value itself stays out even of what is hashed together with known text.
        yield f"environment {name} {hashlib.sha256(str(value).encode('utf-8', 'surrogatepass')).hexdigest()}"
    for path, sha256 in sorted(used.items()):
        yield f"file {path} {sha256}"
    for cell in cells:
        yield "cell " + " ".join(tag for tag in _RUNNING_TAGS if tag in cell.tags)
        yield cell.source
