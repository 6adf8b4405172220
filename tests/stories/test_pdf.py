"""PDFs in a course: made where a browser is, left out with one word where none is, and made as soon as one is there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from clx_jupyter_workers.browsers import chromium
from tests.pdfs import Pdf
from tests.stories.conftest import Built, command, looks, write

pytestmark = pytest.mark.story

Clx = Callable[..., Built]
FILES = {
    "course.yaml": "targets: {students: {path: out, kinds: [completed], formats: [html, pdf]}}\nexecute: {mode: never}\n",
    "lists.py": "# %% [markdown]\n# # Lists\n# See [loops](week2/loops.py) and $x^2$.\n# %%\nprint(1)\n",
    "week2/loops.py": "# %% [markdown]\n# # Loops\n# Back to [lists](../lists.py).\n",
}
PDFS = {"out/completed/pdf/lists.pdf", "out/completed/pdf/week2/loops.pdf"}


def test_pdfs_come_and_go_with_the_browser(tmp_path: Path, clx: Clx) -> None:
    write(tmp_path, FILES)
    none = {"CLX_CHROMIUM": str(tmp_path / "no-browser")}
    for _ in range(2):
        without = clx(tmp_path, **none)
        assert without.code == 0
        assert {path for path, state in without.states().items() if state == "skipped"} == PDFS
        (problem,) = without.report["problems"]
        assert (problem["class"], problem["severity"], problem["path"]) == ("tool-missing", "warning", None)
        assert "2 PDFs are left out" in problem["message"] and "no-browser" in problem["message"] and "CLX_CHROMIUM" in problem["hint"]
    # Once said, it costs no worker any more.
    assert set(without.states().values()) == {"skipped", "fresh"} and "of 2 sources" not in without.errors
    assert {file.name for file in (tmp_path / "out").rglob("*.*")} >= {"lists.html", "loops.html"}

    made = clx(tmp_path)
    assert made.code == 0 and made.report["problems"] == []
    assert {path for path, state in made.states().items() if state == "built"} == PDFS
    links = {name: Pdf((tmp_path / name).read_bytes()).values("URI") for name in PDFS}
    assert links == {"out/completed/pdf/lists.pdf": ["week2/loops.pdf"], "out/completed/pdf/week2/loops.pdf": ["../lists.pdf"]}

    # Neither a second build nor one without a browser touches what is there.
    before = looks(tmp_path / "out")
    for environment in ({}, none):
        again = clx(tmp_path, **environment)
        assert set(again.states().values()) == {"fresh"} and again.report["problems"] == []
    assert looks(tmp_path / "out") == before

    # What is private now does not stay in a PDF that nothing can make anew.
    write(tmp_path, {"week2/loops.py": FILES["week2/loops.py"].replace("[markdown]", '[markdown] tags=["private"]')})
    gone = clx(tmp_path, **none)
    assert gone.states()["out/completed/pdf/week2/loops.pdf"] == "withdrawn"
    assert not (tmp_path / "out/completed/pdf/week2/loops.pdf").exists()
    assert (tmp_path / "out/completed/pdf/lists.pdf").exists()


def test_the_doctor_says_how_to_get_pdfs(tmp_path: Path) -> None:
    for named, state, word in ((chromium().program, "ok", "Chromium"), (str(tmp_path / "nothing"), "note", "CLX_CHROMIUM")):
        found = json.loads(command("doctor", "--json", cwd=tmp_path, CLX_CHROMIUM=named).stdout)
        (finding,) = [each for each in found if "Chromium" in each["what"] or "PDF" in each["what"]]
        assert finding["state"] == state and word in finding["what"]
        assert bool(finding["hint"]) == (state == "note")
