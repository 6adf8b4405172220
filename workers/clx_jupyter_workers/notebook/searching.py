"""Finding the text of one cell in finished pages, notebooks and scripts, in whatever way it is written there."""

from __future__ import annotations

import ast
import base64
import html
import io
import json
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MIN_LENGTH = 12
"""Letters and digits a line must have to be looked for; what is shorter stands in any text by chance."""

_MIN_KINDS = 4
_PAGES = ("html", "slides")
_PROSE_WORDS, _PROSE_LENGTH = 6, 30
_MAX_PIECES = 60
_MAX_DATA = 400_000
_LETTERS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" + bytes(range(128, 256))
_REST = bytes(sorted(set(range(256)) - set(_LETTERS)))
_ENTITY = re.compile(rb"&(?:amp;)*#?\w{1,10};")
_ANSI = re.compile(rb"(?:\x1b|\\u001b)\[[0-9;]*m")
_TAG = re.compile(rb"<[^<>]*>")
_TELLING_TAG = re.compile(rb"<(?!/|(?:div|span) class=\"[^\"]*\">)[^<>]+>")
_EMBEDDED = re.compile(rb"base64,([A-Za-z0-9+/]{16,}={0,2})")
_DATA = re.compile(rb"\"(?:image|audio|video|application|font)/[^\"]*\":\s*(?:\[\s*)?\"([A-Za-z0-9+/]{16,}={0,2})")
_LIST = re.compile(r"^\s*(?:>\s*)*(?:\d+[.)]|[-*+])\s+(?:\[[ xX]\]\s+)?")
_PARTS = re.compile(r"[\[\]()<>|]")
_LITERALS = re.compile(r"[\s\[\](){},:;]*(?:(?:\"[^\"]*\"|'[^']*'|[\d.+-]+)[\s\[\](){},:;]*)+")
_PLAIN = (ast.Expression, ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.Call, ast.keyword, ast.Name, ast.Attribute, ast.UnaryOp,
          ast.unaryop, ast.expr_context, ast.Starred)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """A line of a hidden cell, or a part of its data."""

    #: The cell's place in the notebook.
    place: int
    #: 1-based in the cell; 0: no line.
    line: int
    text: str
    squeezed: bytes
    prose: bool = False
    #: From the cell's results, attachments or metadata.
    result: bool = False


def squeezed(text: str | bytes) -> bytes:
    """Letters and digits only: all ways to write a text (markup, escapes, wrapped lines) come to the same."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if b"\x1b" in data or b"u001b" in data:
        data = _ANSI.sub(b"", data)
    return (_ENTITY.sub(b"", data) if b"&" in data else data).translate(None, _REST)


def _is_distinct(text: bytes) -> bool:
    return len(text) >= MIN_LENGTH and len(set(text) - set(b"0123456789")) >= _MIN_KINDS


def of_lines(place: int, lines: dict[int, str], prose: bool) -> list[Piece]:
    """The pieces of a source."""
    found = []
    for number, line in lines.items():
        for text in _forms(line) if prose else (line,):
            if _is_distinct(short := squeezed(text)):
                found.append(Piece(place, number, text.strip(), short, prose))
    return found


def _forms(line: str) -> set[str]:
    """A line of markdown as written, as rendered, and its parts: a link's text and its address part on the page."""
    line = _LIST.sub("", line)
    forms = {line, _TAG.sub(b"", line.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")}
    return forms | set(_PARTS.split(line)) if _PARTS.search(line) else forms


def of_data(place: int, value: Any) -> list[Piece]:
    """The pieces of results, attachments or metadata: lines of texts, a part of the middle of long ones."""
    found: list[Piece] = []
    for text in strings(value):
        lines = text[:_MAX_DATA].splitlines()
        if len(text) > 200 and len(lines) <= 2:
            lines = [text[len(text) // 2 : len(text) // 2 + 60]]
        found += [Piece(place, 0, line.strip(), short, result=True) for line in lines if _is_distinct(short := squeezed(line))]
        if len(found) >= _MAX_PIECES:
            break
    return found[:_MAX_PIECES]


def strings(value: Any) -> Iterator[str]:
    """All texts in a JSON value; the parts of one that is written as a list of lines together."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, (list, tuple)):
        if value and all(isinstance(part, str) for part in value):
            yield "".join(value)
        else:
            for part in value:
                yield from strings(part)


# --- what is searched ---


def _body(data: bytes) -> bytes:
    """A page without its head, which holds the title and what is the same for all."""
    return data[max(data.find(b"<body"), 0) :]


def views(data: bytes, format: str) -> list[bytes]:
    """The squeezed texts in which a squeezed piece is found if it stands in the bytes."""
    if format not in _PAGES:
        # A notebook's results may be HTML.
        bare = [_TAG.sub(b"", data)] if format == "notebook" and b"<" in data else []
        return [squeezed(text) for text in (data, *bare, *_decoded(data))]
    body = _body(data)
    head = data[: max(data.find(b"</title>"), 0)]
    attributes = b" ".join(_TELLING_TAG.findall(body))
    return [squeezed(head + _TAG.sub(b"", body)), squeezed(attributes), *map(squeezed, _decoded(body))]


def _decoded(data: bytes) -> Iterator[bytes]:
    """What stands in the bytes as base64: pictures, mostly."""
    for found in (*_EMBEDDED.finditer(data), *_DATA.finditer(data)):
        whole = len(found.group(1)) // 4 * 4
        yield base64.b64decode(found.group(1)[:whole])


def texts(data: bytes, format: str) -> list[str]:
    """The texts of finished bytes as people read them, and what else they hold."""
    body = _body(data) if format in _PAGES else data
    found = [part.decode("utf-8", "replace") for part in (body, *_decoded(body))]
    if format in _PAGES:
        found.append(html.unescape(_TAG.sub(b"", body).decode("utf-8", "replace")))
    return found


class Words:
    """A JSON value as text without space and escapes, for the second look."""

    def __init__(self, value: Any) -> None:
        self._value = value
        self._texts = [_tight(text) for text in strings(value)]
        self._texts += [_tight(html.unescape(re.sub(r"<[^<>]*>", "", text))) for text in strings(value) if "<" in text]

    def contains(self, piece: Piece) -> bool:
        """Whether a piece's text stands here letter by letter."""
        wanted = _tight(piece.text)
        return any(wanted in text for text in self._texts)

    def squeezed_contains(self, piece: Piece) -> bool:
        """Whether its letters and digits do."""
        return piece.squeezed in squeezed(json.dumps(self._value, ensure_ascii=False))


def _tight(text: str) -> str:
    plain = _ANSI.sub(b"", text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
    return "".join(plain.replace("\\", "").split())


# --- what is text, and what may be a value ---


def strength(piece: Piece, source: str) -> int:
    """How certain it is that a text which holds the piece has it from the cell's *source*: 2 certain, 1 perhaps, 0 not at all.

    A string or number that code holds is a value, and values are what shown cells print. So may be the result of a call on
    a line of its own: ``LinearRegression()`` is what such an object prints.
    """
    if piece.result:
        return 2
    if piece.prose:
        enough = len(piece.text.split()) >= _PROSE_WORDS and len(piece.squeezed) >= _PROSE_LENGTH
        return 2 if enough and not _in_fence(source, piece.line) else 0
    if _LITERALS.fullmatch(piece.text) or piece.line in _lines_of_strings(source):
        return 0
    return 1 if _may_be_value(piece.text) else 2


def _in_fence(source: str, line: int) -> bool:
    before = source.split("\n")[: line - 1]
    return sum(text.lstrip().startswith(("```", "~~~")) for text in before) % 2 == 1


def _lines_of_strings(source: str) -> frozenset[int]:
    """Lines that lie inside a string of several lines."""
    found: set[int] = set()
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.STRING or token.type == getattr(tokenize, "FSTRING_MIDDLE", -1):
                first, last = token.start[0], token.end[0]
                found.update(range(first + 1, last + 1))
    except (tokenize.TokenError, SyntaxError):
        return _between_quotes(source)
    return frozenset(found)


def _between_quotes(source: str) -> frozenset[int]:
    """The same for code that is no Python, or none yet."""
    found, open_ = set(), False
    for number, line in enumerate(source.split("\n"), 1):
        if open_:
            found.add(number)
        if (line.count('"""') + line.count("'''")) % 2:
            open_ = not open_
    return frozenset(found)


def _may_be_value(text: str) -> bool:
    try:
        tree = ast.parse(text.strip().rstrip(","), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(isinstance(node, _PLAIN) for node in ast.walk(tree))
