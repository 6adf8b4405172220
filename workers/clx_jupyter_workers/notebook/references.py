"""What the text of a notebook refers to: pictures and files beside it. Found, rewritten, and named where missing."""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from clx_jupyter_workers.inputs import local
from clx_jupyter_workers.notebook.paths import inside, join

# Code shows markup, it does not mean it.
_CODE = re.compile(
    r"^(?P<fence>[ \t]*(?:```+|~~~+))[^\n]*\n.*?(?:^(?P=fence)[^\n]*$|\Z)|(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)",
    re.MULTILINE | re.DOTALL,
)
_IMAGE = re.compile(
    r"!\[(?P<alt>[^\]]*)\]\(\s*(?:<(?P<angle>[^>\n]+)>|(?P<plain>[^\s()]*(?:\([^\s()]*\)[^\s()]*)*))"
    r"(?P<title>\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)"
)
_LINK = re.compile(
    r"(?<!!)\[(?P<text>(?:[^\]\[]|\[[^\]]*\](?:\([^)]*\))?)*)\]"
    r"\(\s*(?:<(?P<angle>[^<>\n]+)>|(?P<plain>(?:clm:\s*)?[^\s<>()]+(?:\([^\s()]*\)[^\s()]*)*))(?:\s+[\"'][^)]*)?\s*\)"
)
_DEFINITION = re.compile(r"^(?P<before> {0,3}\[(?!\^)[^\]\n]+\]:[ \t]*)<?(?P<target>[^\s<>]+)>?", re.MULTILINE)
_ANCHOR = re.compile(r"<a\b[^<>]*>", re.IGNORECASE)
_HREF = re.compile(r"\s*\bhref\s*=\s*(?P<quote>[\"'])(?P<target>[^\"'>]*)(?P=quote)", re.IGNORECASE)
_TAG = re.compile(r"<(?P<tag>img|video|audio|source)\b[^>]*>", re.IGNORECASE)
_SRC = re.compile(
    r"(?P<before>\b(?:src|poster)\s*=\s*)(?:(?P<quote>[\"'])(?P<value>[^\"'>]*)(?P=quote)|(?P<bare>[^\s\"'>]+?)(?=\s|/?>))", re.IGNORECASE
)
_ALT = re.compile(r"\salt\s*=", re.IGNORECASE)
_MAX_TEXT = 500_000
_LFS = b"version https://git-lfs"
_DIAGRAMS = (".drawio", ".pu", ".puml", ".plantuml")
#: Links to sources lead to their pages; the sources themselves, with all solutions, are never published by a link.
_SOURCES = frozenset({".ipynb", ".md", ".py", ".r", ".rmd", ".jl", ".cpp", ".c", ".cs", ".java", ".ts", ".rs", ".rust", ".qmd"})


def may_be_source(target: str) -> bool:
    """Whether the name is that of a notebook or of a file of code."""
    return posixpath.splitext(target)[1].lower() in _SOURCES


@dataclass(frozen=True, slots=True)
class Reference:
    """A local file that a piece of text refers to."""

    #: As written, without anchor, unquoted.
    target: str
    #: Offset in the text.
    offset: int
    #: It is shown in the page (picture, film, sound), not only linked.
    shown: bool


def references(text: str) -> list[Reference]:
    """All local references in markdown, in order."""
    if "](" not in text and "<" not in text:
        return []
    plain = without_code(text)
    found = [Reference(path, match.start(), True) for match in _IMAGE.finditer(plain) if (path := local(_image_target(match)))]
    for tag in _TAG.finditer(plain):
        found += [Reference(path, tag.start(), True) for src in _SRC.finditer(tag.group()) if (path := local(_source(src)))]
    found += [Reference(path, match.start(), False) for match in _links(plain) if (path := local(_target(match)))]
    return sorted(found, key=lambda reference: reference.offset)


def without_code(text: str) -> str:
    """Markdown with its code made blank: code shows markup, it does not mean it."""
    return _CODE.sub(lambda found: " " * len(found.group()), text)


def _links(text: str) -> Iterator[re.Match[str]]:
    yield from _LINK.finditer(text)
    yield from _DEFINITION.finditer(text)
    for anchor in _ANCHOR.finditer(text):
        yield from _HREF.finditer(text, anchor.start(), anchor.end())


def _target(match: re.Match[str]) -> str:
    groups = match.groupdict()
    return groups.get("target") or groups.get("angle") or groups.get("plain") or ""


def undescribed(text: str) -> list[Reference]:
    """The pictures in markdown that have no alternative text; ``alt=""`` says on purpose that one needs none."""
    if "](" not in text and "<" not in text:
        return []
    plain = without_code(text)
    found = [Reference(_image_target(match), match.start(), True) for match in _IMAGE.finditer(plain) if not match["alt"].strip()]
    for tag in _TAG.finditer(plain):
        if tag["tag"].lower() == "img" and not _ALT.search(tag.group()):
            found += [Reference(_source(src), tag.start(), True) for src in _SRC.finditer(tag.group())]
    return sorted(found, key=lambda reference: reference.offset)


def attached(text: str) -> set[str]:
    """The names of the attachments that images in markdown show."""
    if "attachment:" not in text:
        return set()
    plain = without_code(text)
    targets = map(_image_target, _IMAGE.finditer(plain))
    return {unquote(target.removeprefix("attachment:")) for target in targets if target.startswith("attachment:")}


def _image_target(match: re.Match[str]) -> str:
    return match.group("angle") or match.group("plain") or ""


def _source(match: re.Match[str]) -> str:
    return match["value"] or match["bare"] or ""


def _quoted(value: str, quote: str | None) -> str:
    return f"{quote or ''}{value}{quote or ''}"


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """The text with *change* done to all that is no code."""
    parts, position = [], 0
    for code in _CODE.finditer(text):
        parts += [change(text[position : code.start()]), code.group()]
        position = code.end()
    return "".join([*parts, change(text[position:])])


def rename(text: str, names: Mapping[str, str]) -> str:
    """References to the keys of *names* lead to their values."""
    if not names or not any(old in text or old.replace(" ", "%20") in text for old in names):
        return text

    def new(target: str) -> str:
        path = local(target)
        return names.get(posixpath.normpath(path), target) if path else target

    def image(match: re.Match[str]) -> str:
        return _put(match, "angle" if match["angle"] else "plain", new(_image_target(match)))

    def tag(match: re.Match[str]) -> str:
        return _SRC.sub(lambda src: f"{src['before']}{_quoted(new(_source(src)), src['quote'])}", match.group())

    return relink(outside_code(text, lambda part: _TAG.sub(tag, _IMAGE.sub(image, part))), new)


def embed(text: str, url: Callable[[str], str | None]) -> str:
    """The text with pictures replaced by what *url* gives for their paths; ``None`` leaves them."""

    def new(target: str) -> str:
        path = local(target)
        return (url(path) if path else None) or target

    def image(match: re.Match[str]) -> str:
        return _put(match, "angle" if match["angle"] else "plain", new(_image_target(match)))

    def tag(match: re.Match[str]) -> str:
        if match["tag"].lower() != "img":
            return match.group()
        return _SRC.sub(lambda src: f"{src['before']}{_quoted(new(_source(src)), src['quote'])}", match.group())

    return outside_code(text, lambda part: _TAG.sub(tag, _IMAGE.sub(image, part)))


def _put(match: re.Match[str], group: str, new: str) -> str:
    """The match with one of its groups replaced."""
    start = match.start()
    return match.group()[: match.start(group) - start] + new + match.group()[match.end(group) - start :]


def relink(text: str, new: Callable[[str], str | None]) -> str:
    """The text with each link's target, as written, replaced by what *new* gives for it; ``None`` leaves only the link's text."""
    if "](" not in text and "]:" not in text and "<" not in text:
        return text

    def link(match: re.Match[str]) -> str:
        target = new(_target(match))
        if target is None:
            return match["text"]
        return match.group() if target == _target(match) else _put(match, "angle" if match["angle"] else "plain", target)

    def definition(match: re.Match[str]) -> str:
        target = new(match["target"])
        return match.group() if target in (None, match["target"]) else f"{match['before']}{target}"

    def anchor(match: re.Match[str]) -> str:
        return _HREF.sub(href, match.group())

    def href(match: re.Match[str]) -> str:
        target = new(match["target"])
        return "" if target is None else _put(match, "target", target)

    return outside_code(text, lambda part: _ANCHOR.sub(anchor, _DEFINITION.sub(definition, _LINK.sub(link, part))))


def with_placeholders(text: str, missing: Mapping[str, str]) -> str:
    """The text with visible boxes in place of the shown files in *missing* (path to what the box says)."""
    if not missing:
        return text

    def box(path: str | None) -> str | None:
        if path is None or path not in missing:
            return None
        return f'<span class="clx-missing">{html.escape(missing[path])}</span>'

    def image(match: re.Match[str]) -> str:
        return box(local(_image_target(match))) or match.group()

    def tag(match: re.Match[str]) -> str:
        boxes = [made for src in _SRC.finditer(match.group()) if (made := box(local(_source(src))))]
        return boxes[0] if boxes and match["tag"].lower() == "img" else match.group()

    return outside_code(text, lambda part: _TAG.sub(tag, _IMAGE.sub(image, part)))


class Files:
    """Looks references up in the course, as seen from one source's folder."""

    def __init__(self, root: Path, folder: str, known: Mapping[str, str], includes: Mapping[str, str]) -> None:
        self._root = root
        self._folder = folder
        self._known = known
        self._includes = includes
        self._states: dict[str, str] = {}

    def state(self, target: str) -> str:
        """``there``, ``known`` (it will be: a diagram makes it), ``lfs`` (only a pointer) or ``missing``."""
        if target not in self._states:
            self._states[target] = self._look(target)
        return self._states[target]

    def text(self, target: str) -> bytes:
        """What stands in a small text file; empty for pictures and other data."""
        real = self.real(target)
        if real is None or not real.is_file() or real.stat().st_size > _MAX_TEXT:
            return b""
        data = real.read_bytes()
        return b"" if b"\0" in data else data

    def _look(self, target: str) -> str:
        path = join(self._folder, target)
        real = self.real(target)
        if real is None:
            return "missing"
        if real.is_file():
            with real.open("rb") as stream:
                return "lfs" if stream.read(len(_LFS)) == _LFS else "there"
        return "known" if path in self._known or self._drawn(path) else "missing"

    def real(self, target: str) -> Path | None:
        """The file that *target* means, whether it is there or not; ``None`` outside the course."""
        path = join(self._folder, target)
        generated = join(self._folder, re.sub(r"^img/", "img-generated/", target))
        found = [inside(self._root, self._includes.get(each, each)) for each in (path, generated) if not each.startswith("..")]
        return next((real for real in found if real is not None and real.is_file()), found[0] if found else None)

    def _drawn(self, path: str) -> bool:
        """Whether a diagram's source stands where CLX and CLM look for it: a folder beside the pictures."""
        folder, stem = posixpath.dirname(posixpath.dirname(path)), posixpath.splitext(posixpath.basename(path))[0]
        topic = inside(self._root, folder)
        if topic is None or not topic.is_dir():
            return False
        return any((place / (stem + suffix)).is_file() for place in topic.iterdir() if place.is_dir() for suffix in _DIAGRAMS)

    def is_folder(self, target: str) -> bool:
        """Whether a folder of the course is there."""
        real = inside(self._root, join(self._folder, target))
        return real is not None and real.is_dir()

    def is_asset(self, reference: Reference) -> bool:
        """Whether the file must be published beside the page."""
        if may_be_source(reference.target):
            return False
        return self.state(reference.target) in ("there", "known")
