"""What a PDF of Chromium's says, read with nothing but the standard library: plain objects, packed streams, fonts with a ToUnicode map."""

from __future__ import annotations

import re
import zlib

_OBJECT = re.compile(rb"(?:^|\n)(\d+) 0 obj\n(.*?)\nendobj", re.DOTALL)
_STREAM = re.compile(rb"^(<<.*?>>)\s*stream\n(.*)\nendstream", re.DOTALL)
_STRING = rb"\(((?:\\.|[^\\()])*)\)|<([0-9A-Fa-f]*)>"


class Pdf:
    """A PDF and its parts."""

    def __init__(self, data: bytes) -> None:
        assert data.startswith(b"%PDF-") and data.rstrip().endswith(b"%%EOF")
        self.data = data
        self._objects = {int(number): body for number, body in _OBJECT.findall(data)}
        self.pages = [body for body in self._objects.values() if re.search(rb"/Type /Page\b(?!s)", body)]

    def has_true_offsets(self) -> bool:
        """Whether the table at the end names the place of every object."""
        start = int(re.findall(rb"startxref\n(\d+)", self.data)[-1])
        places = [int(place) for place in re.findall(rb"(\d{10}) \d{5} n", self.data[start:])]
        return bool(places) and all(re.match(rb"\d+ 0 obj", self.data[place:]) for place in places)

    def values(self, name: str) -> list[str]:
        """The strings under a name, in all objects that are no streams."""
        plain = [body for body in self._objects.values() if not _STREAM.match(body)]
        return [_text(*found) for body in plain for found in re.findall(rb"/" + name.encode() + rb" (?:" + _STRING + rb")", body)]

    def roles(self) -> list[str]:
        """What the parts of the document are to a reader, in order: ``H1``, ``P``, ``Figure``, ``L``, …"""
        return [
            role.decode() for body in self._objects.values() if b"/Type /StructElem" in body for role in re.findall(rb"/S /(\w+)", body)[:1]
        ]

    @property
    def text(self) -> str:
        """All text of all pages, without regard to its place."""
        return "".join(self._page_text(page) for page in self.pages)

    def _page_text(self, page: bytes) -> str:
        resources = self._resolved(page, b"Resources")
        fonts = dict(re.findall(rb"/(F\d+) (\d+) 0 R", self._resolved(resources, b"Font")))
        maps = {name: self._map(int(number)) for name, number in fonts.items()}
        contents = re.search(rb"/Contents (\d+) 0 R", page)
        assert contents is not None
        return self._shown(self._stream(int(contents[1])), maps)

    def _resolved(self, body: bytes, name: bytes) -> bytes:
        found = re.search(rb"/" + name + rb" (?:(\d+) 0 R|(<<.*?>>))", body, re.DOTALL)
        return b"" if found is None else self._objects[int(found[1])] if found[1] else body[found.start(2) :]

    def _stream(self, number: int) -> bytes:
        found = _STREAM.match(self._objects[number])
        assert found is not None
        return zlib.decompress(found[2]) if b"/FlateDecode" in found[1] else found[2]

    def _map(self, font: int) -> dict[str, str]:
        found = re.search(rb"/ToUnicode (\d+) 0 R", self._objects[font])
        text = self._stream(int(found[1])).decode() if found else ""
        known = {}
        for block in re.findall(r"beginbfchar(.*?)endbfchar", text, re.DOTALL):
            known |= {code.upper(): _utf16(value) for code, value in re.findall(r"<(\w+)> <(\w+)>", block)}
        for block in re.findall(r"beginbfrange(.*?)endbfrange", text, re.DOTALL):
            for first, last, value in re.findall(r"<(\w+)> <(\w+)> <(\w+)>", block):
                for n in range(int(last, 16) - int(first, 16) + 1):
                    known[f"{int(first, 16) + n:0{len(first)}X}"] = chr(int(value, 16) + n)
        return known

    def _shown(self, content: bytes, maps: dict[bytes, dict[str, str]]) -> str:
        parts, known = [], {}
        for font, codes in re.findall(rb"/(F\d+) [\d.]+ Tf|<([0-9A-Fa-f]+)> ?(?=Tj|-?[\d.]|<|\])", content):
            if font:
                known = maps.get(font, {})
                parts.append(" ")
            width = len(next(iter(known), "0000"))
            parts += [known.get(codes[n : n + width].decode().upper(), "") for n in range(0, len(codes), width)]
        return "".join(parts)


def _utf16(digits: str) -> str:
    return bytes.fromhex(digits).decode("utf-16-be")


def _text(literal: bytes, digits: bytes) -> str:
    raw = bytes.fromhex(digits.decode()) if digits else re.sub(rb"\\(.)", rb"\1", literal)
    return raw[2:].decode("utf-16-be") if raw.startswith(b"\xfe\xff") else raw.decode("latin-1")
