"""Pictures in a page: in the right format, at their place, or in the page itself."""

from __future__ import annotations

import base64
import json
from typing import Any

from clx_jupyter_workers.notebook import pictures

PNG = base64.b64encode(b"png").decode()


def markdown(text: str, tags: str = "") -> str:
    return f"# %% [markdown]{tags}\n# {text}\n"


def source_of(recorder: Any, course: Any, variant: str) -> str:
    cells = json.loads(course.page(recorder.outputs[variant]))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells)


def test_pictures_stand_in_pages_and_notebooks_and_not_in_code(course: Any, convert: Any) -> None:
    course.write("img/a.png", b"png")
    course.write("img/big.png", b"png")
    text = "<img class='x' src='img/a.png'> ![b](img/a.png 'T') `![c](img/a.png)` [l](img/a.png) <video src='img/v.mp4'></video>"
    course.write("img/v.mp4", b"film")
    course.write("a.py", markdown(text) + markdown('<img src="img/a.png">', ' tags=["nodataurl"]'))
    made = convert(course.job("a.py", ["completed/html", "completed/notebook", "completed/code"], style={"inline": True}))
    url = f"data:image/png;base64,{PNG}"
    expected = f"<img class='x' src='{url}'> ![b]({url} 'T') `![c](img/a.png)` [l](img/a.png) <video src='img/v.mp4'></video>"
    assert source_of(made, course, "1") == f'{expected}\n<img src="img/a.png">'
    assert course.page(made.outputs["0"]).count(url) == 2
    assert "data:" not in course.page(made.outputs["2"])
    # They are still published: code, other cells and readers of the notebook may want them.
    assert made.outputs["0"]["assets"] == ["/page", "img/a.png", "img/v.mp4"]


def test_what_cannot_stand_in_a_page_stays_a_file(course: Any, convert: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(pictures, "MAX_INLINE", 3)
    course.write("img/a.png", b"png")
    course.write("img/big.png", b"four")
    course.write("img/lfs.png", "version https://git-lfs.github.com/spec/v1\n")
    course.write("a.py", markdown("![a](img/a.png) ![b](img/big.png) ![c](img/lfs.png) ![d](img/none.png) ![e](https://x.y/z.png)"))
    text = source_of(convert(course.job("a.py", ["completed/notebook"], style={"inline": True})), course, "0")
    assert text == f"![a](data:image/png;base64,{PNG}) ![b](img/big.png) ![c](img/lfs.png) ![d](img/none.png) ![e](https://x.y/z.png)"


def test_a_diagram_is_shown_in_the_format_of_the_course(course: Any, convert: Any) -> None:
    course.write("img-generated/d.svg", b"<svg/>")
    course.write("img/e.png", b"png")
    course.write("a.py", markdown('<img src="img/d.png"> ![](img/e.png)'))
    style = {"drawn": {"img/d.png": "img/d.svg"}}
    made = convert(course.job("a.py", ["completed/notebook"], style=style))
    assert source_of(made, course, "0") == '<img src="img/d.svg"> ![](img/e.png)'
    assert made.problems == []
    inline = convert(course.job("a.py", ["completed/notebook"], style={**style, "inline": True}))
    assert "data:image/svg+xml;base64," in source_of(inline, course, "0")


def test_shared_pictures_lie_in_the_folder_of_the_course(course: Any, convert: Any) -> None:
    course.write("img/a.png", b"png")
    course.write("img/b.png", b"png")
    course.write("a.py", markdown("<img src='img/a.png'> ![](img/b.png)"))
    job = course.job("a.py", ["completed/notebook"], style={"shared": {"img/a.png": "img/a.png", "img/b.png": "img/t/b.png"}})
    job["variants"][0]["course_folder"] = "../../.."
    made = convert(job)
    assert source_of(made, course, "0") == "<img src='../../../img/a.png'> ![](../../../img/t/b.png)"
    assert made.problems == []
    assert made.outputs["0"]["assets"] == []
