"""Text with a terminal's escape codes as HTML, readable on light and on dark pages.

The sixteen named colours become classes, which the style sheet gives a shade for each theme. Other colours stand in the text
itself, as two shades: near enough to what was asked for, and with the contrast that people need (WCAG 2.2, 1.4.3).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

Colour = tuple[int, int, int]

_CODE = re.compile(r"\x1b\[([0-9;:]*)m")
# Also links (OSC 8) and titles of windows; and what is left of a code that was cut.
_OTHER = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-9;:?=]*[@-ln-~]|\x1b[@-Z\\-_]?")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_BASE: tuple[Colour, ...] = (
    (0, 0, 0), (187, 0, 0), (0, 128, 0), (187, 130, 0), (0, 0, 187), (160, 0, 160), (0, 128, 128), (200, 200, 200),
    (85, 85, 85), (255, 85, 85), (85, 200, 85), (255, 255, 85), (85, 85, 255), (255, 85, 255), (85, 255, 255), (255, 255, 255),
)  # fmt: skip
_LIGHT, _DARK = (0xE9, 0xEC, 0xEF), (0x2A, 0x30, 0x36)
"""Backgrounds on which a colour must be readable: somewhat worse than any that our pages have."""
_CONTRAST = 4.6


@dataclass(frozen=True, slots=True)
class _Style:
    front: int | Colour | None = None
    back: int | Colour | None = None
    bold: bool = False
    italic: bool = False
    underline: bool = False
    struck: bool = False
    faint: bool = False
    inverse: bool = False


_PLAIN = _Style()
_SWITCHES: dict[int, tuple[str, Any]] = {
    1: ("bold", True), 2: ("faint", True), 3: ("italic", True), 4: ("underline", True), 5: ("bold", True), 7: ("inverse", True),
    9: ("struck", True), 21: ("underline", True), 23: ("italic", False), 24: ("underline", False), 27: ("inverse", False),
    29: ("struck", False), 39: ("front", None), 49: ("back", None),
}  # fmt: skip


def to_html(text: str) -> str:
    """The text, escaped, with its codes as ``<span>``; codes that are no colour or type are left out."""
    if "\x1b" not in text:
        return _escaped(text)
    parts, style, position = [], _PLAIN, 0
    for found in _CODE.finditer(text):
        parts.append(_span(text[position : found.start()], style))
        style, position = _changed(style, found[1]), found.end()
    parts.append(_span(text[position:], style))
    return "".join(parts)


def _escaped(text: str) -> str:
    return html.escape(_CONTROLS.sub("", _OTHER.sub("", text) if "\x1b" in text else text), quote=False)


def _span(text: str, style: _Style) -> str:
    text = _escaped(text)
    if not text or style == _PLAIN:
        return text
    return f"<span{_attributes(style)}>{text}</span>"


@lru_cache(maxsize=512)
def _attributes(style: _Style) -> str:
    names = [f"ansi-{name}" for name in ("bold", "faint", "italic", "underline", "struck") if getattr(style, name)]
    front, back = style.front, style.back
    if style.bold and isinstance(front, int) and front < 8:
        front += 8
    css = ""
    if style.inverse and back is None:
        names.append("ansi-inverse")
    elif style.inverse or back is not None:
        ground = _rgb(back if not style.inverse else front if front is not None else 8)
        ink = front if not style.inverse else back
        wanted = _rgb(ink) if ink is not None else (0, 0, 0)
        css = f"color:{_css(_readable(wanted, ground))};background-color:{_css(ground)}"
    elif isinstance(front, int):
        names.append(f"ansi-{_NAMES[front % 8]}{'-intense' if front > 7 else ''}-fg")
    elif front is not None:
        names.append("ansi-rgb-fg")
        css = f"--l:{_css(_readable(front, _LIGHT))};--d:{_css(_readable(front, _DARK))}"
    return (f' class="{" ".join(names)}"' if names else "") + (f' style="{css}"' if css else "")


def _changed(style: _Style, codes: str) -> _Style:
    numbers = iter([int(code) if code else 0 for code in re.split("[;:]", codes)])
    for number in numbers:
        if number == 0:
            style = _PLAIN
        elif number == 22:
            style = replace(style, bold=False, faint=False)
        elif number in _SWITCHES:
            name, value = _SWITCHES[number]
            style = replace(style, **{name: value})
        elif number in (38, 48):
            colour = _extended(numbers)
            style = replace(style, front=colour) if number == 38 else replace(style, back=colour)
        elif 30 <= number <= 37 or 90 <= number <= 97:
            style = replace(style, front=number - 30 if number < 40 else number - 82)
        elif 40 <= number <= 47 or 100 <= number <= 107:
            style = replace(style, back=number - 40 if number < 50 else number - 92)
    return style


def _extended(numbers: Iterator[int]) -> int | Colour | None:
    """A colour of 256, or of all: what follows 38 and 48."""
    kind = next(numbers, 0)
    if kind == 2:
        red, green, blue = (min(next(numbers, 0), 255) for _ in range(3))
        return red, green, blue
    number = min(next(numbers, 0), 255) if kind == 5 else -1
    if number < 0:
        return None
    if number < 16:
        return number
    if number >= 232:
        grey = (number - 232) * 10 + 8
        return grey, grey, grey
    red, green, blue = ((number - 16) // 36, (number - 16) // 6 % 6, (number - 16) % 6)
    return _step(red), _step(green), _step(blue)


def _step(value: int) -> int:
    return 55 + value * 40 if value else 0


def _rgb(colour: int | Colour | None) -> Colour:
    return _BASE[colour] if isinstance(colour, int) else colour or (0, 0, 0)


def _css(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def contrast(one: Colour, other: Colour) -> float:
    """The contrast of two colours, 1 to 21, as WCAG 2.2 reckons it."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (value / 255 for value in colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@lru_cache(maxsize=1024)
def _readable(colour: Colour, ground: Colour) -> Colour:
    """The colour nearest to the one asked for, on the way to black or white, that is readable on *ground*."""
    end = 0 if _luminance(ground) > 0.18 else 255
    for step in range(21):
        red, green, blue = (round(value + (end - value) * step / 20) for value in colour)
        if contrast((red, green, blue), ground) >= _CONTRAST:
            return red, green, blue
    return end, end, end
