"""How outputs are shown: the best that a bundle holds, and an honest note where that is not all."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from defusedxml.ElementTree import fromstring

from clx_jupyter_workers.notebook import ansi, displays, export
from clx_jupyter_workers.notebook.cells import Shown
from clx_jupyter_workers.notebook.document import Cell, Origin
from clx_jupyter_workers.notebook.execution import Result

#: What kernels gave for small programs: plotly 7.1, bokeh 3.9, altair 6.3, folium 0.20, itables 2.9, pandas 3, ipywidgets 8.1, rich.
BUNDLES: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent / "bundles.json").read_text("utf-8"))
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def bundle(metadata: dict[str, Any] | None = None, **data: Any) -> dict[str, Any]:
    """An output; ``text_html`` stands for ``text/html``."""
    return {
        "output_type": "display_data",
        "data": {name.replace("_", "/", 1): value for name, value in data.items()},
        "metadata": metadata or {},
    }


def display(output: dict[str, Any], **cell: Any) -> displays.Display:
    shown = displays.of(output, {"metadata": cell})
    assert shown is not None
    return shown


def page(*outputs: dict[str, Any], language: str = "en", **metadata: Any) -> BeautifulSoup:
    cells = [Shown(0, Cell("code", "x", Origin("a", 0), metadata, "id0"), True)]
    made, _ = export.html(cells, {}, {0: Result(list(outputs), 1)}, {"title": "T", "language": language, "note": "", "assets": ""}, {})
    return BeautifulSoup(made, "html.parser")


def only(soup: BeautifulSoup, selector: str) -> Tag:
    (found,) = soup.select(selector)
    return found


def test_the_best_of_a_bundle_is_shown() -> None:
    html, plain, png = "<b>x</b>", "x", PIXEL
    assert display(bundle(text_plain=plain, text_html=html, image_png=png)).kind == "html"
    assert display(bundle(text_plain=plain, image_png=png, text_latex="$x$")).kind == "latex"
    assert display(bundle(text_plain=plain, image_png=png)).kind == "picture"
    assert display(bundle(text_plain=plain, text_markdown="*x*")).kind == "markdown"
    assert display(bundle(text_plain="<IPython.core.display.JSON object>", application_json={"a": 1})).kind == "json"
    assert display(bundle(text_plain=plain)).kind == "text"
    assert displays.of(bundle(), {}) is None
    assert display(bundle(application_pdf="AAAA")).body == "data:application/pdf;base64,AAAA"
    assert display(bundle(**{"audio/mpeg": "AAAA"})).alt == "audio"


def test_texts_written_as_lists_of_lines_are_joined() -> None:
    assert display(bundle(text_html=["<b>", "x</b>"])).body == "<b>x</b>"
    assert display({"output_type": "stream", "name": "stdout", "text": ["a\n", "b"]}).body == "a\nb"


@pytest.mark.parametrize(
    ("metadata", "of_cell", "plain", "alt"),
    [
        ({"image/png": {"alt": "two peaks"}}, {}, "x", "two peaks"),
        ({}, {"alt": "a curve"}, "<Figure size 640x480 with 1 Axes>", "a curve"),
        ({}, {}, "<Figure size 640x480 with 1 Axes>", ""),
        ({}, {}, "<PIL.Image.Image image mode=RGB size=1x1>", ""),
        ({}, {}, "<IPython.core.display.Image object>", ""),
        ({}, {}, "A tree with five leaves", "A tree with five leaves"),
    ],
)
def test_a_picture_is_described_by_what_says_something(metadata: Any, of_cell: Any, plain: str, alt: str) -> None:
    assert display(bundle(metadata, image_png=PIXEL, text_plain=plain), **of_cell).alt == alt


def test_a_picture_has_the_size_that_its_metadata_say_and_nothing_else_of_them() -> None:
    shown = display(bundle({"image/png": {"width": 548, "height": '1" onload="x'}}, image_png=PIXEL))
    assert (shown.width, shown.height) == ("548", "")
    image = only(page(bundle({"image/png": {"width": "300px", "alt": '"><script>'}}, image_png=PIXEL)), ".clx-picture > img")
    assert (image["width"], image["alt"]) == ("300", '"><script>')


def test_drawings_are_sealed_pictures_and_well_formed() -> None:
    drawing = '<?xml version="1.0"?><svg width="9"><title>Two &amp; more</title><script>alert(1)</script><text>a&nbsp;b</text><use xlink:href="#a"/></svg>'
    soup = page({"output_type": "display_data", "data": {"image/svg+xml": drawing}, "metadata": {}})
    image = only(soup, ".clx-picture > img")
    assert image["alt"] == "Two & more" and not soup.select("main svg, main script")
    text = base64.b64decode(str(image["src"]).split(",")[1]).decode()
    assert fromstring(text).tag.endswith("}svg") and 'xmlns="http://www.w3.org/2000/svg"' in text and "a\u00a0b" in text


def test_heads_of_data_frames_say_what_they_head_and_their_look_is_ours() -> None:
    soup = page(BUNDLES["pandas"][-1])
    assert [cell["scope"] for cell in soup.select("thead th")] == ["col", "col"] and soup.select("thead td")
    assert [cell["scope"] for cell in soup.select("tbody th")] == ["row", "row"]
    assert not soup.select(".clx-table style, table[border]") and only(soup, ".clx-scroll")["tabindex"] == "0"


def test_the_styles_of_a_styler_stay() -> None:
    soup = page(*BUNDLES["styler"])
    assert "background-color: yellow" in only(soup, ".clx-table style").text
    assert [cell["scope"] for cell in soup.select("tbody th")] == ["row", "row"]


def test_tables_of_authors_are_left_alone() -> None:
    text = "<table border='1'><tr><th></th></tr></table>"
    assert display(bundle(text_html=text)).body == text


def test_what_needs_a_notebook_is_said_in_the_language_of_the_page() -> None:
    soup = page(*BUNDLES["widget"], language="de")
    assert "Interaktiv im Notebook" in only(soup, ".clx-needs").text and "IntSlider" not in only(soup, ".clx-output").text
    soup = page(bundle(**{"application/vnd.plotly.v1+json": {"data": []}, "text/plain": "Figure({'data': []})"}), language="sv")
    assert only(soup, ".clx-needs")["lang"] == "en"
    shown = display(bundle(**{"application/vnd.vegalite.v6.json": {}, "text/plain": "<VegaLite 6 object>\n\nIf you see this message, …"}))
    assert (shown.kind, shown.note) == ("limit", "interactive")
    assert display(bundle(**{"application/x-odd": "1"})).note == "unknown"


def test_a_widget_with_a_picture_shows_it() -> None:
    (widget,) = BUNDLES["widget"]
    shown = display({**widget, "data": {**widget["data"], "image/png": PIXEL, "text/plain": "Canvas(toolbar=Toolbar(toolitems=[]))"}})
    assert (shown.kind, shown.alt, shown.note) == ("picture", "", "interactive")


def test_a_bar_of_progress_that_is_over_is_not_shown() -> None:
    (widget,) = BUNDLES["widget"]
    bar = {**widget, "data": {**widget["data"], "text/plain": "Epochs:   0%|          | 0/5 [00:00<?, ?it/s]"}}
    assert displays.of(bar, {}) is None


def test_what_loads_from_the_network_says_so_and_a_picture_is_better() -> None:
    (chart,) = BUNDLES["altair"]
    shown = display(chart)
    assert (shown.kind, shown.note, shown.detail) == ("html", "network", "cdn.jsdelivr.net")
    assert display({**chart, "data": {**chart["data"], "image/png": PIXEL}}).kind == "picture"
    assert "leaflet" in displays.loads(BUNDLES["folium"][0])[0]
    assert displays.loads(BUNDLES["itables"][0]) == ["https://www.unpkg.com/dt_for_itables/dt_bundle.js"]
    assert displays.loads(BUNDLES["plotly_cdn"][0])[0].startswith("https://cdn.plot.ly/")


def test_a_chart_of_plotly_needs_no_mathjax_of_a_stranger() -> None:
    shown = display(BUNDLES["plotly"][-1])
    assert shown.note == "" and "Plotly.newPlot" in shown.body and "cdnjs" not in shown.body


def test_bokeh_is_loaded_without_a_word() -> None:
    word, load = BUNDLES["bokeh"]
    assert display(word).kind == "silent" and display(load).kind == "script"
    assert displays.loads(load)[0].startswith("https://cdn.bokeh.org/")
    assert [display(output).kind for output in BUNDLES["bokeh_plot"]] == ["html", "script"]


def test_scripts_run_beside_their_element_and_those_for_a_notebook_do_not() -> None:
    soup = page(bundle(**{"application/javascript": "element.append('</script>')"}))
    assert [script.text for script in soup.select(".clx-script script")][1] == "element.append('<\\/script>')"
    assert display(bundle(**{"application/javascript": "IPython.notebook.kernel.execute('x')"})).kind == "limit"


def test_whole_documents_stand_in_a_frame_of_their_own() -> None:
    frame = only(page(bundle(text_html='<!DOCTYPE html><html><style>body{color:red}</style>"</html>')), "iframe")
    assert "allow-same-origin" not in frame["sandbox"] and "color:red" in frame["srcdoc"] and frame["title"]


def test_frames_and_pictures_in_html_get_a_name() -> None:
    soup = page(bundle(text_html='<iframe src="x.html"></iframe><iframe title="own" src="y.html"></iframe><img src="a.png">'))
    assert [frame["title"] for frame in soup.select("iframe")] == ["Embedded page", "own"] and only(soup, "img")["alt"] == ""


def test_an_expected_error_looks_expected_and_says_nothing_of_the_machine() -> None:
    lines = ["\x1b[31mValueError\x1b[0m", "File \x1b[32m/home/a/.venv/lib/python3.11/json/__init__.py:346\x1b[0m, in loads(s)", "<odd>"]
    output = {"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": lines}
    soup = page(output, tags=["raises-exception"])
    assert only(soup, ".clx-error.clx-expected .clx-label").text == "Expected error"
    text = only(soup, ".clx-error pre").text
    assert "json/__init__.py:346" in text and "/home/a" not in text and "<odd>" in text
    assert "clx-expected" not in str(page(output).select_one(".clx-error"))


def test_long_texts_scroll_and_drawn_ones_are_not_wrapped() -> None:
    long = only(page({"output_type": "stream", "name": "stdout", "text": "line\n" * 100}), "pre.clx-long")
    assert long.text.count("line") == 100 and long["tabindex"] == "0" and long["aria-label"]
    assert display(bundle(text_plain="┏━━┓\n┃a ┃\n┗━━┛")).drawn and not display(bundle(text_plain="a")).long


def test_rich_is_shown_by_its_text_whose_colours_suit_both_themes() -> None:
    shown = display(BUNDLES["rich"][0])
    assert shown.kind == "text" and "ansi-red-intense-fg" in shown.body


# --- escape codes ---


def test_codes_of_terminals_become_classes() -> None:
    assert ansi.to_html("\x1b[31mr<\x1b[1;4mb\x1b[0m p") == (
        '<span class="ansi-red-fg">r&lt;</span><span class="ansi-bold ansi-underline ansi-red-intense-fg">b</span> p'
    )
    assert ansi.to_html("\x1b[7mi\x1b[27m\x1b[3mk\x1b[m") == '<span class="ansi-inverse">i</span><span class="ansi-italic">k</span>'


def test_other_codes_and_control_characters_are_left_out() -> None:
    assert ansi.to_html("a\x1b[2K\x1b]8;;http://x\x07link\x1b]8;;\x07\x1b[?25lb\x08\x00\x1b") == "alinkb"


@pytest.mark.parametrize("code", [*(f"38;5;{number}" for number in range(16, 256, 7)), "38;2;255;255;0", "38;2;10;10;40"])
def test_every_colour_is_readable_in_both_themes(code: str) -> None:
    text = ansi.to_html(f"\x1b[{code}mx")
    light, dark = (text.split(f"--{name}:#")[1][:6] for name in "ld")
    for colour, ground in ((light, "f6f8fa"), (dark, "1d2227")):
        one, other = (tuple(int(value[at : at + 2], 16) for at in (0, 2, 4)) for value in (colour, ground))
        assert ansi.contrast(one, other) >= 4.5  # type: ignore[arg-type]


@pytest.mark.parametrize("code", [*(f"3{front};4{back}" for front in range(8) for back in range(8)), "44", "38;5;21;48;5;20", "33;41;7"])
def test_every_colour_is_readable_on_the_ground_that_is_asked_for(code: str) -> None:
    text = ansi.to_html(f"\x1b[{code}mx")
    one, other = (tuple(int(text.split(f"{name}:#")[1][at : at + 2], 16) for at in (0, 2, 4)) for name in ('"color', "background-color"))
    assert ansi.contrast(one, other) >= 4.5  # type: ignore[arg-type]


def test_a_flood_of_codes_takes_time_in_proportion() -> None:
    assert ansi.to_html("\x1b[31mred\x1b[0m plain\n" * 20_000).count("<span") == 20_000
