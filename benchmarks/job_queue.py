"""The job queue beside others, in one run: each figure is printed with its target, and the exit code is 1 where one is missed.

``pip install -r benchmarks/requirements.txt``, then ``python -m benchmarks.job_queue``. ``--folder`` names a folder on the
disk to measure on (this one by default), which must be a real disk: what is measured there waits for it. The same is
measured on tmpfs and printed beside; only ratios on the disk have targets.

Throughput is claimed and completed jobs a second. The peers have four processes that each claim, do nothing, and complete.
Of ours there are three figures, each with more in it than the one before: *our queue* is the queue with four consumers in
this process; *our queue, joined* has four consumers as processes at socket pairs, which is like for like; *our supervisor*
is all of it as in a build: worker programs, time limits, cancelling, what remains of a job. In each a claim is committed before its
consumer hears of it, and an end before it counts. Everybody keeps the settings that it comes with: huey, persist-queue and the polling
loop wait for the disk at each commit (SQLite's ``synchronous=FULL``), litequeue and we at each checkpoint (``NORMAL``), so that a power
cut may take back the last milliseconds; those jobs are done again.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

import psutil

from benchmarks import polling_loop
from benchmarks.noop_queue import noop_queue
from benchmarks.queue_consumers import filled, queue_rate
from benchmarks.queue_contenders import HUEY, PAYLOAD, PEERS, POLLING, measure
from clx_jupyter.job_reader import DATABASE

_QUEUE, _JOINED, _WHOLE = "our queue", "our queue, joined", "our supervisor"
_NO_DISK = ("tmpfs", "ramfs", "overlay", "nfs", "nfs4", "cifs", "9p")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value beside what it must be."""

    what: str
    value: float
    unit: str
    target: float
    at_least: bool = True

    @property
    def met(self) -> bool:
        """Whether the target is reached."""
        return self.value >= self.target if self.at_least else self.value <= self.target

    def line(self) -> str:
        """For people."""
        sign = "at least" if self.at_least else "at most"
        return f"{'ok    ' if self.met else 'MISSED'}  {self.what}: {self.value:,.3g} {self.unit} (target: {sign} {self.target:,g})"


@contextmanager
def _fresh(parent: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="clx-benchmark-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


# --- claim and complete ---------------------------------------------------------


async def _our_rate(parent: Path, jobs: int, size: int) -> tuple[float, float]:
    """Jobs a second, and commits for each job."""
    with _fresh(parent) as folder:
        async with noop_queue(folder, size) as noop:
            await noop.add(jobs)
            before = noop.queue.commits
            seconds = await noop.work_off(jobs)
            return jobs / seconds, (noop.queue.commits - before) / jobs


def throughput(parent: Path, jobs: int, rounds: int) -> dict[str, float]:
    """Median jobs a second of everybody, with four workers; each round measures all of them in turn."""
    rates: dict[str, list[float]] = {name: [] for name in (_QUEUE, _JOINED, _WHOLE, *(peer.name for peer in PEERS))}
    twice: dict[str, int] = {}
    for _ in range(rounds):
        for name, processes in ((_QUEUE, False), (_JOINED, True)):
            with _fresh(parent) as folder:
                rates[name].append(asyncio.run(queue_rate(folder, jobs, 4, processes=processes)))
        rates[_WHOLE].append(asyncio.run(_our_rate(parent, jobs, 4))[0])
        for peer in PEERS:
            with _fresh(parent) as folder:
                outcome = measure(peer, folder, jobs, 4)
            rates[peer.name].append(outcome.rate)
            twice[peer.name] = twice.get(peer.name, 0) + outcome.twice
    for name, values in rates.items():
        doubled = f", {twice[name]} jobs done twice" if twice.get(name) else ""
        print(f"    {name:18} {statistics.median(values):8,.0f} jobs/s  ({min(values):,.0f} to {max(values):,.0f}{doubled})")
    return {name: statistics.median(values) for name, values in rates.items()}


# --- idle -------------------------------------------------------------------------


async def _our_latency(parent: Path, times: int) -> float:
    with _fresh(parent) as folder:
        async with noop_queue(folder, 1) as noop:
            return statistics.median([await noop.once() for _ in range(times)])


def _polling_latency(parent: Path, times: int) -> float:
    """Of the polling loop: one idle worker, and somebody who waits for the result."""
    with _fresh(parent) as folder:
        file = folder / "polling.db"
        polling_loop.prepare(file)
        worker = get_context("spawn").Process(target=polling_loop.work, args=(file,), daemon=True)
        worker.start()
        try:
            polling_loop.wait(file, polling_loop.add(file, [PAYLOAD])[0])
            seconds = []
            for _ in range(times):
                started = time.perf_counter()
                polling_loop.wait(file, polling_loop.add(file, [PAYLOAD])[0])
                seconds.append(time.perf_counter() - started)
        finally:
            worker.kill()
            worker.join()
        return statistics.median(seconds)


_IDLE = """
import asyncio, sys
from pathlib import Path
from benchmarks.noop_queue import noop_queue
async def main():
    async with noop_queue(Path(sys.argv[1]), 4):
        print("idle", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
asyncio.run(main())
"""


def idle(parent: Path, seconds: float) -> tuple[int, int]:
    """Wake-ups of the supervisor and its four workers, and writes to the database, in so many seconds without a job."""
    with _fresh(parent) as folder:
        process = subprocess.Popen([sys.executable, "-c", _IDLE, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdout.readline()
            time.sleep(3.0)  # what was done last is written, and checkpointed
            family = [each for root in (psutil.Process(process.pid),) for each in (root, *root.children(recursive=True))]
            before = _wakeups(family), _written(folder)
            time.sleep(seconds)
            after = _wakeups(family), _written(folder)
        finally:
            process.stdin.close()
            process.wait()
    return after[0] - before[0], int(after[1] != before[1])


def _wakeups(family: list[psutil.Process]) -> int:
    """Voluntary context switches of all threads: each is a wait that ended."""
    total = 0
    for process in family:
        for task in Path(f"/proc/{process.pid}/task").iterdir():
            status = (task / "status").read_text()
            total += int(status.split("voluntary_ctxt_switches:")[1].split()[0])
    return total


def _written(folder: Path) -> list[tuple[int, int]]:
    files = sorted(folder.glob(f"{DATABASE}*"))
    return [(file.stat().st_mtime_ns, file.stat().st_size) for file in files]


# --- depth, and the event loop -----------------------------------------------------


async def _claim_time(parent: Path, depth: int, times: int) -> float:
    """Median seconds to find and claim the next job while *depth* are queued."""
    with _fresh(parent) as folder:
        queue = await filled(folder, depth)
        seconds = []
        for _ in range(times):
            started = time.perf_counter()
            assert len((await queue.claim_next("notebook", [(1, None)], 1, busy=True)).jobs) == 1
            seconds.append(time.perf_counter() - started)
        await queue.close()
        return statistics.median(seconds)


async def _cancel_time(parent: Path, jobs: int) -> float:
    with _fresh(parent) as folder:
        queue = await filled(folder, jobs)
        started = time.perf_counter()
        await queue.cancel("b")
        seconds = time.perf_counter() - started
        await queue.close()
        return seconds


async def _loop_lag(parent: Path, jobs: int) -> float:
    """99th percentile of how late the event loop was, in seconds, while it saw through so many jobs."""
    lags: list[float] = []

    async def watch() -> None:
        while True:
            started = time.perf_counter()
            await asyncio.sleep(0.005)
            lags.append(time.perf_counter() - started - 0.005)

    with _fresh(parent) as folder:
        async with noop_queue(folder, 4) as noop:
            watcher = asyncio.create_task(watch())
            await noop.add(jobs)
            await noop.work_off(jobs)
            watcher.cancel()
    return statistics.quantiles(lags, n=100)[98]


# --- all of it -----------------------------------------------------------------------


def _file_system(folder: Path) -> str:
    found = [each for each in psutil.disk_partitions(all=True) if folder.resolve().is_relative_to(each.mountpoint)]
    return max(found, key=lambda each: len(each.mountpoint)).fstype if found else "unknown"


def _fsync_milliseconds(folder: Path) -> float:
    """The median time of a small write that reaches the disk."""
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(100):
            started = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def figures(disk: Path, memory: Path | None, *, jobs: int, rounds: int, times: int, depth: int) -> Iterator[Figure]:
    """Measure everything, one after the other."""
    print(f"claim and complete, {jobs:,} jobs, 4 workers, on the disk ({_file_system(disk)}, fsync {_fsync_milliseconds(disk):.2f} ms):")
    rates = throughput(disk, jobs, rounds)
    for who in (_QUEUE, _JOINED, _WHOLE):
        yield Figure(f"throughput of {who}, of {HUEY}", rates[who] / rates[HUEY], "times", 2)
        yield Figure(f"throughput of {who}, of the {POLLING}", rates[who] / rates[POLLING], "times", 10)
    if memory is not None:
        print(f"the same on tmpfs (fsync {_fsync_milliseconds(memory):.2f} ms), without a target:")
        throughput(memory, jobs, rounds)
    ours, polling = asyncio.run(_our_latency(disk, times)), _polling_latency(disk, max(3, times // 5))
    print(f"idle, from submission to result: {ours * 1000:.2f} ms, {POLLING} {polling * 1000:.0f} ms")
    yield Figure(f"idle submission to result, faster than the {POLLING}", polling / ours, "times", 100)
    wakeups, writes = idle(disk, 5.0)
    yield Figure("wake-ups in 5 idle seconds, supervisor and 4 workers", wakeups, "", 0, at_least=False)
    yield Figure("writes to the database in 5 idle seconds", writes, "", 0, at_least=False)
    few, many = asyncio.run(_claim_time(disk, 50, 40)), asyncio.run(_claim_time(disk, depth, 200))
    print(f"finding and claiming a job: {few * 1000:.2f} ms with 50 queued, {many * 1000:.2f} ms with {depth:,}")
    yield Figure(f"claim time with {depth:,} queued, of that with 50", many / few, "times", 2, at_least=False)
    yield Figure("commits for each job that does nothing, 8 workers", asyncio.run(_our_rate(disk, jobs, 8))[1], "", 0.5, at_least=False)
    yield Figure(f"cancelling {depth // 10:,} queued jobs", asyncio.run(_cancel_time(disk, depth // 10)) * 1000, "ms", 100, at_least=False)
    lag = asyncio.run(_loop_lag(disk, 5000)) * 1000
    yield Figure("lag of the event loop in a build of 5,000 jobs, 99th percentile", lag, "ms", 20, at_least=False)


def main() -> int:
    """Measure and print; 1 where a target is missed, 2 where this machine cannot measure it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(), help="a folder on the disk to measure on (default: this one)")
    parser.add_argument("--jobs", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    missing = [name for name in ("huey", "litequeue", "persistqueue") if find_spec(name) is None]
    if missing:
        print(f"not installed: {', '.join(missing)}; pip install -r benchmarks/requirements.txt", file=sys.stderr)
        return 2
    disk = options.folder.resolve()
    if (kind := _file_system(disk)) in _NO_DISK:
        print(f"{disk} lies on {kind}, which does not wait for a disk: name another with --folder", file=sys.stderr)
        return 2
    memory = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} processors")
    found = list(figures(disk, memory, jobs=options.jobs, rounds=options.rounds, times=50, depth=100_000))
    print()
    for figure in found:
        print(figure.line())
    return int(not all(figure.met for figure in found))


if __name__ == "__main__":
    sys.exit(main())
