"""What ``clx check`` finds without running anything, and what it corrects."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.cli import main

Clx = Callable[..., tuple[int, str, str]]
pytestmark = pytest.mark.story


@pytest.fixture
def clx(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Clx:
    """Run a command; gives its exit code, its output and its words on standard error."""
    monkeypatch.delenv("CLX_STATE_DIR", raising=False)

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def write(file: Path, text: str | bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


DECK = """# j2 from 'macros.j2' import header
# {{ header("Listen", "Lists") }}

# %% [markdown] lang="de" tags=["slide"] slide_id="a"
# ## Listen
# ![Bild](img/gone.png) ![](img/lfs.png)

# %% [markdown] Lang="en" tags=["slide"] slide_id="a"
# ## Lists

# %% tag=["keep"]
1 / 0

# %% [markdown] lang="de" tags=["private"]
# ![Geheim](img/secret.png) [nirgends](nowhere.py)

# %% tags=["start"]
x =
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A course file in two languages with a dirty deck, a clean one, and a topic that is missing."""
    topics = "<topics><topic>lists</topic><topic>clean</topic><topic>nowhere</topic></topics>"
    section = f"<section><name><de>Woche</de><en>Week</en></name>{topics}</section>"
    name = "<name><de>Kurs</de><en>Course</en></name>"
    module = tmp_path / "slides" / "module_1"
    write(module / "topic_100_lists" / "slides_lists.py", DECK)
    write(module / "topic_100_lists" / "img" / "lfs.png", b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    write(module / "topic_110_clean" / "slides_clean.py", "# %%\nprint('never run')\n")
    author = "<author>A</author>"
    return write(
        tmp_path / "course-specs" / "a.xml",
        f"<course>{name}{author}<prog-lang>python</prog-lang><sections>{section}</sections></course>",
    )


PATH = "slides/module_1/topic_100_lists/slides_lists.py"


def looks(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_everything_is_found_and_nothing_is_run_or_written(clx: Clx, spec: Path, tmp_path: Path) -> None:
    before = looks(tmp_path)
    code, said, _ = clx("check", spec, "--json")
    assert code == 1 and looks(tmp_path) == before
    report = json.loads(said)
    assert (report["version"], report["course"], report["sources"], report["fixed"]) == (1, "course-specs/a.xml", 2, [])
    found = {(problem["class"], problem["line"]): problem for problem in report["problems"]}
    assert {key for key in found if key[0] != "bad-course"} == {
        ("image", 6), ("tag", 8), ("tag", 11), ("image", 15), ("link", 15), ("accessibility", 6), ("language", None), ("tag", 17),
    }  # fmt: skip
    assert all(problem["path"] == PATH for (category, _), problem in found.items() if category != "bad-course")
    assert "git lfs pull" in [problem["hint"] for problem in report["problems"] if problem["class"] == "image"][1]
    assert found["tag", 8]["fix"]["new"] == "lang"
    assert [problem["severity"] for problem in report["problems"] if problem["class"] == "bad-course"] == ["error"]


def test_fixes_change_their_lines_only_and_the_rest_is_told(clx: Clx, spec: Path, tmp_path: Path) -> None:
    deck = tmp_path / PATH
    code, said, _ = clx("check", spec, "--fix")
    assert code == 1
    assert deck.read_text() == DECK.replace('Lang="en"', 'lang="en"').replace('tag=["keep"]', 'tags=["keep"]')
    assert f"corrected: {PATH}:8: Lang → lang" in said and f"corrected: {PATH}:11: tag → tags" in said
    assert "2 sources: 2 corrections made, 1 error" in said and "fix:" not in said
    after = looks(tmp_path)
    assert "correction" not in clx("check", spec, "--fix")[1] and looks(tmp_path) == after


def test_parts_of_a_course(clx: Clx, spec: Path, tmp_path: Path) -> None:
    assert json.loads(clx("check", spec, "-t", "clean", "--json")[1])["sources"] == 1
    assert json.loads(clx("check", spec, tmp_path / PATH, "--json")[1])["sources"] == 1
    assert json.loads(clx("check", spec, "-s", "Week", "--json")[1])["sources"] == 2
    code, _, error = clx("check", spec, "-t", "other")
    assert code == 2 and "other" in error
    code, _, error = clx("check", spec, tmp_path.parent / "elsewhere.py")
    assert code == 2 and "does not lie in the course" in error
    assert clx("check", tmp_path / "nothing")[0] == 2


def test_the_halves_of_a_split_pair_are_compared(clx: Clx, spec: Path, tmp_path: Path) -> None:
    folder = tmp_path / "slides" / "module_1" / "topic_100_lists"
    (folder / "slides_lists.py").unlink()
    cells = ['# %% [markdown] lang="{0}" tags=["slide"]\n# ## A\n\n', "# %%\n1\n\n", '# %% [markdown] lang="{0}"\n# Text\n\n']
    head = "# j2 from 'macros.j2' import header_{0}\n# {{{{ header_{0}('T') }}}}\n\n"
    write(folder / "slides_lists.de.py", "".join([head, *cells, *cells]).format("de"))
    write(folder / "slides_lists.en.py", "".join([head, *cells, cells[0]]).format("en"))
    problems = [problem for problem in json.loads(clx("check", spec, "--json")[1])["problems"] if problem["class"] != "bad-course"]
    assert [(problem["class"], problem["path"], problem["line"], problem["message"]) for problem in problems] == [
        ("language", "slides/module_1/topic_100_lists/slides_lists.de.py", 20, "This cell in de has no counterpart in en.")
    ]


def cells(*made: dict[str, Any]) -> str:
    rows = [{"cell_type": "markdown", "metadata": {}, "source": "Text", **each} for each in made]
    return json.dumps({"cells": rows, "nbformat": 4, "nbformat_minor": 4, "metadata": {}}, indent=3, ensure_ascii=False)


def test_a_plain_folder_its_exit_codes_and_line_ends(clx: Clx, tmp_path: Path) -> None:
    good = write(tmp_path / "1.ipynb", cells({"metadata": {"tags": ["exercise", "important"]}}))
    assert clx("check", tmp_path)[:2] == (0, "1 source: 0 errors, 0 warnings\n")
    write(good, cells({"metadata": {"tags": ["exercise", "solutin"]}}))
    deck = write(tmp_path / "2.py", b'\xef\xbb\xbf# %% [markdown] tag=["keep"]\r\n# \xc3\x9c\r\n\r\n# %% tags=["keep", "keepp"]\r\n1\r\n')
    code, said, _ = clx("check", tmp_path)
    assert code == 0 and "3 warnings" in said and "3 of them can be corrected: clx check --fix" in said
    assert clx("check", tmp_path, "--strict")[0] == 1
    assert clx("check", tmp_path, "--fix", "--strict")[0] == 0
    assert good.read_text() == cells({"metadata": {"tags": ["exercise", "solution"]}})
    assert deck.read_bytes() == b'\xef\xbb\xbf# %% [markdown] tags=["keep"]\r\n# \xc3\x9c\r\n\r\n# %% tags=["keep"]\r\n1\r\n'


def test_a_notebook_that_cannot_be_read_is_one_error(clx: Clx, tmp_path: Path) -> None:
    write(tmp_path / "broken.ipynb", '{"cells": [')
    write(tmp_path / "tags.py", '# %% tags="keep"\n1\n')
    code, said, _ = clx("check", tmp_path, "--fix")
    assert code == 1 and said.count("error:") == 1 and "broken.ipynb" in said
    assert (tmp_path / "tags.py").read_text() == '# %% tags=["keep"]\n1\n'


def test_a_build_tells_the_same(clx: Clx, tmp_path: Path) -> None:
    write(tmp_path / "a.py", '# %% [markdown] tags=["slide", "notes"]\n# Text\n\n# %% tags=["keeep"]\n')
    checked = json.loads(clx("check", tmp_path, "--json")[1])["problems"]
    built = json.loads(clx("build", tmp_path, "--no-execute", "--json")[1])["problems"]
    assert [problem["class"] for problem in checked] == ["tag", "tag"]
    assert built == checked


def test_links_are_checked_whatever_was_built_before(clx: Clx, tmp_path: Path) -> None:
    """A build plans where links lead only for what it makes; a check looks at all."""
    course = "targets: {{s: {{kinds: [completed], formats: [{}], path: out}}}}\nsections: [{{title: S, topics: [a.py, b.py]}}]\n"
    write(tmp_path / "a.py", "# %% [markdown]\n# # A\n# [b](b.py) [c](c.py)\n\n# %%\n1 / 0\n")
    write(tmp_path / "b.py", "# %% [markdown]\n# # B\n")
    write(tmp_path / "course.yaml", course.format("html, notebook"))
    before = clx("check", tmp_path)[1]
    assert before.count("warning") == 2 and "c.py" in before  # the link, and the sum
    assert clx("build", tmp_path)[0] == 1  # the page failed, the notebook is there: some are fresh, some are not
    assert clx("check", tmp_path)[1] == before
