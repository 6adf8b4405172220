"""Which courses a server finds below its folder."""

from __future__ import annotations

import encodings.utf_8_sig  # noqa: F401 - loaded before the user changes, who may not read the library
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from clx_jupyter.course.discover import discover
from tests.server.conftest import DECK, Api
from tests.stories.conftest import write

CANDIDATE = {"id", "path", "title", "kind", "built"}


def spec(de: str = "Kurs") -> str:
    return f"<course><name><de>{de}</de><en>Course</en></name><prog-lang>python</prog-lang><sections/></course>"


async def found(api: Api, **query: str) -> dict[str, tuple[str, str, bool]]:
    """Title, kind and whether it was built of each candidate, by path."""
    answer = await api.get("courses", **query)
    assert set(answer) == {"courses", "more"}
    assert all(set(each) == CANDIDATE for each in answer["courses"])
    assert len({each["id"] for each in answer["courses"]}) == len(answer["courses"])
    return {each["path"]: (each["title"], each["kind"], each["built"]) for each in answer["courses"]}


async def test_in_an_empty_folder_there_is_none(api: Api) -> None:
    assert await api.get("courses") == {"courses": [], "more": False}


async def test_a_folder_with_notebooks_is_one(api: Api, root: Path) -> None:
    assert await found(api) == {"": ("root_dir", "folder", False)}


async def test_course_files_are_found_down_to_three_folders(api: Api, jp_root_dir: Path) -> None:
    write(
        jp_root_dir,
        {
            "a.xml": spec("A"),
            "x/course-specs/b.xml": spec("B"),
            "1/2/3/c.xml": spec("C"),
            "1/2/3/4/d.xml": spec("D"),
            "x/note.xml": "<note/>",
        },
    )
    assert await found(api) == {
        "a.xml": ("A", "xml", False), "x/course-specs/b.xml": ("B", "xml", False), "1/2/3/c.xml": ("C", "xml", False),
    }  # fmt: skip


async def test_course_files_of_our_own_are_found_with_their_titles(api: Api, jp_root_dir: Path) -> None:
    write(
        jp_root_dir,
        {
            "1/course.yaml": "title: {de: Kurs}\n", "2/course.yaml": "version: 1\n", "3/course.yaml": "titel: [\n", "4/c.clx.yaml": "layout: clx\n",
            "1/a.py": DECK, "2/a.py": DECK, "2/.clx/jobs.db": "", "5/evening.yaml": "title: x\n",
        },
    )  # fmt: skip
    assert await found(api) == {
        "1/course.yaml": ("Kurs", "yaml", False), "2/course.yaml": ("2", "yaml", True), "3/course.yaml": ("3", "yaml", False),
        "": ("root_dir", "folder", False),
    }  # fmt: skip
    status, problem = await api.refused("GET", f"courses/{await api.course_at('3/course.yaml')}")
    assert (status, problem["class"], problem["path"], problem["line"]) == (422, "bad-course", "course.yaml", 2)


async def test_a_course_file_of_our_own_stands_for_its_folder(api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir, {"course.yaml": "title: All\n", "a.py": DECK})
    assert await found(api) == {"course.yaml": ("All", "yaml", False)}
    view = await api.get(f"courses/{await api.course_at('course.yaml')}")
    assert (view["title"], view["file"]) == ("All", "course.yaml")


async def test_a_broken_course_file_beside_others_is_shown_so_that_somebody_learns_why(api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir, {"course-specs/broken.xml": "<course><", "slides/x": "", "else.xml": "<broken"})
    assert await found(api) == {"course-specs/broken.xml": ("broken", "xml", False)}
    status, problem = await api.refused("GET", f"courses/{await api.course_at('course-specs/broken.xml')}")
    assert (status, problem["class"], problem["line"]) == (422, "bad-course", 1)
    assert problem["path"].endswith("broken.xml")
    assert str(jp_root_dir) not in problem["message"]


async def test_hostile_course_files_are_refused_fast(api: Api, jp_root_dir: Path) -> None:
    bomb = '<!DOCTYPE course [<!ENTITY a "aaaa"><!ENTITY b "' + "&a;" * 100 + '">]><course><name>&b;</name></course>'
    external = '<!DOCTYPE course SYSTEM "file:///etc/passwd"><course/>'
    write(jp_root_dir, {"course-specs/a.xml": bomb, "course-specs/b.xml": external, "course-specs/c.xml": "<a>" * 100_000, "slides/x": ""})
    for name in "abc":
        status, problem = await api.refused("GET", f"courses/{await api.course_at(f'course-specs/{name}.xml')}")
        assert status == 422
        assert "root:" not in problem["message"]


async def test_what_was_built_is_found_and_the_folder_itself_stands_beside_it(api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir, {"part/a.py": DECK, "part/.clx/jobs.db": "", "deep/1/2/a.py": DECK, "deep/1/2/.clx/jobs.db": ""})
    assert await found(api) == {"": ("root_dir", "folder", False), "part": ("part", "folder", True), "deep/1/2": ("2", "folder", True)}


async def test_one_folder_can_be_looked_in(api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir, {"part/a.py": DECK, "none/a.txt": "x", "spec/a.xml": spec()})
    assert await found(api, path="part") == {"part": ("part", "folder", False)}
    assert await found(api, path="spec") == {"spec/a.xml": ("Kurs", "xml", False)}
    assert await found(api, path="none") == {}


async def test_a_file_and_what_is_not_there_cannot_be_looked_in(api: Api, root: Path) -> None:
    assert (await api.refused("GET", "courses", path="one/lists.py"))[0] == 400
    assert (await api.refused("GET", "courses", path="three"))[0] == 404


async def test_spaces_umlauts_and_marks_are_names_like_others(api: Api, jp_root_dir: Path) -> None:
    names = ["mein Kürs & Co", "100% #1", "<img src=x>", "a;b", "日本", "🎓", 'it\'s "x"', "-rf", "a+b"]
    write(jp_root_dir, {f"{name}/a.xml": spec(name.replace("&", "&amp;").replace("<", "&lt;")) for name in names})
    assert {path: title for path, (title, _, _) in (await found(api)).items()} == {f"{name}/a.xml": name for name in names}
    for name in names:
        assert set(await found(api, path=name)) == {f"{name}/a.xml"}


async def test_a_name_that_is_no_text_harms_nobody(api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir, {"a.xml": spec("A"), "b/one.py": DECK})
    Path(os.fsdecode(os.fsencode(jp_root_dir) + b"/\xff.xml")).write_text(spec("B"), encoding="utf-8")
    Path(os.fsdecode(os.fsencode(jp_root_dir) + b"/b/\xff.py")).write_text(DECK, encoding="utf-8")
    assert "a.xml" in await found(api)


@pytest.fixture
def small(jp_server_config: Config) -> None:
    jp_server_config.ClxApp.scan_limit = 30


async def test_a_search_that_stops_at_its_limit_says_so(small: None, api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir, {"a/a.xml": spec(), **{f"b/{number}.txt": "" for number in range(40)}})
    answer = await api.get("courses")
    assert answer["more"] is True
    assert [each["path"] for each in answer["courses"]] == ["a/a.xml"]
    assert (await api.get("courses", path="a"))["more"] is False


async def test_an_id_stays_and_means_the_same_course(api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir, {"part/a.xml": spec(), "part/slides/x": ""})
    id = await api.course_at("part/a.xml")
    assert [each["id"] for each in (await api.get("courses", path="part"))["courses"]] == [id]
    assert (await api.get(f"courses/{id}"))["path"] == "part/a.xml"


def test_the_state_of_somebody_else_hides_no_course() -> None:
    if os.geteuid() == 0:

        def drop(user: int) -> Any:
            return os.seteuid(user)
    else:

        def drop(_: int) -> Any:
            return None

    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        root.chmod(0o755)
        write(root, {"mine/a.xml": spec(), "theirs/b.xml": spec(), "theirs/.clx/jobs.db": ""})
        (root / "theirs/.clx").chmod(0)
        drop(65534)
        try:
            paths = [each.path.name for each in discover(root).candidates]
        finally:
            drop(0)
            (root / "theirs/.clx").chmod(0o700)
    assert paths == ["a.xml", "b.xml"]
