"""What a worker says while it does a job, read to the end."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from clx_jupyter.attempts import Account, Attempt
from clx_jupyter.deadlines import Limits
from clx_jupyter.errors import Problem
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.pools import Slot
from clx_jupyter_workers.protocol import FrameError

_PERSIST = 1.0
"""Seconds between two writes of one job's progress, for readers that are not this process."""


async def listen(attempt: Attempt, slot: Slot, account: Account, queue: JobQueue) -> None:
    """Read frames until ``done`` or the worker's end, with an eye on the clock."""
    limits = Limits(attempt)
    saved = 0.0
    while True:
        # One read at a time and never cancelled: a cancelled one could lose half a frame.
        reading = asyncio.ensure_future(slot.worker.receive())
        while not (await asyncio.wait({reading}, timeout=limits.wait()))[0]:
            limits.act(slot.worker)
        try:
            frame = reading.result()
        except FrameError as error:
            slot.worker.kill()
            attempt.problems.append(Problem("internal", f"the worker's answer could not be read: {error}", path=attempt.job.path))
            return
        if frame is None:
            return
        slot.words += 1
        header, body = frame
        if header["t"] == "progress":
            attempt.progress = header
            limits.moved(header)
            account.moved(attempt.job, header)
            if time.monotonic() - saved > _PERSIST:
                saved = time.monotonic()
                await queue.progress(attempt.job, header)
        elif await _hear(attempt, slot, account, header, body):
            return


async def _hear(attempt: Attempt, slot: Slot, account: Account, header: dict[str, Any], body: bytes) -> bool:
    """Take one frame into account; ``True`` if it was the job's last."""
    match header["t"]:
        case "output":
            attempt.outputs[header["variant"]] = header
        case "missing":
            attempt.missing[header["variant"]] = header
        case "problem":
            attempt.problems.append(Problem.from_json(header["problem"]))
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
        case "done" if header.get("job") == attempt.job.id:
            attempt.status = header["status"]
            attempt.executions, attempt.kernels = header.get("executions", 0), header.get("kernels", 0)
            attempt.runs = header.get("runs", {})
            return True
    return False
