"""A small picture with a programming language's name, for title slides: our own, no trade mark of anyone."""

from __future__ import annotations

import base64

NAMES = {"python": "Python", "cpp": "C++", "csharp": "C#", "java": "Java", "typescript": "TypeScript"}
"""The languages that have title macros."""

_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 48" role="img"><rect x="1" y="1" width="158" height="46" rx="10" '
    'fill="#f4f6f8" stroke="#5b6b7b" stroke-width="2"/><text x="80" y="31" text-anchor="middle" font-family="sans-serif" '
    'font-size="20" fill="#33414e">{name}</text></svg>'
)


def logo(prog_lang: str) -> str:
    """The picture as a data URI; empty for a language without macros."""
    name = NAMES.get(prog_lang)
    if name is None:
        return ""
    return "data:image/svg+xml;base64," + base64.b64encode(_SVG.format(name=name).encode()).decode()
