"""From an error in a kernel to a problem people can act on. Decides by the error's name first, by its text second."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from clx_jupyter_workers.notebook.document import Cell
from clx_jupyter_workers.problems import Problem

MAX_TRACEBACK = 20_000
MAX_MESSAGE = 500

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
# IPython's name for a cell; it says nothing to people, and differs from cell to cell.
_CELL_FILE = re.compile(r" \((?:\d+\.py|<[^>]+>), line \d+\)$")
_MODULE = re.compile(r"No module named '?([\w.]+)'?")
_QUOTED = re.compile(r"'([^']+)'")
_R_PACKAGE = re.compile(r"there is no package called .(?P<name>[\w.]+).")
_R_FILE = re.compile(r"cannot open (?:compressed )?file '([^']+)'")
_NETWORK_NAMES = frozenset({
    "URLError", "HTTPError", "gaierror", "herror", "ConnectionError", "ConnectionRefusedError", "ConnectionResetError",
    "ConnectionAbortedError", "ConnectTimeout", "ReadTimeout", "ConnectError", "NewConnectionError", "MaxRetryError",
    "NameResolutionError", "SSLError", "ProxyError", "RemoteDisconnected", "ClientConnectorError", "ClientConnectionError",
    "ConnectTimeoutError", "ReadTimeoutError", "NetworkError",
})  # fmt: skip
_NETWORK_TEXTS = ("getaddrinfo", "temporary failure in name resolution", "name or service not known", "nodename nor servname",
                  "network is unreachable", "could not resolve host", "cannot open url", "cannot open the connection to")  # fmt: skip
_PACKAGES = {
    "bs4": "beautifulsoup4", "Crypto": "pycryptodome", "cv2": "opencv-python", "dateutil": "python-dateutil", "docx": "python-docx",
    "dotenv": "python-dotenv", "fitz": "pymupdf", "git": "gitpython", "PIL": "pillow", "pptx": "python-pptx",
    "serial": "pyserial", "skimage": "scikit-image", "sklearn": "scikit-learn", "umap": "umap-learn", "yaml": "pyyaml",
}  # fmt: skip
"""Modules of notebooks whose package on PyPI is called otherwise; the one that has the module's name is often somebody else's."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as the kernel reported it."""

    name: str
    value: str
    traceback: tuple[str, ...] = ()
    #: ``In [n]`` of the failing cell.
    execution_count: int | None = None

    @property
    def message(self) -> str:
        """One line, as Python writes it."""
        value = _ANSI.sub("", self.value).strip()
        text = f"{self.name}: {value}" if self.name not in ("", "ERROR") else value
        first = next((line.strip() for line in text.splitlines() if line.strip()), self.name or "error")
        if self.name == "ERROR" and first.endswith(":"):
            first = " ".join(text.split())
        return _CELL_FILE.sub("", first)[:MAX_MESSAGE]


def classify(failure: Failure) -> tuple[str, str]:
    """The class of problem, and a hint."""
    name = failure.name.rsplit(".", 1)[-1]
    value = _ANSI.sub("", failure.value)
    if name in ("ModuleNotFoundError", "ImportError") and (found := _MODULE.search(value)):
        return _missing_package(found.group(1).split(".")[0])
    if name == "FileNotFoundError":
        return _missing_file(_QUOTED.findall(value))
    if name == "StdinNotImplementedError":
        return "input", "Nobody is there to answer: give the value in the code, or tag the cell skip-execution."
    if name == "MemoryError":
        return "out-of-memory", "Use less data, or build on a machine with more memory."
    if name in _NETWORK_NAMES or any(text in value.lower() for text in _NETWORK_TEXTS):
        return "network", "The machine that builds has no way to that address; it is tried again at the next build."
    if name == "ERROR":
        return _classify_r(value)
    return "cell-error", "If the error is meant, give the cell the tag raises-exception."


def _classify_r(value: str) -> tuple[str, str]:
    if found := _R_PACKAGE.search(value):
        return "missing-package", f"Install the R package: install.packages({found.group('name')!r})"
    if "cannot open" in value and (file := _R_FILE.search(value)):
        return _missing_file([file.group(1)])
    if "cannot open the connection" in value:
        return _missing_file([])
    return "cell-error", "If the error is meant, give the cell the tag raises-exception."


def _missing_package(name: str) -> tuple[str, str]:
    return "missing-package", f"Install it in the kernel's environment: pip install {_PACKAGES.get(name, name)}"


def _missing_file(names: list[str]) -> tuple[str, str]:
    what = f"{names[0]} was looked for" if names else "A file was looked for"
    return "missing-file", f"{what} from the notebook's folder: put it into the course, or generate it in an earlier cell."


def line_in_cell(failure: Failure) -> int | None:
    """1-based line of the cell that the traceback names; the outermost one in the failing cell itself."""
    text = plain("\n".join(failure.traceback))
    count = failure.execution_count
    if count is not None and (found := re.search(rf"Cell In\[{count}\], line (\d+)", text)):
        return int(found.group(1))
    if found := re.search(r"<text>:(\d+):\d+", text + failure.value):
        return int(found.group(1))
    return None


def plain(text: str) -> str:
    """Without colours, and without characters no page or log should hold."""
    return _ANSI.sub("", text).replace("\0", "")


def without(text: str, replacements: Mapping[str, str], secrets: Iterable[str] = ()) -> str:
    """The text with the scratch folder's path taken out and the values of secret variables covered."""
    for old, new in sorted(replacements.items(), key=lambda pair: -len(pair[0])):
        text = text.replace(old, new)
    for secret in secrets:
        # Short values ("1", "yes") stand in any text by chance.
        if len(secret) >= 6:
            text = text.replace(secret, "***")
    return text


def problem(failure: Failure, cell: Cell, has_lines: bool, clean: Any = plain) -> Problem:
    """The problem for a failing cell; *clean* takes private paths and values out of texts."""
    category, hint = classify(failure)
    trace = clean(plain("\n".join(failure.traceback)))
    if len(trace) > MAX_TRACEBACK:
        trace = trace[: MAX_TRACEBACK // 2] + "\n[...]\n" + trace[-MAX_TRACEBACK // 2 :]
    place = at(cell, line_in_cell(failure), has_lines)
    return Problem(category, clean(failure.message), clean(hint), traceback=trace, **place)


def at(cell: Cell, line: int | None, has_lines: bool) -> dict[str, Any]:
    """The fields that say where: *line* counts in the cell, and becomes the file's line for text sources."""
    origin = cell.origin
    if has_lines:
        # A cell that a template made has no place in the file.
        line = origin.line + (line or 1) - 1 if origin.line is not None else None
    return {"path": origin.path, "cell": origin.cell, "cell_id": cell.id, "line": line}
