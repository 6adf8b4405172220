"""Files that code writes for the notebooks after it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter_workers import stage
from clx_jupyter_workers.notebook import written


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def put(shelf: Path, text: str) -> str:
    place = written.on_shelf(shelf, sha256(text))
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    return place.name


def test_new_and_changed_files_are_found_and_nothing_outside_the_copy(tmp_path: Path) -> None:
    outside, place = tmp_path / "outside", tmp_path / "place"
    outside.mkdir()
    (place / "week").mkdir(parents=True)
    for name in ("same.csv", "changed.csv", "week/again.csv"):
        (place / name).write_text("old")
    (place / "data").symlink_to(outside, target_is_directory=True)
    before = written.looks(place)
    (place / "changed.csv").write_text("new")
    (place / "new.csv").write_text("new")
    (place / "week/again.csv").unlink()
    (place / "week/again.csv").write_text("old")
    (outside / "x.csv").write_text("new")
    (place / "link.csv").symlink_to(outside / "x.csv")
    os.mkfifo(place / "pipe")
    (place / "__pycache__").mkdir()
    (place / "__pycache__/m.pyc").write_text("new")
    assert written.written(place, before) == ["changed.csv", "new.csv", "week/again.csv"]


def test_files_are_handed_on_under_their_hashes_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("a", "one"), ("b", "three"), ("c", "two")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(written, "MAX_BYTES", 6)
    assert written.hand_on(tmp_path, ["a", "b", "c"], tmp_path / "stage") == {"a": sha256("one"), "b": "", "c": sha256("two")}
    assert sorted(path.name for path in (tmp_path / "stage").iterdir()) == sorted([sha256("one"), sha256("two")])
    assert (tmp_path / "stage" / sha256("two")).read_text() == "two"


def test_what_is_laid_into_the_copy_never_reaches_the_course(tmp_path: Path) -> None:
    course, place, shelf = tmp_path / "course", tmp_path / "place", tmp_path / "shelf"
    (course / "data/deep").mkdir(parents=True)
    for name in ("data/old.csv", "data/deep/x.csv", "data/deep/y.csv", "linked.csv"):
        (course / name).write_text("course")
    place.mkdir()
    (place / "data").symlink_to(course / "data", target_is_directory=True)
    (place / "linked.csv").symlink_to(course / "linked.csv")
    new = put(shelf, "new")
    written.lay(place, dict.fromkeys(["data/deep/x.csv", "data/more/z.csv", "linked.csv", "../out.csv", "/out.csv"], new), shelf)
    assert (place / "data/deep/x.csv").read_text() == (place / "data/more/z.csv").read_text() == (place / "linked.csv").read_text() == "new"
    assert (place / "data/old.csv").read_text() == (place / "data/deep/y.csv").read_text() == "course"
    assert {path.read_text() for path in course.rglob("*") if path.is_file()} == {"course"}
    assert not (course / "data/more").exists() and not (tmp_path / "out.csv").exists()


def test_a_file_on_the_stage_is_whole_or_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        stage.put_file(tmp_path / "stage", tmp_path / "none")
    assert list((tmp_path / "stage").iterdir()) == []


def test_without_the_files_of_the_one_before_only_what_shows_results_fails(course: Any, convert: Any) -> None:
    course.write("b.py", "# %%\nopen('clean.csv')\n")
    after = [{"path": "a.py", "runs": {}, "state": "failed"}]
    made = convert(course.job("b.py", ["completed/html", "completed/code"]) | {"after": after, "shelf": ""})
    assert [(problem["class"], problem["message"]) for problem in made.problems] == [
        ("missing-file", "a.py failed, and this notebook needs its files.")
    ]  # fmt: skip
    assert (set(made.outputs), made.done["runs"], made.done["executions"]) == ({"1"}, {}, 0)


@pytest.mark.kernel
def test_a_run_hands_its_files_on_and_is_repeated_where_they_are_gone(course: Any, convert: Any, tmp_path: Path) -> None:
    course.write("week/a.py", "# %%\nopen('clean.csv', 'w').write(open('given.csv').read() + '!')\n")
    shelf = tmp_path / "shelf"
    given = {"week/given.csv": put(shelf, "given")}
    job: dict[str, Any] = course.job("week/a.py", []) | {"after": [{"path": "z.py", "runs": {"de": given}}], "shelf": str(shelf)}
    job["execute"] |= {"hand_on": True, "run": [""]}
    made = convert(job)
    run = made.done["runs"][""]
    assert (made.problems, made.done["executions"]) == ([], 1)
    assert (run["given"], run["written"]) == (given, {"week/clean.csv": sha256("given!")})
    assert made.of("written") == [{"t": "written", "files": [sha256("given!")]}]

    gone = convert(job)
    assert (gone.done["executions"], gone.done["runs"]) == (1, made.done["runs"]), "nobody put the file on the shelf"
    put(shelf, "given!")
    kept = convert(job)
    assert (kept.done["executions"], kept.done["runs"]) == (0, made.done["runs"])

    other = json.loads(json.dumps(job))
    other["after"][0]["runs"]["de"]["week/given.csv"] = put(shelf, "other")
    assert convert(other).done["runs"][""]["written"] == {"week/clean.csv": sha256("other!")}
