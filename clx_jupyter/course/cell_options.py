"""The tags in a cell's options, and its language, in every spelling that jupytext reads.

A mark that is overlooked here would publish a solution, so whatever cannot be parsed counts word by word.
"""

from __future__ import annotations

import json
import re

# Quoted text may hold brackets.
_QUOTED = r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
_TAGS = re.compile(
    rf"""\btags["']?\s*[=:][ \t]*(?:
        (?:\[|c\(|\()(?P<list>(?:{_QUOTED}|[^\])"'])*)[\])]   # ["a", "b"], [a, b], c("a", "b")
        | (?P<text>{_QUOTED})                                 # "a, b", and pandoc's "[\"a\"]"
        | (?P<block>(?:[ \t]*\n[ \t]*-[ \t][^\n]*)+)          # YAML, an item a line
        | (?P<rest>[^\n]*)
    )""",
    re.VERBOSE,
)
_ITEM = re.compile(rf"{_QUOTED}|[^,\s\"'][^,\n]*")
_WORD = re.compile(r"[^\s,\[\](){}\"'\\=:]+")
_SOLUTION = re.compile(r"nbgrader\b.*?\bsolution[\"']?\s*[=:]\s*(?:true|T)\b", re.IGNORECASE | re.DOTALL)
_LANG = re.compile(r"""(?:^|[\s,{;])["']?lang["']?\s*[=:]\s*["']?([A-Za-z][\w-]*)""")
_LINE_SIGN = re.compile(r"^(?:#\||:)", re.MULTILINE)  # Quarto's and MyST's


def tags(options: str) -> frozenset[str]:
    """The tags that *options*, the text after a cell's mark or its YAML block, name."""
    found: set[str] = set()
    for match in _TAGS.finditer(_LINE_SIGN.sub("", options)):
        if match["list"] is not None:
            found.update(map(_unquoted, _ITEM.findall(match["list"])))
        elif match["block"] is not None:
            found.update(_unquoted(line.strip()[1:].strip()) for line in match["block"].strip().splitlines())
        else:
            found.update(_WORD.findall(match["text"] or match["rest"] or ""))
    return frozenset(found) - {""}


def lang_of(options: str) -> str:
    """The human language that *options* name; ``""`` where they name none."""
    found = _LANG.search(options)
    return found[1] if found else ""


def is_solution(options: str) -> bool:
    """Whether nbgrader's metadata in *options* call the cell a solution."""
    return _SOLUTION.search(options) is not None


def _unquoted(item: str) -> str:
    item = item.strip()
    if item[:1] == '"':
        try:
            return str(json.loads(item))
        except ValueError:
            return item.strip('"')
    return item.strip("'")
