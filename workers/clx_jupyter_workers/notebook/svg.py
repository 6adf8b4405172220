"""SVG outputs as the address of a picture.

In an ``<img>`` a drawing is sealed: its ids do not meet those of another one, its styles stay inside, its scripts do not run and
it loads nothing. But there it must be well-formed XML, which browsers forgive where it stands in a page.
"""

from __future__ import annotations

import base64
import html
import re

_ROOT = re.compile(r"<svg\b[^>]*>", re.IGNORECASE)
_ENTITY = re.compile(r"&([a-zA-Z][a-zA-Z0-9]*);")
_XML = frozenset({"amp", "lt", "gt", "quot", "apos"})
_TITLE = re.compile(r"<svg\b[^>]*>\s*(?:<!--.*?-->\s*)*<(title|desc)\b[^>]*>(.*?)</\1>", re.IGNORECASE | re.DOTALL)


def address(text: str) -> str:
    """The drawing as a ``data:`` address."""
    start = text.find("<svg")
    text = text[start:] if start > 0 and "<!ENTITY" not in text[:start] else text
    root = _ROOT.search(text)
    missing = ""
    if root and not re.search(r"\bxmlns\s*=", root.group()):
        missing += ' xmlns="http://www.w3.org/2000/svg"'
    if root and "xlink:" in text and "xmlns:xlink" not in root.group():
        missing += ' xmlns:xlink="http://www.w3.org/1999/xlink"'
    if root and missing:
        text = text[: root.start() + 4] + missing + text[root.start() + 4 :]
    text = _ENTITY.sub(lambda found: found.group() if found[1] in _XML else html.unescape(found.group()), text)
    return "data:image/svg+xml;base64," + base64.b64encode(text.encode("utf-8", "replace")).decode()


def title(text: str) -> str:
    """What the drawing says of itself; empty where it says nothing, or only what graphviz calls a graph without a name."""
    found = _TITLE.search(text[:20_000])
    words = " ".join(html.unescape(re.sub(r"<[^>]*>", "", found[2])).split()) if found else ""
    return "" if words.startswith("%") else words
