"""What text refers to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clx_jupyter_workers.inputs import local
from clx_jupyter_workers.notebook.references import Files, references, rename, with_placeholders

CASES = [
    ("![a](img/x.png)", [("img/x.png", True)]),
    ('![a](img/x.png "A title")', [("img/x.png", True)]),
    ("![a](<img/x y.png>)", [("img/x y.png", True)]),
    ("![a](img/x%20y.png)", [("img/x y.png", True)]),
    ("![a](img/x(1).png)", [("img/x(1).png", True)]),
    ("[![a](img/x.png)](data/y.csv)", [("data/y.csv", False), ("img/x.png", True)]),
    ('<img src="img/x.png" style="width:5%"/>', [("img/x.png", True)]),
    ("<IMG width=3 src='img/x.png'>", [("img/x.png", True)]),
    ("<img src=img/x.png>", [("img/x.png", True)]),
    ('<video src="v.mp4"></video><audio><source src="a.mp3"></audio>', [("v.mp4", True), ("a.mp3", True)]),
    ("[data](data/x.csv#top)", [("data/x.csv", False)]),
    ("`![a](img/x.png)`", []),
    ("```html\n<img src='img/x.png'>\n```\n![b](b.png)", [("b.png", True)]),
    ("~~~\n![a](x.png)\n~~~", []),
    ("![a](https://x/y.png) ![b](data:image/png;base64,aa) ![c](attachment:c.png) ![d](/abs.png)", []),
    ("[e](#here) [f](clm:topic) <img src='//x/y'>", []),
    ("a < b and [c] (d)", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_local_files_are_found_outside_code(text: str, expected: Any) -> None:
    assert [(each.target, each.shown) for each in references(text)] == expected


@pytest.mark.parametrize("target", ["http://x", "mailto:a@b", "data:x", "#a", "/x", "//x/y", "", "?a=1"])
def test_addresses_are_no_files(target: str) -> None:
    assert local(target) is None


def test_references_are_renamed_outside_code() -> None:
    text = '![a](img/a.png "t") <img class="x" src=\'img/a.png\'> [l](img/a.png) `![a](img/a.png)` ![b](img/b.png)'
    expected = '![a](img/t/a.png "t") <img class="x" src=\'img/t/a.png\'> [l](img/t/a.png) `![a](img/a.png)` ![b](img/b.png)'
    assert rename(text, {"img/a.png": "img/t/a.png"}) == expected


def test_placeholders_stand_for_missing_pictures_only() -> None:
    text = "![a](a.png) <img src='a.png' width=3> ![b](b.png) `![a](a.png)` [a](a.png)"
    box = '<span class="clx-missing">missing image: a.png</span>'
    assert with_placeholders(text, {"a.png": "missing image: a.png"}) == f"{box} {box} ![b](b.png) `![a](a.png)` [a](a.png)"


def test_the_name_in_a_placeholder_is_escaped() -> None:
    assert "<b>" not in with_placeholders("![a](b&c.png)", {"b&c.png": "<b>"})


def test_the_state_of_a_file(course: Any, tmp_path: Path) -> None:
    course.write("week/img/a.png", b"png")
    course.write("week/lfs.png", "version https://git-lfs.github.com/spec/v1\noid")
    course.write("shared/inc.png", b"png")
    course.write("week/pu/drawn.puml", "@startuml")
    (tmp_path / "secret.png").write_bytes(b"")
    (course.root / "week/link.png").symlink_to(tmp_path / "secret.png")
    files = Files(course.root, "week", {"week/img/made.png": "1"}, {"week/inc.png": "shared/inc.png"})
    states = {"img/a.png": "there", "lfs.png": "lfs", "inc.png": "there", "img/drawn.png": "known", "img/made.png": "known",
              "none.png": "missing", "../../secret.png": "missing", "link.png": "missing"}  # fmt: skip
    assert {name: files.state(name) for name in states} == states


def test_links_to_sources_publish_no_source(course: Any) -> None:
    for name in ("b.ipynb", "b.py", "b.csv"):
        course.write(name, "x")
    files = Files(course.root, "", {}, {})
    assert [files.is_asset(each) for each in references("[a](b.ipynb) [b](b.py) [c](b.csv) [d](none.csv)")] == [False, False, True, False]
