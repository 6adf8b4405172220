"""Pages and slides as PDF, printed by a Chromium; what it prints is the page that the formats ``html`` and ``slides`` publish."""

from __future__ import annotations

import html
import mimetypes
import posixpath
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from clx_jupyter_workers.problems import Problem

if TYPE_CHECKING:
    from clx_jupyter_workers.notebook.chromium import Browser

PAGE_OF = {"pdf": "html", "slides-pdf": "slides"}
"""The formats that are printed, and what is printed for them."""

Beside = Callable[[str], Path | None]
"""Gives the file that lies at a path relative to the published page; ``None``: nothing that may be read."""

_ORIGIN = "https://printed-by-clx-jupyter.invalid"
# Deep enough that no link of a page leads above it.
_FOLDER = "/_" * 12
_PAGE = f"{_ORIGIN}{_FOLDER}/"
_MAX_FILE = 64_000_000
# Inches: A4.
_COMMON = {"generateTaggedPDF": True, "generateDocumentOutline": True, "printBackground": True}
_SHEET = {"paperWidth": 8.268, "paperHeight": 11.693, "marginTop": 0.65, "marginBottom": 0.75, "marginLeft": 0.7, "marginRight": 0.7}
_SLIDES = {"preferCSSPageSize": True, "marginTop": 0, "marginBottom": 0, "marginLeft": 0, "marginRight": 0}
_FOOTER = (
    '<div style="font: 8px sans-serif; color: #444; width: 100%; margin: 0 0.7in; display: flex; justify-content: space-between; gap: 2em">'
    '<span style="white-space: nowrap; overflow: hidden; text-overflow: ellipsis">{title}</span>'
    '<span><span class="pageNumber"></span> / <span class="totalPages"></span></span></div>'
)
_DATES = re.compile(rb"/(?:CreationDate|ModDate) \(D:[^()]*\)")
_OURS = re.compile(rb"/URI \(" + re.escape(_ORIGIN.encode()) + rb"((?:\\.|[^\\()])*)\)")


def page_of(format: str) -> str:
    """The format of the page that shows what *format* shows: itself, unless it is printed."""
    return PAGE_OF.get(format, format)


def as_page(variant: Mapping[str, Any]) -> Mapping[str, Any]:
    """The page of a variant: itself, or what is printed for it, which holds its styles and scripts and leads to no other page."""
    if variant["format"] not in PAGE_OF:
        return variant
    return {**variant, "format": PAGE_OF[variant["format"]], "assets": "", "self_contained": True, "navigation": {}}


class Printer:
    """Prints the pages of one job. Its browser starts with the first page; *program* and *folder* as :class:`Browser` takes them."""

    def __init__(self, program: str, folder: Path, check: Callable[[], None]) -> None:
        self._program, self._folder, self._check = program, folder, check
        self._browser: Browser | None = None
        self._broken: Problem | None = None

    def pdf(self, page: bytes, format: str, title: str, beside: Beside) -> bytes | Problem:
        """The PDF of *page*, or why there is none. A browser that does not start is not tried again."""
        if self._broken is not None:
            return self._broken
        from clx_jupyter_workers.notebook.chromium import Browser, BrowserError

        try:
            if self._browser is None:
                self._browser = Browser(self._program, self._folder, self._check)
        except BrowserError as error:
            self._broken = _does_not_start(str(error), self._program, error.late)
            return self._broken
        slides = format == "slides-pdf"
        footer = {
            "displayHeaderFooter": True,
            "headerTemplate": "<span></span>",
            "footerTemplate": _FOOTER.format(title=html.escape(title)),
        }
        how: dict[str, Any] = _COMMON | (_SLIDES if slides else _SHEET | footer)
        try:
            made = self._browser.pdf(f"{_PAGE}?print-pdf" if slides else _PAGE, lambda address: _answer(address, page, beside), how)
        except BrowserError as error:
            self.close()
            return _not_printed(str(error), format, error.late)
        return finished(made)

    def close(self) -> None:
        """End the browser, if there is one."""
        if self._browser is not None:
            self._browser.close()
            self._browser = None


def _answer(address: str, page: bytes, beside: Beside) -> tuple[str, bytes] | None:
    if not address.startswith(f"{_ORIGIN}/"):
        return None
    path = urlsplit(address).path
    if path == f"{_FOLDER}/":
        return "text/html; charset=utf-8", page
    name = posixpath.relpath(unquote(path), _FOLDER)
    file = beside(name)
    if file is None or not file.is_file() or file.stat().st_size > _MAX_FILE:
        return None
    return mimetypes.guess_type(name)[0] or "application/octet-stream", file.read_bytes()


def finished(pdf: bytes) -> bytes:
    """The PDF with relative links, and without the time it was made, so that equal pages give equal files.

    Chromium makes every link absolute. Its PDFs hold these things as plain text; what takes their place is as long, so that
    all offsets stay right (ISO 32000-1, 7.5.4 and 12.6.4.7).
    """

    def relative(match: re.Match[bytes]) -> bytes:
        address = match[1].decode("ascii", "replace")
        path = re.match(r"[^?#]*", address)
        assert path is not None
        new = posixpath.relpath(path.group(), _FOLDER) + address[path.end() :]
        return f"/URI ({new})".encode("ascii", "replace").ljust(len(match.group()))

    return _OURS.sub(relative, _DATES.sub(lambda match: b" " * len(match.group()), pdf))


def _does_not_start(why: str, program: str, late: bool) -> Problem:
    hint = f"Run `{program} --headless --dump-dom about:blank` to see what it lacks, or name another browser with CLX_CHROMIUM."
    if "sandbox" in why.lower():
        hint = "Allow user namespaces, or name with CLX_CHROMIUM a script that starts Chromium with --no-sandbox; the page's own code runs in it."
    return Problem("timeout" if late else "tool-missing", f"No PDF: the browser {program} does not start: {why}.", hint)


def _not_printed(why: str, format: str, late: bool) -> Problem:
    of = "slides" if format == "slides-pdf" else "page"
    hint = "Look at the html format in a browser: a script in an output may not come to an end, or be too large."
    return Problem("timeout" if late else "tool-missing", f"No PDF of the {of}: {why}.", hint)
