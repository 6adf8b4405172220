"""``clx doctor``: what is installed, what is missing, and how to get it."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from jupyter_core.paths import jupyter_config_path, jupyter_path
from platformdirs import user_state_path

from clx_jupyter.kernels import installed

_PACKAGES = ("clx-jupyter", "jupyterlab", "jupyter-server", "nbclient", "nbconvert", "nbformat", "jupytext", "ipykernel")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: ``ok``, ``missing`` (something needed is not there) or ``note``."""

    state: str
    what: str
    hint: str = ""


def doctor(options: argparse.Namespace) -> int:
    """Look at everything a build and the sidebar need."""
    found = [*_packages(), *_kernels(), *_halves(), *_tools(), *_command(), *_state()]
    if options.json:
        print(json.dumps([asdict(finding) for finding in found], indent=1))
    else:
        for finding in found:
            print(f"{finding.state:8}{finding.what}" + (f"\n        hint: {finding.hint}" if finding.hint else ""))
    return 1 if any(finding.state == "missing" for finding in found) else 0


def _packages() -> Iterator[Finding]:
    yield Finding("ok", f"Python {sys.version.split()[0]} ({sys.executable})")
    for name in _PACKAGES:
        try:
            yield Finding("ok", f"{name} {version(name)}")
        except PackageNotFoundError:
            yield Finding("missing", name, f"pip install {name}")


def _kernels() -> Iterator[Finding]:
    kernels = installed()
    if not kernels:
        yield Finding("missing", "any kernel: no code can run", "pip install ipykernel")
    for kernel in kernels.values():
        there = shutil.which(kernel.argv[0]) if kernel.argv else None
        hint = "" if there else f"its program {kernel.argv[0] if kernel.argv else '?'} is not there: install the kernel again"
        yield Finding("ok" if there else "note", f"kernel {kernel.name} ({kernel.language}: {kernel.display_name})", hint)


def _halves() -> Iterator[Finding]:
    configured = any((Path(folder) / "jupyter_server_config.d" / "clx_jupyter.json").exists() for folder in jupyter_config_path())
    yield Finding(
        "ok" if configured else "missing", "server extension", "" if configured else "pip install --force-reinstall --no-deps clx-jupyter"
    )
    sidebar = any((Path(folder) / "clx-jupyter" / "package.json").exists() for folder in jupyter_path("labextensions"))
    yield Finding(
        "ok" if sidebar else "note",
        "sidebar of JupyterLab",
        "" if sidebar else "a wheel of clx-jupyter brings it; from a checkout: make setup",
    )


def _tools() -> Iterator[Finding]:
    for name, programs, use in (
        ("Chromium", ("chromium", "chromium-browser", "google-chrome"), "PDF and draw.io diagrams, later"),
        ("Java", ("java",), "PlantUML diagrams, later"),
    ):
        there = next(filter(None, map(shutil.which, programs)), None)
        yield Finding("ok" if there else "note", f"{name}{f' ({there})' if there else ' is not installed'}: for {use}")


def _command() -> Iterator[Finding]:
    own, found = Path(sys.executable).parent / "clx", shutil.which("clx")
    if found and own.exists() and not Path(found).samefile(own):
        yield Finding("note", f"another program answers to clx: {found}", "`jupyter clx` is the same command as ours")


def _state() -> Iterator[Finding]:
    folder = Path(os.environ.get("CLX_STATE_DIR") or user_state_path("clx_jupyter"))
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    writable = os.access(existing, os.W_OK)
    yield Finding(
        "ok" if writable else "missing",
        f"state folder for single files: {folder}",
        "" if writable else "set CLX_STATE_DIR to a writable folder",
    )
