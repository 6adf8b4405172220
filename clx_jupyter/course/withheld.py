"""What of a CLX or CLM course stays in the source: spoken text, secrets, recorded requests, and copies of notebooks.

All paths are POSIX strings.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from clx_jupyter.errors import Problem

UNPUBLISHED_FOLDERS = frozenset({"pu", "drawio", "cassettes", "_cassettes"})
"""Folders whose data stays in the source; their pictures are published all the same."""

SECRETS = ".env"
"""The name of files that hold what must not be published; ``.env.local`` and the like do so, too."""

_NAMES = re.compile(r"voiceover_.*\.(?:py|cs|cpp|cxx|cc|c|java|ts|rs|rust|md)$|.*\.http-cassette\.yaml(?:$|\.staging-)", re.IGNORECASE)
_EXAMPLES = (".example", ".sample", ".template", ".dist")


def is_secret(name: str) -> bool:
    """Whether a file of this name holds variables that are nobody's business."""
    return name == SECRETS or (name.startswith(f"{SECRETS}.") and not name.endswith(_EXAMPLES))


def copied(name: str) -> bool:
    """Whether files of this name are published at all: spoken texts and recorded requests are for the build only."""
    return _NAMES.match(name) is None


def published(at: str) -> bool:
    """Whether data at this place of a topic is copied to outputs."""
    *folders, name = at.split("/")
    return not UNPUBLISHED_FOLDERS.intersection(folders) and copied(name) and not is_secret(name)


def copies_of(decks: Iterable[str], files: Iterable[str]) -> set[str]:
    """Those of *files* that an editor or jupytext made of one of *decks*, by their names: all solutions are in them.

    ``slides_a.py.bak``, ``slides_a.py~``, ``.slides_a.py.swp``, ``#slides_a.py#``, ``slides_a.ipynb``.
    """
    names = {posixpath.basename(deck) for deck in decks}
    paired = {f"{posixpath.splitext(name)[0]}.ipynb" for name in names}
    found = set()
    for path in files:
        name = posixpath.basename(path)
        plain = name.lstrip(".#")
        if name not in names and (name in paired or any(plain.startswith(deck) and not plain[len(deck) :][:1].isalnum() for deck in names)):
            found.add(path)
    return found


def secret_kept(path: str) -> Problem:
    """The warning for a file that is kept back because of its name."""
    return Problem(
        "leak", f"{path} is not published: it may hold secrets", "call it .env.example if students need it", "warning", path=path
    )


def copy_kept(path: str) -> Problem:
    """The warning for a file that is, or is a copy of, a notebook."""
    hint = "remove it from here, or give it a name of its own if students need it"
    return Problem("leak", f"{path} is not published: it holds a notebook with its notes and solutions", hint, "warning", path=path)
