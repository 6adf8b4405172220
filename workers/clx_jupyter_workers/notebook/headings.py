"""The headings of a page: one of the first level, the others in order below it, each with an address of its own."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from urllib.parse import quote

_HEADING = re.compile(r"<h([1-6])((?:\s[^>]*)?)>(.*?)</h\1\s*>", re.DOTALL | re.IGNORECASE)
_ID = re.compile(r"""\sid\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
#: What a list of contents keeps of a heading's markup.
_KEPT = re.compile(r'(<code>[^<]*</code>|<span class="clx-math">[^<]*</span>)|<[^>]*>')
_ALT = re.compile(r"""<img\b[^>]*?\salt\s*=\s*(?:"([^"]*)"|'([^']*)')[^>]*>""", re.IGNORECASE)
_SAFE = "?/:@!$&'()*+,;=-._~"
_LISTED = 3
"""Headings down to this level are in the list of contents."""


@dataclass(slots=True)
class Entry:
    """A line in the list of contents."""

    href: str
    #: HTML without links.
    text: str
    below: list[Entry] = field(default_factory=list)


class Outline:
    """The headings of one page, taken in the order of its cells.

    An author's levels decide how headings look (``data-look``); the levels that programs read begin with one and skip none.
    """

    def __init__(self, title: str, taken: set[str]) -> None:
        self._title = _plain(title)
        self._ids = taken
        self._open: list[int] = []
        self._any = False
        #: The author's first heading is the page's title.
        self.has_title = False
        #: The title stands in the text above the first heading, as on title slides.
        self.shows_title = False
        self.entries: list[Entry] = []

    def place(self, text: str) -> str:
        """The HTML of a cell with its headings at their levels."""
        if not self._any and self._title and not self.shows_title:
            first = _HEADING.search(text)
            above = text[: first.start()] if first else text
            self.shows_title = self._title in " ".join(_plain(above).split())
        return _HEADING.sub(self._placed, text) if "<h" in text or "<H" in text else text

    def _placed(self, found: re.Match[str]) -> str:
        look, attributes, inner = int(found[1]), found[2], found[3]
        plain = _plain(inner)
        if not plain:
            return f'<div data-look="{look}"{attributes}>{inner}</div>'
        own = _ID.search(attributes)
        name = self._name(html.unescape(next(filter(None, own.groups()), "")) if own else "-".join(plain.split(" ")))
        attributes = _ID.sub("", attributes)
        level = self._level(look, plain)
        href = html.escape("#" + quote(name, safe=_SAFE))
        if 1 < level <= _LISTED:
            self._list(level, Entry(href, _KEPT.sub(lambda part: part[1] or "", _ALT.sub(_alternative, inner)).strip()))
        # The list of contents gives the same addresses to those who use the keyboard or listen.
        anchor = f'<a class="anchor-link" href="{href}" aria-hidden="true" tabindex="-1">#</a>'
        return f'<h{level} id="{html.escape(name)}" data-look="{look}"{attributes}>{inner}{anchor}</h{level}>'

    def _level(self, look: int, plain: str) -> int:
        first, self._any = not self._any, True
        if first and not self.shows_title and (look == 1 or plain == self._title):
            self.has_title = True
            return 1
        while self._open and self._open[-1] >= look:
            self._open.pop()
        self._open.append(look)
        return min(6, 1 + len(self._open))

    def _name(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self._ids:
            number += 1
            name = f"{wanted}-{number}"
        self._ids.add(name)
        return name

    def _list(self, level: int, entry: Entry) -> None:
        into = self.entries[-1].below if level == _LISTED and self.entries else self.entries
        into.append(entry)


def _alternative(found: re.Match[str]) -> str:
    return found[1] or found[2] or ""


def _plain(text: str) -> str:
    return " ".join(html.unescape(_TAG.sub("", text)).split())


def without(text: str) -> str:
    """HTML with its headings as plain lines that look like them: what a program prints is no part of the page's order."""
    return _HEADING.sub(r'<p data-look="\1"\2>\3</p>', text) if "<h" in text else text
