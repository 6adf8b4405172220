"""What a worker says while it does a job, read to the end."""

from __future__ import annotations

import time
from typing import Any

from clx_jupyter.answers import check, problem
from clx_jupyter.attempts import Account, Attempt
from clx_jupyter.deadlines import Limits
from clx_jupyter.errors import Problem
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.slots import Slot
from clx_jupyter_workers.protocol import FrameError

_PERSIST = 1.0
"""Seconds between two writes of one job's progress, for readers that are not this process."""


async def listen(attempt: Attempt, slot: Slot, account: Account, queue: JobQueue) -> None:
    """Read frames until ``done`` or the worker's end, with an eye on the clock."""
    limits = Limits(attempt)
    saved = time.monotonic()  # a job that is over sooner is not worth a write
    limits.watch(slot.worker)
    try:
        while True:
            limits.listening = True
            frame = await slot.next()
            limits.listening = False
            if frame is None:
                return
            limits.heard()
            # What is about its files is told first: nothing counts that names a file which did not come.
            if attempt.transfer is not None and await attempt.transfer.hear(*frame):
                continue
            if await _take(attempt, slot, account, *frame):
                return
            header = frame[0]
            if header["t"] == "progress":
                limits.moved(header)
                if time.monotonic() - saved > _PERSIST:
                    saved = time.monotonic()
                    await queue.progress(attempt.job, header)
    except FrameError as error:
        slot.worker.kill()
        attempt.problems.append(Problem("internal", f"the worker's answer could not be read: {error}", path=attempt.job.path))
    finally:
        limits.leave()
        attempt.sum_up()


async def _take(attempt: Attempt, slot: Slot, account: Account, header: dict[str, Any], body: bytes) -> bool:
    """Take one frame into account; ``True`` if it was the job's last."""
    check(header)
    attempt.words += 1
    match header["t"]:
        case "progress":
            attempt.progress = header
            account.moved(attempt.job, header)
        case "output":
            if header["variant"] in attempt.job.spec.get("outputs", ()):
                attempt.outputs[header["variant"]] = header
        case "missing":
            if header["variant"] in attempt.job.spec.get("outputs", ()):
                attempt.missing[header["variant"]] = header
        case "problem":
            attempt.note(problem(header["problem"]))
        case "keep":
            await account.keep(header["key"], body)
        case "written":
            await account.hand_on(attempt.stage, header["files"])
        case "execution":
            found = await account.kept(header["key"])
            answer = {
                "t": "execution",
                "key": header["key"],
                "found": found is not None,
                "job": attempt.job.id,
                "attempt": attempt.job.attempt,
            }
            slot.worker.send(answer, found or b"")
            await slot.worker.drain()  # one that asks and does not listen must not fill our memory with answers
        case "done" if (header.get("job"), header.get("attempt")) == (attempt.job.id, attempt.job.attempt):
            attempt.status = header["status"]
            attempt.executions, attempt.kernels = header.get("executions") or 0, header.get("kernels") or 0
            attempt.runs = header.get("runs") or {}
            return True
    return False
