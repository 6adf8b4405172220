"""Tables of data frames, as people with and without eyes can read them: heads that say what they head, and our look.

Only tables that pandas and its kin write are changed; others are the author's.
"""

from __future__ import annotations

import re

SCRIPT = re.compile(r"<script\b", re.IGNORECASE)
_TABLE = re.compile(r"<table\b", re.IGNORECASE)
_OURS = re.compile(r"<table\b[^>]*(?:\bclass\s*=\s*[\"'][^\"']*\bdataframe\b|\bid\s*=\s*[\"']T_)[^>]*>", re.IGNORECASE)
_END = re.compile(r"</table\s*>", re.IGNORECASE)
_BODY = re.compile(r"<tbody\b", re.IGNORECASE)
_EMPTY = re.compile(r"<th\b([^>]*)>((?:\s|&nbsp;)*)</th>", re.IGNORECASE)
_HEAD = re.compile(r"<th\b(?![^>]*\bscope\s*=)(?P<rest>[^>]*)>", re.IGNORECASE)
_BORDER = re.compile(r"\s+border\s*=\s*[\"']?\d+[\"']?", re.IGNORECASE)
_SCOPED = re.compile(r"<style scoped>\s*(?:\.dataframe[^{}]*\{[^{}]*\}\s*)+</style>\s*", re.IGNORECASE)
_POLARS = re.compile(r"<style>\s*(?:\.dataframe > [^{}]*\{[^{}]*\}\s*)+</style>\s*", re.IGNORECASE)


def is_table(text: str) -> bool:
    """Whether a piece of HTML is a table, and no more than that."""
    return not SCRIPT.search(text) and _TABLE.search(text) is not None


def tidied(text: str) -> str:
    """The text with the tables of data frames made ours: styles of pandas' Styler stay, the rules of its page do not."""
    if "<style" in text:
        text = _POLARS.sub("", _SCOPED.sub("", text))
    parts, position = [], 0
    for start in _OURS.finditer(text):
        if start.start() < position:
            continue
        end = _END.search(text, start.end())
        stop = end.start() if end else len(text)
        parts += [text[position : start.start()], _BORDER.sub("", start.group()), _headed(text[start.end() : stop])]
        position = stop
    return "".join([*parts, text[position:]])


def _headed(rows: str) -> str:
    body = _BODY.search(rows)
    middle = body.start() if body else 0
    head = _EMPTY.sub(r"<td\1>\2</td>", rows[:middle])
    return _HEAD.sub(r'<th scope="col"\g<rest>>', head) + _HEAD.sub(r'<th scope="row"\g<rest>>', rows[middle:])
