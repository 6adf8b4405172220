"""What a page would load from the network: pictures, scripts and styles that an author's text or a library's output names.

Our templates load nothing from anywhere (``docs/why.md``); this finds what others ask for, so that it can be told. Links that
people follow are no part of it. Large scripts are libraries that came whole: the addresses in them are not looked at.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from clx_jupyter_workers.notebook.references import without_code

MAX_SCRIPT = 200_000
"""Characters of a script that is searched for addresses of further scripts."""

_URL = r"(?:https?:)?//[^\s\"'<>`\\)]+"
_SCRIPT = re.compile(r"<script\b[^>]*>", re.IGNORECASE)
_END = re.compile(r"</script", re.IGNORECASE)
_STYLE = re.compile(r"<style\b[^>]*>(.*?)(?:</style\s*>|\Z)|\bstyle\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE | re.DOTALL)
_LOADING = re.compile(
    r"<(?:script|img|image|use|iframe|frame|embed|object|source|video|audio|track|input|feImage|link)\b[^>]*>", re.IGNORECASE
)
_ATTRIBUTE = re.compile(r"(?P<name>[\w:-]+)\s*=\s*(?:\"(?P<a>[^\"]*)\"|'(?P<b>[^']*)'|(?P<c>[^\s\"'>]+))")
_ADDRESSES = ("src", "srcset", "poster", "data", "href", "xlink:href", "srcdoc")
_RELATIONS = frozenset({"stylesheet", "preload", "modulepreload", "icon", "prefetch", "manifest"})
_CSS_URL = re.compile(rf"(?:@import\s+(?:url\(\s*)?|url\(\s*)[\"']?({_URL})", re.IGNORECASE)
_IN_SCRIPT = re.compile(
    r"(?:(?P<loads>\bimport\b[^;\n\"'`]*\(?\s*|\bfrom\s*|\brequire(?:js)?\s*\(\s*\[?\s*|\bfetch\(\s*|\b(?:importScripts|tileLayer)\(\s*|\.(?:src|href)\s*=\s*)|)"
    r"[\"'`](?P<url>(?:https?:)?//[^\s\"'`<>\\]+)[\"'`]"
)
_FILE = re.compile(r"\.(?:m?js|css|wasm)(?:[?#].*)?$", re.IGNORECASE)
_HOST = re.compile(r"(?:https?:)?//(?:cdn\.|cdnjs\.|unpkg\.|[\w.-]*\.unpkg\.|esm\.|[\w.-]+\.jsdelivr\.|ga\.jspm\.)", re.IGNORECASE)
_IMAGE = re.compile(r"!\[[^\]]*\]\(\s*<?((?:https?:)?//(?:[^\s()<>]|\([^\s()<>]*\))+)", re.IGNORECASE)
_BY_NAME = re.compile(r"!\[([^\]]*)\](?:\[([^\]]*)\]|(?![\[(]))")
_DEFINED = re.compile(r"^ {0,3}\[([^\]\n]+)\]:[ \t]*<?((?:https?:)?//[^\s<>]+)", re.MULTILINE)


def in_markdown(text: str) -> list[str]:
    """Addresses that the page of a text cell loads, in order, each once."""
    if "//" not in text:
        return []
    plain = without_code(text)
    found = _IMAGE.findall(plain)
    if defined := {name.casefold(): target for name, target in _DEFINED.findall(plain)}:
        names = [(second or first).casefold() for first, second in _BY_NAME.findall(plain)]
        found += [defined[name] for name in names if name in defined]
    return list(dict.fromkeys([*found, *in_html(plain)]))


def in_html(text: str) -> list[str]:
    """Addresses that a piece of HTML loads, in order, each once."""
    return list(dict.fromkeys(html.unescape(address) for address in _html(text))) if "//" in text else []


def in_script(text: str) -> list[str]:
    """Addresses of scripts and styles that a script loads, in order, each once."""
    return list(dict.fromkeys(_script(text)))


def _html(text: str) -> Iterator[str]:
    position = 0
    while script := _SCRIPT.search(text, position):
        yield from _markup(text[position : script.end()])
        position = text.find("</script", script.end())
        if position < 0:
            end = _END.search(text, script.end())
            position = end.start() if end else len(text)
        yield from _script(text[script.end() : position])
    yield from _markup(text[position:])


def _markup(text: str) -> Iterator[str]:
    for tag in _LOADING.finditer(text):
        yield from _tag(tag.group())
    for style in _STYLE.finditer(text):
        yield from _CSS_URL.findall(html.unescape(style[1] or style[2] or style[3] or ""))


def _tag(tag: str) -> Iterator[str]:
    values = {found["name"].lower(): found["a"] or found["b"] or found["c"] or "" for found in _ATTRIBUTE.finditer(tag)}
    is_link = tag[1:5].lower() == "link"
    if is_link and not _RELATIONS & set(values.get("rel", "").lower().split()):
        return
    for name in _ADDRESSES:
        value = values.get(name, "").strip()
        if name == "srcdoc":
            yield from _html(html.unescape(value))
        elif name == "srcset":
            yield from (part.split()[0] for part in value.split(", ") if part.split() and _is_remote(part.split()[0]))
        elif _is_remote(value):
            yield value


def _is_remote(address: str) -> bool:
    return address.lower().startswith(("http://", "https://", "//"))


def _script(text: str) -> Iterator[str]:
    if len(text) > MAX_SCRIPT:
        return
    for found in _IN_SCRIPT.finditer(text):
        url = found["url"]
        if found["loads"] or _FILE.search(url) or _HOST.match(url):
            yield url


# --- what to say ---

_HINTS = (
    (
        ("plot.ly", "plotly"),
        'Let the page hold plotly\'s script: plotly.io.renderers.default = "notebook", or to_html(include_plotlyjs=True).',
    ),
    (("bokeh",), "Let the page hold bokeh's script: output_notebook(bokeh.resources.INLINE)."),
    (("vega",), 'Show the chart as a picture: altair.renderers.enable("svg"); it needs the package vl-convert-python.'),
    (("dt_for_itables", "datatables"), "Let the page hold the script: itables.init_notebook_mode(connected=False)."),
    (("youtube.", "youtube-nocookie.", "vimeo."), "Say beside it what the film shows: readers without network see an empty box."),
)
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".avif")


def hint(address: str) -> str:
    """What an author can do about it."""
    low = address.lower()
    for words, text in _HINTS:
        if any(word in low for word in words):
            return text
    if low.split("?")[0].endswith(_PICTURES):
        return "Save the picture beside the notebook and show that file."
    return "Save it beside the notebook, or tell readers that this needs the network."
