"""A built page as one document: what it may hold, and what it never reaches."""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from clx_jupyter import preview as module
from clx_jupyter.manifest import MANIFEST
from clx_jupyter.preview import preview
from clx_jupyter_workers import assets
from tests.server.conftest import TEXT, Answer, Api, folder_id, snapshot
from tests.server.test_server_paths import HOSTILE
from tests.stories.conftest import command, write

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
DATA = "data:image/png;base64," + base64.b64encode(PNG).decode()
CANARY = "CANARY"
PAGE = "students/completed/html/one/lists.html"
START = "students/completed/html/index.html"


@pytest.fixture
def jp_root_dir(tmp_path: Path, built_once: Path) -> Path:
    """A copy of a built course, whose database names the pages of the copy."""
    root = tmp_path / "root"
    shutil.copytree(built_once, root, ignore=shutil.ignore_patterns("bell", "holder", "lock"))
    _change(root, "UPDATE outputs SET name = replace(name, ?, ?)", (str(built_once), str(root)))
    return root


def _change(root: Path, sql: str, values: tuple[str, ...]) -> None:
    database = sqlite3.connect(root / ".clx/jobs.db")
    with database:
        database.execute(sql, values)
    database.close()


async def page(api: Api, name: str, course: str | None = None, **more: Any) -> Answer:
    return await api.ask("GET", f"outputs/{quote(name)}", course=folder_id() if course is None else course, **more)


async def check_refused(api: Api, name: str, course: str | None = None) -> None:
    answer = await page(api, name, course)
    assert 400 <= answer.status < 500, (name, answer.text[:200])
    assert CANARY not in answer.text
    assert answer.headers["Content-Type"].startswith(("application/json", "text/html"))


async def test_a_page_comes_with_its_pictures_and_in_an_origin_of_its_own(api: Api, jp_root_dir: Path) -> None:
    write(
        jp_root_dir, {f"output/{PAGE}": '<html><img alt="x" src="a%20b.png"><script>1</script></html>', f"output/{PAGE[:-10]}a b.png": PNG}
    )
    before = snapshot(jp_root_dir)
    answer = await page(api, PAGE)
    assert (answer.status, answer.text) == (200, f'<html><img alt="x" src="{DATA}"><script>1</script></html>')
    assert snapshot(jp_root_dir) == before
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    policy = {part.split()[0]: part.split()[1:] for part in answer.headers["Content-Security-Policy"].split(";")}
    assert "allow-scripts" in policy["sandbox"]
    assert not {"allow-same-origin", "allow-forms", "allow-top-navigation", "allow-popups-to-escape-sandbox", "allow-modals"} & set(
        policy["sandbox"]
    )
    assert policy["frame-ancestors"] == ["'self'"]


async def test_all_pages_of_a_course_can_be_had_by_the_names_it_tells(api: Api, jp_root_dir: Path) -> None:
    view = await api.get(f"courses/{folder_id()}")
    names = [output["name"] for section in view["sections"] for topic in section["topics"] for source in topic["sources"]
             for output in source["outputs"] if output["format"] == "html"]  # fmt: skip
    assert len(names) == 2
    for name in names:
        assert "<title>" in (await page(api, name)).text


async def test_what_was_not_built_of_this_course_is_not_given(api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir, {"output/mine.html": CANARY, "secret.html": CANARY, "part/.clx/jobs.db": "", "part/a.md": TEXT})
    for name in ("mine.html", "secret.html", "../secret.html", "output/mine.html", PAGE + "x", PAGE.replace("html", "pdf"),
                 PAGE.replace("/html/", "/notebook/").replace(".html", ".ipynb"), "html", ".html", "/", " ", *HOSTILE):  # fmt: skip
        if quote(name).strip("/.") and not name.isspace():
            await check_refused(api, name)
    for course in (folder_id("part"), folder_id("gone"), "nonsense", ""):
        await check_refused(api, PAGE, course)


async def test_start_pages_can_be_had_by_the_names_the_course_tells(api: Api, jp_root_dir: Path) -> None:
    pages = (await api.get(f"courses/{folder_id()}"))["pages"]
    assert [each["name"] for each in pages] == [START]
    answer = await page(api, START)
    assert answer.status == 200 and 'href="one/lists.html"' in answer.text and "clx-assets" not in answer.text
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert (await page(api, START, headers={})).status in (302, 403)


async def test_only_what_a_build_wrote_as_a_start_page_is_given_as_one(api: Api, jp_root_dir: Path) -> None:
    target = jp_root_dir / "output/students"
    write(
        jp_root_dir,
        {"secret.html": CANARY, "output/students/mine.html": CANARY, "output/secret.html": CANARY, "output/students/start": CANARY},
    )
    write(jp_root_dir.parent, {"root-2/secret.html": CANARY})
    (target / "link").symlink_to(jp_root_dir.parent / "root-2")
    manifest = json.loads((target / MANIFEST).read_text())
    row = manifest["files"][START.removeprefix("students/")]
    hostile = ("../secret.html", "../../secret.html", "link/secret.html", "/" + str(jp_root_dir / "secret.html"), "start")
    manifest["files"] |= dict.fromkeys(hostile, row) | {
        "mine.html": {**row, "variant": "asset"}, "completed/html/../../mine.html": row,
    }  # fmt: skip
    (target / MANIFEST).write_text(json.dumps(manifest))
    for name in ("mine.html", "completed/html/../../mine.html", *hostile):
        await check_refused(api, f"students/{name}")
    for name in (START.removeprefix("students/"), "output/" + START, "x" + START, START + "/", "index.html"):
        await check_refused(api, name)

    (jp_root_dir / "output" / START).unlink()
    (jp_root_dir / "output" / START).symlink_to(jp_root_dir.parent / "root-2/secret.html")
    await check_refused(api, START)
    (target / MANIFEST).write_text("{")
    await check_refused(api, START)


def test_a_page_with_links_tells_whoever_shows_it_which_was_clicked(tmp_path: Path) -> None:
    text = "<html><body><A\nhref='b.html'>b</A></body></html>"
    made_page = made(tmp_path, text)
    assert made_page.startswith(text) and made_page.count("postMessage") == 1
    assert "postMessage" not in made(tmp_path, "<abbr>a</abbr>")


async def test_a_page_that_was_removed_is_not_there(api: Api, jp_root_dir: Path) -> None:
    (jp_root_dir / "output" / PAGE).unlink()
    status, problem = await api.refused("GET", f"outputs/{PAGE}", course=folder_id())
    assert (status, problem["class"]) == (404, "missing-file")


async def test_a_page_that_became_a_link_is_not_followed(api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir.parent, {"root-2/secret.html": CANARY})
    (jp_root_dir / "output" / PAGE).unlink()
    (jp_root_dir / "output" / PAGE).symlink_to(jp_root_dir.parent / "root-2/secret.html")
    await check_refused(api, PAGE)


@pytest.mark.story
async def test_a_page_outside_of_the_folder_is_not_given(api: Api, jp_root_dir: Path) -> None:
    outside = jp_root_dir.parent / "elsewhere"
    write(jp_root_dir, {"one/lists.md": TEXT + CANARY})
    done = command("build", str(jp_root_dir), "--output-dir", str(outside), cwd=jp_root_dir)
    assert done.returncode == 0, done.stderr
    page = next(outside.rglob("lists.html"))
    for start in (outside, outside.parent, page.parent):
        await check_refused(api, page.relative_to(start).as_posix())


async def test_a_database_that_came_with_a_course_opens_no_other_page(api: Api, jp_root_dir: Path) -> None:
    write(jp_root_dir.parent, {"root-2/secret.html": f"{CANARY}<img src='x.png'>", "root-2/x.png": PNG})
    write(jp_root_dir, {".secret/x.html": CANARY})
    for number, path in enumerate(("../root-2/secret.html", ".secret/x.html", "output/../../root-2/secret.html")):
        _change(
            jp_root_dir,
            f"UPDATE outputs SET name = ? WHERE rowid = (SELECT rowid FROM outputs LIMIT 1 OFFSET {number})",
            (f"{jp_root_dir}/{path}",),
        )
        for name in (path, path.rpartition("/")[2], path.rpartition("..")[2].strip("/")):
            await check_refused(api, name)


def made(folder: Path, text: str | bytes) -> str:
    write(folder, {"out/page.html": text})
    return preview(folder / "out/page.html", folder / "out").decode()


@pytest.mark.parametrize(
    "address",
    [
        "../secret.png", "..%2fsecret.png", "/secret.png", "link.png", "link/secret.png", "http://127.0.0.1/x.png", "//127.0.0.1/x.png",
        "data:image/png;base64,AA==", "file:///etc/passwd", "javascript:1", "notes.txt", "page.html", "gone.png", "a" * 5000 + ".png",
        "", "#x", "?x", ".", "//[", "http://[::1", "%00.png", "\0",
    ],
)  # fmt: skip
def test_an_address_that_is_none_stays_as_it_is(address: str, tmp_path: Path) -> None:
    write(tmp_path, {"secret.png": PNG, "out/notes.txt": CANARY})
    (tmp_path / "out/link.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "out/link").symlink_to(tmp_path)
    text = f'<p>before</p><img src="{address}"><p>after</p>'
    assert made(tmp_path, text) == text


def test_pictures_are_found_however_they_are_written(tmp_path: Path) -> None:
    write(tmp_path, {"out/img/ä b.png": PNG, "out/page_files/x&y.png": PNG})
    for written in ('<img src="img/ä b.png">', "<IMG\n class='x'\n SRC='img/%C3%A4%20b.png' />", '<img alt="a" src="page_files/x&amp;y.png?v=1#top">',
                    '<source src="./img/ä b.png">'):  # fmt: skip
        assert DATA in made(tmp_path, written), written
    assert made(tmp_path, '<script src="x.js"></script><a href="img/ä b.png">x</a>').count("data:") == 0


def test_a_picture_in_a_page_cannot_break_out_of_its_attribute(tmp_path: Path) -> None:
    write(tmp_path, {'out/"><script>1</script>.png': PNG})
    text = made(tmp_path, "<img src='&quot;&gt;&lt;script&gt;1&lt;/script&gt;.png'>")
    assert "<script>" not in text


@pytest.mark.parametrize(
    "piece", [b"<img ", b"<img src=", b'<img src="', b"<img a='", b"<source src=' ", b"<img \n\t ", b'<img src="a.png" ', b"<"]
)
def test_a_page_of_open_tags_is_quick(piece: bytes, tmp_path: Path) -> None:
    write(tmp_path, {"out/page.html": piece * 8_000})
    begin = time.monotonic()
    preview(tmp_path / "out/page.html", tmp_path / "out")
    assert time.monotonic() - begin < 1.5


def test_a_big_page_with_a_long_data_address_is_quick(tmp_path: Path) -> None:
    text = '<img src="data:image/png;base64,' + "A" * 5_000_000 + '">' + "<p>x</p>" * 100_000
    begin = time.monotonic()
    assert made(tmp_path, text) == text
    assert time.monotonic() - begin < 3


def test_a_picture_that_is_too_large_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PICTURE", len(PNG) - 1)
    write(tmp_path, {"out/a.png": PNG})
    assert made(tmp_path, '<img src="a.png">') == '<img src="a.png">'


def test_pictures_have_a_limit_together(tmp_path: Path) -> None:
    write(tmp_path, {"out/a.png": PNG + b"\0" * 1_000_000})
    assert len(made(tmp_path, '<img src="a.png">' * 300)) < 250_000_000


async def test_a_page_comes_with_the_styles_and_scripts_it_loads(api: Api, jp_root_dir: Path) -> None:
    names = sorted(
        name for name in assets.groups()["page"] + assets.groups()["math"] + assets.groups()["slides"] if name.endswith((".css", ".js"))
    )
    loads = assets.Loads("../../../clx-assets")
    head = "".join(loads.style(name) if name.endswith(".css") else loads.script(name) for name in names)
    write(jp_root_dir, {f"output/{PAGE}": f'<html>{head}<link rel="stylesheet" href="../../../clx-assets/own.css"><p>text</p></html>'})
    text = (await page(api, PAGE)).text
    assert text.count("clx-assets") == 1 and 'href="../../../clx-assets/own.css"' in text
    assert all(assets.text(name) in text for name in names) and len(text) > 2_000_000


def test_a_page_full_of_almost_addresses_takes_no_longer_than_its_length(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(b'<link rel="stylesheet" href="' + b"../" * 700_000 + b"<script src=" * 100_000)
    started = time.monotonic()
    preview(tmp_path / "a.html", tmp_path)
    assert time.monotonic() - started < 5
