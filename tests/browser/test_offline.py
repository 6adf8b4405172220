"""Pages and slides with results of all kinds, opened from the disk with the network off."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from clx_jupyter_workers.notebook.displays import loads
from tests.browser.panel import AXE
from tests.stories.conftest import command

BUNDLES: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent.parent / "workers/bundles.json").read_text("utf-8"))
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SOUND = base64.b64encode(
    b"RIFF" + (44).to_bytes(4, "little") + b"WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x40\x1f\0\0\1\0\x08\0data\x08\0\0\0" + b"\x80" * 8
).decode()
#: In place of the 4 MB of plotly's script: it draws no more than a word. Once as plotly 6 brings it, once as plotly 5 does.
DRAW = "{newPlot: id => { document.getElementById(id).textContent = 'drawn'; return Promise.resolve(); }}"
PLOTLY = f"<script>window.Plotly = {DRAW};</script>"
PLOTLY_5 = (
    f"<script>require.undef('plotly'); define('plotly', function(require, exports, module) {{ module.exports = {DRAW}; }});</script>"
    "<div id='five'></div><script>require(['plotly'], function(Plotly) { Plotly.newPlot('five', []); });</script>"
)
TRACEBACK = ["\x1b[31mZeroDivisionError\x1b[39m                 Traceback", "\x1b[32m----> 1\x1b[39m 1/\x1b[38;5;226m0\x1b[0m"]


def data(**bundle: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": {name.replace("_", "/", 1): value for name, value in bundle.items()}}


def drawing(colour: str) -> str:
    style = f"<style>.a{{fill:{colour}}}</style>"
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="9">{style}<rect id="a" class="a" width="9" height="9"/></svg>'


WORKS: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "picture": ([data(image_png=PIXEL, text_plain="<Figure size 1x1>")], []),
    "drawings": ([data(**{"image/svg+xml": drawing(colour)}) for colour in ("red", "blue")], []),
    "frame": (BUNDLES["pandas"][-1:], []),
    "styled": (BUNDLES["styler"], []),
    "plotly": ([data(text_html=PLOTLY), *BUNDLES["plotly"][-1:]], []),
    "old plotly": ([data(text_html=PLOTLY_5)], []),
    "widget": (BUNDLES["widget"], []),
    "rich": (BUNDLES["rich"], []),
    "script": ([data(application_javascript="element.append('script ran')")], []),
    "formula": ([data(text_latex="$\\frac{1}{2}$")], []),
    "json": ([data(application_json={"a": [1, 2]})], []),
    "sound": ([data(**{"audio/wav": SOUND})], []),
    "document": ([data(text_html="<!doctype html><html><body onload=\"document.body.append('framed')\"></body></html>")], []),
    "long": ([{"output_type": "stream", "name": "stdout", "text": "one of many lines\n" * 200}], []),
    "colours": ([{"output_type": "stream", "name": "stdout", "text": "".join(f"\x1b[38;5;{n}m{n}\x1b[0m " for n in range(256))}], []),
    "grounds": (
        [{"output_type": "stream", "name": "stdout", "text": "".join(f"\x1b[3{n % 8};4{n // 8}m{n}\x1b[0m " for n in range(64))}],
        [],
    ),
    "stderr": ([{"output_type": "stream", "name": "stderr", "text": "a warning"}], []),
    "error": ([{"output_type": "error", "ename": "ZeroDivisionError", "evalue": "", "traceback": TRACEBACK}], ["raises-exception"]),
}
NEEDS = ("altair", "folium", "itables", "plotly_cdn")


def notebook(title: str, cells: dict[str, tuple[list[dict[str, Any]], list[str]]]) -> str:
    made: list[dict[str, Any]] = [{"cell_type": "markdown", "id": "top", "metadata": {}, "source": f"# {title}"}]
    for number, (source, (outputs, tags)) in enumerate(cells.items()):
        made.append({
            "cell_type": "code", "id": f"c{number}", "metadata": {"tags": tags}, "source": f"show({source!r})", "execution_count": number + 1,
            "outputs": outputs,
        })  # fmt: skip
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {"language_info": {"name": "python"}}, "cells": made})


@dataclass
class Course:
    folder: Path
    report: dict[str, Any]

    def file(self, stem: str, suffix: str) -> Path:
        (found,) = (self.folder / "output").rglob(f"{stem}{suffix}")
        return found


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    folder = tmp_path_factory.mktemp("offline")
    (folder / "works.ipynb").write_text(notebook("Works", WORKS), "utf-8")
    (folder / "needs.ipynb").write_text(notebook("Needs", {name: (BUNDLES[name], []) for name in NEEDS}), "utf-8")
    (folder / "course.yaml").write_text(
        "version: 1\ntitle: T\ntargets: {all: {path: output, kinds: [completed], formats: [html, slides], outputs: true}}\n"
        "sections: [{title: S, topics: [works.ipynb, needs.ipynb]}]\n",
        "utf-8",
    )
    done = command("build", ".", "--no-execute", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return Course(folder, json.loads(done.stdout))


@dataclass
class Visit:
    page: Page
    #: What was asked of the network, and what the page complained about.
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def open(self, file: Path) -> None:
        self.requests.clear()
        self.errors.clear()
        self.page.goto(file.as_uri(), wait_until="load")

    def wrong(self) -> list[str]:
        """What axe finds wrong in the results, in words."""
        self.page.add_script_tag(path=AXE)
        found = self.page.evaluate("axe.run({include: ['.clx-output'], exclude: ['iframe']})")
        assert found["passes"], "axe looked at nothing"
        return [f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}" for rule in found["violations"] for node in rule["nodes"]]


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    context = chromium.new_context()
    context.set_offline(True)
    made = Visit(context.new_page())
    made.page.on(
        "request",
        lambda request: None if request.url.startswith(("file:", "data:", "blob:", "about:")) else made.requests.append(request.url),
    )
    made.page.on("console", lambda message: made.errors.append(message.text) if message.type == "error" else None)
    made.page.on("pageerror", lambda error: made.errors.append(str(error)))
    yield made
    context.close()


def test_nothing_is_missing_without_network(course: Course, visit: Visit) -> None:
    visit.open(course.file("works", ".html"))
    page = visit.page
    assert page.locator(".js-plotly-plot, .plotly-graph-div").inner_text() == "drawn" and page.locator("#five").inner_text() == "drawn"
    assert "script ran" in page.locator(".clx-script").inner_text()
    assert page.frame_locator(".clx-frame iframe").locator("body").inner_text() == "framed"
    loaded = "sound => new Promise(done => { sound.onloadedmetadata = () => done(sound.duration); sound.load(); })"
    assert page.locator("audio").evaluate(loaded) > 0
    pictures = page.locator("img").evaluate_all("all => all.map(each => each.complete && each.naturalWidth > 0)")
    assert len(pictures) == 3 and all(pictures)
    assert "none" not in page.locator(".clx-output").evaluate_all("all => all.map(each => getComputedStyle(each).display)")
    assert page.locator(".clx-scroll").first.evaluate("each => getComputedStyle(each).overflowX") == "auto"
    assert page.locator(".clx-needs").all_inner_texts() == ["Interactive in the notebook: open it to use this."]
    assert (visit.requests, visit.errors) == ([], [])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_read_the_results(course: Course, visit: Visit, theme: Any) -> None:
    visit.page.emulate_media(color_scheme=theme)
    visit.open(course.file("works", ".html"))
    assert visit.wrong() == []


def test_long_texts_scroll_on_the_screen_and_are_whole_in_print(course: Course, visit: Visit) -> None:
    visit.open(course.file("works", ".html"))
    long, high = visit.page.locator("pre.clx-long").first, "each => each.scrollHeight > each.clientHeight + 1"
    assert long.evaluate(high)
    visit.page.emulate_media(media="print")
    assert not long.evaluate(high)


def test_slides_show_the_same_results_without_network(course: Course, visit: Visit) -> None:
    visit.open(course.file("works", ".slides.html"))
    assert visit.page.locator("#five").text_content() == "drawn" and visit.page.locator(".clx-output").count() >= len(WORKS)
    assert (visit.requests, visit.errors) == ([], [])


def test_what_results_ask_of_the_network_was_told_and_stands_on_the_page(course: Course, visit: Visit) -> None:
    visit.open(course.file("needs", ".html"))
    messages = [problem["message"] for problem in course.report["problems"] if problem["class"] == "link"]
    assert len(messages) == len(NEEDS) and all(message.endswith("from the network.") for message in messages)
    known = {address for name in NEEDS for output in BUNDLES[name] for address in loads(output)}
    assert visit.requests and set(visit.requests) <= known
    assert visit.page.locator(".clx-needs", has_text="Needs the network:").count() == len(NEEDS)
