"""Collecting what a cell gives, within limits: a cell that floods must fill neither the page nor the worker's memory."""

from __future__ import annotations

from typing import Any

from nbclient import NotebookClient
from nbformat import NotebookNode

from clx_jupyter_workers.notebook.kernel import Kernel

MAX_CELL = 10_000_000
"""Bytes of output that a cell may show."""

MAX_NOTEBOOK = 50_000_000
"""Bytes of output that all cells of a notebook may show together."""

# What a message costs beside its text: a million empty prints fill the memory too.
_MESSAGE = 200


class Collector(NotebookClient):
    """nbclient's handling of a kernel's messages, without its life cycle, its signal handlers and its time-outs."""

    def __init__(self, node: NotebookNode, kernel: Kernel) -> None:
        # Its `timeout` is no deadline (the supervisor's clock is), and its 4 s for late output are too few.
        super().__init__(node, km=kernel.manager, timeout=None, iopub_timeout=30, raise_on_iopub_timeout=False)
        self.kc = kernel.client
        self._kernel = kernel
        self._cell_size = 0
        self._total = 0
        self._full = False

    def begin(self) -> None:
        """The next cell starts."""
        self._cell_size, self._full = 0, False

    async def _async_poll_kernel_alive(self) -> None:
        # nbclient looks once a second; a dead kernel is worth knowing at once.
        await self._kernel.ended()
        if self.task_poll_for_reply is not None:
            self.task_poll_for_reply.cancel()

    def output(self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int) -> NotebookNode | None:
        """Take an output in, or drop it where the cell's limit is reached."""
        if self.clear_before_next_output:
            self._forget()
        size = _size(msg["content"]) + _MESSAGE
        if self._full and msg["msg_type"] != "error":
            return None
        if self._cell_size + size > MAX_CELL or self._total + size > MAX_NOTEBOOK:
            if msg["msg_type"] == "error":
                return None
            return self._overflow(outs, msg)
        self._cell_size += size
        self._total += size
        return super().output(outs, msg, display_id, cell_index)

    def _overflow(self, outs: list[NotebookNode], msg: dict[str, Any]) -> NotebookNode:
        """Keep what fits of a text, and say that there was more."""
        self._full = True
        room = max(0, min(MAX_CELL - self._cell_size, MAX_NOTEBOOK - self._total))
        if msg["msg_type"] == "stream" and room:
            text = msg["content"]["text"][:room]
            outs.append(NotebookNode(output_type="stream", name=msg["content"]["name"], text=text))
        notice = f"\n[output truncated after {MAX_CELL // 1_000_000} MB]\n"
        outs.append(NotebookNode(output_type="stream", name="stderr", text=notice))
        self._cell_size += room
        self._total += room
        return outs[-1]

    def clear_output(self, outs: list[NotebookNode], msg: dict[str, Any], cell_index: int) -> None:
        """Start over, as animations do."""
        if not msg["content"].get("wait"):
            self._forget()
        super().clear_output(outs, msg, cell_index)

    def _forget(self) -> None:
        self._total -= self._cell_size
        self._cell_size, self._full = 0, False


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_size, value.values()))
    return sum(map(_size, value)) if isinstance(value, (list, tuple)) else 8
