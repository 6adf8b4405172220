"""Links between the sources of a course: they lead to the outputs of the same kind, language and format."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from clx_jupyter_workers.inputs import COURSE_LINK, local
from clx_jupyter_workers.notebook import failures, references
from clx_jupyter_workers.notebook.document import Cell, Document
from clx_jupyter_workers.problems import Problem

Hrefs = Mapping[str, Mapping[str, str]]
"""What a job says of each link to a source: the address by ``kind/language/format``; ``""`` where there is no such output.
A link without any address is known to lead to an output already."""

_ANCHOR = re.compile(r"[?#].*", re.DOTALL)


class Linker:
    """Rewrites the links of one source's cells, and reports each that leads nowhere once."""

    def __init__(self, hrefs: Hrefs, look: references.Files, report: Callable[[Problem], object], published: Callable[[str], bool]) -> None:
        self._hrefs = hrefs
        self._look = look
        self._report = report
        self._published = published
        self._reported: set[str] = set()

    def rewritten(self, text: str, variant: str, format: str, written: Cell, document: Document) -> str:
        """The markdown *text* of a cell with the links that *variant* (``kind/language/format``) has.

        *written* is the cell as it stands in the *document*, for reports.
        """

        def new(target: str) -> str | None:
            if target.startswith(COURSE_LINK):
                name = COURSE_LINK + _ANCHOR.sub("", target.removeprefix(COURSE_LINK)).strip()
                # CLM leaves them out of scripts.
                return None if format == "code" else self._lookup(name, target, variant, written, document)
            path = local(target)
            return self._lookup(posixpath.normpath(path), target, variant, written, document) if path else target

        return references.relink(text, new)

    def _lookup(self, name: str, target: str, variant: str, written: Cell, document: Document) -> str | None:
        if name not in self._hrefs:
            return self._unknown(name, target, written, document)
        found = self._hrefs[name]
        if not found:
            return target
        if href := found.get(variant, ""):
            anchor = _ANCHOR.search(target)
            return href + (anchor.group() if anchor else "")
        kind, *_, format = variant.split("/")
        message = f"The link to {name} is left out of {format} for {kind}: there is no such output of it."
        self._warn(
            name, target, message, "Link to another notebook, or have that one built in this format and language.", written, document
        )
        return None

    def _unknown(self, name: str, target: str, written: Cell, document: Document) -> str | None:
        """A link to something that is no source."""
        if name.startswith(COURSE_LINK):
            hint = "Write clm:topic or clm:topic/stem as the course names them."
            self._warn(name, target, f"The link {name} leads nowhere: the course has no such notebook.", hint, written, document)
            return None
        state = self._look.state(name)
        if state == "missing" and not self._look.is_folder(name):
            self._warn(name, target, f"The link to {name} leads nowhere: there is no such file.", "Mend its path.", written, document)
        elif state == "there" and references.may_be_source(name) and not self._published(name):
            message = f"{name} is linked, but it is no notebook of this course and is not published."
            self._warn(name, target, message, "Add it to the course, or take the link away.", written, document)
        return target

    def _warn(self, name: str, target: str, message: str, hint: str, written: Cell, document: Document) -> None:
        if name not in self._reported:
            self._reported.add(name)
            where = place(written, document, target, quote(name), name)
            self._report(Problem("link", message, hint, "warning", **where))


def place(written: Cell, document: Document, *texts: str) -> dict[str, Any]:
    """The fields that say where the first of *texts* that can be found stands in a cell."""
    offset = next((found for text in texts if (found := written.source.find(text)) >= 0), 0)
    return failures.at(written, written.source.count("\n", 0, offset) + 1, document.has_lines)
