"""What pages load from the network is found, and told once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter_workers.notebook import remote

BUNDLES: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent / "bundles.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('![a](https://x.org/a_(1).png "t") and ![b](<http://x.org/b.png>)', ["https://x.org/a_(1).png", "http://x.org/b.png"]),
        ("[a link](https://x.org) <a href='https://x.org'>x</a> <https://x.org>", []),
        ("`![a](https://x.org/a.png)`\n\n```html\n<img src=\"https://x.org/a.png\">\n```", []),
        ("![one][A] ![two][] ![three]\n\n[a]: https://x.org/1.png\n[three]: <https://x.org/3.png>", ["https://x.org/1.png", "https://x.org/3.png"]),
        ('<img src=//x.org/a.png alt="src=b"> <img alt=x src="local.png">', ["//x.org/a.png"]),
        ("![a](local.png) ![b](data:image/png;base64,AA//AA==)", []),
    ],
)  # fmt: skip
def test_pictures_of_markdown(text: str, expected: list[str]) -> None:
    assert remote.in_markdown(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<script src="https://x.org/a.js"></script><SCRIPT SRC=https://x.org/b.js></SCRIPT>', ["https://x.org/a.js", "https://x.org/b.js"]),
        ('<link rel="stylesheet" href="https://x.org/a.css?a=1&amp;b=2"><link rel="author" href="https://x.org">', ["https://x.org/a.css?a=1&b=2"]),
        ("<style>@import 'https://x.org/a.css'; p{background:url( https://x.org/p.png )}</style>", ["https://x.org/a.css", "https://x.org/p.png"]),
        ('<div style="background:url(&quot;https://x.org/p.png&quot;)">', ["https://x.org/p.png"]),
        ('<video poster="https://x.org/p.png"><source src="https://x.org/v.mp4"></video>', ["https://x.org/p.png", "https://x.org/v.mp4"]),
        ('<img src="a.png" srcset="https://x.org/1.png 1x, https://x.org/2.png 2x">', ["https://x.org/1.png", "https://x.org/2.png"]),
        ('<iframe srcdoc="&lt;script src=&quot;https://x.org/a.js&quot;&gt;&lt;/script&gt;"></iframe>', ["https://x.org/a.js"]),
        ('<svg><image xlink:href="https://x.org/a.png"/><use href="#a"/></svg>', ["https://x.org/a.png"]),
        ('<script type="module">import "https://x.org/a"; import {b} from "https://x.org/b"</script>', ["https://x.org/a", "https://x.org/b"]),
        ("<script>require(['https://x.org/r'], f); s.src = \"//x.org/s\"; open('https://x.org/page')</script>", ["https://x.org/r", "//x.org/s"]),
        ('<script>var text = "<img src=\\"https://x.org/a.png\\">"; // https://x.org</script>', []),
        ("<script>" + "x" * remote.MAX_SCRIPT + ";import 'https://x.org/a.js'</script>", []),
        ('<a href="https://x.org">x</a><p data-src="https://x.org/a.png">https://x.org/b.png</p>', []),
    ],
)  # fmt: skip
def test_what_html_loads(text: str, expected: list[str]) -> None:
    assert remote.in_html(text) == expected


def test_libraries_are_told_how_to_do_without() -> None:
    for name, word in (("plotly_cdn", "include_plotlyjs"), ("altair", "vl-convert"), ("itables", "connected=False")):
        (address, *_) = remote.in_html(BUNDLES[name][0]["data"]["text/html"])
        assert word in remote.hint(address)
    (address, *_) = remote.in_script(BUNDLES["bokeh"][1]["data"]["application/javascript"])
    assert "INLINE" in remote.hint(address)
    assert "beside the notebook" in remote.hint("https://x.org/a.PNG?x") and "network" in remote.hint("https://x.org/a")


def test_each_address_of_a_source_is_a_notice_with_its_place(course: Any, convert: Any) -> None:
    picture = "![p](https://x.org/p.png)"
    course.write("a.py", f"# %% [markdown]\n# Text\n# {picture}\n\n# %% [markdown]\n# {picture}\n# ![q](https://x.org/q.png)\n")
    found = convert(course.job("a.py", ["completed/html", "speaker/html"])).problems
    assert [(row["class"], row["severity"], row["cell"], row["line"]) for row in found] == [("link", "info", 0, 3), ("link", "info", 1, 7)]
    assert "https://x.org/p.png" in found[0]["message"] and "beside the notebook" in found[0]["hint"]


def test_notebooks_and_scripts_load_nothing_by_themselves(course: Any, convert: Any) -> None:
    course.write("a.py", "# %% [markdown]\n# ![p](https://x.org/p.png)\n")
    assert convert(course.job("a.py", ["completed/notebook", "completed/code"])).problems == []


def test_what_results_load_is_told_once_for_a_cell_and_only_where_it_is_shown(course: Any, convert: Any) -> None:
    cells = [
        {"cell_type": "code", "id": name, "metadata": {}, "source": name, "execution_count": 1, "outputs": BUNDLES[name]}
        for name in ("folium", "altair", "plotly", "pandas", "widget")
    ]
    cells.append({**cells[1], "id": "again"})
    text = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
    course.write("a.ipynb", text)
    job = course.job("a.ipynb", ["completed/html", "speaker/html", "code-along/html"], execute={"mode": "never"}, kernel=None)
    found = convert(job).problems
    assert [row["cell"] for row in found if row["class"] == "link"] == [0, 1]
    assert "leaflet.js and 10 more" in found[0]["message"]
