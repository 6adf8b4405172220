"""The Chromium on this machine, which prints pages (format ``pdf``)."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "CLX_CHROMIUM"
"""Names the browser to take, by path or by name."""

NAMES = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "chrome-headless-shell", "microsoft-edge", "msedge",
)  # fmt: skip
_MAC = tuple(f"/Applications/{name}.app/Contents/MacOS/{name}" for name in ("Google Chrome", "Chromium", "Microsoft Edge"))
_HINT = f"install one (Debian, Ubuntu: apt-get install chromium), or name it with {VARIABLE}"


@dataclass(frozen=True, slots=True)
class Found:
    """The browser's path, or ``""`` with what is wrong and what to do about it."""

    program: str
    message: str = ""
    hint: str = ""


NO_BROWSER = Found("", "no browser was looked for")


def chromium() -> Found:
    """Look for a browser that can print; the variable counts before everything else."""
    if sys.platform == "win32":
        return Found("", "PDFs cannot be made on Windows yet", "build them on Linux or macOS, or print the html format")
    if named := os.environ.get(VARIABLE, ""):
        there = shutil.which(Path(named).expanduser())
        return Found(str(there)) if there else Found("", f"{VARIABLE} names {named}, which cannot be run", _HINT)
    places = [Path(f"{home}{place}") for place in _MAC for home in ("", Path.home())] if sys.platform == "darwin" else []
    there = next(filter(None, map(shutil.which, (*NAMES, *map(str, places)))), None)
    return Found(str(there)) if there else Found("", "no Chromium or Chrome was found", _HINT)
