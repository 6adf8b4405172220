"""The pictures of a page: in the format that the course asks for, at their place in the output, or in the page itself."""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Mapping
from typing import Any

from clx_jupyter_workers.notebook import references

MAX_INLINE = 16_000_000
"""Bytes of a picture that goes into a page; a larger one stays a file."""

_TYPES = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".gif": "gif", ".svg": "svg+xml", ".webp": "webp"}


class Pictures:
    """Changes references to pictures in one source's text cells; *style* is the job's."""

    def __init__(self, style: Mapping[str, Any], look: references.Files) -> None:
        self._style = style
        self._look = look
        self._urls: dict[str, str | None] = {}

    def drawn(self, text: str) -> str:
        """Pictures of diagrams in the format that the course asks for."""
        return references.rename(text, self._style.get("drawn") or {})

    def moved(self, target: str) -> bool:
        """Whether the file lies elsewhere in the output, where the course puts it."""
        path = posixpath.normpath(target)
        return any(path in (self._style.get(name) or {}) for name in ("renames", "shared"))

    def held(self, target: str, variant: Mapping[str, Any]) -> bool:
        """Whether a page that is one file holds the picture, so that none lies beside it."""
        return bool(variant.get("self_contained")) and self._url(target) is not None

    def placed(self, text: str, tags: list[str], variant: Mapping[str, Any]) -> str:
        """Pictures where they lie in the output of a variant."""
        asked = self._style.get("inline") and variant["format"] in ("html", "slides", "notebook") and "nodataurl" not in tags
        if asked or variant.get("self_contained"):
            text = references.embed(text, self._url)
        return references.rename(text, self._new_names(variant))

    def places(self, variant: Mapping[str, Any]) -> dict[str, str]:
        """For the places that pictures have got in the output of a variant, relative to the page: how the source calls them."""
        return {posixpath.normpath(new): old for old, new in self._new_names(variant).items()}

    def _new_names(self, variant: Mapping[str, Any]) -> dict[str, str]:
        folder = variant.get("course_folder") or ""
        shared = {old: posixpath.join(folder, new) for old, new in (self._style.get("shared") or {}).items()}
        return {**(self._style.get("renames") or {}), **shared}

    def _url(self, target: str) -> str | None:
        """A picture as an address that holds all of it; ``None`` where it must stay a file."""
        if target not in self._urls:
            self._urls[target] = self._made(target)
        return self._urls[target]

    def _made(self, target: str) -> str | None:
        kind = _TYPES.get(posixpath.splitext(target)[1].lower())
        real = self._look.real(target)
        if kind is None or real is None or self._look.state(target) != "there" or real.stat().st_size > MAX_INLINE:
            return None
        return f"data:image/{kind};base64,{base64.b64encode(real.read_bytes()).decode()}"
