"""Starting, following, cancelling and repeating builds."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.job_reader import Reader
from clx_jupyter.jobs import BUILD_ENDED
from clx_jupyter.reports import write_report
from tests.server.conftest import DECK, TEXT, Api, folder_id, until
from tests.server.test_server_course import check_build
from tests.stories.conftest import notebook, write


@pytest.fixture
def texts(jp_root_dir: Path) -> Path:
    return write(jp_root_dir, {"one/lists.md": TEXT, "two/data.md": TEXT})


@pytest.fixture
def many(jp_root_dir: Path) -> Path:
    return write(jp_root_dir, {f"{number // 20}/{number}.md": TEXT for number in range(300)})


async def test_a_build_goes_from_its_start_to_its_report(api: Api, texts: Path) -> None:
    id = await api.course_at("")
    answer = await api.ask("POST", "builds", {"course": id})
    assert answer.status == 201
    started = answer.body
    check_build(started)
    assert (started["course"], started["state"] in ("queued", "running"), started["here"]) == (id, True, True)
    assert (await api.get(f"courses/{id}"))["open"][0]["id"] == started["id"]
    seen = [started]
    while seen[-1]["state"] not in BUILD_ENDED:
        await asyncio.sleep(0.01)
        seen.append(await api.get(f"builds/{started['id']}", course=id))
        assert seen[-1]["number"] >= seen[-2]["number"]
        assert (
            {**seen[-1], "now": 0, "jobs": 0} == {**seen[-2], "now": 0, "jobs": 0}
            or seen[-1]["number"] > seen[-2]["number"]
            or seen[-1]["left"]
        )
    ended = seen[-1]
    check_build(ended)
    assert (ended["state"], ended["total"], ended["done"], ended["failed"], ended["counts"]) == ("succeeded", 2, 2, 0, {"built": 4})
    assert [job["state"] for job in ended["jobs"]] == ["done", "done"]
    assert (ended["error"], ended["problems"], ended["outputs"], ended["left"]) == (None, [], [], None)
    assert [each["id"] for each in (await api.get("builds", course=id))["builds"]] == [started["id"]]


async def test_an_ended_build_says_when_at_once(api: Api, texts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(*arguments: Any) -> None:
        time.sleep(0.3)
        write_report(*arguments)

    monkeypatch.setattr("clx_jupyter.builds.write_report", slowly)
    check_build(await api.build(folder_id(), sources=["gone.md"]))


async def test_a_build_that_ends_during_a_look_is_told_whole(api: Api, texts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked, read = threading.Event(), Reader.build

    def look_slowly(reader: Reader, id: str) -> dict[str, Any] | None:
        row = read(reader, id)
        looked.set()
        time.sleep(0.3)
        return row

    def end_after_the_look(*arguments: Any) -> None:
        assert looked.wait(20)
        write_report(*arguments)

    monkeypatch.setattr(Reader, "build", look_slowly)
    monkeypatch.setattr("clx_jupyter.builds.write_report", end_after_the_look)
    check_build(await api.post("builds", {"course": folder_id(), "sources": ["gone.md"]}))


async def test_a_choice_that_fits_nothing_is_an_invalid_build_with_a_reason(api: Api, texts: Path) -> None:
    id = folder_id()
    for wrong in (
        {"sections": ["Zwölf"]},
        {"kinds": ["nonsense"]},
        {"formats": ["docx"]},
        {"languages": ["fr"]},
        {"targets": ["x"]},
        {"topics": ["x"]},
    ):
        build = await api.build(id, **wrong)
        assert (build["state"], build["error"]["class"], build["jobs"]) == ("invalid", "bad-course", [])
        assert build["error"]["hint"]
    assert not (texts / "output").exists()


async def test_an_unknown_build_and_one_of_another_course_are_not_there(api: Api, texts: Path) -> None:
    write(texts, {"part/.clx/jobs.db": "", "part/a.md": TEXT})
    id = folder_id()
    build = await api.build(id, sources=["gone.md"])
    for course, name in ((id, "nonsense"), (folder_id("part"), build["id"]), (folder_id("gone"), build["id"])):
        assert (await api.refused("GET", f"builds/{name}", course=course))[0] == 404
        for what in ("cancel", "retry"):
            assert (await api.refused("POST", f"builds/{name}", {"do": what}, course=course))[0] == 404


async def test_the_latest_builds_come_first_up_to_a_limit(api: Api, texts: Path) -> None:
    id = folder_id()
    made = [(await api.build(id, sources=[f"gone{number}.md"]))["id"] for number in range(4)]
    assert [each["id"] for each in (await api.get("builds", course=id))["builds"]] == made[::-1]
    assert [each["id"] for each in (await api.get("builds", course=id, limit=2))["builds"]] == made[:1:-1]
    assert (await api.get("builds", course=id, limit=0))["builds"] == []


async def test_a_build_that_is_cancelled_ends_soon_and_cancelling_again_harms_nothing(api: Api, many: Path) -> None:
    id = folder_id()
    started = await api.post("builds", {"course": id})
    begin = time.monotonic()
    answer = await api.post(f"builds/{started['id']}", {"do": "cancel"}, course=id)
    assert answer["id"] == started["id"]
    ended = await api.ended(answer)
    assert time.monotonic() - begin < 5
    assert (ended["state"], ended["counts"] is None or "cancelled" in ended["counts"]) == ("cancelled", True)
    check_build(ended)
    again = await api.post(f"builds/{started['id']}", {"do": "cancel"}, course=id)
    assert (again["state"], again["finished"]) == ("cancelled", ended["finished"])


@pytest.mark.story
async def test_with_since_only_jobs_that_changed_are_told(api: Api, texts: Path) -> None:
    write(texts, {"three/bad.ipynb": "{"})
    id = folder_id()
    build = await api.build(id)
    path = f"builds/{build['id']}"
    assert len(build["jobs"]) == 3
    assert (await api.get(path, course=id, since=build["now"] + 1))["jobs"] == []
    last = max(job["seconds"] for job in build["jobs"])
    assert last < 60
    assert len((await api.get(path, course=id, since=build["created"] - 1))["jobs"]) == 3
    assert len((await api.get(path, course=id, since=""))["jobs"]) == 3


@pytest.mark.story
async def test_what_failed_is_built_again_by_retry_and_nothing_else(api: Api, texts: Path) -> None:
    write(texts, {"three/bad.ipynb": "{"})
    id = folder_id()
    first = await api.build(id)
    assert (first["state"], first["failed"]) == ("failed", 1)
    write(texts, {"three/bad.ipynb": notebook(("markdown", "# Good"))})
    again = await api.ended(await api.post(f"builds/{first['id']}", {"do": "retry"}, course=id))
    assert again["id"] != first["id"]
    assert (again["state"], [job["path"] for job in again["jobs"]]) == ("succeeded", ["three/bad.ipynb"])
    assert again["request"]["failed"] is True
    assert (await api.get("builds", course=id))["builds"][0]["id"] == again["id"]


@pytest.mark.story
async def test_a_retry_keeps_what_the_first_build_chose(api: Api, texts: Path) -> None:
    write(texts, {"one/bad.ipynb": "{", "two/bad.ipynb": "{"})
    id = folder_id()
    first = await api.build(id, sources=["one/bad.ipynb"], formats=["html"], execute=False, force=True)
    again = await api.ended(await api.post(f"builds/{first['id']}", {"do": "retry"}, course=id))
    assert {name: again["request"][name] for name in ("sources", "formats", "execute", "force", "failed")} == {
        "sources": ["one/bad.ipynb"], "formats": ["html"], "execute": False, "force": False, "failed": True,
    }  # fmt: skip
    assert [job["path"] for job in again["jobs"]] == ["one/bad.ipynb"]


@pytest.mark.story
async def test_a_build_of_chosen_sources_tells_their_outputs(api: Api, texts: Path) -> None:
    build = await api.build(folder_id(), sources=["two/data.md"], formats=["html"])
    assert build["outputs"] == [
        {
            "path": "output/students/completed/html/two/data.html", "name": "students/completed/html/two/data.html", "target": "students",
            "source": "two/data.md", "kind": "completed", "language": "", "format": "html", "state": "built", "reason": "new",
        }
    ]  # fmt: skip
    assert not (texts / "output/students/completed/html/one").exists()
    forced = await api.build(folder_id(), sources=["two/data.md"], force=True)
    assert {output["reason"] for output in forced["outputs"]} == {"asked for"}
    nothing = await api.build(folder_id(), sources=["two/data.md"])
    assert (nothing["state"], nothing["total"], {output["state"] for output in nothing["outputs"]}) == ("succeeded", 0, {"fresh"})


@pytest.mark.story
async def test_two_builds_at_once_do_each_their_part(api: Api, texts: Path) -> None:
    id = folder_id()
    started = await asyncio.gather(*(api.post("builds", {"course": id, "sources": [path]}) for path in ("one/lists.md", "two/data.md")))
    ended = [await api.ended(each) for each in started]
    assert [(each["state"], each["outputs"][0]["source"]) for each in ended] == [
        ("succeeded", "one/lists.md"),
        ("succeeded", "two/data.md"),
    ]


@pytest.mark.story
async def test_a_state_folder_that_was_deleted_is_made_again_at_the_next_build(api: Api, texts: Path) -> None:
    import shutil

    id = folder_id()
    await api.build(id)
    shutil.rmtree(texts / ".clx")
    view = await api.get(f"courses/{id}")
    assert (view["built"], view["build"]) == (False, None)
    build = await api.build(id)
    assert (build["state"], build["here"]) == ("succeeded", True)
    assert (await api.get(f"courses/{id}"))["built"] is True


@pytest.mark.story
async def test_a_state_folder_that_is_deleted_during_a_build_does_not_hang_the_server(api: Api, many: Path) -> None:
    import shutil

    id = folder_id()
    await api.post("builds", {"course": id})
    await until(lambda: (many / "output").exists())
    shutil.rmtree(many / ".clx", ignore_errors=True)
    shutil.rmtree(many / ".clx", ignore_errors=True)
    build = await api.build(id)
    assert build["state"] == "succeeded"
    assert len(list((many / "output").rglob("*.html"))) == 300 + 1  # and the start page


@pytest.mark.story
async def test_a_look_at_a_big_build_answers_while_it_goes_on(api: Api, many: Path) -> None:
    id = folder_id()
    build = await api.post("builds", {"course": id, "execute": False})
    took: list[float] = []
    while build["state"] not in BUILD_ENDED:
        begin = time.monotonic()
        build = await api.get(f"builds/{build['id']}", course=id)
        took.append(time.monotonic() - begin)
        await asyncio.sleep(0.05)
    assert (build["done"], build["failed"]) == (300, 0)
    assert sorted(took)[len(took) // 2] < 0.5
    assert max(took) < 5
    assert len(json.dumps(build)) < 300_000


@pytest.mark.kernel
async def test_a_running_cell_is_told_and_a_cancel_stops_it(api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir, {"slow.ipynb": notebook(("code", "1"), ("code", "import time; time.sleep(120)"), ("code", "2"))})
    id = folder_id()
    build = await api.post("builds", {"course": id})

    async def runs() -> bool:
        jobs = (await api.get(f"builds/{build['id']}", course=id))["jobs"]
        return bool(jobs) and (jobs[0]["cell"], jobs[0]["cells"], jobs[0]["state"]) == (2, 3, "running")

    await until(runs, 60)
    begin = time.monotonic()
    await api.post(f"builds/{build['id']}", {"do": "cancel"}, course=id)
    ended = await api.ended(build)
    assert ended["state"] == "cancelled"
    assert time.monotonic() - begin < 15
    assert [job["state"] for job in ended["jobs"]] == ["cancelled"]


@pytest.mark.kernel
async def test_a_cell_that_fails_is_named_and_the_next_build_says_so_without_running_it(api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir, {"bad.ipynb": notebook(("markdown", "# T"), ("code", "1 / 0")), "good.py": DECK})
    id = folder_id()
    build = await api.build(id)
    assert (build["state"], build["failed"]) == ("failed", 1)
    assert [(each["path"], each["cell"], each["class"]) for each in build["problems"]] == [("bad.ipynb", 1, "cell-error")]
    view = await api.get(f"courses/{id}")
    assert [each["class"] for each in view["problems"]] == ["cell-error"]
    again = await api.build(id)
    assert (again["state"], again["total"]) == ("failed", 0)
    assert [each["class"] for each in again["problems"]] == ["cell-error"]
