"""Links between sources, as pages, notebooks and scripts get them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clx_jupyter_workers.notebook.references import relink

HREFS = {"other.py": {"completed/html": "02%20B.html", "completed/notebook": "02%20B.ipynb"}, "out.html": {}}


def markdown(*lines: str) -> str:
    return "# %% [markdown]\n" + "".join(f"# {line}\n" for line in lines)


def source_of(recorder: Any, course: Any, variant: str, cell: int = 0) -> str:
    return "".join(json.loads(course.page(recorder.outputs[variant]))["cells"][cell]["source"])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("[other.py](other.py)", "[other.py](NEW)"),
        ('[x](other.py#h "A title") ![](other.py)', '[x](NEW#h "A title") ![](other.py)'),
        ("[x](<my other.py>)", "[x](<my other.py>)"),
        ("<a id='1' href='other.py#h'>o</a>", "<a id='1' href='NEW#h'>o</a>"),
        ("[r]: other.py 'T'", "[r]: NEW 'T'"),
        ("`[x](other.py)`\n```\n[x](other.py)\n```", "`[x](other.py)`\n```\n[x](other.py)\n```"),
        ("[![p](p.png)](other.py)", "[![p](p.png)](NEW)"),
        ("a [x](drop.py) b <a href=\"drop.py\">c</a> [y](clm:drop.py)", "a x b <a>c</a> y"),
        ("[x](clm: other.py) [y](https://a.b/other.py)", "[x](NEW) [y](https://a.b/other.py)"),
    ],
)  # fmt: skip
def test_links_are_replaced_where_they_stand(written: str, expected: str) -> None:
    def new(target: str) -> str | None:
        path, hash, anchor = target.removeprefix("clm:").strip().partition("#")
        return None if path == "drop.py" else f"NEW{hash}{anchor}" if path == "other.py" else target

    assert relink(written, new) == expected


def test_each_format_gets_its_own_address(course: Any, convert: Any) -> None:
    course.write("a.py", markdown("[x](other.py#top) [o](out.html)"))
    course.write("other.py", "x")
    recorder = convert(course.job("a.py", ["completed/html", "completed/notebook"], links=HREFS))
    assert 'href="02%20B.html#top"' in course.page(recorder.outputs["0"])
    assert source_of(recorder, course, "1") == "[x](02%20B.ipynb#top) [o](out.html)"
    assert recorder.problems == []


def test_a_link_without_such_an_output_becomes_text_once_reported(course: Any, convert: Any) -> None:
    course.write("a.py", markdown("Text", "[x](other.py)", "[y](other.py)"))
    course.write("other.py", "x")
    recorder = convert(
        course.job("a.py", ["completed/html", "speaker/html"], links={"other.py": {"completed/html": "B.html", "speaker/html": ""}})
    )
    page = course.page(recorder.outputs["1"])
    assert "other.py" not in page
    assert "<a href" not in page.partition("<body")[2]
    assert 'href="B.html"' in course.page(recorder.outputs["0"])
    (problem,) = recorder.problems
    assert (problem["class"], problem["severity"], problem["path"], problem["cell"], problem["line"]) == ("link", "warning", "a.py", 0, 3)
    assert "other.py is left out of html for speaker" in problem["message"]


def test_a_link_that_leads_nowhere_is_named_with_its_cell_and_line(course: Any, convert: Any) -> None:
    course.write("a.py", markdown("A") + markdown("B", "[x](gone.csv)", "<a href='gone%20too.md'>y</a>", "[f](data)", "[d](data/x.csv)"))
    course.write("data/x.csv", "1")
    recorder = convert(course.job("a.py", ["completed/html", "completed/notebook"]))
    assert [(each["message"], each["cell"], each["line"]) for each in recorder.problems] == [
        ("The link to gone.csv leads nowhere: there is no such file.", 1, 5),
        ("The link to gone too.md leads nowhere: there is no such file.", 1, 6),
    ]
    assert recorder.outputs["0"]["assets"] == ["/page", "data/x.csv"]
    assert 'href="gone.csv"' in course.page(recorder.outputs["0"])


def test_a_notebook_that_is_no_source_is_reported_and_not_published(course: Any, convert: Any) -> None:
    course.write("a.py", markdown("[x](solutions.ipynb) [y](helper.py)"))
    course.write("solutions.ipynb", "{}")
    course.write("helper.py", "x")
    recorder = convert(course.job("a.py", ["completed/html"]))
    assert recorder.outputs["0"]["assets"] == ["/page"]
    assert ["is no notebook of this course" in each["message"] for each in recorder.problems] == [True, True]
    # A topic's data is published as it is.
    assert convert(course.job("a.py", ["completed/html"], scope=True)).problems == []


def test_course_links_are_text_in_code_and_where_they_lead_nowhere(course: Any, convert: Any) -> None:
    course.write("a.py", markdown("[T](clm:t/s#h) [N](clm:none) `[C](clm:c)`"))
    links = {"clm:t/s": {f"completed/{format}": f"T.{format}" for format in ("html", "notebook", "code")}}
    recorder = convert(course.job("a.py", ["completed/notebook", "completed/code"], links=links))
    assert source_of(recorder, course, "0") == "[T](T.notebook#h) N `[C](clm:c)`"
    assert "# T N `[C](clm:c)`" in course.page(recorder.outputs["1"])
    assert [each["message"] for each in recorder.problems] == ["The link clm:none leads nowhere: the course has no such notebook."]


def test_links_in_a_notebook_file_are_rewritten_too(course: Any, convert: Any, notebook: Any) -> None:
    course.write("a.ipynb", notebook("1", ("markdown", "first\n\n[x](b.ipynb) [y](c.ipynb)")))
    recorder = convert(course.job("a.ipynb", ["completed/notebook"], links={"b.ipynb": {"completed/notebook": "../w/b.ipynb"}}))
    assert "[x](../w/b.ipynb)" in source_of(recorder, course, "0", 1)
    (problem,) = recorder.problems
    assert (problem["cell"], problem["line"]) == (1, 3)
