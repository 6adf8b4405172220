"""What pages load lies in one folder of each target, or in the pages themselves."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from clx_jupyter_workers import assets
from tests.stories.conftest import Built, command, looks, notebook, write

pytestmark = pytest.mark.story

Clx = Callable[..., Built]
FOLDER = "output/students/clx-assets"
TEXT = notebook(("markdown", "# A\n\n![x](x.svg) [data](d.csv)"), ("code", "1"))
FILES = {
    "a.ipynb": TEXT,
    "w/b.ipynb": TEXT,
    "x.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
    "d.csv": "1",
    "w/x.svg": "<svg/>",
    "w/d.csv": "1",
}


def loaded(page: Path) -> list[Path]:
    """The files that a page names as styles and scripts."""
    text = page.read_text(encoding="utf-8")
    return [page.parent / name for name in re.findall(r'<(?:link rel="stylesheet" href|script src)="([^"]*)"', text)]


def test_a_target_holds_what_its_pages_load_while_they_load_it(clx: Clx, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    built = clx(tmp_path, "--no-execute")
    assert built.code == 0, built.errors
    pages = [path for path in (tmp_path / "output").rglob("*.html") if path.name in ("a.html", "b.html")]
    assert len(pages) == 2 and all(loaded(page) and all(file.is_file() for file in loaded(page)) for page in pages)
    names = {path.relative_to(tmp_path / FOLDER).as_posix() for path in (tmp_path / FOLDER).rglob("*") if path.is_file()}
    assert names == set(assets.groups()["page"]), "no more than the pages need"
    rows = [row for row in built.report["assets"] if "clx-assets" in row["path"]]
    assert {row["state"] for row in rows} == {"built"} and all(row["source"].startswith("clx-assets/") for row in rows)

    # Nothing changed: nothing is touched.
    before = looks(tmp_path / "output")
    assert {row["state"] for row in clx(tmp_path, "--no-execute").report["assets"]} == {"fresh"}
    assert looks(tmp_path / "output") == before

    # One file is gone, one is of an older version, one was changed by a person.
    folder, manifest = tmp_path / FOLDER, tmp_path / "output/students/.clx-manifest.json"
    (folder / "page.css").unlink()
    record = json.loads(manifest.read_text())
    record["files"]["clx-assets/outputs.css"] |= {"sha256": hashlib.sha256(b"old").hexdigest(), "size": 3}
    (folder / "outputs.css").write_text("old")
    manifest.write_text(json.dumps(record))
    licence = next(folder.rglob("LICENSE*"))
    licence.write_text("mine")
    built = clx(tmp_path, "--no-execute")
    assert {output["state"] for output in built.report["outputs"]} == {"fresh"}
    for name in ("page.css", "outputs.css"):
        assert (folder / name).read_bytes() == assets.path(name).read_bytes()
    assert licence.read_text() == "mine" and [problem["class"] for problem in built.report["problems"]] == ["collision"]
    licence.unlink()

    # Pages that hold all themselves: the folder goes.
    write(
        tmp_path, {"course.yaml": "targets: {students: {kinds: [completed], formats: [html], self_contained: true}}\nnavigation: false\n"}
    )
    built = clx(tmp_path, "--no-execute")
    assert built.code == 0 and not folder.exists()
    alone = tmp_path / "alone.html"
    shutil.copy(tmp_path / "output/students/completed/html/a.html", alone)
    text = alone.read_text(encoding="utf-8")
    assert loaded(alone) == [] and assets.text("page.css") in text and "data:image/svg+xml;base64," in text
    beside = {path.name for path in (tmp_path / "output/students/completed").rglob("*") if path.is_file()}
    assert beside == {"a.html", "b.html", "d.csv"}
    assert {output["state"] for output in clx(tmp_path, "--no-execute").report["outputs"]} == {"fresh"}


def test_a_single_notebook_becomes_a_page_that_is_one_file(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    done = command("build", "a.ipynb", "--no-execute", cwd=tmp_path, CLX_STATE_DIR=str(tmp_path / "state"))
    assert done.returncode == 0, done.stderr
    output = tmp_path / "a.ipynb-output"
    assert loaded(next(output.rglob("a.html"))) == [] and not list(output.rglob("clx-assets"))


def test_an_installation_without_the_files_of_others_builds_pages_and_says_how_to_get_them(tmp_path: Path) -> None:
    """Run a copy of the code from which these files were taken away."""
    copy, course = tmp_path / "code", write(tmp_path / "course", {"a.ipynb": TEXT, "x.svg": "<svg/>", "d.csv": "1"})
    root = Path(assets.__file__).parent.parent.parent
    ignored = shutil.ignore_patterns("vendor", "labextension", "__pycache__")
    shutil.copytree(root / "clx_jupyter", copy / "clx_jupyter", ignore=ignored)
    shutil.copytree(Path(assets.__file__).parent, copy / "clx_jupyter_workers", ignore=ignored)
    done = command("build", ".", "--no-execute", "--json", cwd=course, PYTHONPATH=str(copy))
    assert done.returncode == 0, done.stderr
    problems = json.loads(done.stdout)["problems"]
    assert [(problem["class"], problem["severity"]) for problem in problems] == [("tool-missing", "warning")]
    assert "vendor/" in problems[0]["message"] and "pip install --editable" in problems[0]["hint"]
    assert next(course.rglob("a.html")).is_file() and (course / FOLDER / "page.css").is_file()
