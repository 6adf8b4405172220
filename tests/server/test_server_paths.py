"""Paths and ids that no person would write lead nowhere: not out of the folder, and to no error of ours."""

from __future__ import annotations

import base64
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.server.conftest import DECK, Api, folder_id, snapshot
from tests.stories.conftest import write

CANARY = "CANARY"
SPEC = f"<course><name><de>{CANARY}</de><en>{CANARY}</en></name><prog-lang>python</prog-lang><sections/></course>"

HOSTILE = [
    # climbing, in all spellings
    "..", "../", "../root_dir-2", "../root_dir-2/secret.py", "one/../../root_dir-2/secret.py", "one/../lists.py", "one/..", "./one", "one/./lists.py",
    "one//lists.py", "/".join([".."] * 50), "....//", " ../", "%2e%2e", "%2e%2e%2froot_dir-2", "..%2froot_dir-2", "%252e%252e/", "..%c0%afroot_dir-2",
    "..\\root_dir-2", "one\\..\\..\\root_dir-2", "\u202e../", "\uff0e\uff0e/", "..\uff0f",
    # from the top of a disk, a drive, a host, a home
    "/../root_dir-2/secret.py", "//etc/passwd", "/etc/passwd", "etc/passwd", "\\\\host\\share", "//host/share/x", "C:\\Windows", "C:/Windows", "C:secret.py",
    "file:///etc/passwd", "http://127.0.0.1/x", "~", "~/secret.py", "~root", "$HOME",
    # letters that no name holds, or none should
    "\0", "one\0", "one/lists.py\0.txt", "one\n", "\r\nX: y", "one\t", "\x1b[2J", "\x7f/..", " ", "...", "*", "one/*", "CON", "one:stream", "-rf",
    "<script>", "' OR 1=1 --",
    # hidden, too long, no folder
    ".secret", ".secret/hidden.py", "one/.hidden", ".clx", ".clx/jobs.db", "a" * 300, "a/" * 3000, "a" * 5000, "one/lists.py/x", "one/lists.py/..",
    # links
    "link", "link/secret.py", "file.py", "spec.xml", "loop", "loop/x", "chain/chain/chain", "dangling", "updir", "updir/root_dir-2/secret.py",
]  # fmt: skip
"""What is given as a contents path. None of it is one, or nothing that the server may show lies there."""

SURROGATES = [b"\xed\xa0\x80", b"\xff\xfe", b"one/\xc3\x28"]


@pytest.fixture
def root(jp_root_dir: Path) -> Path:
    """The folder that the server shows, full of links, and what must not be reached beside it."""
    write(jp_root_dir, {"one/lists.py": DECK, ".secret/hidden.py": DECK})
    outside = write(jp_root_dir.parent / "root_dir-2", {"secret.py": DECK + f"# {CANARY}\n", "spec.xml": SPEC, "sub/deep.py": DECK})
    links: dict[str, str | Path] = {
        "link": outside, "file.py": outside / "secret.py", "spec.xml": outside / "spec.xml", "one/out.py": outside / "secret.py",
        "updir": "..", "loop": "loop2", "loop2": "loop", "chain": "chain", "self": ".", "dangling": "nowhere",
    }  # fmt: skip
    for name, to in links.items():
        (jp_root_dir / name).symlink_to(to)
    return jp_root_dir


TOUCHING = ("open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink")
_opened: list[str] | None = None


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _opened is not None and event in TOUCHING and isinstance(arguments[0], (str, bytes, os.PathLike)):
        _opened.append(os.path.realpath(os.fsdecode(arguments[0])))


sys.addaudithook(_hook)


@contextmanager
def nothing_reached(root: Path) -> Iterator[None]:
    """Nothing beside *root* is opened, listed or changed, and nothing below it changes."""
    global _opened
    outside = root.parent / "root_dir-2"
    before, _opened = snapshot(root, outside), []
    try:
        yield
        reached = [path for path in _opened if Path(path).is_relative_to(outside) or path.startswith("/etc/passwd")]
    finally:
        _opened = None
    assert reached == []
    assert snapshot(root, outside) == before


def encoded(path: str) -> str:
    return base64.urlsafe_b64encode(path.encode()).decode().rstrip("=")


async def check_refused(api: Api, root: Path, method: str, path: str, body: object = None, /, **query: str) -> None:
    status, problem = await api.refused(method, path, body, **query)
    assert 400 <= status < 500, problem
    told = f"{problem['message']} {problem['hint']}"
    assert CANARY not in told
    assert str(root.parent) not in told, told


def test_there_are_enough_of_them() -> None:
    assert len(set(HOSTILE)) >= 40


async def test_no_folder_but_those_of_the_server_is_searched(api: Api, root: Path) -> None:
    with nothing_reached(root):
        for path in HOSTILE:
            # The server itself takes control characters and spaces at the ends away from what stands in an address.
            if re.sub(r"[\x00-\x1f]", " ", path).strip() not in ("", "one"):
                await check_refused(api, root, "GET", "courses", path=path)


async def test_a_link_to_a_folder_inside_is_followed(api: Api, root: Path) -> None:
    assert [each["path"] for each in (await api.get("courses", path="self"))["courses"]] == ["self"]


@pytest.mark.parametrize("course", [None, "Lg", "nonsense"])
async def test_no_file_but_those_of_the_server_is_converted(course: str | None, api: Api, root: Path) -> None:
    with nothing_reached(root):
        for path in HOSTILE:
            await check_refused(api, root, "POST", "convert", {"path": path} | ({"course": course} if course else {}))


async def test_what_no_file_is_named_like_is_refused_in_a_body(api: Api, root: Path) -> None:
    with nothing_reached(root):
        for path in ("\\ud800", "one/\\udcff.py", "\\u0000", "\\u002e\\u002e/root_dir-2/secret.py"):
            await check_refused(api, root, "POST", "convert", f'{{"path": "{path}"}}'.encode())


async def test_a_query_that_is_no_utf8_is_a_wrong_request(api: Api, root: Path) -> None:
    with nothing_reached(root):
        for raw in SURROGATES:
            for path in ("courses?path=", "builds?course=", "builds/x?course="):
                answer = await api.ask("GET", path + quote(raw))
                assert 400 <= answer.status < 500, (path, raw)


async def test_an_id_of_a_course_leads_nowhere_else(api: Api, root: Path) -> None:
    with nothing_reached(root):
        for path in HOSTILE:
            id = encoded(path)
            await check_refused(api, root, "GET", f"courses/{id}")
            await check_refused(api, root, "POST", f"courses/{id}", {"do": "init"})
            await check_refused(api, root, "GET", "builds", course=id)
            await check_refused(api, root, "GET", "builds/x", course=id)
            await check_refused(api, root, "POST", "builds", {"course": id})
            await check_refused(api, root, "POST", "builds/x", {"do": "cancel"}, course=id)
            await check_refused(api, root, "POST", "builds/x", {"do": "retry"}, course=id)


async def test_an_id_that_is_none_is_no_course(api: Api, root: Path) -> None:
    raw = [base64.urlsafe_b64encode(each).decode().rstrip("=") for each in (*SURROGATES, b"\xf8\x88\x80\x80\x80")]
    with nothing_reached(root):
        for id in [*raw, "A", "====", "-", "_", "../Lg", "%2e%2e", "é", "a" * 4000, "'", "Lg/", "Lg.", *HOSTILE]:
            await check_refused(api, root, "POST", "builds", {"course": id})
            if re.sub(r"[\x00-\x1f]", " ", id).strip():
                await check_refused(api, root, "GET", "builds", course=id)


async def test_a_request_that_names_no_course_is_about_none(api: Api, root: Path) -> None:
    for path in ("builds", "builds/x"):
        await check_refused(api, root, "GET", path)
        await check_refused(api, root, "GET", path, course="")
    await check_refused(api, root, "POST", "builds", {"course": ""})


async def test_an_id_in_the_address_is_no_path(api: Api, root: Path) -> None:
    with nothing_reached(root):
        for path in [*HOSTILE, "%2e%2e%2f%2e%2e", "..;/", "é", "Lg%00"]:
            for escaped in (quote(path, safe=""), quote(path, safe="/")):
                for start in ("courses/", "builds/"):
                    answer = await api.ask("GET", start + escaped, course="Lg")
                    assert answer.status < 500, (start, escaped)
                    assert CANARY not in answer.text
                    assert "secret" not in answer.text.replace(path, "")


async def test_an_id_of_a_build_is_no_path(api: Api, root: Path) -> None:
    write(root, {"secret.json": '{"problems": [], "outputs": []}'})
    course = folder_id()
    with nothing_reached(root):
        for id in ("x", "secret", "-", "_" * 500, "0", "é", "%E2%80%A6"):
            status, _ = (
                await api.refused("GET", f"builds/{quote(id, safe='%')}", course=course) if id.isascii() and "%" not in id else (404, {})
            )
            assert status == 404


async def test_a_link_to_a_course_file_outside_tells_nothing_of_it(api: Api, root: Path) -> None:
    with nothing_reached(root):
        answer = await api.ask("GET", "courses")
    assert CANARY not in answer.text


async def test_a_source_that_is_a_link_out_of_the_folder_is_no_source(api: Api, root: Path) -> None:
    for name in ("spec.xml", "loop", "loop2", "chain"):
        (root / name).unlink()
    with nothing_reached(root):
        view = await api.get(f"courses/{await api.course_at('')}")
    assert [source["path"] for section in view["sections"] for topic in section["topics"] for source in topic["sources"]] == [
        "one/lists.py"
    ]


async def test_a_course_that_begins_above_the_folder_is_not_reached(api: Api, root: Path) -> None:
    write(root.parent, {".clx/jobs.db": ""})
    for name in ("one/lists.py",):
        await check_refused(api, root, "POST", "convert", {"path": name})


async def test_a_course_file_whose_root_lies_above_the_folder_is_refused(api: Api, root: Path) -> None:
    (root.parent / "slides").mkdir()
    write(root, {"a.xml": SPEC})
    await check_refused(api, root, "GET", f"courses/{encoded('a.xml')}")
    await check_refused(api, root, "POST", "builds", {"course": encoded("a.xml")})
    assert not (root.parent / ".clx").exists()


async def test_links_in_a_circle_are_no_sources(api: Api, root: Path) -> None:
    (root / "spec.xml").unlink()
    view = await api.get(f"courses/{await api.course_at('')}")
    assert view["counts"]["sources"] == 1
