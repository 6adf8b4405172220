"""Workers in containers: the same programs and frames, over ``docker run -i`` or ``podman run -i``.

Nothing of this machine is mounted and no port is published: what a job needs and makes travels in frames.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from clx_jupyter.executors import watch
from clx_jupyter.executors.base import Owner, Usage
from clx_jupyter.executors.engine import HOLDER, ROOT, Engine, complaint, environment, signalled
from clx_jupyter.executors.local import Closed, LocalWorker, usage_of
from clx_jupyter.executors.pipes import Pipes
from clx_jupyter.executors.watch import Watch
from clx_jupyter.sweeping import mark_of_holder

_NOBODY = "10001:10001"
_PROCESSES = 512
_REFUSED = (125, 126, 127)
"""Exit statuses of an engine that could not start the program."""


class ContainerWorker(LocalWorker):
    """A worker in a container, seen through the engine's client that carries its frames."""

    def __init__(self, transport: asyncio.SubprocessTransport, pipes: Pipes, mark: str = "", closed: Closed | None = None) -> None:
        super().__init__(transport, pipes, mark, closed)
        self._engine, self._name = Engine(), ""
        self._removal: asyncio.Task[None] | None = None
        self._identity: tuple[str, int] | None = None

    @classmethod
    async def start(cls, engine: Engine, name: str, arguments: Sequence[str], log: Path, closed: Closed) -> Self:
        """Run a container of this name."""
        # Without a mark: what carries one is killed when the worker ends, and the engine's helpers have to clean up just then.
        # Not in the folder of whoever builds: where memory ran out, podman's helper leaves a file there.
        worker = await cls.run(engine.run(*arguments), log, environment(), closed=closed, folder=log.parent)
        worker.host = worker._name = name
        worker._engine = engine
        return worker

    async def receive(self) -> tuple[dict[str, Any], bytes] | None:
        """The next frame; at the end of the stream the client's exit status is known too, :meth:`last_words` needs it."""
        frame = await super().receive()
        if frame is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._pipes.exited.wait(), 1)
        return frame

    def kill(self) -> None:
        """End the client, so that the stream ends now, and the container, which would otherwise outlive it."""
        super().kill()
        if self._removal is None:
            self._removal = asyncio.create_task(self._remove())

    async def _remove(self) -> None:
        with contextlib.suppress(TimeoutError):  # one that may not be killed, as sudo, ends with its container
            await asyncio.wait_for(self._pipes.exited.wait(), 1)
        # An engine that fails here fails everywhere; what it left is found by the next holder's sweep.
        with contextlib.suppress(OSError):
            await self._engine.remove(self._name)

    async def close(self, grace: float) -> int | None:
        """Close its input and wait; a client that was killed, by whom ever, has its container removed here."""
        status = signalled(await super().close(grace))
        if status is None or status < 0 or status in _REFUSED:
            self.kill()
        if self._removal is not None:
            await self._removal
        return status

    async def usage(self) -> Usage | None:
        """Memory and processor time of all in the container; ``None`` where its processes are on another machine, as behind Docker Desktop."""
        if not self._identity:
            with contextlib.suppress(OSError):
                self._identity = await self._engine.identity(self._name)
        id, pid = self._identity or ("", 0)
        return await asyncio.to_thread(_usage, id, pid) if id else None

    def last_words(self) -> str:
        """The end of its log, and what to do where the engine could not start it."""
        words = super().last_words()
        if self._transport.get_returncode() in _REFUSED:
            said = complaint(words.splitlines()) or "nothing"
            words += f"\nthe engine cannot start the container: see container_arguments and its limits. It says: {said}"
        return words


def _usage(id: str, pid: int) -> Usage | None:
    try:
        # The number alone may be another machine's, or another program's by now.
        if id not in Path(f"/proc/{pid}/cgroup").read_text():
            return None
    except OSError:
        return None
    return usage_of(pid)


@dataclass(slots=True)
class ContainerExecutor:
    """Starts each worker in a container of its own that ends with it."""

    command: str = ""
    """The engine's program and its global options; empty: podman or docker, whichever is there."""
    images: Mapping[str, str] = field(default_factory=dict)
    """The image of each worker type; ``clx-<type>`` unless given."""
    arguments: Sequence[str] = ()
    """More arguments of ``run``, after ours, which they may overrule."""
    memory: int = 2048
    """MB that a container may take, of which half may be temporary files; 0: no limit."""
    cpus: float = 0
    """Processors it may use; 0: no limit."""
    network: bool = False
    name: str = "containers"
    shares_files: bool = False
    owner: Owner = field(default_factory=Owner)
    _watch: Watch = field(default_factory=Watch)

    @property
    def _holder(self) -> str:
        return mark_of_holder(self.owner)

    def image_of(self, type: str) -> str:
        """The image of a type's workers."""
        return self.images.get(type) or f"clx-{type}"

    async def start(self, type: str, log: Path) -> ContainerWorker:
        """Start the image's program. Raises :class:`EngineError` where the engine or the image is not there."""
        engine, image = Engine(self.command), self.image_of(type)
        await engine.image(image, type)
        name = f"clx-{type}-{self.owner.root[:8] or 'nobody'}-{self.owner.epoch}-{secrets.token_hex(4)}"
        await self._watch.enter(watch.__name__, self._holder, shlex.join(engine.command))
        try:
            return await ContainerWorker.start(engine, name, [*self._run(name), *self.arguments, image], log, self._watch.leave)
        except BaseException:
            await self._watch.leave()
            raise

    def _run(self, name: str) -> list[str]:
        room = f",size={self.memory // 2}m" if self.memory else ""
        limits = ["--pids-limit", str(_PROCESSES)]
        if self.memory:
            limits += ["--memory", f"{self.memory}m", "--memory-swap", f"{self.memory}m"]
        if self.cpus:
            limits += ["--cpus", f"{self.cpus:g}"]
        return [
            "run", "--interactive", "--rm", "--init", "--name", name,
            "--label", f"{ROOT}={self.owner.root}", "--label", f"{HOLDER}={self._holder}",
            # An image is built by the user, and frames are not for the engine's log. Killed means killed, not asked.
            "--pull", "never", "--log-driver", "none", "--stop-timeout", "0",
            "--read-only", "--tmpfs", f"/tmp:rw,exec,nosuid,nodev,mode=1777{room}",
            "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", _NOBODY,
            *([] if self.network else ["--network", "none"]), *limits,
        ]  # fmt: skip

    async def sweep(self) -> None:
        """Remove what earlier holders of the root left; without an engine there is nothing."""
        if self.owner.root:
            engine = Engine(self.command)
            with contextlib.suppress(OSError):
                await engine.remove(*await engine.labelled(ROOT, self.owner.root))
