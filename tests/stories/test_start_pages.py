"""Start pages of whole builds: true after failures, removals, renames and builds of a part."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import jsonschema
import pytest

from tests.stories.conftest import Built, looks, notebook, write

pytestmark = pytest.mark.story

Clx = Callable[..., Built]
PROJECT = Path(__file__).parents[2]
YAML = """version: 1
title: {en: "Python <script>alert(1)</script>", de: Python & mehr}
languages: [en, de]
author: Ada Example
targets:
  students: {path: out/students, kinds: [code-along], formats: [html, notebook]}
  staff: {path: out/staff, kinds: [completed, speaker], formats: [html, notebook, code]}
sections:
  - {title: {en: Basics, de: Grundlagen}, topics: [lists.py, broken.ipynb]}
  - {title: {en: More, de: Mehr}, topics: [only.de.py, end.py]}
"""
SECRET = '# %% [markdown] tags=["notes"]\n# # SECRET-NOTES\n\n'


def text(title: str, *, before: str = "") -> str:
    return f"{before}# %% [markdown]\n# # {title}\n\n# %% [markdown]\n# Words.\n"


class Hrefs(HTMLParser):
    """The addresses in a page and the words it shows."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[str] = []
        self.said = ""
        self.page = page
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name == "href" and value and tag == "a" and not value.startswith("#")]

    def handle_data(self, data: str) -> None:
        self.said += data

    def dead(self) -> list[str]:
        return [href for href in self.found if not (self.page.parent / unquote(href)).is_file()]


def start_pages(built: Built) -> Iterator[Hrefs]:
    for page in built.report["pages"]:
        yield Hrefs(Path(built.report["output_root"]) / page["path"])


def states(built: Built) -> dict[str, str]:
    return {page["path"]: page["state"] for page in built.report["pages"]}


def test_a_course_through_failure_change_and_removal(clx: Clx, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "course.yaml": YAML,
            "lists.py": text("Lists", before=SECRET),
            "broken.ipynb": notebook(("markdown", "# Broken"), ("code", "1 / 0")),
            "only.de.py": text("Nur auf Deutsch"),
            "end.py": text("The end"),
        },
    )
    built = clx(tmp_path)
    jsonschema.validate(built.report, json.loads((PROJECT / "docs/report.schema.json").read_text()))
    starts = {f"{target}/index.html" for target in ("students", "staff")} | {
        f"{kind}/{language}/html/index.html"
        for kind in ("students/code-along", "staff/completed", "staff/speaker")
        for language in ("en", "de")
    }
    assert set(states(built)) == starts and set(states(built).values()) == {"built"} and built.classes() == ["cell-error"]
    out = tmp_path / "out"
    assert [page.dead() for page in start_pages(built)] == [[]] * 8
    assert not any("SECRET" in page.said for page in start_pages(built))

    # What failed is named and leads nowhere; the title is shown and not run.
    english = Hrefs(out / "staff/completed/en/html/index.html")
    assert "Broken" in english.said and "not available" in english.said and "broken.html" not in english.found
    assert {"lists.html", "end.html", "../notebook/lists.ipynb", "../code/lists.py"} <= set(english.found)
    assert "Python <script>alert(1)</script>" in english.said and "<script>" not in english.page.read_text()
    assert "Ada Example" in english.said and "Nur auf Deutsch" not in english.said
    german = Hrefs(out / "staff/completed/de/html/index.html")
    assert "Nur auf Deutsch" in german.said and "nicht verfügbar" in german.said and 'lang="de"' in german.page.read_text()
    assert "../../en/html/index.html" in german.found
    # A public page does not lead to what is private, though it lies in the same folder.
    assert not [href for href in english.found if "speaker" in href or href == "../../../index.html"]
    assert "../../../completed/en/html/index.html" in Hrefs(out / "staff/speaker/en/html/index.html").found

    # Nothing changed, nothing touched.
    before = looks(out)
    again = clx(tmp_path)
    assert set(states(again).values()) == {"fresh"} and looks(out) == before

    # Mended, renamed and with another title: the pages beside it change, the others stay.
    write(tmp_path, {"broken.ipynb": notebook(("markdown", "# Mended"), ("code", "1 / 1"))})
    lists = text("All of lists", before=SECRET)
    write(tmp_path, {"all.py": lists})
    (tmp_path / "lists.py").unlink()
    write(tmp_path, {"course.yaml": YAML.replace("lists.py", "all.py")})
    built = clx(tmp_path)
    english = Hrefs(out / "staff/completed/en/html/index.html")
    assert english.dead() == [] and {"broken.html", "all.html"} <= set(english.found) and "Lists" not in english.said
    assert "All of lists" in english.said and "Mended" in english.said

    # A part: what was not chosen stays listed.
    write(tmp_path, {"end.py": text("The very end")})
    built = clx(tmp_path, "--topic", "end.py", "--target", "students")
    assert set(states(built)) == {path for path in starts if path.startswith("students/")}
    assert (out / "staff/speaker/en/html/index.html").is_file()
    listed = Hrefs(out / "students/code-along/en/html/index.html")
    assert {"all.html", "end.html"} <= set(listed.found) and listed.dead() == [] and "The very end" in listed.said

    # A start page that somebody changed stays; switched off, those that are ours go.
    page = out / "staff/speaker/de/html/index.html"
    page.write_text("my own")
    write(tmp_path, {"end.py": text("The last end")})
    assert states(clx(tmp_path))["staff/speaker/de/html/index.html"] == "stale" and page.read_text() == "my own"
    write(tmp_path, {"course.yaml": YAML.replace("lists.py", "all.py") + "navigation: false\n"})
    built = clx(tmp_path)
    assert built.report["pages"] == [] and [path for path in out.rglob("index.html") if path != page] == []
    assert not re.search(r"all\.html", (out / "staff/completed/en/html/broken.html").read_text())


DECK = '# %% [markdown] lang="en"\n# # Values\n\n# %% [markdown] lang="de"\n# # Werte\n'
SPEC = """<course><name><de>Kurs</de><en>Course</en></name><prog-lang>python</prog-lang><author>Ada</author>
<sections><section><name><de>Woche</de><en>Week</en></name><topics><topic>values</topic><topic>more</topic></topics></section></sections></course>"""


def test_an_xml_course_has_them_where_it_asks(clx: Clx, tmp_path: Path) -> None:
    decks = {f"slides/module_100_x/topic_{n}_{name}/slides_{name}.py": DECK for n, name in ((100, "values"), (110, "more"))}
    write(tmp_path, {**decks, "course-specs/c.xml": SPEC})
    built = clx(tmp_path / "course-specs/c.xml")
    assert built.report["pages"] == [] and list((tmp_path / "output").rglob("index.html")) == []
    write(tmp_path, {"course-specs/c.clx.yaml": "navigation: true\n"})
    built = clx(tmp_path / "course-specs/c.xml")
    assert built.code == 0 and [page.dead() for page in start_pages(built)] == [[]] * len(built.report["pages"])
    assert "shared/Course-en/Slides/Html/Completed/index.html" in states(built)
    page = next((tmp_path / "output").rglob("shared/Kurs-de/Folien/Html/Completed/index.html"))
    assert "Woche" in Hrefs(page).said


def test_a_file_of_the_course_called_index_is_its_start_page(clx: Clx, tmp_path: Path) -> None:
    yaml = "version: 1\ninclude: [{from: own/index.html}]\n"
    write(tmp_path, {"course.yaml": yaml, "own/index.html": "<p>mine</p>", "a.py": text("A"), "index.md": "no notebook"})
    for _ in range(2):
        built = clx(tmp_path)
        assert (built.code, built.report["pages"]) == (0, [])
        assert (tmp_path / "output/students/completed/html/index.html").read_text() == "<p>mine</p>"
