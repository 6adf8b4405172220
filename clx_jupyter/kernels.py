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
from collections.abc import Mapping
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
    #: It is the course's own, and no description of it is installed.
    own: bool = False

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


def with_course_python(kernels: Mapping[str, Kernel], python: Path | None) -> tuple[dict[str, Kernel], tuple[str, str]]:
    """The kernels of a course that names an interpreter for its Python code, and why it cannot be used, with a hint."""
    if python is None:
        return dict(kernels), ("", "")
    # Never another one in its place: it would have other packages.
    others = {name: kernel for name, kernel in kernels.items() if kernel.language != "python"}
    why = why_unusable(python)
    argv = (str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}")
    return others if why[0] else others | {"python3": Kernel("python3", "python", "Python 3", argv, own=True)}, why


def interpreter_in(path: Path) -> Path:
    """The interpreter that *path* means: itself, or the one of a virtual environment."""
    if not path.is_dir():
        return path
    places = (path / "bin" / "python", path / "Scripts" / "python.exe")
    return next((place for place in places if place.is_file()), places[0])


def why_unusable(python: Path) -> tuple[str, str]:
    """Why no kernel can run with an interpreter, as far as that can be seen without starting it, and a hint; empty if it can."""
    if not python.is_file():
        return f"there is no interpreter {python}", "make the environment, or correct <kernel-python>"
    alone = "include-system-site-packages = true" not in _text(python.parent.parent / "pyvenv.cfg", "include-system-site-packages = true")
    if alone and not any(name.startswith("ipykernel-") for name in _packages(python)):
        return f"ipykernel is not installed for {python}", f"install it there: {python} -m pip install ipykernel"
    return "", ""


def _text(path: Path, otherwise: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return otherwise


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
