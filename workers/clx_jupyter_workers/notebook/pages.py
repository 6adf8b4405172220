"""HTML pages: nbconvert's exporter and our template, kept for the process's life, with a memory for what repeats."""

from __future__ import annotations

import base64
import html
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from jinja2 import pass_context
from nbconvert.exporters.html import HTMLExporter
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.preprocessors import HighlightMagicsPreprocessor
from nbformat import NotebookNode
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
from pygments.util import ClassNotFound  # type: ignore[import-untyped]

from clx_jupyter_workers.assets import FOLDER, Loads
from clx_jupyter_workers.notebook import displays, headings, markdown
from clx_jupyter_workers.notebook.words import Words

Page = Mapping[str, Any]
_ALL_TEMPLATES = Path(__file__).parent / "templates"
TEMPLATES = _ALL_TEMPLATES / "html"
MAX_MEMORY = 16_000_000
"""Characters of rendered text kept for the next variant, which has most cells in common."""

_OUR_IDS = {"notebook-container", "clx-contents", "clx-top", "clx-status"}


class Attachments(NotebookNode):
    """A cell's attached pictures, with a drawn box for each that is not there: nbconvert would give up the page."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        for key in (name, unquote(name)):
            if super().__contains__(key):
                return super().__getitem__(key)
        text = html.escape(unquote(name))
        drawn = f'<svg xmlns="http://www.w3.org/2000/svg" width="320" height="40"><text x="4" y="25" fill="#b00">{text} ?</text></svg>'
        return {"image/svg+xml": base64.b64encode(drawn.encode()).decode()}


class Memory:
    """The last results of a slow function, up to a size."""

    def __init__(self, limit: int = MAX_MEMORY) -> None:
        self._limit = limit
        self._size = 0
        self._values: OrderedDict[tuple[Any, ...], str] = OrderedDict()

    def get(self, key: tuple[Any, ...], make: Callable[[], str]) -> str:
        """The value under *key*, made where it is not there."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        value = self._values[key] = make()
        self._size += len(value)
        while self._size > self._limit and self._values:
            self._size -= len(self._values.popitem(last=False)[1])
        return value


class Pages(HTMLExporter):
    """nbconvert's HTML exporter, without the validation after each step and the second parse of the whole page.

    ``alt`` is added where markdown is rendered; the notebook was checked when it was read.
    """

    def __init__(self, template: str = "clx", memory: Memory | None = None) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            template_name=template, extra_template_basedirs=[str(TEMPLATES)], extra_template_paths=[str(_ALL_TEMPLATES)]
        )
        self.register_filter("display", displays.of)  # type: ignore[no-untyped-call]
        self.register_filter("describe_frames", displays.described)  # type: ignore[no-untyped-call]
        self.memory = memory or Memory()
        self._magics: Any = HighlightMagicsPreprocessor()  # type: ignore[no-untyped-call]
        self._highlighters: dict[str, Highlight2HTML] = {}

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Markdown that code gave as a result: its headings are none of the page's."""
        return headings.without(self._markdown(source, {}))

    def _markdown(self, source: str, attachments: Mapping[str, Any]) -> str:
        if attachments:
            return markdown.to_html(source, attachments)
        return self.memory.get(("markdown", source), lambda: markdown.to_html(source, {}))

    def render(self, node: NotebookNode, page: Page, deck: Any = None) -> tuple[str, list[str]]:
        """The page, and the groups of files that it loads; *page* has ``title``, ``language``, ``note`` and ``assets``,
        and ``previous``, ``next`` and ``start`` (``href``, ``title``) where it leads there.

        ``assets`` is the address of the folder with these files, ``""`` where the page is to hold them itself; they stand in it as
        elements that :func:`~clx_jupyter_workers.assets.contained` replaces. *deck*: the columns of slides with the cells of *node*.
        """
        node, _ = self._magics.preprocess(node, {})
        words = Words(page["language"])
        outline = headings.Outline(page["title"], {f"cell-id={cell.id}" for cell in node.cells} | _OUR_IDS)
        for number, cell in enumerate(node.cells):
            if cell.cell_type == "markdown":
                text = self._markdown(cell.source, cell.get("attachments") or {})
                cell["html"] = outline.place(markdown.finished(text, words, number))
        info = node.metadata.get("language_info") or {}
        kernel = node.metadata.get("kernelspec") or {}
        # A text source says no more than its kernel, and often not even that.
        named = info.get("pygments_lexer") or info.get("name") or kernel.get("language") or page.get("prog_lang")
        lexer = "ipython3" if str(named).lower() == "python" else str(named or "text").lower()
        self.register_filter("highlight_code", self._highlighter(lexer))  # type: ignore[no-untyped-call]
        loads = Loads(str(page.get("assets") or FOLDER))
        resources = self._resources(node.cells, page, words, outline, loads)
        text = str(self.template.render(nb=node, deck=deck, resources=resources, uuid4=uuid4))
        return text, loads.groups

    def _resources(self, cells: Sequence[Any], page: Page, words: Words, outline: headings.Outline, loads: Loads) -> dict[str, Any]:
        start = {
            "metadata": {"name": page["title"], "path": ""},
            "page": page,
            "words": words,
            "outline": outline,
            "math": _has_math(cells),
        }
        resources: dict[str, Any] = self._init_resources(start)  # type: ignore[no-untyped-call]
        resources |= {"style": loads.style, "script": loads.script}
        resources |= {"raw_mimetypes": self.raw_mimetypes, "output_mimetype": self.output_mimetype, "should_sanitize_html": False}
        shown = ("code", "input", "input_prompt", "markdown", "output", "output_prompt", "raw", "unknown")
        resources["global_content_filter"] = {f"include_{name}": True for name in shown} | {"no_prompt": False}
        return resources

    def _highlighter(self, lexer: str) -> Callable[..., str]:
        if lexer not in self._highlighters:
            self._highlighters[lexer] = Highlight2HTML(_known_lexer(lexer), parent=self)  # type: ignore[no-untyped-call]
        made: Any = self._highlighters[lexer]

        def highlight(source: str, language: str | None = None, metadata: Any = None) -> str:
            magic = (metadata or {}).get("magics_language")
            return self.memory.get(("code", lexer, language, magic, source), lambda: str(made(source, language, metadata)))

        return highlight


def _has_math(cells: Sequence[Any]) -> bool:
    """Whether anything on the page is to be typeset."""
    for cell in cells:
        if markdown.MATH in cell.get("html", ""):
            return True
        for output in cell.get("outputs", ()):
            data = output.get("data") or {}
            if "text/latex" in data or "$" in str(data.get("text/markdown", "")):
                return True
    return False


def _known_lexer(name: str) -> str:
    """A lexer that pygments has: nbconvert would warn about others on each cell."""
    if name in ("ipython2", "ipython3"):
        return name
    try:
        get_lexer_by_name(name)
    except ClassNotFound:
        return "text"
    return name
