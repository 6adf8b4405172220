"""What workers leave behind: processes that left their parents, and temporary files of holders that died.

Every worker carries a mark in its environment, and so does whatever it starts, however often that forks. The mark says whose
it is; it is no secret. Run as a program (``python -P -m clx_jupyter.sweeping MARK``) this waits until its input ends, which it
does when the process at the other end dies, however it dies, and then ends and removes all that carries the mark.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from clx_jupyter.executors.base import Owner

VARIABLE = "CLX_WORKER"
_PROC = Path("/proc")
_ROUNDS = 50
_PEACE = 1.0
"""Seconds in which orphaned workers may end by themselves: they know best what they started."""


def mark_of_root(owner: Owner) -> str:
    """What the marks of all holders of a root begin with."""
    return f"{owner.root or 'nobody'}-"


def mark_of_holder(owner: Owner) -> str:
    """What the marks of this process's workers begin with. With its id: a state folder that was deleted counts its holders anew."""
    return f"{mark_of_root(owner)}{owner.epoch}-{os.getpid()}-"


def carriers(mark: str) -> list[int]:
    """The processes of this user that carry a mark which begins so."""
    wanted = f"{VARIABLE}={mark}"
    return [pid for pid, variables in _environments() if any(each.startswith(wanted) for each in variables)]


def _environments() -> Iterator[tuple[int, list[str]]]:
    if not (_PROC / "self" / "environ").exists():
        yield from _asked_environments()
        return
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if folder.stat().st_uid == os.geteuid():
                    yield int(folder.name), (folder / "environ").read_bytes().decode(errors="replace").split("\0")


def _asked_environments() -> Iterator[tuple[int, list[str]]]:
    """The same without /proc."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.username() == psutil.Process().username():
                yield process.pid, [f"{name}={value}" for name, value in process.environ().items()]


def sweep(mark: str) -> int:
    """End all processes that carry a mark which begins so; gives how many were found. Takes some milliseconds, in which it blocks."""
    found: set[int] = set()
    # More than once: one may have started another while it was being looked for.
    for _ in range(_ROUNDS):
        left = [pid for pid in carriers(mark) if pid != os.getpid()]
        if not left:
            break
        found.update(left)
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        time.sleep(0.01)
    return len(found)


def make_scratch(owner: Owner) -> Path:
    """A folder for this process's temporary files, which later holders can tell to be left over."""
    return Path(tempfile.mkdtemp(prefix=f"clx-{mark_of_holder(owner)}"))


def sweep_scratch(mark: str) -> None:
    """Remove the temporary files of holders with a mark that begins so."""
    for folder in Path(tempfile.gettempdir()).glob(f"clx-{mark}*"):
        with contextlib.suppress(OSError):
            # In a folder that others may write to, a name says nothing about the owner.
            if not folder.is_symlink() and (not hasattr(os, "geteuid") or folder.stat().st_uid == os.geteuid()):
                remove_tree(folder)


def remove_tree(folder: Path) -> None:
    """Delete a folder as far as that is possible, sub-folders that code made read-only included."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for inside, _, _ in os.walk(folder):
            with contextlib.suppress(OSError):
                Path(inside).chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)


def main(mark: str) -> None:
    """Wait for the end of the input, then for a little peace, then sweep."""
    while os.read(0, 1024):
        pass
    end = time.monotonic() + _PEACE
    while carriers(mark) and time.monotonic() < end:
        time.sleep(0.05)
    sweep(mark)
    sweep_scratch(mark)


if __name__ == "__main__":
    main(sys.argv[1])
