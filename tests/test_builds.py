"""The service behind every door."""

from __future__ import annotations

from pathlib import Path

from clx_jupyter.builds import Builds
from clx_jupyter.follow import read_report
from clx_jupyter.requests import Request
from clx_jupyter.state import state_folder


async def test_a_process_that_builds_for_days_does_not_remember_every_build(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("# %% [markdown]\n# # A\n")
    builds = await Builds.open(tmp_path)
    assert builds is not None
    try:
        ids = [await builds.start(Request(str(tmp_path), dry_run=True)) for _ in range(3)]
        for _ in range(20):
            ids.append(await builds.start(Request(str(tmp_path), dry_run=True)))
            assert (await builds.wait(ids[-1]))["status"] == "succeeded"
        remembered = [id for id in ids if builds.live(id) is not None]
        assert ids[-1] in remembered and len(remembered) <= 12
        forgotten = [id for id in ids if id not in remembered]
        assert forgotten and all(read_report(state_folder(tmp_path), id) for id in forgotten)
    finally:
        await builds.close()
