"""One kernel: started with a clean environment, ready as soon as it is, gone with all its children afterwards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec, NoSuchKernel
from jupyter_client.manager import AsyncKernelManager

from clx_jupyter_workers.notebook.kernel_words import Words
from clx_jupyter_workers.processes import descendants, kill, kill_tree, memory_kills

GRACE = 2.0
"""Seconds a kernel has to end by itself: exit handlers, files to be flushed."""

_STEP = 0.02
_POLL = 0.1
_LAST_WORDS = 0.5
"""Seconds in which the words of a kernel that ended arrive."""


class StartError(Exception):
    """The kernel did not come up; the message holds what it said."""


class KernelMissing(StartError):
    """No kernel of this name is installed."""


class NoIpykernel(StartError):
    """The interpreter has no ipykernel."""


class Kernel:
    """A running kernel and its client."""

    def __init__(self, name: str, run_folder: Path, argv: Sequence[str] = ()) -> None:
        self.manager = AsyncKernelManager(kernel_name=name, connection_file=str(run_folder / "kernel.json"))
        if argv:
            # A course's own interpreter, of which no description is installed.
            self.manager._kernel_spec = KernelSpec(argv=list(argv), display_name=name, language="python")
        self.client: AsyncKernelClient | None = None
        self.pid = 0
        self.language_info: dict[str, Any] = {}
        self._words = Words()
        self._killed = False
        self._memory_kills = memory_kills()

    async def start(self, cwd: Path, environment: Mapping[str, str], timeout: float) -> AsyncKernelClient:
        """Start it and wait until it answers.

        :raises StartError: it ended, or did not answer in time
        """
        arguments = []
        if self._is_ipython():
            # Kernels that share one history database wait for each other.
            arguments = ["--HistoryManager.hist_file=:memory:"]
        # Never our own descriptor 1: the supervisor reads frames there.
        out = self._words.write_end
        try:
            await self._launch(cwd=str(cwd), env=dict(environment), extra_arguments=arguments, stdout=out, stderr=out)
        finally:
            self._words.started()
        self.client = self.manager.client()
        # No heartbeat: whether the process lives is asked of the system, and its thread may still be starting when all is closed.
        self.client.start_channels(hb=False)
        self.client.allow_stdin = False
        await self._ready(time.monotonic() + timeout, timeout)
        return self.client

    async def _launch(self, **how: Any) -> None:
        try:
            await self.manager.start_kernel(**how)
            self._note_pid()
        except OSError as error:
            # The program that the kernel's description names is not there, or may not be run.
            raise StartError(f"could not be started: {error}") from error

    def _note_pid(self) -> None:
        # Remembered: the provisioner forgets it when the process has ended.
        self.pid = self.pid or int(getattr(self.manager.provisioner, "pid", 0) or 0)

    def _is_ipython(self) -> bool:
        try:
            # The property swallows the error for a kernel nobody knows; asking for its description raises it.
            return self.manager.kernel_spec is not None and bool(self.manager.ipykernel)
        except NoSuchKernel as error:
            raise KernelMissing(str(error)) from error

    async def _ready(self, deadline: float, timeout: float) -> None:
        """Done at the first sign that both channels work; jupyter_client's own wait always ends with 0.2 s of silence."""
        assert self.client is not None
        while True:
            if time.monotonic() > deadline:
                raise StartError(f"did not answer within {timeout:g} s{self._said()}")
            if not await self.is_alive():
                said = self._said()
                raise (NoIpykernel if "No module named ipykernel" in said else StartError)(f"ended while starting{said}")
            request = self.client.kernel_info()
            if await self._answered(request) and await self._heard():
                return

    async def _answered(self, request: str) -> bool:
        assert self.client is not None
        try:
            reply = await self.client.get_shell_msg(timeout=0.5)
        except Empty:
            return False
        if reply["msg_type"] == "kernel_info_reply":
            self.language_info = reply["content"].get("language_info", {})
        return bool(reply["msg_type"] == "kernel_info_reply")

    async def _heard(self) -> bool:
        assert self.client is not None
        try:
            await self.client.get_iopub_msg(timeout=0.5)
        except Empty:
            return False
        return True

    def _said(self) -> str:
        """The end of what the kernel wrote, for messages."""
        text = self._words.tail(_LAST_WORDS)
        return f": {text}" if text else ""

    async def is_alive(self) -> bool:
        """Whether its process runs."""
        return bool(await self.manager.is_alive())

    async def ended(self) -> None:
        """Return when the process has ended."""
        step = _STEP if self._killed else _POLL
        while await self.is_alive():
            await asyncio.sleep(step)

    @property
    def status(self) -> int | None:
        """Its exit code, or the negative number of the signal that ended it; ``None`` while it lives, and where we killed it."""
        process = getattr(self.manager.provisioner, "process", None)
        return process.poll() if process is not None and not self._killed else None

    @property
    def ran_out_of_memory(self) -> bool:
        """The system killed it, and says that it kills for want of memory. Where it does not say, SIGKILL nearly always means that."""
        now = memory_kills()
        return self.status == -9 and (now is None or self._memory_kills is None or now > self._memory_kills)

    async def interrupt(self) -> None:
        """Raise KeyboardInterrupt, or its like, in the kernel."""
        if await self.is_alive():
            await self.manager.interrupt_kernel()

    def kill(self) -> None:
        """End it and its descendants at once."""
        self._killed = True
        if self.pid:
            kill_tree(self.pid)

    async def stop(self, graceful: bool = True) -> None:
        """End it: by request with some time for exit handlers, or at once; then whatever it left behind."""
        # A cancel may have come in the middle of starting it.
        self._note_pid()
        # Before it ends: afterwards nobody knows whose they were.
        children = descendants(self.pid) if self.pid else []
        try:
            if self.manager.has_kernel and await self.is_alive():
                if graceful and self.client is not None:
                    await self._ask_to_end()
                self.kill()
                await self.ended()
        finally:
            for child in children:
                kill(child)
            await self._clean_up()

    async def _ask_to_end(self) -> None:
        assert self.client is not None
        self.client.shutdown()
        deadline = time.monotonic() + GRACE
        while time.monotonic() < deadline and await self.is_alive():
            await asyncio.sleep(_STEP)

    async def _clean_up(self) -> None:
        if self.client is not None:
            self.client.stop_channels()
        if self.manager.provisioner is not None:
            await self.manager.cleanup_resources()
        self._words.started()
        Path(self.manager.connection_file).unlink(missing_ok=True)
