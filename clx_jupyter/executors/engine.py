"""The container engine: ``docker``, ``podman``, or what the user calls in their place."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

PATIENCE = 60.0
"""Seconds until a call of the engine that only asks or removes counts as hanging."""
_POINTER = re.compile(r"(?:See|Run) '\S+ .*--help'")
_REMOVAL = 10.0
"""Seconds until a container counts as one that the engine cannot remove: others may still find it."""
ROOT, HOLDER = "clx_jupyter.root", "clx_jupyter.holder"
"""Labels of our containers: for which root they were started, and by which process."""


class EngineError(OSError):
    """The engine cannot do what is asked; the message says what to do about it."""


class Engine:
    """Calls of the engine's program. *command*: the program with its global options, as in a shell; empty: podman or docker."""

    def __init__(self, command: str = "") -> None:
        # podman first: it needs no daemon, and where both are there docker's client may be there alone.
        found = command or next((name for name in ("podman", "docker") if shutil.which(name)), "")
        self.command: Sequence[str] = shlex.split(found)

    @property
    def program(self) -> str:
        """The program's path. Raises :class:`EngineError` where it is missing."""
        if not self.command:
            raise EngineError("neither podman nor docker is installed here: install one, or let workers run as local processes")
        path = shutil.which(self.command[0])
        if path is None:
            raise EngineError(f"the container engine {self.command[0]} is not installed here: correct container_command, or install it")
        return str(Path(path).absolute())  # it may be called from another folder

    @property
    def name(self) -> str:
        """What its program is called; empty where there is none."""
        return Path(self.command[0]).name if self.command else ""

    def run(self, *arguments: str) -> list[str]:
        """The command line of one call."""
        return [self.program, *self.command[1:], *arguments]

    async def call(self, *arguments: str) -> tuple[int, str]:
        """Run the program to its end; gives its exit status and what it said: its output, or its last error."""
        process = await asyncio.create_subprocess_exec(
            *self.run(*arguments), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        try:
            out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
        except BaseException as error:
            if process.returncode is None:
                process.kill()
                await process.wait()
            if isinstance(error, TimeoutError):
                raise EngineError(f"{shlex.join(self.command)} {arguments[0]} did not answer within {PATIENCE:.0f} s") from error
            raise
        status = process.returncode or 0
        lines = (err if status else out).decode(errors="replace").strip().splitlines()
        return status, (complaint(lines) if status else "\n".join(lines))

    async def image(self, name: str, type: str) -> str:
        """The id of the image for workers of a type. Raises :class:`EngineError` where there is none, or the engine does not run."""
        status, said = await self.call("image", "inspect", "--format", "{{.Id}}", name)
        if status == 0:
            return said
        running, why = await self.call("version")
        if running != 0:
            raise EngineError(f"the container engine does not run: {shlex.join(self.command)} says: {why}")
        build = f"{shlex.join(self.command)} build --file workers/containers/Dockerfile --target {type} --tag {name} workers"
        raise EngineError(
            f"there is no image {name} here: build it in a checkout of clx_jupyter with `{build}`, or correct container_images"
        )

    async def identity(self, name: str) -> tuple[str, int]:
        """Id of a running container and the process id of its first process, on the engine's host; ``("", 0)`` where it does not run."""
        status, said = await self.call("container", "inspect", "--format", "{{.Id}} {{.State.Pid}}", name)
        id, _, pid = said.partition(" ")
        return (id, int(pid)) if status == 0 and pid.isdecimal() else ("", 0)

    async def remove(self, *names: str) -> None:
        """Kill containers and remove them with all that is theirs; those that are gone are fine.

        Docker refuses what it is just removing by itself, for the container ended and was run with ``--rm``: that is waited for.
        """
        if names and (await self.call("rm", "--force", "--volumes", *names))[0] != 0:
            end = time.monotonic() + _REMOVAL
            for name in names:
                while (await self.call("container", "inspect", "--format", "{{.Id}}", name))[0] == 0 and time.monotonic() < end:
                    await asyncio.sleep(0.1)

    async def labelled(self, label: str, value: str) -> list[str]:
        """The ids of all containers with this label, whatever their state."""
        status, said = await self.call("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={label}={value}")
        return said.split() if status == 0 else []


def complaint(lines: Sequence[str]) -> str:
    """The line of an engine's error that says what is wrong: the last one, but for docker's pointer to its help."""
    said = [line for line in lines if line.strip() and not _POINTER.match(line)]
    return said[-1] if said else ""


def signalled(status: int | None) -> int | None:
    """An exit status as Python gives it: engines add 128 to the number of the signal that ended the program."""
    known = {number.value for number in signal.Signals}
    return 128 - status if status is not None and status - 128 in known else status


def environment() -> dict[str, str]:
    """Our own without proxies: podman would hand them to the container, passwords and all."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
