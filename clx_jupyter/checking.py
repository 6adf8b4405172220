"""Checks sources without running them: workers in their check mode, a few at a time. Nothing is written, nothing is remembered."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from clx_jupyter.course.topics import half
from clx_jupyter.errors import Problem
from clx_jupyter.executors.base import Executor, RunningWorker
from clx_jupyter.executors.local import LocalExecutor
from clx_jupyter.plan import SourcePlan

LIMIT = 120.0
"""Seconds that the check of one source may take."""

_FIELDS = ("reader", "metadata", "style", "kernel", "kinds", "files", "scope", "includes", "links", "execute")


@dataclass(frozen=True, slots=True)
class Checked:
    """What there is to say about one source."""

    problems: tuple[Problem, ...]
    #: sha256 of the bytes that were read; ``""`` where they could not be understood.
    sha256: str = ""


def job_of(place: SourcePlan, root: Path) -> dict[str, Any]:
    """The frame by which a worker checks a source, in all its variants."""
    variants = {(output.variant.kind.id, output.variant.language, output.variant.format): output for output in place.outputs}
    return {
        "t": "job",
        "job": 0,
        "attempt": 1,
        "type": "notebook",
        "check": True,
        "root": str(root),
        # No hash: whatever the file holds now is checked.
        "source": {**{name: place.spec[name] for name in ("path", "titles", "languages")}, "sha256": ""},
        **{name: place.spec[name] for name in _FIELDS},
        "halves": _other_halves(place),
        "variants": [
            {"id": str(number), "kind": kind, "language": language, "format": format, "outputs": False}
            for number, (kind, language, format) in enumerate(variants)
        ],
    }


def _other_halves(place: SourcePlan) -> list[dict[str, str]]:
    """The other halves of a split pair, for the first of them only: what one lacks is told once."""
    name, language = half(place.source.path)
    pair = [source for source in place.topic.sources if language and source.languages and half(source.path)[0] == name]
    return [{"path": each.path, "language": each.languages[0]} for each in pair[1:]] if pair and pair[0] == place.source else []


class Checker:
    """A few workers; use it as an asynchronous context."""

    def __init__(self, size: int, executor: Executor | None = None) -> None:
        self._size = size
        self._executor = executor or LocalExecutor()
        self._idle: list[RunningWorker] = []
        self._folder = tempfile.TemporaryDirectory(prefix="clx-check-")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await asyncio.gather(*(worker.close(1.0) for worker in self._idle))
        self._folder.cleanup()

    async def check(
        self, jobs: Iterable[dict[str, Any]], tell: Callable[[int, int], None] = lambda done, total: None
    ) -> dict[str, Checked]:
        """The result for each job, by its source's path; *tell* is called with how many are done, of how many."""
        waiting = list(jobs)[::-1]
        total, found = len(waiting), dict[str, Checked]()
        tell(0, total)

        async def work() -> None:
            while waiting:
                job = waiting.pop()
                found[job["source"]["path"]] = await self._one(job)
                tell(len(found), total)

        await asyncio.gather(*(work() for _ in range(min(self._size, total))))
        return found

    async def _one(self, job: dict[str, Any]) -> Checked:
        path = job["source"]["path"]
        worker = self._idle.pop() if self._idle else await self._executor.start("notebook", Path(self._folder.name) / "worker.log")
        try:
            worker.send(job)
            checked = await asyncio.wait_for(self._listen(worker, path), LIMIT)
        except TimeoutError:
            worker.kill()
            await worker.close(1.0)
            return Checked((Problem("timeout", f"checking took more than {LIMIT:.0f} s", "look for a loop in its templates", path=path),))
        except BaseException:
            worker.kill()
            await worker.close(1.0)
            raise
        if checked is not None:
            self._idle.append(worker)
            return checked
        await worker.close(1.0)
        hint = "this is an error of clx_jupyter: please report it"
        return Checked((Problem("internal", "the worker that checked this source died", hint, path=path, traceback=worker.last_words()),))

    async def _listen(self, worker: RunningWorker, path: str) -> Checked | None:
        problems: list[Problem] = []
        while (frame := await worker.receive()) is not None:
            header, _ = frame
            if header["t"] == "problem":
                problems.append(Problem.from_json(header["problem"]))
            elif header["t"] == "done":
                if header["status"] == "changed":  # it is gone
                    problems.append(Problem("missing-file", "the source is not there any more", path=path))
                return Checked(tuple(problems), header.get("sha256", ""))
        return None
