"""Markdown as JupyterLab reads it, as HTML that says what it is: formulas, tables, footnotes and alerts are marked as such."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mistune.plugins import import_plugin
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
from pygments.util import ClassNotFound  # type: ignore[import-untyped]

from clx_jupyter_workers.notebook.words import Words

MATH = "clx-math"
"""The class of elements whose text is TeX: nothing else on a page is typeset, so prices and code stay as they are."""

_NO_ALT = re.compile(r"<img\b(?![^>]*\balt\s*=)", re.IGNORECASE)
_ALERT = re.compile(r"<blockquote>\s*<p>\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\][ \t]*(?:<br\s*/?>)?\s*(?:</p>\s*<p>)?")
_DIRECTIVE = re.compile(
    r"^(?P<fence>:{3,})[ ]*\{(?P<name>note|tip|hint|important|warning|attention|caution|danger|error|seealso)\}[ ]*(?P<title>[^\n]*)\n"
    r"(?P<text>.*?)^(?P=fence)[ ]*$", re.MULTILINE | re.DOTALL,
)  # fmt: skip
_SHOWN_AS = {"hint": "tip", "attention": "warning", "danger": "caution", "error": "caution", "seealso": "note"}
_WORD = re.compile(r'(<p class="clx-label" data-word="(\w+)")>')
_FOOTNOTE = re.compile(r'((?:id="|href="#)fn(?:ref)?)-(?=\d)')
# In HTML that the author wrote: what scripts and tags hold is no TeX.
_TEX_IN_HTML = re.compile(
    r"<(script|style|pre|code|textarea)\b.*?(?:</\1\s*>|\Z)|<[^>]*>"
    r"|(?P<tex>\$\$[^<>]+?\$\$|(?<![\\$])\$(?=[^\s$])[^$<>]*?(?<![\s\\])\$(?!\d)|\\\([^<>]+?\\\)|\\\[[^<>]+?\\\])",
    re.DOTALL | re.IGNORECASE,
)  # fmt: skip


def to_html(source: str, attachments: Mapping[str, Any]) -> str:
    """The HTML of a markdown cell with these attached pictures; :func:`finished` makes it part of a page."""
    if ":::" in source:
        source = _DIRECTIVE.sub(_directive, source)
    markdown = MarkdownWithMath(renderer=_Renderer(escape=False, attachments=dict(attachments), exclude_anchor_links=True))
    if "[^" in source:
        import_plugin("footnotes")(markdown)
    text = markdown.render(source)
    if "<img" in text:
        text = _NO_ALT.sub('<img alt=""', text)
    return _ALERT.sub(lambda found: f"{_alert('blockquote', found[1].lower())}<p>", text) if "[!" in text else text


def finished(text: str, words: Words, cell: int) -> str:
    """What :func:`to_html` gave, in a page that says *words*, as its cell number *cell*: titles of alerts, ids of footnotes."""
    if 'data-word="' in text:
        text = _WORD.sub(lambda found: f"{found[1]}{words.lang}>{words[found[2]]}", text)
    return _FOOTNOTE.sub(rf"\1-{cell}-", text) if 'class="footnote' in text else text


def _directive(found: re.Match[str]) -> str:
    kind = _SHOWN_AS.get(found["name"], found["name"])
    title = f"\n\n**{found['title'].strip()}**" if found["title"].strip() else ""
    return f"{_alert('div', kind)}{title}\n\n{found['text']}\n\n</div>\n"


def _alert(element: str, kind: str) -> str:
    return f'<{element} class="clx-alert clx-{kind}"><p class="clx-label" data-word="{kind}"></p>'


class _Renderer(IPythonRenderer):
    """nbconvert's, with elements where it has bare text."""

    def block_code(self, code: str, info: str | None = None) -> str:
        """Code in colours; what pygments does not know is shown as it is."""
        name = (info or "").strip().split(maxsplit=1)[0] if (info or "").strip() else ""
        name = name.strip("{}")
        if name and not name.startswith("mermaid") and not _has_lexer(name):
            info = None
        return str(super().block_code(code, name if info else None))

    def block_html(self, html: str) -> str:
        """HTML of the author's own."""
        return str(super().block_html(_TEX_IN_HTML.sub(_marked, html) if "$" in html or "\\" in html else html))

    def block_math(self, body: str) -> str:
        """A formula on lines of its own."""
        return f'<span class="{MATH} clx-display">{super().block_math(body)}</span>'

    def latex_environment(self, name: str, body: str) -> str:
        """The same, by the name of an environment."""
        return f'<span class="{MATH} clx-display">{super().latex_environment(name, body)}</span>'

    def inline_math(self, body: str) -> str:
        """A formula in a line."""
        return f'<span class="{MATH}">{super().inline_math(body)}</span>'

    def table(self, text: str) -> str:
        """A table that scrolls where it is too wide."""
        return f'<div class="clx-scroll"><table>\n{text}</table></div>\n'

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:
        """A cell; a heading that says nothing is none."""
        tag = "th" if head and text.strip() else "td"
        style = f' style="text-align:{align}"' if align else ""
        return f"<{tag}{style}>{text}</{tag}>\n"

    def task_list_item(self, text: str, checked: bool = False) -> str:
        """A task, done or not."""
        mark = "[x]" if checked else "[ ]"
        box = f'<input class="task-list-item-checkbox" type="checkbox" aria-label="{mark}" disabled{" checked" if checked else ""}>'
        text = text.replace("<p>", f"<p>{box}", 1) if text.startswith("<p>") else box + text
        return f'<li class="task-list-item">{text}</li>\n'


def _marked(found: re.Match[str]) -> str:
    return f'<span class="{MATH}">{found["tex"]}</span>' if found["tex"] else found[0]


def _has_lexer(name: str) -> bool:
    try:
        get_lexer_by_name(name)
    except ClassNotFound:
        return False
    return True
