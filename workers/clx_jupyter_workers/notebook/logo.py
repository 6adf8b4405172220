"""A small picture with a programming language's name, for title slides: our own, no trade mark of anyone."""

from __future__ import annotations

import base64
from typing import Any

NAMES = {"python": "Python", "cpp": "C++", "csharp": "C#", "java": "Java", "typescript": "TypeScript"}
"""The languages that have title macros."""

_PICTURES = {
    "python": 'style="display:block;margin:auto;width:10%" alt="Python Logo"',
    "cpp": 'style="display:block;margin:auto;width:5%"',
    "csharp": 'alt="C# Logo" style="display:block;margin:auto;width:5%"',
    "java": 'alt="Java Logo" style="display:block;margin:auto;width:5%"',
    "typescript": 'alt="TypeScript Logo" style="display:block;margin:auto;width:5%"',
}

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


def look(prog_lang: str, layout: str) -> dict[str, Any]:
    """How CLM's, or CLX's, title slides are set in a language: attributes, indentation and the empty lines between their parts."""
    clx, cpp = layout == "clx", prog_lang == "cpp"
    return {
        "picture": _PICTURES.get(prog_lang, ""),
        "after_picture": "" if cpp and not clx else "\n",
        "author": "" if prog_lang == "python" else " font-size:120%;",
        "indent": {"de": "  " if prog_lang == "typescript" else " ", "en": "  "},
        "before_organization": "" if clx else "\n",
        "after": "\n" if cpp and not clx else "",
        "last": "" if clx else "\n",
    }
