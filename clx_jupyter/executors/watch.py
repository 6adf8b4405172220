"""A small program beside the server that outlives it: it removes the containers of a server that was killed.

Workers end by themselves when their input does; one that hangs, or was stopped, does not. Run as a program
(``python -P -m clx_jupyter.executors.watch HOLDER ENGINE…``) this waits until its input ends, which it does when the process at
the other end dies, however it dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time

from clx_jupyter.executors.engine import HOLDER, Engine
from clx_jupyter.sweeping import VARIABLE

_PEACE = 1.0
"""Seconds in which workers may end by themselves, and take their containers along."""


class Watch:
    """Keeps a program beside the workers while there are any; it reads from a pipe whose other end nobody but this process holds."""

    def __init__(self) -> None:
        self._workers = 0
        self._process: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()

    async def enter(self, module: str, *arguments: str) -> None:
        """One more worker; the module is started if it does not run. Raises ``OSError`` where that cannot be, and then there is none more."""
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                self._process = await self._start(module, *arguments)
            self._workers += 1

    @staticmethod
    async def _start(module: str, *arguments: str) -> asyncio.subprocess.Process:
        nothing = asyncio.subprocess.DEVNULL
        environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
        return await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", module, *arguments,
            stdin=asyncio.subprocess.PIPE, stdout=nothing, stderr=nothing, env=environment, start_new_session=True,
        )  # fmt: skip

    async def leave(self) -> None:
        """One worker less."""
        self._workers -= 1
        if self._workers == 0 and self._process is not None:
            process, self._process = self._process, None
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            process._transport.close()  # type: ignore[attr-defined]


def main(holder: str, command: str) -> None:
    """Wait for the end of the input, then for a little peace, then remove what is left."""
    while os.read(0, 1024):
        pass
    time.sleep(_PEACE)
    engine = Engine(command)

    async def clean() -> None:
        await engine.remove(*await engine.labelled(HOLDER, holder))

    asyncio.run(clean())


if __name__ == "__main__":
    main(*sys.argv[1:])
