"""Events: nudges that are seldom, honest about the end, and believed by nobody."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from clx_jupyter.jobs import BUILD_ENDED, BuildState
from clx_jupyter.live import Live
from clx_jupyter.nudges import INTERVAL, SCHEMA, SCHEMA_ID, Nudges
from clx_jupyter.requests import Request
from tests.server.conftest import TEXT, Api, folder_id, hang_up, snapshot
from tests.stories.conftest import write

SHORT = 0.04
FIELDS = {"build", "number", "state", "total", "done", "failed"}


@pytest.fixture
async def stream(api: Api, jp_ws_fetch: Any) -> Any:
    """The event stream, as a browser has it open."""
    socket = await jp_ws_fetch("api", "events", "subscribe")
    yield socket
    await hang_up(socket)


async def received(stream: Any, quiet: float = 3 * INTERVAL) -> list[tuple[float, dict[str, Any]]]:
    """When what came, until an ended state and some quiet after it."""
    came: list[tuple[float, dict[str, Any]]] = []
    pending = asyncio.ensure_future(stream.read_message())
    end = time.monotonic() + 60
    while not (came and came[-1][1]["state"] in BUILD_ENDED and time.monotonic() > came[-1][0] + quiet):
        assert time.monotonic() < end
        done, _ = await asyncio.wait([pending], timeout=quiet)
        if done:
            event = json.loads(pending.result())
            came += [(time.monotonic(), event)] if event["schema_id"] == SCHEMA_ID else []
            pending = asyncio.ensure_future(stream.read_message())
    pending.cancel()
    return came


@pytest.mark.story
async def test_a_build_is_told_in_events_that_fit_the_schema_and_end_with_its_last_state(api: Api, jp_root_dir: Path, stream: Any) -> None:
    write(jp_root_dir, {f"mein Kürs/{number}.md": TEXT + "\nSECRET-TEXT\n" for number in range(40)})
    build = await api.post("builds", {"course": folder_id()})
    came = await received(stream)
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    for _, event in came:
        assert set(event) == FIELDS | {"schema_id"}
        jsonschema.validate({name: event[name] for name in FIELDS}, schema)
        assert event["build"] == build["id"]
        for private in ("SECRET-TEXT", "mein", str(jp_root_dir), ".md"):
            assert private not in json.dumps(event, ensure_ascii=False)
    times = [when for when, _ in came]
    assert all(sum(1 for other in times if when <= other < when + 1) <= 7 for when in times)  # five a second, give or take a late timer
    numbers = [event["number"] for _, event in came]
    assert numbers == sorted(set(numbers))
    ended = await api.get(f"builds/{build['id']}", course=folder_id())
    last = came[-1][1]
    assert {name: last[name] for name in ("number", "state", "total", "done", "failed")} == {
        "number": ended["number"], "state": "succeeded", "total": 40, "done": 40, "failed": 0,
    }  # fmt: skip
    assert ended["finished"] is not None


async def test_a_forged_event_changes_nothing(api: Api, root: Path, stream: Any) -> None:
    id = folder_id()
    build = await api.build(id, sources=["gone.py"])
    await asyncio.sleep(2 * INTERVAL)
    before, shown = snapshot(root), {**await api.get(f"builds/{build['id']}", course=id), "now": 0}
    forged = {"build": build["id"], "number": 1_000_000, "state": "succeeded", "total": 9, "done": 9, "failed": 0}
    answer = await api.ask("POST", "/api/events", {"schema_id": SCHEMA_ID, "version": "1", "data": forged})
    assert answer.status == 204  # Jupyter passes on what fits the schema
    for wrong in ({**forged, "path": "x"}, {**forged, "state": "won"}, {"build": "x"}):
        assert (await api.ask("POST", "/api/events", {"schema_id": SCHEMA_ID, "version": "1", "data": wrong})).status == 400
    assert {**await api.get(f"builds/{build['id']}", course=id), "now": 0} == shown
    assert snapshot(root) == before


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clx_jupyter.nudges.INTERVAL", SHORT)


def live(number: int = 1, state: BuildState = BuildState.RUNNING, id: str = "b") -> Live:
    return Live(id, Request("/x"), number, state)


class Told(list[dict[str, Any]]):
    """What was emitted."""

    def __call__(self, *, schema_id: str, data: dict[str, Any]) -> None:
        assert schema_id == SCHEMA_ID
        self.append(data)

    def numbers(self, id: str = "b") -> list[int]:
        return [data["number"] for data in self if data["build"] == id]


async def test_the_first_change_is_told_at_once_and_the_last_of_many_soon(quick: None) -> None:
    told = Told()
    nudges = Nudges(told, logging.getLogger())
    for number in range(1, 100):
        nudges.tell(live(number))
        assert told.numbers() == [1]
    nudges.tell(live(100, BuildState.SUCCEEDED))
    await asyncio.sleep(2.5 * SHORT)
    assert told.numbers() == [1, 100]
    assert told[-1]["state"] == "succeeded"
    await asyncio.sleep(2.5 * SHORT)
    assert told.numbers() == [1, 100]
    nudges.tell(live(101))
    assert told.numbers() == [1, 100, 101]
    nudges.close()


async def test_builds_do_not_wait_for_each_other() -> None:
    told = Told()
    nudges = Nudges(told, logging.getLogger())
    for id in "abc":
        nudges.tell(live(1, id=id))
    assert [data["build"] for data in told] == ["a", "b", "c"]
    nudges.close()


async def test_an_event_that_cannot_be_sent_is_logged_and_harms_nothing(quick: None, caplog: pytest.LogCaptureFixture) -> None:
    told = Told()

    def fail(**event: Any) -> None:
        told(**event)
        raise jsonschema.ValidationError("no")

    nudges = Nudges(fail, logging.getLogger("test"))
    for number in range(1, 4):
        nudges.tell(live(number))
    await asyncio.sleep(2.5 * SHORT)
    assert told.numbers() == [1, 3]
    assert "could not be sent" in caplog.text
    nudges.close()


async def test_after_closing_nothing_is_sent(quick: None) -> None:
    told = Told()
    nudges = Nudges(told, logging.getLogger())
    nudges.tell(live(1))
    nudges.tell(live(2))
    nudges.close()
    await asyncio.sleep(2 * SHORT)
    nudges.tell(live(3))
    await asyncio.sleep(2 * SHORT)
    assert told.numbers() == [1]


@pytest.mark.story
async def test_a_build_goes_on_where_no_event_can_be_sent(
    api: Api, jp_root_dir: Path, jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = next(iter(jp_serverapp.extension_manager.extension_apps["clx_jupyter"]))

    def fail(**_: Any) -> None:
        raise RuntimeError("the stream is broken")

    monkeypatch.setattr(made._nudges, "_emit", fail)
    write(jp_root_dir, {"a.md": TEXT})
    assert (await api.build(folder_id()))["state"] == "succeeded"


@pytest.mark.parametrize("state", list(BuildState))
def test_every_state_of_a_build_fits_the_schema(state: BuildState) -> None:
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.validate({"build": "x", "number": 1, "state": str(state), "total": 0, "done": 0, "failed": 0}, schema)
