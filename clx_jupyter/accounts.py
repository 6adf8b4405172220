"""What jobs get and what becomes of what they made: the builds' side of the supervisor."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from clx_jupyter.after import left_by
from clx_jupyter.attempts import Account, Attempt
from clx_jupyter.errors import ClxError
from clx_jupyter.executions import Executions, kernel_environment
from clx_jupyter.fingerprint import FileHashes
from clx_jupyter.gate import PAUSES, Gate, unwritten
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.job_spec import job_frame
from clx_jupyter.jobs import Job, JobState
from clx_jupyter.live import Build
from clx_jupyter.plan import Plan
from clx_jupyter.planning import make_plan
from clx_jupyter.writers import with_writers
from clx_jupyter_workers.browsers import chromium


class BuildsAccount(Account):
    """The account of all builds of one root.

    *tell* is called when a build changed, *count* when a job of it may have been its last, *lose* when the root is somebody else's.
    """

    def __init__(
        self, root: Path, folder: Path, queue: JobQueue, gate: Gate, *, tell: Callable[[Build], None],
        count: Callable[[Build], Awaitable[None]], spawn: Callable[[Any], Any], lose: Callable[[], None],
    ) -> None:  # fmt: skip
        self.root, self.folder = root, folder
        self._queue, self._gate = queue, gate
        self._tell, self._count, self._spawn, self._lose = tell, count, spawn, lose
        self.executions = Executions(folder / "executions")
        #: Those that go on, and the last that ended.
        self.builds: dict[str, Build] = {}
        #: By running job, the build that it became part of when its own was cancelled.
        self.heirs: dict[int, str] = {}
        #: By place: how often its job ended, and whether one is being recorded and published just now.
        self.ends, self._ending = Counter[str](), Counter[str]()
        self._one_ended = asyncio.Event()

    def _of(self, job: Job) -> Build:
        """The build of a running job; that of a cancelled build may have become another's."""
        return self.builds[self.heirs.get(job.id, job.build)]

    async def frame(self, job: Job) -> dict[str, Any]:
        """The job as the worker gets it: the spec, the paths of this machine, and the secrets it may use."""
        wanted = job.spec["environment"]
        environment = await asyncio.to_thread(kernel_environment, wanted["names"], wanted["file"])
        after, shelf = await self._after(job), self.executions.shelf
        return job_frame(job, root=self.root, environment=environment, after=after, shelf=shelf, browser=chromium().program)

    async def _after(self, job: Job) -> list[dict[str, Any]]:
        """What the sources that a job comes after left for it: by language, files and their hashes."""
        plan = self._of(job).plan
        source = plan.at(job.place) if plan else None
        if source is None or not source.before:
            return []
        known = await self._queue.known(job.spec["course"])
        return [await asyncio.to_thread(left_by, other, known.get(other.place), self.executions.whole) for other in source.before]

    async def kept(self, key: str) -> bytes | None:
        """A kept execution."""
        return await asyncio.to_thread(self.executions.get, key)

    async def keep(self, key: str, body: bytes) -> None:
        """Keep an execution."""
        await asyncio.to_thread(self.executions.put, key, body)

    async def hand_on(self, stage: Path, hashes: list[str]) -> None:
        """Keep files that code wrote for the notebooks that come after."""
        await asyncio.to_thread(self.executions.take, stage, hashes)

    def moved(self, job: Job, progress: dict[str, Any] | None) -> None:
        """A job went on, or left its worker."""
        build = self.builds.get(self.heirs.get(job.id, job.build))
        if build is None:
            return
        if progress is None:
            self.heirs.pop(job.id, None)
            build.live.running.pop(job.path, None)
            self._spawn(self._count(build))
        else:
            build.live.running[job.path] = progress
        self._tell(build)

    async def changed(self, job: Job) -> dict[str, Any] | None:
        """Plan a source again that changed under its job."""
        build = self._of(job)
        try:
            new = (await self._plan_again(build)).at(job.place)
        except ClxError as error:  # the course file changed as well, and cannot be read now
            build.problems.append(error.problem)
            return None
        old = build.plan.at(job.place) if build.plan else None
        if new is None or old is None or build.publishing is None:
            return None
        if [other.parts for other in new.before] != [other.parts for other in old.before]:
            return None  # what it comes after changed too, and has run already
        old.parts, old.outputs, old.spec = new.parts, new.outputs, new.spec
        return build.publishing.spec(new)

    async def _plan_again(self, build: Build) -> Plan:
        request = build.live.request
        known, rows = await asyncio.gather(self._queue.known(request.file), self._queue.outputs(request.file))
        hashes = build.hashes.again() if build.hashes else FileHashes(self.root)
        return await asyncio.to_thread(make_plan, request, hashes, known, rows, self.executions.whole)

    async def superseded(self, job: Job) -> bool:
        """Whether its source, or a file that the source depends on, is no longer what the job was made for."""
        hashes, companion = self._of(job).hashes, job.spec["companion"]
        wanted = {**job.spec["files"], job.path: job.spec["sha256"], **({companion["path"]: companion["sha256"]} if companion else {})}

        def differs() -> bool:  # in a thread, the copy of what is known of a large course included
            now = hashes.again() if hashes else FileHashes(self.root)
            return any(now[path] != sha256 for path, sha256 in wanted.items())

        return await asyncio.to_thread(differs)

    async def accept(self, attempt: Attempt) -> None:
        """Record what a job made, then publish it; a result of a lost attempt is discarded."""
        place = attempt.job.place
        self._ending[place] += 1
        try:
            await self._accept(attempt)
        finally:
            self._ending[place] -= 1
            self.ends[place] += 1
            self._one_ended.set()

    async def any_ended(self, places: Collection[str], before: Mapping[str, int]) -> bool:
        """Whether a job of one of *places* ended since :attr:`ends` was *before*; waits for what is just being published."""
        while any(self._ending[place] for place in places):
            self._one_ended.clear()
            await self._one_ended.wait()
        return any(self.ends[place] != before.get(place, 0) for place in places)

    async def _accept(self, attempt: Attempt) -> None:
        # Whose job it is, and who waits for it too, is known once it is recorded: until then none of them may end.
        builds = [build for build in self.builds.values() if not build.ended.is_set()]
        ended: list[str] = []
        for build in builds:
            build.accepting += 1
        try:
            self._gate.check()
            ended = await self._record(attempt)
            for id in ended:
                await self._publish(self.builds[id], attempt)
        except ClxError:
            if not self._gate.lost:
                raise
            self._lose()
        finally:
            for build in builds:
                build.accepting -= 1
        for build in builds:
            if build.live.id in ended[1:]:
                self._tell(build)
            if build.to_count or build.live.id in ended[1:]:  # its own build counts when the job leaves its worker
                await self._count(build)

    async def _record(self, attempt: Attempt) -> list[str]:
        """Record what a job made; gives the builds whose jobs that ends."""
        job, build = attempt.job, self._of(attempt.job)
        assert build.publishing is not None
        if build.plan and any(problem.category == "missing-file" for problem in attempt.problems):
            known = await self._queue.known(job.spec["course"])
            attempt.problems = await asyncio.to_thread(with_writers, attempt.problems, job.place, build.plan, known)
        return await self._queue.finish(
            job, _state(attempt), "lost" if attempt.status == "dead" else attempt.status, problems=attempt.problems,
            outputs=build.publishing.rows(attempt), parts=job.spec["parts"], runs=attempt.runs, course=job.spec["course"],
            executions=attempt.executions, kernels=attempt.kernels, signal=attempt.signal,
        )  # fmt: skip

    async def _publish(self, build: Build, attempt: Attempt) -> None:
        """Publish for one build what a job made. What another build published a moment ago is found there, and not touched."""
        publishing = build.publishing
        assert publishing is not None
        rows, state, problems = publishing.rows(attempt), _state(attempt), list(attempt.problems)
        try:
            published = await self._gate.through(lambda: publishing.publish(attempt, rows), pauses=PAUSES)
        except OSError as error:
            # The job is done but its files could not be put in place: the next build makes and publishes them again.
            problem = unwritten(error, self.folder, attempt.job.path)
            published = [replace(row, state="failed", problem=problem.id) for row in rows]
            problems.append(problem)
            state = JobState.FAILED
        await self._queue.put_outputs(published)
        build.problems += problems
        build.made |= {row.name: (row, attempt.seconds) for row in published}
        build.live.done += 1
        build.live.failed += state is not JobState.DONE


def _state(attempt: Attempt) -> JobState:
    """How the job of an attempt ends that cannot be tried again."""
    if attempt.status == "dead":
        return JobState.DEAD
    lacking = attempt.missing or not set(attempt.job.spec["execute"]["run"]) <= set(attempt.runs)
    return JobState.DONE if attempt.status == "ok" and not lacking else JobState.FAILED
