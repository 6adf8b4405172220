"""Which files of a course a piece of text mentions: the guess both the plan and the execution key rest on.

The rules (``docs/execution.md``): a file whose path, relative to the notebook's folder or to the course root, stands in
the text; every file of a folder, or of a glob pattern, that a quoted string names; local modules that the text imports.
"""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Iterable, MutableSet, Set
from fnmatch import filter as fnmatch_filter
from functools import cached_property
from urllib.parse import unquote

_QUOTED = re.compile(r"\"([^\"\n]{1,300})\"|'([^'\n]{1,300})'")
_WORD = re.compile(r"[^\s\"'`()<>\[\]{},;=|]{1,300}")
_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+(\([^()]*\)|[\w, \t*(]+)|import[ \t]+([\w., \t]+))", re.MULTILINE)
_SCHEME = re.compile(r"^(?:[a-zA-Z][a-zA-Z0-9+.-]*:|//|/|#)")
_LINK = re.compile(
    r"\]\(\s*(?:<([^<>\n]+)>|([^\s<>()]+(?:\([^\s()]*\)[^\s()]*)*))|\bhref\s*=\s*[\"']([^\"'<>\n]+)|^[ \t#/]*\[(?!\^)[^\]\n]+\]:[ \t]*<?([^\s<>]+)",
    re.IGNORECASE | re.MULTILINE,
)
_COURSE_LINK = re.compile(r"\]\(\s*clm:\s*([^)\s]+)\s*\)")
_SHOWN = re.compile(r"\b(?:src|poster)\s*=\s*(?:\"([^\"\n]+)|'([^'\n]+)|([^\s\"'>]+))", re.IGNORECASE)

COURSE_LINK = "clm:"
"""Links that begin so name a topic of the course: ``clm:topic``, ``clm:topic/stem``."""


def local(target: str) -> str | None:
    """The path that a link's target means; ``None`` for addresses, anchors and what is embedded."""
    text = html.unescape(target.strip())
    if not text or _SCHEME.match(text):
        return None
    return unquote(text.split("#", 1)[0].split("?", 1)[0]) or None


def link_names(text: str) -> set[str]:
    """What links in *text* may lead to: normalised paths as seen from its folder, and ``clm:`` references without anchors.

    A guess for planning: it also finds links that are only shown, in code, and takes markdown for what stands in comments.
    """
    found = set()
    if "](" in text or "href" in text.lower() or "]:" in text:
        targets = (next(filter(None, groups), "") for groups in _LINK.findall(text))
        found = {posixpath.normpath(path) for target in targets if (path := local(target))}
    if COURSE_LINK in text:
        found |= {COURSE_LINK + reference.split("#", 1)[0] for reference in _COURSE_LINK.findall(text)}
    return found


def shown_names(text: str) -> set[str]:
    """What elements of HTML in *text* (pictures, films, sound) may show: normalised paths as seen from its folder."""
    targets = (next(filter(None, groups)) for groups in _SHOWN.findall(text))
    return {posixpath.normpath(path) for target in targets if (path := local(target))}


class Files:
    """Paths of a course (POSIX, relative to its root), laid out for many questions."""

    def __init__(self, paths: Iterable[str]) -> None:
        # A set that looks its members up when it is asked stays as it is.
        self.paths: Set[str] = paths if isinstance(paths, Set) and not isinstance(paths, MutableSet) else frozenset(paths)

    @classmethod
    def of(cls, paths: Iterable[str] | Files) -> Files:
        """*paths* as they are if they are laid out already."""
        return paths if isinstance(paths, Files) else cls(paths)

    @cached_property
    def below(self) -> dict[str, list[str]]:
        """All files below each folder, however deep."""
        found: dict[str, list[str]] = {}
        for path in self.paths:
            for parent in _parents(path):
                found.setdefault(parent, []).append(path)
        return found


def _strings(text: str) -> tuple[set[str], set[str]]:
    """Quoted strings, and everything that could be a path (quoted strings included)."""
    quoted = {a or b for a, b in _QUOTED.findall(text)}
    return quoted, quoted | set(_WORD.findall(text))


def strings(text: str) -> set[str]:
    """The quoted strings of *text*."""
    return _strings(text)[0]


def words(text: str) -> set[str]:
    """All in *text* that could be a path."""
    return _strings(text)[1]


def is_pattern(word: str) -> bool:
    """Whether a quoted string may name files anywhere by a pattern; ``"*"`` is more often a line of stars (:func:`mentioned`)."""
    return "*" in word and any(char.isalnum() for char in word)


def globs_all(text: str, quoted: Iterable[str]) -> bool:
    """Whether *text* asks for all files of its folder, as ``glob("*")`` and ``Path().rglob("*.*")`` do."""
    return "glob" in text and any("*" in word and not is_pattern(word) for word in quoted)


def resolved(name: str, folder: str) -> tuple[str, str]:
    """The name as seen from the notebook's folder and from the course root, normalised; *folder* is."""
    if "/" not in name and name not in ("", ".", ".."):  # most words of a notebook
        return (f"{folder}/{name}" if folder else name), name
    return posixpath.normpath(posixpath.join(folder, name)), posixpath.normpath(name)


def mentioned(text: str, folder: str, files: Iterable[str] | Files) -> set[str]:
    """The members of *files* that *text* names by path, or by a quoted folder.

    *folder* is the notebook's folder; all paths are POSIX, relative to the course root (``""`` is the root itself).
    """
    known = Files.of(files)
    if not known.paths or not text:
        return set()
    quoted, words = _strings(text)
    found = {path for word in words for path in resolved(word, folder) if path in known.paths}
    folders = {path for word in quoted for path in resolved(word.rstrip("/"), folder)} - {".", folder or "."}
    found.update(path for each in folders for path in known.below.get(each, ()))
    for pattern in {path for word in quoted if is_pattern(word) for path in resolved(word, folder)}:
        found.update(fnmatch_filter(known.paths, pattern))
    if globs_all(text, quoted):
        found.update(known.below.get(folder, ()) if folder else known.paths)
    return found


def _parents(path: str) -> Iterable[str]:
    while path := posixpath.dirname(path):
        yield path


def imported_names(code: str) -> set[str]:
    """Dotted module names that Python *code* imports; ``from a import b`` also gives ``a.b``."""
    names: set[str] = set()
    for module, parts, plain in _IMPORT.findall(code):
        if plain:
            names |= {piece.split(" as ")[0].strip() for piece in plain.split(",")}
            continue
        base = module.lstrip(".")
        if base:
            names.add(base)
        for piece in re.sub(r"#.*|[()]", " ", parts).split(","):
            word = piece.strip().split(" ")[0]
            if word and word != "*":
                names.add(f"{base}.{word}" if base else word)
    return {name for name in names if name}


def modules(code: str, folder: str, files: Iterable[str] | Files) -> set[str]:
    """The members of *files* that ``import`` statements in *code* load, looked for beside the notebook and at the root."""
    known = Files.of(files).paths
    found: set[str] = set()
    for name in imported_names(code):
        relative = name.replace(".", "/")
        for base in dict.fromkeys((folder, "")):
            stem = posixpath.join(base, relative)
            parts = relative.split("/")
            packages = {posixpath.join(base, *parts[:n], "__init__.py") for n in range(1, len(parts) + 1)}
            found |= ({f"{stem}.py"} | packages) & known
    return found
