"""The files that pages load: styles and scripts of ours, and those of others that ``static/vendor.json`` lists.

A page names them in a folder that is published with it, or holds them itself. Standard library only: workers write the pages, the
application publishes the folder.
"""

from __future__ import annotations

import base64
import hashlib
import json
import mimetypes
import posixpath
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from urllib.parse import quote

FOLDER = "clx-assets"
"""The folder in a target that pages load from."""

PREFIX = "/"
"""Before a group's name where it stands among paths that are relative: no such path begins so."""

_STATIC = Path(__file__).parent / "static"

_OWN = {
    "page": ("page.css", "outputs.css", "page.js", "amd.js"),
    "math": ("math.js",),
    "slides": ("slides.css", "slides.js"),
}
"""Our own files by the group that is published together; the files of others name their groups themselves."""

_ADDRESS = re.compile(r"""url\(\s*(["']?)(?!data:|#)([^"')]+)\1\s*\)""")


_IN_FOLDER = rb'"(?:\.\./)*' + FOLDER.encode() + rb'/([\w./-]+)"'
_LOADED = re.compile(rb'<link rel="stylesheet" href=' + _IN_FOLDER + rb">|<script src=" + _IN_FOLDER + rb"></script>")
"""The elements that :class:`Loads` prints: the folder lies beside a page or above it."""


class Html(str):
    """Markup: a template that escapes what it prints leaves it alone."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


@cache
def groups() -> Mapping[str, tuple[str, ...]]:
    """The files of each group: paths relative to :data:`FOLDER`. The licences of others go with their files."""
    found = {group: list(names) for group, names in _OWN.items()}
    for package in json.loads((_STATIC / "vendor.json").read_text(encoding="utf-8"))["packages"]:
        found[package["group"]] += [f"vendor/{name}" for name in package["files"].values()]
    return {group: tuple(names) for group, names in found.items()}


@cache
def group_of(name: str) -> str:
    """The group of a file. Raises :class:`KeyError` for one that is not ours to publish."""
    for group, names in groups().items():
        if name in names:
            return group
    raise KeyError(name)


def path(name: str) -> Path:
    """Where a file lies in this installation, there or not. Raises :class:`KeyError` for one that is not ours to publish."""
    group_of(name)
    return _STATIC / name


def missing() -> list[str]:
    """The files that are not there: an installation from a checkout may lack those of others."""
    return [name for names in groups().values() for name in names if not (_STATIC / name).is_file()]


@cache
def text(name: str) -> str:
    """A style or script as it can stand in a page: fonts are part of it, and nothing in it ends the element. Empty where it is not there."""
    file = path(name)
    if not file.is_file():
        return ""
    content = file.read_text(encoding="utf-8")
    if name.endswith(".css"):
        return _ADDRESS.sub(lambda found: f"url({_data(posixpath.normpath(posixpath.join(posixpath.dirname(name), found[2])))})", content)
    # Both may only stand in strings and patterns, where the backslash changes nothing.
    return content.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _data(name: str) -> str:
    """A file that a style sheet names, as a data address; one that is not there loads nothing."""
    file = path(name)
    kind = "font/woff2" if name.endswith(".woff2") else mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}" if file.is_file() else "data:,"


@cache
def digest() -> str:
    """sha256 of all that a page may hold itself."""
    found = hashlib.sha256()
    for name in sorted(name for names in groups().values() for name in names):
        found.update(name.encode() + b"\0")
        if path(name).is_file():
            found.update(hashlib.sha256(path(name).read_bytes()).digest())
    return found.hexdigest()


class Loads:
    """What one page loads. *folder* is the address of :data:`FOLDER` from the page."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._names: dict[str, None] = {}

    @property
    def groups(self) -> list[str]:
        """The groups that must be published for the page."""
        return sorted(set(map(group_of, self._names)))

    def style(self, name: str) -> Html:
        """The element for a style sheet, once in a page."""
        return Html(f'<link rel="stylesheet" href="{self._address(name)}">' if self._is_new(name) else "")

    def script(self, name: str) -> Html:
        """The element for a script, once in a page. It runs where it stands: before the end of the body."""
        return Html(f'<script src="{self._address(name)}"></script>' if self._is_new(name) else "")

    def _is_new(self, name: str) -> bool:
        group_of(name)
        new = name not in self._names
        self._names[name] = None
        return new

    def _address(self, name: str) -> str:
        return quote(f"{self.folder}/{name}")


def contained(page: bytes) -> bytes:
    """A page that holds itself what it loads from :data:`FOLDER`."""
    return _LOADED.sub(_held, page)


def _held(found: re.Match[bytes]) -> bytes:
    name = (found[1] or found[2]).decode()
    if not any(name in names for names in groups().values()):
        return found[0]
    tag = b"style" if found[1] else b"script"
    return b"<%s>\n%s\n</%s>" % (tag, text(name).encode(), tag)


def marked(names: Iterable[str]) -> list[str]:
    """Names of groups as they stand among the paths that a page refers to."""
    return [PREFIX + name for name in names]
