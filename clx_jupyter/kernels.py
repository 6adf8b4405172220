"""Which kernels are installed, and what in their environment could change a result.

``jupyter_client`` answers the first question too, but its import alone costs more than a build without changes may take
(``docs/why.md``); a test holds this against it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jupyter_core.paths import jupyter_path

from clx_jupyter.languages import named


@dataclass(frozen=True, slots=True)
class Kernel:
    """An installed kernel."""

    name: str
    #: The language's name as in :mod:`clx_jupyter.languages`.
    language: str
    display_name: str
    argv: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """Changes whenever interpreter or installed packages do, as far as that can be seen without starting it."""
        return _fingerprint(self.argv)


def installed() -> dict[str, Kernel]:
    """Every installed kernel by name, found where and in the order in which ``jupyter_client`` looks."""
    found: dict[str, Kernel] = {}
    for folder in map(Path, jupyter_path("kernels")):
        for spec in sorted(folder.glob("*/kernel.json")):
            kernel = _read(spec)
            if kernel and kernel.name not in found:
                found[kernel.name] = kernel
    if "python3" not in found and importlib.util.find_spec("ipykernel"):
        argv = (sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}")
        found["python3"] = Kernel("python3", "python", "Python 3 (ipykernel)", argv)
    return found


def choose(kernels: dict[str, Kernel], name: str | None, prog_lang: str) -> Kernel | None:
    """The kernel called *name*, else one of the language: its usual one if installed, else the first by name."""
    if name and name in kernels:
        return kernels[name]
    same = {kernel.name: kernel for kernel in kernels.values() if kernel.language == prog_lang}
    usual = {"python": "python3", "R": "ir"}.get(prog_lang, "")
    return same.get(usual) or next((same[key] for key in sorted(same)), None)


def _read(spec: Path) -> Kernel | None:
    try:
        data = json.loads(spec.read_text(encoding="utf-8"))
        language, argv = str(data.get("language", "")), tuple(map(str, data["argv"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if argv and argv[0] in ("python", "python3", f"python{sys.version_info[0]}.{sys.version_info[1]}"):
        argv = (sys.executable, *argv[1:])
    return Kernel(spec.parent.name.lower(), named(re.sub(r"(?i)^(c\+\+).*", r"\1", language)), str(data.get("display_name", "")), argv)


@lru_cache(maxsize=64)
def _fingerprint_cached(argv: tuple[str, ...], packages: tuple[str, ...], stamp: str) -> str:
    return hashlib.sha256(json.dumps([argv, packages, stamp]).encode()).hexdigest()


def _fingerprint(argv: tuple[str, ...]) -> str:
    program = Path(argv[0])
    try:
        status = program.resolve().stat()
        stamp = f"{program.resolve()}:{status.st_size}:{status.st_mtime_ns}"
    except OSError:
        stamp = argv[0]
    return _fingerprint_cached(argv, tuple(_packages(program)), stamp)


def _packages(program: Path) -> list[str]:
    """Names and versions of the packages installed for a Python interpreter: the names of their metadata folders."""
    if program == Path(sys.executable):
        folders = [Path(entry) for entry in sys.path if entry.endswith("-packages")]
    else:
        folders = sorted(program.parent.parent.glob("lib/python3*/site-packages"))
    folders += [Path(entry) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    return sorted(name for folder in folders for name in _listed(folder) if name.endswith((".dist-info", ".egg-info")))


def _listed(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir()]
    except OSError:
        return []
