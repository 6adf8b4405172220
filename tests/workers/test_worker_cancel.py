"""A cancel counts whenever it comes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from clx_jupyter_workers.notebook import execute


def test_a_cancel_that_comes_as_the_work_ends_is_not_lost() -> None:
    killed: list[bool] = []

    async def work() -> None:
        """Ends in the same turn of the loop in which the cancel is taken."""

    async def run() -> None:
        held = SimpleNamespace(told=asyncio.Queue(), kernel=SimpleNamespace(kill=lambda: killed.append(True)))
        held._stop = lambda task, frame: execute._Run._stop(cast(Any, held), task, frame)
        held.told.put_nowait({"t": "cancel"})
        await execute._Run._until_told(cast(Any, held), work())

    with pytest.raises(execute.Cancelled):
        asyncio.run(run())
    assert killed == [True]
