"""Job queues side by side: each is filled with the same jobs, and worked off by the same number of processes.

The peers are used as their own documentation says, with their own defaults; a consumer takes a job, does nothing, and
says that it is done. Their packages: ``pip install -r benchmarks/requirements.txt``.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from benchmarks import polling_loop

LONGEST = 10.0
"""Seconds after which a contender is stopped: what it did until then counts."""
PAYLOAD = json.dumps({"path": "week1/lists.py", "filler": "x" * 950})
"""The job, 1 kB, for everybody."""

#: Takes jobs until there is none, or until told to stop; yields something that names each.
Consume = Callable[[Path], Iterator[Any]]


@dataclass(frozen=True, slots=True)
class Contender:
    """A job queue: how it is filled, and how one process works it off."""

    name: str
    fill: Callable[[Path, int], None]
    consume: Consume


@dataclass(slots=True)
class Outcome:
    """What some processes did: jobs by process, and the seconds from the first job to the last."""

    seconds: float
    done: list[Any] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Jobs a second; a job that was done twice counts once."""
        return len(set(self.done)) / self.seconds

    @property
    def twice(self) -> int:
        """Jobs that more than one consumer was given."""
        return len(self.done) - len(set(self.done))


def measure(contender: Contender, folder: Path, jobs: int, consumers: int) -> Outcome:
    """Fill the queue, then let *consumers* processes work it off."""
    contender.fill(folder, jobs)
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(consumers), context.SimpleQueue()
    processes = [context.Process(target=_consumer, args=(contender, folder, barrier, results)) for _ in range(consumers)]
    for process in processes:
        process.start()
    all_results = [results.get() for _ in processes]
    for process in processes:
        process.join()
    first = min(started for started, _, _ in all_results)
    return Outcome(max(ended for _, ended, _ in all_results) - first, [name for _, _, done in all_results for name in done])


def _consumer(contender: Contender, folder: Path, barrier: Barrier, results: SimpleQueue[Any]) -> None:
    work, done = contender.consume(folder), []
    next(work)  # everything is open
    barrier.wait()
    started = ended = time.monotonic()
    for name in work:
        done.append(name)
        ended = time.monotonic()
        if ended - started > LONGEST:
            break
    results.put((started, ended, done))


# --- the peers ----------------------------------------------------------------


def _huey(folder: Path) -> tuple[Any, Any]:
    from huey import SqliteHuey  # a peer need not be installed for the rest

    huey = SqliteHuey(filename=str(folder / "huey.db"))

    @huey.task()  # type: ignore[untyped-decorator]
    def nothing(payload: str) -> None:
        pass

    return huey, nothing


def _fill_huey(folder: Path, jobs: int) -> None:
    _, nothing = _huey(folder)
    for _ in range(jobs):
        nothing(PAYLOAD)


def _consume_huey(folder: Path) -> Iterator[Any]:
    huey, _ = _huey(folder)
    yield None
    while (task := huey.dequeue()) is not None:
        huey.execute(task)
        yield task.id


def _litequeue(folder: Path) -> Any:
    from litequeue import LiteQueue

    return LiteQueue(folder / "lite.db", timeout=30)


def _fill_litequeue(folder: Path, jobs: int) -> None:
    queue = _litequeue(folder)
    for _ in range(jobs):
        queue.put(PAYLOAD)


def _consume_litequeue(folder: Path) -> Iterator[Any]:
    queue = _litequeue(folder)
    yield None
    while (message := queue.pop()) is not None:
        queue.done(message.message_id)
        yield message.message_id


def _persist(folder: Path) -> Any:
    from persistqueue import SQLiteAckQueue

    return SQLiteAckQueue(str(folder / "persist"), auto_commit=True, multithreading=True, auto_resume=False, timeout=30)


def _fill_persist(folder: Path, jobs: int) -> None:
    queue = _persist(folder)
    for _ in range(jobs):
        queue.put(PAYLOAD)


def _consume_persist(folder: Path) -> Iterator[Any]:
    from persistqueue.exceptions import Empty

    queue = _persist(folder)
    yield None
    while True:
        try:
            item = queue.get(block=False, raw=True)
        except Empty:
            return
        queue.ack(id=item["pqid"])
        yield item["pqid"]


def _fill_polling(folder: Path, jobs: int) -> None:
    polling_loop.prepare(folder / "polling.db")
    polling_loop.add(folder / "polling.db", [PAYLOAD] * jobs)


def _consume_polling(folder: Path) -> Iterator[Any]:
    worker = polling_loop.Worker(folder / "polling.db")
    yield None
    while (id := worker.step()) is not None:
        yield id


HUEY, POLLING = "huey SqliteHuey", "polling loop"
PEERS = (
    Contender(HUEY, _fill_huey, _consume_huey),
    Contender("litequeue", _fill_litequeue, _consume_litequeue),
    Contender("persist-queue", _fill_persist, _consume_persist),
    Contender(POLLING, _fill_polling, _consume_polling),
)

__all__ = ["HUEY", "LONGEST", "PAYLOAD", "PEERS", "POLLING", "Contender", "Outcome", "measure"]
