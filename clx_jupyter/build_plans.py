"""The plans of builds that go on: against what the queue knows now, and made again where other builds change that meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clx_jupyter.accounts import BuildsAccount
from clx_jupyter.fingerprint import FileHashes
from clx_jupyter.former_targets import FormerTargets
from clx_jupyter.gate import Gate
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.job_rows import NewJob
from clx_jupyter.job_spec import key_of
from clx_jupyter.jobs import BuildState
from clx_jupyter.live import Build
from clx_jupyter.plan import Plan, SourcePlan
from clx_jupyter.planning import make_plan
from clx_jupyter.publishing import Publishing
from clx_jupyter.requests import Request

_PLANS = 3
"""So often at most a build is planned: where others keep ending the jobs that it asks for, a few may be done once more."""


class BuildPlans:
    """Plans the builds of one root."""

    def __init__(self, root: Path, folder: Path, queue: JobQueue, gate: Gate, account: BuildsAccount) -> None:
        self._root, self._folder = root, folder
        self._queue, self._gate, self._account = queue, gate, account

    async def settle(self, build: Build) -> tuple[Plan, Publishing]:
        """The plan with what publishes it; made again where a job that it asks for ended meanwhile, for another build, and so is done."""
        request = build.live.request
        former, known = FormerTargets(self._folder, request.single or request.file), len(build.problems)
        for _ in range(_PLANS):
            del build.problems[known:]
            before = self._account.ends.copy()
            plan = await self._plan(build)
            rows = await self._queue.outputs(request.file)
            publishing = build.publishing = await asyncio.to_thread(Publishing, plan, request, rows, former)
            await self._gate.through(publishing.start)
            await self._queue.set_build(build.live.id, BuildState.RUNNING)
            if not await self._account.any_ended({source.place for source in plan.jobs}, before):
                break
        return plan, publishing

    async def _plan(self, build: Build) -> Plan:
        request = build.live.request
        known, rows, stamps = await asyncio.gather(
            self._queue.known(request.file), self._queue.outputs(request.file), self._queue.file_stamps()
        )
        build.hashes = hashes = FileHashes(self._root, stamps)
        plan = await asyncio.to_thread(make_plan, request, hashes, known, rows, self._account.executions.whole)
        build.plan = plan
        build.problems += plan.problems
        await self._queue.keep_files(hashes.fresh)
        return plan

    async def count_on(self, build: Build, places: list[str]) -> None:
        """Count the sources in work; of a build that is resumed, each once, though it had ended before and is in work again."""
        live = build.live
        in_work = set(places)
        again = [failed for place, failed in build.before.items() if place in in_work]
        if again:
            await self._queue.discount(live.id, len(again), sum(again))
        live.total += len(places) - len(again)
        live.done -= len(again)
        live.failed -= sum(again)
        live.before = live.done


def new_job(request: Request, source: SourcePlan, spec: Mapping[str, Any]) -> NewJob:
    """The job of a planned source, as *request* asks for it."""
    key = key_of("notebook", source.place, spec)
    return NewJob("notebook", source.place, source.source.path, request.priority, spec, source.reason, key)
