"""What the sidebar is told of one course, before and after builds."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.jobs import BUILD_ENDED
from tests.server.conftest import PROBLEM, TEXT, Api, folder_id
from tests.stories.conftest import notebook, write

DOCUMENT = (Path(__file__).parents[2] / "docs" / "rest-api.md").read_text(encoding="utf-8")
STATES = {"fresh", "stale", "missing", "failed", "skipped", "cancelled", "withdrawn"}
SPEC = """<course><name><de>Kurs</de><en>Course</en></name><prog-lang>python</prog-lang><author>Ada</author>
<sections><section><name><de>Woche</de><en>Week</en></name><topics><topic>values</topic></topics></section></sections>
<output-targets><output-target name="inside"><path>out</path>
<kinds><kind>code-along</kind><kind>completed</kind></kinds><formats><format>html</format></formats>
<languages><language>de</language><language>en</language></languages></output-target>
<output-target name="away"><path>{away}</path><kinds><kind>completed</kind></kinds><formats><format>notebook</format></formats>
<languages><language>de</language></languages></output-target></output-targets></course>"""
DECK = """# j2 from 'macros.j2' import header
# {{ header("Werte", "Values") }}

# %% [markdown] lang="de" tags=["slide"]
# ## Überblick

# %% [markdown] lang="en" tags=["slide"]
# ## Overview
"""


def section(name: str) -> str:
    return DOCUMENT.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def rows(name: str) -> set[str]:
    """The fields that the table of a section names."""
    return {field for row in re.findall(r"^\| (`[^|]*)\|", section(name), re.MULTILINE) for field in re.findall(r"`(\w+)`", row)}


def quoted(name: str, first: str) -> set[str]:
    """The fields of an object that a section spells out as ``{"first", …}``."""
    found = re.search(rf'\{{"{first}"[^}}]*\}}', section(name))
    assert found, first
    return {first, *re.findall(r', "(\w+)"', found[0])}


def sources(view: dict[str, Any]) -> list[dict[str, Any]]:
    return [source for each in view["sections"] for topic in each["topics"] for source in topic["sources"]]


def states(view: dict[str, Any]) -> dict[str, str]:
    return {source["path"]: source["state"] for source in sources(view)}


def check_documented(view: dict[str, Any]) -> None:
    """Every field of a course is documented, and every documented one is there."""
    assert set(view) == rows("Course")
    assert set(view["counts"]) == quoted("Course", "sources")
    assert '{"title", "topics": [{"id", "title", "sources": [SOURCE]}]}' in section("Course")
    assert all(set(each) == {"title", "topics"} for each in view["sections"])
    for each in view["sections"]:
        assert all(set(topic) == {"id", "title", "sources"} for topic in each["topics"])
    for source in sources(view):
        assert set(source) == quoted("Course", "path")
        assert source["state"] in STATES
        for output in source["outputs"]:
            assert set(output) == {"path", "name", "target", "kind", "language", "format", "state", "reason"}
            assert output["state"] in STATES
    for problem in view["problems"]:
        assert set(problem) >= PROBLEM
    assert all(set(target) == quoted("Course", "name") for target in view["targets"])
    assert all(set(kind) == {"id", "label", "public"} for kind in view["kinds"])
    assert all(set(page) == quoted("Course", "target") for page in view["pages"])
    for build in [*view["open"], *([view["build"]] if view["build"] else [])]:
        check_build(build, whole=False)


def check_build(build: dict[str, Any], whole: bool = True) -> None:
    """Every field of a build is documented, and every documented one is there."""
    assert set(build) == rows("Build") - (set() if whole else {"jobs", "problems", "outputs"})
    assert set(build["request"]) == quoted("Build", "execute")
    assert build["holder"] is None or set(build["holder"]) == {"host", "pid"}
    if whole:
        assert all(set(job) == quoted("Build", "path") for job in build["jobs"])
        assert all(set(problem) >= PROBLEM for problem in build["problems"])
    if build["state"] in BUILD_ENDED:
        assert build["finished"] >= build["created"]


@pytest.fixture
def texts(jp_root_dir: Path) -> Path:
    """Notebooks without code: a build that runs nothing leaves them fresh."""
    return write(jp_root_dir, {"one/lists.md": TEXT, "two/data.md": TEXT})


async def test_a_course_that_was_never_built_tells_what_a_build_would_do(api: Api, root: Path) -> None:
    view = await api.get(f"courses/{await api.course_at('')}")
    check_documented(view)
    assert (view["built"], view["build"], view["open"], view["folder"], view["path"], view["file"]) == (False, None, [], "", "", "")
    assert view["counts"] == {"sources": 2, "topics": 2, "sections": 2, "folders": 2, "outputs": 4, "runs": 2}
    assert view["prog_langs"] == {"python": 2}
    assert states(view) == {"one/lists.py": "missing", "two/data.py": "missing"}
    assert {source["reason"] for source in sources(view)} == {"new"}
    assert view["targets"] == [
        {
            "name": "students",
            "folder": "output/students",
            "path": "output/students",
            "kinds": ["completed"],
            "formats": ["html", "notebook"],
            "audience": "students",
        }
    ]


async def test_states_follow_what_happens_to_sources_and_outputs(api: Api, texts: Path) -> None:
    id = await api.course_at("")
    check_build(await api.build(id))
    view = await api.get(f"courses/{id}")
    check_documented(view)
    assert states(view) == {"one/lists.md": "fresh", "two/data.md": "fresh"}
    assert (view["built"], view["build"]["state"], view["open"]) == (True, "succeeded", [])
    outputs = {output["format"]: output["path"] for output in sources(view)[0]["outputs"]}
    assert all((texts / path).is_file() for path in outputs.values())
    start = "output/students/completed/html/index.html"
    page = {"target": "students", "kind": "completed", "language": "", "path": start, "name": start.removeprefix("output/")}
    assert view["pages"] == [page] and (texts / start).is_file()

    write(texts, {"one/lists.md": TEXT + "\nmore\n", "three/new.md": TEXT})
    (texts / "two/data.md").unlink()
    view = await api.get(f"courses/{id}")
    assert states(view) == {"one/lists.md": "stale", "three/new.md": "missing"}
    assert sources(view)[0]["reason"]
    (texts / outputs["html"]).unlink()
    view = await api.get(f"courses/{id}")
    assert {output["format"]: output["state"] for output in sources(view)[0]["outputs"]} == {"html": "missing", "notebook": "stale"}
    check_documented(view)


@pytest.mark.story
async def test_a_source_that_cannot_be_read_is_failed_and_its_problem_stays(api: Api, texts: Path) -> None:
    write(texts, {"three/bad.ipynb": '{"cells": ['})
    id = await api.course_at("")
    build = await api.build(id)
    check_build(build)
    assert (build["state"], build["failed"], [each["path"] for each in build["problems"]]) == ("failed", 1, ["three/bad.ipynb"])
    view = await api.get(f"courses/{id}")
    check_documented(view)
    assert states(view)["three/bad.ipynb"] == "failed"
    assert [each["path"] for each in view["problems"]] == ["three/bad.ipynb"]
    assert str(texts) not in json.dumps(view["problems"])
    write(texts, {"three/bad.ipynb": notebook(("markdown", "# Good"))})
    assert states(await api.get(f"courses/{id}"))["three/bad.ipynb"] != "failed"


async def test_a_course_that_is_gone_is_no_error_of_ours(api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir, {"part/course-specs/a.xml": SPEC.format(away="x"), "part/slides/m/topic_1_values/a.py": DECK})
    id = await api.course_at("part/course-specs/a.xml")
    (jp_root_dir / "part/course-specs/a.xml").unlink()
    for method, path, body in (("GET", f"courses/{id}", None), ("POST", "builds", {"course": id})):
        assert (await api.refused(method, path, body))[0] == 404
    for path in ("builds", "builds/x"):
        assert (await api.refused("GET", path, course=id))[0] == 404


async def test_a_folder_without_notebooks_is_no_course(api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir, {"none/a.txt": "x", "many/slides/x": "", "many/course-specs/a.xml": SPEC.format(away="x")})
    for path in ("none", "many"):
        for method, to, body in (("GET", f"courses/{folder_id(path)}", None), ("POST", "builds", {"course": folder_id(path)})):
            assert (await api.refused(method, to, body))[0] == 422
    assert not (jp_root_dir / "none/.clx").exists()


@pytest.mark.story
async def test_a_course_file_with_a_hidden_target_tells_where_people_can_see_it(api: Api, jp_root_dir: Path) -> None:
    away = ".kept/away"
    write(
        jp_root_dir,
        {"mein Kürs/course-specs/ä 1.xml": SPEC.format(away=away), "mein Kürs/slides/m/topic_1_values/slides_wörter 1.py": DECK},
    )
    id = await api.course_at("mein Kürs/course-specs/ä 1.xml")
    view = await api.get(f"courses/{id}")
    check_documented(view)
    assert (view["title"], view["folder"], view["file"]) == ("Kurs", "mein Kürs", "course-specs/ä 1.xml")
    assert view["languages"] == ["de", "en"]
    assert {target["name"]: (target["folder"], target["path"]) for target in view["targets"]} == {
        "inside": ("out", "mein Kürs/out"), "away": (away, None),
    }  # fmt: skip
    outputs = sources(view)[0]["outputs"]
    assert {output["path"] is None for output in outputs if output["target"] == "away"} == {True}
    assert all(output["path"].startswith("mein Kürs/out/") for output in outputs if output["target"] == "inside")

    build = await api.build(id, targets=["inside"], languages=["de"], kinds=["completed"])
    assert build["state"] == "succeeded", build
    assert (build["request"]["targets"], build["request"]["languages"], build["counts"]) == (["inside"], ["de"], {"built": 1})
    assert not (jp_root_dir / "mein Kürs/.kept").exists()


@pytest.mark.story
async def test_a_source_whose_name_is_no_text_harms_no_other(api: Api, texts: Path) -> None:
    Path(os.fsdecode(os.fsencode(texts) + b"/one/\xff.md")).write_text(TEXT, encoding="utf-8")
    id = folder_id()
    view = await api.get(f"courses/{id}")
    assert {"one/lists.md", "two/data.md"} <= set(states(view))
    build = await api.build(id)
    assert build["counts"]["built"] >= 4
    assert (await api.ask("GET", f"courses/{id}")).status == 200


async def test_two_conventions_that_meet_are_refused_with_a_problem(api: Api, jp_root_dir: Path) -> None:
    write(
        jp_root_dir,
        {"a.ipynb": notebook(("code", "1", ["keep"])), "b.ipynb": notebook(("code", "### BEGIN SOLUTION\n1\n### END SOLUTION"))},
    )
    status, problem = await api.refused("GET", f"courses/{folder_id()}")
    assert (status, problem["class"]) == (422, "bad-course")


class TestHiddenFilesShown:
    """A server that shows hidden files."""

    @pytest.fixture
    def jp_server_config(self, jp_server_config: Any) -> Any:
        jp_server_config.ContentsManager.allow_hidden = True
        return jp_server_config

    @pytest.mark.story
    async def test_a_notebook_in_a_hidden_folder_is_a_file_like_others(self, api: Api, root: Path) -> None:
        build = await api.ended(await api.post("convert", {"path": ".secret/hidden.py", "execute": False}))
        assert {output["path"] for output in build["outputs"]} == {
            ".secret/hidden.py-output/students/completed/html/hidden.html", ".secret/hidden.py-output/students/completed/notebook/hidden.ipynb",
        }  # fmt: skip


async def test_a_hidden_folder_is_not_shown(api: Api, root: Path) -> None:
    assert (await api.refused("GET", "courses", path=".secret"))[0] == 400
    assert (await api.refused("POST", "convert", {"path": ".secret/hidden.py"}))[0] == 400


class TestRootBehindALink:
    """A server that was started in a folder by way of a link."""

    @pytest.fixture
    def jp_root_dir(self, tmp_path: Path) -> Path:
        write(tmp_path / "real", {"one/lists.md": TEXT, "part/a.md": TEXT})
        (tmp_path / "by link").symlink_to("real")
        return tmp_path / "by link"

    @pytest.mark.story
    async def test_paths_stay_as_the_browser_knows_them(self, api: Api, jp_root_dir: Path) -> None:
        id = await api.course_at("")
        build = await api.build(id, sources=["one/lists.md"])
        assert build["state"] == "succeeded"
        assert [output["path"] for output in build["outputs"]] == [
            "output/students/completed/html/one/lists.html", "output/students/completed/notebook/one/lists.ipynb",
        ]  # fmt: skip
        assert states(await api.get(f"courses/{id}")) == {"one/lists.md": "fresh", "part/a.md": "missing"}
