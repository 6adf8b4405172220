"""``clx doctor``: what is installed, what is missing, and how to get it."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_config_path, jupyter_path
from platformdirs import user_state_path

from clx_jupyter import __version__
from clx_jupyter.commands.doctor_workers import where_things_are
from clx_jupyter.commands.finding import Finding, needed
from clx_jupyter.kernels import Kernel, installed
from clx_jupyter_workers.browsers import chromium

_PACKAGES = ("jupyterlab", "jupyter-server", "nbclient", "nbconvert", "nbformat", "jupytext", "ipykernel")
_TOOLS = (
    ("Java", ("java",), "PlantUML diagrams"),
    ("draw.io", ("drawio", "draw.io"), "draw.io diagrams"),
)
_REINSTALL = "pip install --force-reinstall --no-deps clx-jupyter (from a checkout: make setup)"


def doctor(options: argparse.Namespace) -> int:
    """Look at everything a build and the sidebar need."""
    found = [*_packages(), *_kernels(), _server_half(), _sidebar_half(), *_tools(), *_command(), _state()]
    found += where_things_are(Path(options.path or "."))
    if options.json:
        print(json.dumps([asdict(finding) for finding in found], ensure_ascii=False, indent=1))
    else:
        for finding in found:
            print(f"{finding.state:8}{finding.what}" + (f"\n        hint: {finding.hint}" if finding.hint else ""))
    return 1 if any(finding.state == "missing" for finding in found) else 0


def _packages() -> Iterator[Finding]:
    yield Finding("ok", f"Python {sys.version.split()[0]} ({sys.executable})")
    yield Finding("ok", f"clx_jupyter {__version__} ({Path(__file__).parent.parent})")
    for name in _PACKAGES:
        try:
            yield Finding("ok", f"{name} {version(name)}")
        except PackageNotFoundError:
            yield Finding("missing", name, f"pip install {name}")


# --- kernels ------------------------------------------------------------------


def _kernels() -> Iterator[Finding]:
    kernels = installed()
    for kernel in kernels.values():
        what = f"kernel {kernel.name} ({kernel.language}: {kernel.display_name})"
        hint = f"its program {kernel.argv[0]} is not there: install the kernel again, or remove it"
        yield Finding("ok", what) if _runs(kernel) else Finding("note", what, hint)
    if not any(map(_runs, kernels.values())):
        yield Finding("missing", "a kernel: no code can run", "pip install ipykernel")


def _runs(kernel: Kernel) -> bool:
    return shutil.which(kernel.argv[0]) is not None


# --- the two halves of the extension ------------------------------------------


def _server_half() -> Finding:
    files = [Path(folder) / "jupyter_server_config.d" / "clx_jupyter.json" for folder in jupyter_config_path()]
    enabled = next((_enabled(file) for file in files if file.is_file()), None)
    if enabled is False:
        return Finding("missing", "server extension: it is switched off", "jupyter server extension enable clx_jupyter")
    return needed(enabled is True, "server extension", _REINSTALL)


def _enabled(file: Path) -> bool:
    extensions = _read(file).get("ServerApp", {}).get("jpserver_extensions", {})
    return bool(extensions.get("clx_jupyter"))


def _sidebar_half() -> Finding:
    folders = [Path(folder) / "clx-jupyter" for folder in jupyter_path("labextensions")]
    folder = next((folder for folder in folders if (folder / "package.json").is_file()), None)
    if folder is None:
        return Finding("missing", "sidebar of JupyterLab", _REINSTALL)
    program = _read(folder / "package.json").get("jupyterlab", {}).get("_build", {}).get("load", "")
    return needed(bool(program) and (folder / program).is_file(), f"sidebar of JupyterLab ({folder})", _REINSTALL)


def _read(file: Path) -> dict[str, Any]:
    """A JSON object; an unreadable one is empty."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


# --- the machine --------------------------------------------------------------


def _tools() -> Iterator[Finding]:
    """Programs that make more possible; nothing fails without them."""
    browser = chromium()
    yield Finding("ok", f"Chromium ({browser.program})") if browser.program else Finding("note", f"no PDF: {browser.message}", browser.hint)
    for name, programs, use in _TOOLS:
        there = next(filter(None, map(shutil.which, programs)), None)
        yield Finding("ok", f"{name} ({there})") if there else Finding("note", f"{name} is not installed: {use} would need it")


def _command() -> Iterator[Finding]:
    found = shutil.which("clx")
    if found and not _is_ours(Path(found)):
        yield Finding("note", f"another program answers to clx: {found}", "`jupyter clx` is the same command as ours")


def _is_ours(program: Path) -> bool:
    """Whether a script called ``clx`` starts this package, with this Python."""
    try:
        text = program.read_bytes()
    except OSError:
        return False
    return program.parent.samefile(Path(sys.executable).parent) and b"clx_jupyter" in text


def _state() -> Finding:
    folder = Path(os.environ.get("CLX_STATE_DIR") or user_state_path("clx_jupyter")).expanduser().absolute()
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    writable = existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    return needed(writable, f"state folder for single files: {folder}", "make it writable, or set CLX_STATE_DIR to a folder that is")
