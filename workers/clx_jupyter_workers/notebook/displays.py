"""How an output is shown on pages and slides: the best of what its bundle holds, as data for ``templates/outputs.html.j2``.

What works without the network and without a notebook is shown. What does not is shown by the picture or the text that the
bundle holds, with an honest note: nothing else of it would be there for a reader.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from clx_jupyter_workers.notebook import ansi, remote, svg, tables

LONG = 40
"""Lines of a text above which it scrolls in a box; all of it is there, and in print."""

_SMALL = 1_000_000
"""Characters of HTML that is no library."""

_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp")
_ORDER = ("text/html", "text/markdown", "text/latex", "image/svg+xml", *_PICTURES, "application/javascript", "application/json")
_WIDGET = "application/vnd.jupyter.widget-view+json"
_INTERACTIVE = re.compile(
    r"application/(?:vnd\.(?:plotly|vega|vegalite|bokehjs_exec|holoviews_exec|jupyter\.widget-view|dash|geo)|geo\+json)"
)
_MEDIA = re.compile(r"(?:audio|video)/[\w.+-]+|application/pdf")
_LOADER = re.compile(r"application/vnd\.(?:bokehjs|holoviews)_load")
_PROGRESS = re.compile(r"[^|\n]*\b\d{1,3}%\|[^\n]*\[\d\d:\d\d<")
_MODULES = re.compile(r"\brequire(?:js)?\s*[(.]|\bdefine\s*\(")
_NOTEBOOK_ONLY = re.compile(r"\b(?:IPython|Jupyter)\s*\.|\brequire(?:js)?\s*[(.]|\bdefine\s*\(")
_REPR = re.compile(r"\s*<[A-Za-z_][^<>\n]*>")
_CALL = re.compile(r"\s*[A-Za-z_][\w.]*\(")
_DOCUMENT = re.compile(r"\s*(?:<!--.*?-->\s*)?<(?:!doctype|html)\b", re.IGNORECASE | re.DOTALL)
_UNNAMED_FRAME = re.compile(r"<iframe\b(?![^>]*\btitle\s*=)", re.IGNORECASE)
_UNDESCRIBED = re.compile(r"<img\b(?![^>]*\balt\s*=)", re.IGNORECASE)
#: The page brings MathJax itself; plotly asks for it with every chart, also where it is given its own script.
_MATHJAX = re.compile(r"<script\b[^>]*\bsrc=[\"'](?:https?:)?//[^\"']*/mathjax[@/][^\"']*[\"'][^>]*>\s*</script>", re.IGNORECASE)
_RICH = '<pre style="white-space:pre;overflow-x:auto;line-height:normal;'
"""How the package rich begins its HTML: with colours for light pages only; its plain text has them as codes."""
_DRAWN = re.compile(r"[\u2500-\u259f]")
#: Where Python itself and its packages lie on the machine that built: says nothing to a reader.
_INSTALLED = re.compile(r"(?:/|[A-Z]:\\)[^\s:\"'\x1b]*?(?:(?:site|dist)-packages|lib[/\\]python3\.\d+|ipykernel_\d+)[/\\]")


@dataclass(frozen=True, slots=True)
class Display:
    """One output for the template; texts marked *safe* are HTML, all others are escaped there."""

    #: ``text``, ``stderr``, ``error``, ``html``, ``table``, ``frame``, ``picture``, ``markdown``, ``latex``, ``script``, ``json``,
    #: ``media``, ``limit`` (only a note) or ``silent`` (there for scripts, not for people).
    kind: str
    #: Safe for ``text``, ``stderr``, ``error``, ``html`` and ``table``; else as the kernel gave it, or an address.
    body: str = ""
    #: A key of the template's words, put below the output.
    note: str = ""
    #: What the note names: hosts.
    detail: str = ""
    alt: str = ""
    width: str = ""
    height: str = ""
    #: It scrolls in a box.
    long: bool = False
    #: Drawn with characters: its lines are not wrapped.
    drawn: bool = False
    expected: bool = False
    #: Its scripts need `static/amd.js`.
    modules: bool = False


def of(output: Mapping[str, Any], cell: Mapping[str, Any]) -> Display | None:
    """How to show an output of a code cell; ``None``: not at all."""
    kind = output.get("output_type")
    if kind == "stream":
        return _text(str(_joined(output.get("text"))), "stderr" if output.get("name") == "stderr" else "text")
    if kind == "error":
        lines = output.get("traceback") or [f"{output.get('ename', '')}: {output.get('evalue', '')}"]
        tags = cell.get("metadata", {}).get("tags") or ()
        return _text("\n".join(map(str, lines)), "error", expected="raises-exception" in tags)
    data = {name: _joined(value) for name, value in (output.get("data") or {}).items()}
    return _of_data(data, output.get("metadata") or {}, cell.get("metadata") or {})


def loads(output: Mapping[str, Any]) -> list[str]:
    """Addresses that an output, as it is shown, loads from the network."""
    if output.get("output_type") not in ("display_data", "execute_result"):
        return []
    shown = of(output, {})
    if shown is None or shown.kind not in ("html", "table", "frame", "script", "markdown"):
        return []
    if shown.kind == "script":
        return remote.in_script(shown.body)
    return (remote.in_markdown if shown.kind == "markdown" else remote.in_html)(shown.body)


def _joined(value: Any) -> Any:
    """A text; files may hold it as a list of lines."""
    return "".join(value) if isinstance(value, list) and all(isinstance(line, str) for line in value) else value


def _of_data(data: Mapping[str, Any], metadata: Mapping[str, Any], of_cell: Mapping[str, Any]) -> Display | None:
    interactive = any(map(_INTERACTIVE.match, data))
    picture = _picture(data, metadata, of_cell)
    for name in _ORDER:
        if name not in data or (_WIDGET in data and name == "application/javascript"):
            continue
        if name == "text/html":
            if str(data[name]).startswith(_RICH) and data.get("text/plain"):
                return _text(str(data["text/plain"]).removesuffix("\n"), "text")
            if (shown := _html(str(data[name]), metadata.get(name) or {}, picture)) is not None:
                return shown
        elif name.startswith("image/"):
            return replace(picture, note="interactive" if interactive else "") if picture else None
        elif name == "application/javascript":
            return _javascript(str(data[name]), any(map(_LOADER.match, data)))
        elif name == "application/json":
            return Display("json", text := json.dumps(data[name], indent=2, ensure_ascii=False), long=text.count("\n") >= LONG)
        elif str(data[name]).strip():
            return Display(name.removeprefix("text/"), str(data[name]))
    return _media(data) or _fallback(data, interactive)


def _fallback(data: Mapping[str, Any], interactive: bool) -> Display | None:
    """What is left of an output that needs a notebook: its text where that tells something."""
    text = str(data.get("text/plain") or "")
    if interactive and _PROGRESS.match(text):
        return None  # its text is that of the beginning, and the run is over
    if interactive:
        shown = _text(text, "text") if _tells(text) else Display("limit")
        return replace(shown, note="interactive")
    if "text/plain" in data:
        return _text(text, "text")
    unknown = [name for name in data if not _LOADER.match(name)]
    return Display("limit", note="unknown", detail=", ".join(unknown)) if unknown else None


def _tells(text: str) -> bool:
    """Whether an object's text tells a reader something, and is not only what Python calls it."""
    return bool(text.strip()) and not _REPR.match(text) and not _CALL.match(text)


def _text(text: str, kind: str, expected: bool = False) -> Display:
    lines = text.count("\n") + 1
    if kind != "text":
        text = _INSTALLED.sub("", text)
    return Display(kind, ansi.to_html(text), long=lines > LONG, drawn=bool(_DRAWN.search(text)), expected=expected)


# --- pictures ---


def _picture(data: Mapping[str, Any], metadata: Mapping[str, Any], of_cell: Mapping[str, Any]) -> Display | None:
    name = next((name for name in ("image/svg+xml", *_PICTURES) if data.get(name)), None)
    if name is None:
        return None
    own = metadata.get(name)
    own = own if isinstance(own, Mapping) else {}
    said = own.get("alt") or metadata.get("alt") or of_cell.get("alt")
    if name == "image/svg+xml":
        address = svg.address(str(data[name]))
        said = said or svg.title(str(data[name]))
    else:
        address = f"data:{name};base64,{''.join(str(data[name]).split())}"
    text = str(data.get("text/plain") or "")
    alt = str(said) if said else text if _tells(text) and len(text) <= 300 else ""
    width, height = (_length(own.get(side, metadata.get(side))) for side in ("width", "height"))
    return Display("picture", address, alt=alt, width=width, height=height)


def _length(value: Any) -> str:
    """A width or height as an attribute has it: a whole number of pixels."""
    found = re.match(r"\s*(\d{1,5})(?:\.\d+)?(?:px)?\s*$", str(value))
    return found[1] if found else ""


def _media(data: Mapping[str, Any]) -> Display | None:
    """Sound, film and documents given as data."""
    for name, value in data.items():
        if _MEDIA.fullmatch(name):
            return Display("media", f"data:{name};base64,{''.join(str(value).split())}", alt=name.split("/")[0])
    return None


# --- HTML and scripts ---


def _html(text: str, metadata: Mapping[str, Any], picture: Display | None) -> Display | None:
    if not text.strip():
        return None
    if len(text) < _SMALL and "bk-notebook-logo" in text:
        return Display("silent")  # bokeh's word that it is being loaded
    if _DOCUMENT.match(text) or metadata.get("isolated"):
        return _noted(Display("frame", text), remote.in_html(text), picture)
    if len(text) < _SMALL and "mathjax" in text.lower():
        text = _MATHJAX.sub("", text)
    addresses = remote.in_html(text)
    if not tables.SCRIPT.search(text):
        text = _UNDESCRIBED.sub('<img alt=""', text)
    kind = "html"
    if tables.is_table(text):
        kind, text = "table", tables.tidied(text)
    modules = kind == "html" and _MODULES.search(text if len(text) < _SMALL else text[:5_000]) is not None
    return _noted(Display(kind, text, modules=modules), addresses, picture)


def _noted(shown: Display, addresses: list[str], picture: Display | None) -> Display:
    """With a word on what it needs; the picture of the bundle is better than a box that stays empty without network."""
    if not addresses:
        return shown
    if picture is not None:
        return replace(picture, note="interactive")
    hosts = list(dict.fromkeys(map(host, addresses)))
    return replace(shown, note="network", detail=", ".join(hosts[:3]) + (" …" if len(hosts) > 3 else ""))


def host(address: str) -> str:
    """The machine that an address names."""
    return address.split("//", 1)[-1].split("/", 1)[0].split("?", 1)[0]


def _javascript(text: str, loader: bool) -> Display | None:
    """A script; what only a notebook could run is no more than a note."""
    library = loader or len(text) > remote.MAX_SCRIPT or "bokeh" in text.lower()
    if not library and _NOTEBOOK_ONLY.search(text):
        return Display("limit", note="interactive")
    addresses = remote.in_script(text)
    return _noted(Display("script", re.sub(r"</(?=script)", r"<\\/", text, flags=re.IGNORECASE)), addresses, None)


def described(frame: str, title: str) -> str:
    """HTML with a title for each frame that has none: people who cannot see it hear what it is."""
    return _UNNAMED_FRAME.sub(f'<iframe title="{html.escape(title)}"', frame)
