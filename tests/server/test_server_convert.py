"""One notebook, built in its course or outside any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import TEXT, Api, folder_id, snapshot
from tests.server.test_server_course import DECK, SPEC, check_build
from tests.stories.conftest import write


async def convert(api: Api, path: str, **more: Any) -> dict[str, Any]:
    build = await api.ended(await api.post("convert", {"path": path, **more}))
    check_build(build)
    return build


def paths(build: dict[str, Any]) -> list[str]:
    return sorted(output["path"] for output in build["outputs"])


@pytest.mark.story
async def test_a_notebook_outside_any_course_gets_a_folder_beside_it_and_leaves_its_neighbours(
    api: Api, jp_root_dir: Path, state_home: Path
) -> None:
    write(jp_root_dir, {"mein Ördner/ä 1.md": TEXT, "mein Ördner/b.md": TEXT})
    answer = await api.ask("POST", "convert", {"path": "mein Ördner/ä 1.md"})
    assert answer.status == 201
    first = await api.ended(answer.body)
    check_build(first)
    out = "mein Ördner/ä 1.md-output/students/completed"
    assert (first["state"], paths(first)) == ("succeeded", [f"{out}/html/ä 1.html", f"{out}/notebook/ä 1.ipynb"])
    assert not (jp_root_dir / "mein Ördner/.clx").exists()
    assert len(list(state_home.iterdir())) == 1

    kept = snapshot(jp_root_dir / "mein Ördner/ä 1.md-output")
    second = await convert(api, "mein Ördner/b.md")
    assert (second["state"], len(paths(second))) == ("succeeded", 2)
    assert snapshot(jp_root_dir / "mein Ördner/ä 1.md-output") == kept

    for build, others in ((first, second), (second, first)):
        listed = [each["id"] for each in (await api.get("builds", course=build["course"]))["builds"]]
        assert listed == [build["id"]]
        assert (await api.refused("GET", f"builds/{others['id']}", course=build["course"]))[0] == 404
    view = await api.get(f"courses/{first['course']}")
    assert (view["path"], view["folder"], view["counts"]["sources"]) == ("mein Ördner/ä 1.md", "mein Ördner", 1)
    assert {source["state"] for section in view["sections"] for topic in section["topics"] for source in topic["sources"]} == {"fresh"}
    assert [each["path"] for each in (await api.get("courses"))["courses"]] == [""]  # no course came of it


@pytest.mark.story
async def test_a_notebook_of_a_course_that_was_built_goes_to_its_place_there(api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir, {"part/one/a.md": TEXT, "part/two/b.md": TEXT})
    await api.build(folder_id("part"))
    write(jp_root_dir, {"part/one/a.md": TEXT + "\nmore\n", "part/two/b.md": TEXT + "\nmore\n"})
    build = await convert(api, "part/one/a.md")
    assert (build["course"], build["request"]["sources"]) == (folder_id("part"), ["one/a.md"])
    assert paths(build) == ["part/output/students/completed/html/one/a.html", "part/output/students/completed/notebook/one/a.ipynb"]
    assert [job["path"] for job in build["jobs"]] == ["one/a.md"]


@pytest.mark.story
async def test_a_notebook_that_a_course_file_lists_goes_to_its_place_there_and_another_is_one_by_itself(
    api: Api, jp_root_dir: Path, state_home: Path
) -> None:
    course = "targets: {students: {path: out, kinds: [completed], formats: [html]}}\nsections: [{title: S, topics: [one/a]}]\n"
    write(jp_root_dir, {"part/course.yaml": course, "part/one/a.md": TEXT, "part/one/draft.md": TEXT})
    build = await convert(api, "part/one/a.md", execute=False)
    assert (build["file"], build["course"], paths(build)) == (
        "course.yaml", await api.course_at("part/course.yaml"), ["part/out/completed/html/one/a.html"],
    )  # fmt: skip
    alone = await convert(api, "part/one/draft.md", execute=False)
    assert (alone["file"], paths(alone)[0]) == ("", "part/one/draft.md-output/students/completed/html/draft.html")


@pytest.mark.story
async def test_the_course_that_is_shown_decides_where_the_file_is_one_of_its_sources(api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir, {
        "k/course-specs/a.xml": SPEC.format(away="away"), "k/course-specs/b.xml": SPEC.format(away="other").replace(">out<", ">b<"),
        "k/slides/m/topic_1_values/slides_w.py": DECK, "k/slides/m/topic_2_else/slides_x.py": DECK,
    })  # fmt: skip
    shown = await api.course_at("k/course-specs/b.xml")
    build = await convert(api, "k/slides/m/topic_1_values/slides_w.py", course=shown)
    assert (build["state"], build["course"], build["file"]) == ("succeeded", shown, "course-specs/b.xml")
    assert {output["target"] for output in build["outputs"]} == {"inside", "away"}
    assert (await api.get(f"courses/{await api.course_at('k/course-specs/a.xml')}"))["built"] is False
    # Now it is known where it belongs, so that it needs not be said.
    assert (await convert(api, "k/slides/m/topic_1_values/slides_w.py"))["course"] == shown


@pytest.mark.story
async def test_a_course_that_does_not_hold_the_file_changes_nothing(api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir, {"k/course-specs/a.xml": SPEC.format(away="x"), "k/slides/m/topic_1_values/slides_w.py": DECK, "else/a.md": TEXT})
    build = await convert(api, "else/a.md", course=await api.course_at("k/course-specs/a.xml"))
    assert (build["state"], build["request"]["single"]) == ("succeeded", "a.md")
    assert all(path.startswith("else/a.md-output/") for path in paths(build))


@pytest.mark.story
async def test_a_folder_that_was_never_built_is_no_course_of_its_notebooks(api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir, {"one/a.md": TEXT, "two/b.md": TEXT})
    assert all(path.startswith("one/a.md-output/") for path in paths(await convert(api, "one/a.md", course=folder_id())))
    await api.build(folder_id(), sources=["two/b.md"])
    assert all(path.startswith("output/students/") for path in paths(await convert(api, "one/a.md", course=folder_id())))


async def test_what_is_no_notebook_is_refused(api: Api, root: Path) -> None:
    write(root, {"a.xml": SPEC.format(away="x"), "slides/x": "", "plain.py": "print(1)\n", "readme.md": "# Read me\n"})
    for path, status in {
        "": 400,
        "/": 400,
        "one": 400,
        "a.xml": 400,
        "data/words.txt": 422,
        "plain.py": 422,
        "readme.md": 422,
        "gone.py": 404,
    }.items():
        assert (await api.refused("POST", "convert", {"path": path}))[0] == status, path
    assert not list(root.rglob("*-output"))


async def test_a_course_that_is_unknown_is_named_even_if_the_file_is_fine(api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir, {"a.md": TEXT})
    assert (await api.refused("POST", "convert", {"path": "a.md", "course": folder_id("gone")}))[0] == 404
    assert not list(jp_root_dir.rglob("*-output"))


@pytest.mark.kernel
async def test_code_runs_in_the_folder_of_the_notebook_unless_it_is_asked_not_to(api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir, {"x/a.py": "# %% [markdown]\n# # T\n\n# %%\nprint(open('w.txt').read() * 2)\n", "x/w.txt": "spam"})
    build = await convert(api, "x/a.py", execute=False)
    assert {output["state"] for output in build["outputs"]} == {"built"}
    html = jp_root_dir / next(path for path in paths(build) if path.endswith(".html"))
    assert "spamspam" not in html.read_text(encoding="utf-8")
    build = await convert(api, "x/a.py")
    assert "spamspam" in html.read_text(encoding="utf-8")
