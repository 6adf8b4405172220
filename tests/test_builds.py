"""The service behind every door."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.attempts import Attempt
from clx_jupyter.builds import Builds
from clx_jupyter.follow import read_report
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.job_reader import Reader
from clx_jupyter.job_rows import StoredOutput
from clx_jupyter.publishing import Publishing
from clx_jupyter.requests import Request
from clx_jupyter.state import state_folder


async def test_a_process_that_builds_for_days_does_not_remember_every_build(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("# %% [markdown]\n# # A\n")
    builds = await Builds.open(tmp_path)
    assert builds is not None
    try:
        ids = [await builds.start(Request(str(tmp_path), failed=True)) for _ in range(3)]
        for _ in range(20):
            ids.append(await builds.start(Request(str(tmp_path), failed=True)))
            assert (await builds.wait(ids[-1]))["status"] == "succeeded"
        remembered = [id for id in ids if builds.live(id) is not None]
        assert ids[-1] in remembered and len(remembered) <= 12
        forgotten = [id for id in ids if id not in remembered]
        assert forgotten and all(read_report(state_folder(tmp_path), id) for id in forgotten)
    finally:
        await builds.close()


@pytest.mark.story
async def test_a_build_ends_when_the_files_of_all_its_jobs_are_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "ab":
        (tmp_path / f"{name}.py").write_text(f"# %% [markdown]\n# # {name}\n")
    publish, put, waits = Publishing.publish, JobQueue.put_outputs, iter((0.0, 2.0))

    def publish_slowly(self: Publishing, attempt: Attempt, rows: list[StoredOutput]) -> list[StoredOutput]:
        time.sleep(1)  # so that both jobs have ended before the first of them is published
        return publish(self, attempt, rows)

    async def record_slowly(self: JobQueue, rows: list[StoredOutput]) -> None:
        await asyncio.sleep(next(waits))  # so that the second is recorded long after the first
        await put(self, rows)

    monkeypatch.setattr(Publishing, "publish", publish_slowly)
    monkeypatch.setattr(JobQueue, "put_outputs", record_slowly)
    builds = await Builds.open(tmp_path, size=2)
    assert builds is not None
    try:
        report = await builds.wait(await builds.start(Request(str(tmp_path))))
    finally:
        await builds.close()
    assert {output["source"] for output in report["outputs"]} == {"a.py", "b.py"}
    assert {output["state"] for output in report["outputs"]} == {"built"} and {page["state"] for page in report["pages"]} == {"built"}
    assert all((Path(report["output_root"]) / output["path"]).is_file() for output in report["outputs"])


@pytest.mark.story
async def test_what_another_build_ends_while_one_is_planned_is_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.py").write_text("# %% [markdown]\n# # A\n")
    init, made, go_on = Publishing.__init__, list[Request](), threading.Event()
    one, other = Request(str(tmp_path)), Request(str(tmp_path))

    def init_late(self: Publishing, plan: Any, request: Request, *more: Any) -> None:
        made.append(request)
        if request is other:  # it is planned: its job is to come next
            go_on.wait(60)
        init(self, plan, request, *more)

    monkeypatch.setattr(Publishing, "__init__", init_late)
    builds = await Builds.open(tmp_path, size=1)
    assert builds is not None
    try:
        first, second = await builds.start(one), await builds.start(other)
        reports = [await builds.wait(first)]
        go_on.set()
        reports.append(await builds.wait(second))
    finally:
        await builds.close()
    assert len(made) == 3 and made[-1] is other, "the second one was not planned before the first had ended"
    assert [{output["state"] for output in report["outputs"]} for report in reports] == [{"built"}, {"fresh"}]
    assert len(Reader(state_folder(tmp_path)).rows("SELECT job FROM attempts")) == 1
