"""Running code: one fresh kernel, cell by cell, until the end, an error, a time limit or a cancel."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook

from clx_jupyter_workers.notebook import failures
from clx_jupyter_workers.notebook.document import Cell
from clx_jupyter_workers.notebook.execution import Execution, Result
from clx_jupyter_workers.notebook.kernel import Kernel, KernelMissing, NoIpykernel, StartError
from clx_jupyter_workers.notebook.outputs import Collector
from clx_jupyter_workers.notebook.streams import coalesced
from clx_jupyter_workers.problems import Problem
from clx_jupyter_workers.protocol import Cancelled, Header, Link, Retry

INTERRUPT_GRACE = 3.0
"""Seconds a cell has to come back after an interrupt; one that swallows it is ended with its kernel."""

INTERRUPTS = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run, and how."""

    cells: Sequence[Cell]
    #: Cells carry file lines, not lines in the cell.
    has_lines: bool
    kernel: str
    path: str
    language: str
    environment: dict[str, str]
    startup_timeout: float
    allow_errors: bool
    #: Takes private paths and secret values out of a text.
    clean: Callable[[str], str]
    #: The execution's.
    key: str = ""
    #: How the kernel is started, where no description of it is installed.
    argv: Sequence[str] = ()


class _TimeUp(Exception):
    """A time limit was reached in the current cell."""

    def __init__(self, frame: Header) -> None:
        super().__init__(frame.get("limit", "cell"))
        self.limit = str(frame.get("limit", "cell"))
        self.seconds = float(frame.get("seconds") or 0)


def execute(plan: Plan, folder: Path, run_folder: Path, link: Link) -> Execution:
    """Run the cells in *folder*; connection file and log of the kernel lie in *run_folder*.

    :raises Cancelled: the supervisor cancelled the job
    :raises Retry: the kernel did not start
    """
    started = time.monotonic()
    try:
        execution = asyncio.run(_Run(plan, run_folder, link).all(folder))
    finally:
        link.listen(None)
    return replace(execution, seconds=round(time.monotonic() - started, 3))


class _Run:
    def __init__(self, plan: Plan, run_folder: Path, link: Link) -> None:
        self.plan = plan
        self.link = link
        self.kernel = Kernel(plan.kernel, run_folder, plan.argv)
        self.node = new_notebook(cells=[_node(cell) for cell in plan.cells])
        self.execution = Execution()
        self.told: asyncio.Queue[Header] = asyncio.Queue()

    async def all(self, folder: Path) -> Execution:
        """Start a kernel, run everything, end the kernel."""
        loop = asyncio.get_running_loop()
        # From the reader's thread, and from the main thread's signal handler.
        self.link.listen(partial(_put, loop, self.told))
        graceful = False
        try:
            await self._until_told(self._start(folder))
            graceful = await self._cells()
        except _TimeUp as error:
            # While the kernel was starting: the first cell is where it stopped.
            self._fail(0, error)
        except NoIpykernel:
            # Another attempt would end the same way.
            python = next(iter(self.plan.argv), "the interpreter")
            hint = f"Install it there: {python} -m pip install ipykernel"
            self.execution.failure = Problem("missing-kernel", f"ipykernel is not installed for {python}.", hint, path=self.plan.path)
        finally:
            await self.kernel.stop(graceful)
            if self.kernel.pid:
                self.link.send("kernel", pid=self.kernel.pid, state="ended")
        self.execution.language_info = self.kernel.language_info
        return self.execution

    async def _start(self, folder: Path) -> None:
        try:
            await self.kernel.start(folder, self.plan.environment, self.plan.startup_timeout)
        except KernelMissing as error:
            text = f"No kernel {self.plan.kernel!r} is installed."
            raise Retry(Problem("missing-kernel", text, "Install it, or choose another kernel.", path=self.plan.path)) from error
        except NoIpykernel:
            raise
        except StartError as error:
            text = self.plan.clean(failures.plain(f"The kernel {self.plan.kernel!r} {error}"))
            raise Retry(Problem("kernel-died", text, "It is tried again.", path=self.plan.path)) from error
        self.link.send("kernel", pid=self.kernel.pid, state="started")

    async def _until_told(self, work: Any) -> None:
        """Do *work* unless a frame of the supervisor ends it."""
        task = asyncio.ensure_future(work)
        told = asyncio.ensure_future(self.told.get())
        try:
            await asyncio.wait({task, told}, return_when=asyncio.FIRST_COMPLETED)
            # A cancel that comes as the work ends must not be lost with it; an interrupt was meant for that work.
            if not task.done() or (told.done() and told.result()["t"] == "cancel"):
                await self._stop(task, told.result())
            else:
                await task
        finally:
            await _drop(told)
            await _drop(task)

    async def _stop(self, task: asyncio.Future[Any], frame: Header) -> None:
        if frame["t"] == "cancel":
            self.kernel.kill()
            raise Cancelled
        for _ in range(INTERRUPTS):
            # More than once: one that comes before the kernel has begun with the cell is lost.
            await self.kernel.interrupt()
            await asyncio.wait({task}, timeout=INTERRUPT_GRACE / INTERRUPTS)
            if task.done():
                break
        if not task.done():
            self.kernel.kill()
        elif not task.cancelled():
            # What the interrupt raised in the cell is of no interest.
            task.exception()
        raise _TimeUp(frame)

    async def _cells(self) -> bool:
        """Run the cells; gives whether the kernel may end in peace."""
        collector = Collector(self.node, self.kernel)
        collector.allow_errors = self.plan.allow_errors
        hidden = 0
        for place, cell in enumerate(self.plan.cells):
            self._progress(place, cell)
            collector.begin()
            try:
                await self._until_told(collector.async_execute_cell(self.node.cells[place], place))
            except (CellExecutionError, DeadKernelError, _TimeUp) as error:
                self._fail(place, error)
                return isinstance(error, CellExecutionError)
            hidden += self._take(place, cell)
        if hidden:
            self._warn_hidden(hidden)
        self._collect_updates()
        return True

    def _progress(self, place: int, cell: Cell) -> None:
        where: Header = {"source_cell": cell.origin.cell, "language": self.plan.language, "limit": cell.limit}
        self.link.send("progress", **self.link.name, phase="run", key=self.plan.key, cell=place + 1, cells=len(self.plan.cells), **where)

    def _take(self, place: int, cell: Cell) -> int:
        """Add a cell's result; gives the number of errors that the course wants hidden."""
        node = self.node.cells[place]
        errors = [output for output in node.outputs if output.output_type == "error"]
        expected = "raises-exception" in cell.tags
        if expected and not errors and "skip-execution" not in cell.tags:
            self._warn_no_error(cell)
        if errors and not expected:
            node.outputs = [output for output in node.outputs if output.output_type != "error"]
        self.execution.cells.append(Result([], node.execution_count))
        return 0 if expected else len(errors)

    def _collect_updates(self) -> None:
        """Outputs are read at the end: a later cell may have changed an earlier one's display."""
        for result, node in zip(self.execution.cells, self.node.cells, strict=False):
            result.outputs = json.loads(self.plan.clean(json.dumps(coalesced(node.outputs), ensure_ascii=False)))

    def _warn_no_error(self, cell: Cell) -> None:
        text = "The cell is tagged raises-exception, and it raised nothing."
        hint = "Take the tag away, or look why the error does not come."
        where = failures.at(cell, None, self.plan.has_lines)
        self.execution.warnings.append(Problem("expected-error-missing", text, hint, "warning", **where))

    def _warn_hidden(self, count: int) -> None:
        text = f"{count} {'error was' if count == 1 else 'errors were'} allowed and left out of the pages."
        self.execution.warnings.append(Problem("cell-error", text, "", "warning", path=self.plan.path))

    def _fail(self, place: int, error: Exception) -> None:
        cell = self.plan.cells[place]
        self.execution.failed_cell = place
        self.execution.failure, self.execution.failed_line = self._failure(cell, error, self.node.cells[place])
        self._collect_updates()

    def _failure(self, cell: Cell, error: Exception, node: Any) -> tuple[Problem, int | None]:
        where = failures.at(cell, None, self.plan.has_lines)
        if isinstance(error, CellExecutionError):
            trace = next((tuple(output.traceback) for output in node.outputs if output.output_type == "error"), ())
            failure = failures.Failure(error.ename, error.evalue, trace or (error.traceback,), node.execution_count)
            return failures.problem(failure, cell, self.plan.has_lines, self.plan.clean), failures.line_in_cell(failure)
        if isinstance(error, _TimeUp):
            return _timeout(error, where), None
        if self.kernel.ran_out_of_memory:
            text = "The kernel was ended by the system, most likely because memory ran out."
            return Problem("out-of-memory", text, "Use less data, or build on a machine with more memory.", **where), None
        text = f"The kernel {_how(self.kernel.status)} while this cell ran."
        return Problem("kernel-died", text, "It is tried again at the next build.", **where), None


def _how(status: int | None) -> str:
    if status is None or status >= 0:
        return "ended by itself" + (f" (exit code {status})" if status is not None else "")
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


def _timeout(error: _TimeUp, where: dict[str, Any]) -> Problem:
    what = "The notebook" if error.limit == "notebook" else "The cell"
    text = f"{what} ran longer than {error.seconds:g} s."
    how = "timeout" if error.limit == "notebook" else "cell_timeout, or timeout=SECONDS at the cell"
    hint = f"Make it faster, or raise the limit ({how})."
    return Problem("timeout", text, hint, **where)


def _node(cell: Cell) -> Any:
    return new_code_cell(cell.source, metadata={"tags": [tag for tag in cell.tags if tag in ("raises-exception", "skip-execution")]})


def _put(loop: asyncio.AbstractEventLoop, told: asyncio.Queue[Header], frame: Header) -> None:
    loop.call_soon_threadsafe(told.put_nowait, frame)


async def _drop(task: asyncio.Future[Any]) -> None:
    """Cancel what is not needed any more, and wait until it is gone: nothing may report an error later."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=1)
    if task.done() and not task.cancelled():
        task.exception()
