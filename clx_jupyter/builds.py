"""The service behind every door: start, cancel, follow and describe builds of one root."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from clx_jupyter.accounts import BuildsAccount
from clx_jupyter.build_plans import BuildPlans, new_job
from clx_jupyter.errors import ClxError, DamagedError, Problem, QueueError
from clx_jupyter.executors.base import Executor, Executors, Owner
from clx_jupyter.executors.choosing import assign, chosen
from clx_jupyter.gate import Gate, unwritten
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.job_reader import DATABASE
from clx_jupyter.jobs import JOB_TYPES, BuildState
from clx_jupyter.live import Build, Live
from clx_jupyter.manifest import sweep
from clx_jupyter.pools import PoolLimits
from clx_jupyter.publishing import Publishing
from clx_jupyter.reports import Ended, build_report, write_report
from clx_jupyter.requests import Mailbox, Request, new_id
from clx_jupyter.settings import BuildSettings
from clx_jupyter.state import Lock, create_state_folder, state_folder
from clx_jupyter.supervisor import Supervisor
from clx_jupyter.upkeep import Upkeep

_TIDIES = 2.0
_REMEMBERED = 8
"""So many ended builds stay in memory."""


class Builds:
    """The builds of one root. Whoever has this open holds the root's lock and is the only writer of its state."""

    def __init__(
        self, root: Path, folder: Path, lock: Lock, queue: JobQueue, executors: Executors, limits: PoolLimits, settings: BuildSettings
    ) -> None:
        self.root, self.folder = root, folder
        self._lock, self._queue, self._settings = lock, queue, settings
        self._tasks: set[asyncio.Task[None]] = set()
        self._watchers: list[Callable[[Live], None]] = []
        self._gate = Gate(lock, root)
        self._account = BuildsAccount(
            root, folder, queue, self._gate, tell=self._tell, count=self._count, spawn=self._spawn, lose=self._lose
        )  # fmt: skip
        self._builds = self._account.builds
        self._plans = BuildPlans(root, folder, queue, self._gate, self._account)
        self._tidying: asyncio.Task[None] | None = None
        self._upkeep = Upkeep(folder, queue.database, settings)
        queue.database.on_pause = self._paused
        self._supervisor = Supervisor(folder, queue, executors, self._account, owner=Owner.of(folder, lock.epoch), limits=limits)
        self._mailbox = Mailbox(folder, self._message, self._moved_away)
        self._stopped = False
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls, root: Path, *, folder: Path | None = None, size: int | None = None, settings: BuildSettings | None = None, take_over: bool = False,
        executor: Executor | None = None, resume: bool = True, server: bool = False,
    ) -> Self | None:  # fmt: skip
        """Become the holder of *root*; ``None`` where another process of this host is.

        *size*: the number of workers of each type, before what the settings say. Builds that the last holder left open go on if *resume*,
        else they end as cancelled. *server*: JupyterLab shares the machine with the workers.
        Raises :class:`HeldError` where another host holds it.
        """
        folder, settings = folder or state_folder(root), settings or BuildSettings()
        create_state_folder(folder, root)
        lock = Lock(folder)
        if not lock.acquire(take_over=take_over):
            return None
        try:
            queue = await _whole_queue(folder / DATABASE, settings.journal_mode)
        except BaseException:
            lock.release()
            raise
        executors = dict.fromkeys(JOB_TYPES, executor) if executor else chosen(settings)
        builds = cls(root, folder, lock, queue, executors, PoolLimits.of(settings, size, server=server), settings)
        try:
            await assign(executors, Owner.of(folder, lock.epoch))
            await builds._recover(resume)
        except BaseException:  # else this process would hold the root, and nobody could build there any more
            await builds.close()
            raise
        builds._mailbox.open()
        builds._spawn(builds._upkeep.look_through())
        builds._spawn(builds._stop_when_broken())
        return builds

    async def _recover(self, resume: bool) -> None:
        """Pick up what a holder that died left behind: its jobs are planned anew, so what it finished is not done twice."""
        for folder in (self.folder, self.folder / "builds", *(self.folder / "executions").glob("??")):
            sweep(folder)
        shutil.rmtree(self.folder / "stage", ignore_errors=True)
        (self.folder / "stage").mkdir(mode=0o700, exist_ok=True)
        await self._queue.recover()
        left = [(id, request, await self._queue.reopen(id)) for id, _, request, _ in await self._queue.open_builds()]
        for id, request, ended in left:  # not before all have been given up: none may wait for what is left of another
            # A state folder that was copied or moved tells of builds at the old place: they are none of ours.
            if resume and request.get("root") == str(self.root):
                live = Live(id, Request.from_json(request), total=len(ended), done=len(ended), failed=sum(ended.values()))
                self._begin(live, ended)
            else:
                await self._queue.set_build(id, BuildState.CANCELLED)

    async def close(self) -> None:
        """Stop; builds that go on stay open in the database, and the next holder resumes them. Harmless when it is called again."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        try:
            await self._stop()
            await self._queue.close()
        finally:
            self._lock.release()

    def _moved_away(self) -> None:
        """Somebody asks for a build in a folder that was moved, with our lock in it. A build that goes on ends by itself, as it cannot publish."""
        if not self.busy and self._closing is None:
            self._closing = asyncio.create_task(self._close())

    async def _stop(self) -> None:
        if self._stopped:
            return
        self._stopped = True
        self._mailbox.close()
        self._upkeep.stop()
        self._queue.database.stop_waiting()
        if self._tidying is not None:  # a command that builds once and ends tidies up too, if that is quick
            await asyncio.wait({self._tidying}, timeout=_TIDIES)
        await self._supervisor.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def leave(self, id: str) -> dict[str, Any]:
        """Stop; gives the report of a build that stays open: what was made until now."""
        build = self._builds[id]
        await self._stop()
        return build.live.report or await self._report(build, BuildState.CANCELLED)

    def hurry(self) -> None:
        """End all workers at once, while :meth:`close` or :meth:`cancel` still gives them time."""
        self._supervisor.hurry()

    def watch(self, watcher: Callable[[Live], None]) -> None:
        """Call *watcher* whenever a build changes."""
        self._watchers.append(watcher)

    # --- doors --------------------------------------------------------------

    async def start(self, request: Request, id: str | None = None) -> str:
        """Start a build; gives its id."""
        id = id or new_id()
        await self._queue.add_build(id, request.file, request.to_json())
        self._begin(Live(id, request))
        return id

    def _begin(self, live: Live, before: Mapping[str, bool] | None = None) -> None:
        # A build remembers its whole plan; whoever stays for days must not remember all of them. The database does.
        for id in [id for id, build in self._builds.items() if build.ended.is_set()][:-_REMEMBERED]:
            del self._builds[id]
        self._builds[live.id] = Build(live, before=before or {})
        self._spawn(self._run(live.id))

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def cancel(self, id: str) -> None:
        """Cancel a build: what waits never starts, what runs is ended, what is published stays. Harmless for an ended one."""
        build = self._builds.get(id)
        if build is None or build.ended.is_set():
            return
        build.cancelled = True
        # Where the disk is full it ends now, and says for want of what.
        with self._queue.database.without_patience(), contextlib.suppress(QueueError):
            await self._drop_jobs(build)

    async def _drop_jobs(self, build: Build) -> None:
        """End the jobs of a build, but for those that other builds wait for: they go on as theirs."""
        cancelled = await self._queue.cancel(build.live.id)
        self._account.heirs |= cancelled.heirs
        await self._supervisor.cancel(cancelled.running)
        build.live.running.clear()
        self._supervisor.wake()
        await self._count(build)

    async def wait(self, id: str) -> dict[str, Any]:
        """The report of a build, once it has ended. Raises :class:`ClxError` where the root was lost before that."""
        build = self._builds[id]
        await build.ended.wait()
        if build.lost:
            raise build.lost
        assert build.live.report is not None
        return build.live.report

    def live(self, id: str) -> Live | None:
        """A build of this process's life."""
        build = self._builds.get(id)
        return build.live if build else None

    @property
    def held(self) -> bool:
        """Whether the root is still ours and its database can be used: the state folder is there, and nobody took it over."""
        if self._queue.database.broken.is_set():
            return False
        try:
            return self._lock.still_ours()
        except OSError:  # no descriptor is free, or the disk does not answer: that takes nothing from us
            return True

    @property
    def busy(self) -> bool:
        """Whether any build goes on."""
        return any(not build.ended.is_set() for build in self._builds.values())

    def look(self) -> None:
        """Take requests that other processes put down."""
        self._mailbox.look()

    def _message(self, message: dict[str, Any]) -> None:
        if message.get("do") == "build" and message.get("build") not in self._builds:
            self._spawn(self._start_posted(message))
        elif message.get("do") == "cancel":
            self._spawn(self.cancel(str(message.get("build"))))
        elif message.get("do") == "clean":
            self._spawn(self._upkeep.tidy(at_once=True))

    async def _start_posted(self, message: dict[str, Any]) -> None:
        request = Request.from_json(message["request"])
        with contextlib.suppress(OSError):  # a root may have several names, as links do; what is made is told by ours
            if Path(request.root).samefile(self.root):
                await self.start(replace(request, root=str(self.root)), str(message["build"]))

    # --- one build ----------------------------------------------------------

    async def _run(self, id: str) -> None:
        build = self._builds[id]
        try:
            await self._upkeep.while_whole(self._build(build))
        except QueueError as error:
            if isinstance(error, DamagedError):
                self._queue.database.break_as_damaged(error.problem.message)
            await self._end(build, BuildState.FAILED, error.problem)
        except ClxError as error:
            build.problems.append(error.problem)
            build.lost = error if error is self._gate.lost else None
            await self._end(build, BuildState.FAILED if build.lost else BuildState.INVALID, error.problem)
        except OSError as error:
            await self._end(build, BuildState.FAILED, unwritten(error, self.folder))
        except Exception as error:  # the border of the service: a build always ends, and says how
            words = "".join(traceback.format_exception(error))
            hint = "this is an error of clx_jupyter: please report it"
            await self._end(build, BuildState.FAILED, Problem("internal", f"{type(error).__name__}: {error}", hint, traceback=words))

    async def _stop_when_broken(self) -> None:
        """End the workers once nothing that they make can be recorded."""
        await self._queue.database.broken.wait()
        await self._supervisor.close()

    def _paused(self, words: str) -> None:
        """The database waits for room on its disk, or goes on."""
        for build in self._builds.values():
            if not build.ended.is_set():
                build.live.notice, build.live.paused = words or build.notice, words
                self._tell(build)

    async def _build(self, build: Build) -> None:
        live, request = build.live, build.live.request
        plan, publishing = await self._plans.settle(build)
        told = self._upkeep.told()
        build.problems += told
        live.notice = build.notice = ". ".join(filter(None, [*(problem.message for problem in told), plan.course.notice]))
        live.state = BuildState.RUNNING
        await self._plans.count_on(build, [source.place for source in plan.jobs])
        jobs = [new_job(request, source, publishing.spec(source)) for source in plan.jobs]
        self._tell(build)
        if jobs and not build.cancelled:
            after = {source.place: [before.place for before in source.before] for source in plan.jobs}
            await self._queue.enqueue(live.id, jobs, after)
            if build.cancelled:  # it came while the jobs were being added, and found none
                await self._drop_jobs(build)
            self._supervisor.wake()
            await build.jobs_ended.wait()
        await self._finish(build, publishing)

    async def _finish(self, build: Build, publishing: Publishing) -> None:
        rows = await self._queue.outputs(build.live.request.file)
        gone = await self._gate.through(lambda: publishing.finish(rows, complete=not build.cancelled))
        await self._queue.drop_outputs(gone)
        build.problems += publishing.problems
        state = BuildState.CANCELLED if build.cancelled else BuildState.SUCCEEDED
        await self._end(build, state)

    async def _end(self, build: Build, state: BuildState, error: Problem | None = None) -> None:
        live = build.live
        with contextlib.suppress(QueueError):
            if error is not None and not build.lost:  # it may have gone wrong with jobs under way, and nobody would be there to accept them
                await self._drop_jobs(build)
        report = await self._report(build, state, error)
        if not build.lost:
            file = self.folder / "builds" / f"{live.id}.json"
            try:
                await asyncio.to_thread(write_report, file, report)
            except OSError as full:  # a build ends all the same
                build.problems.append(unwritten(full, file))
                report = await self._report(build, state, error)
            with contextlib.suppress(QueueError):
                await self._queue.set_build(live.id, BuildState(report["state"]), error=error)
        # Last, and the state after the report: whoever sees the end finds all of it.
        live.report = report
        live.state = BuildState(report["state"])
        self._tell(build)
        build.ended.set()
        if not self.busy:
            self._tidying = self._spawn(self._upkeep.tidy())

    async def _report(self, build: Build, state: BuildState, error: Problem | None = None) -> dict[str, Any]:
        live, executions, kernels = build.live, 0, 0
        with contextlib.suppress(QueueError):  # a build ends, whether that can be recorded or not
            executions, kernels = await self._queue.counts(live.id)
        ended = Ended(live.id, live.request, state, live.started, executions, kernels, build.problems, build.made)
        return build_report(ended, build.plan, build.publishing, error)

    def _tell(self, build: Build) -> None:
        build.live.number += 1
        for watcher in self._watchers:
            watcher(build.live)

    async def _count(self, build: Build) -> None:
        """See whether all jobs of a build have ended."""
        # Asked for afterwards once more: meanwhile a job may have ended whose files are not published yet.
        with contextlib.suppress(QueueError):  # the whole build ends with that
            if not build.accepting and await self._queue.is_over(build.live.id) and not build.accepting:
                build.jobs_ended.set()
        build.to_count = bool(build.accepting)

    def _lose(self) -> None:
        """Stop, now that the root is somebody else's: no job goes on, and every build ends here."""
        self._spawn(self._supervisor.close())
        for build in self._builds.values():
            build.jobs_ended.set()


async def _whole_queue(path: Path, journal_mode: str) -> JobQueue:
    """The queue of a database whose open builds can be read; one where they cannot is damaged, though SQLite does not see it."""
    queue = await JobQueue.open(path, journal_mode)
    try:
        await queue.open_builds()
    except DamagedError:
        await queue.close()
        return await JobQueue.open(path, journal_mode)
    except BaseException:
        await queue.close()
        raise
    return queue
