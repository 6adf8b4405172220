"""The folder a notebook runs in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clx_jupyter_workers.notebook import scratch as module
from clx_jupyter_workers.notebook.scratch import scratch


@pytest.fixture
def files(course: Any) -> Any:
    for path in ("a/b/n.ipynb", "a/b/d/x.txt", "a/b/.git/config", "a/b/env/pyvenv.cfg", "a/b/out/.clx-manifest.json", "a/other.txt",
                 "a/c/y.txt", "top.py", "output/page.html", ".clx/jobs.db"):  # fmt: skip
        course.write(path, path)
    return course


def listing(place: Path) -> list[str]:
    return sorted(path.relative_to(place).as_posix() + ("@" if path.is_symlink() else "") for path in place.rglob("*"))


def test_the_folder_is_copied_and_the_way_to_it_linked(files: Any, tmp_path: Path) -> None:
    place = tmp_path / "scratch"
    with scratch(place, files.root, "a/b", [], never_link=["output"]) as folder:
        assert folder == place / "a/b"
        assert listing(place) == ["a", "a/b", "a/b/d", "a/b/d/x.txt", "a/b/n.ipynb", "a/c@", "a/other.txt@", "top.py@"]
        assert (folder / "../c/y.txt").read_text() == "a/c/y.txt"
        (folder / "d/x.txt").write_text("changed")
        (folder / "d").chmod(0o500)
    assert not place.exists() and (files.root / "a/b/d/x.txt").read_text() == "a/b/d/x.txt"


def test_in_the_course_root_only_folders_with_needed_files_are_copied(files: Any, tmp_path: Path) -> None:
    files.write("data/x.csv", "1")
    with scratch(tmp_path / "s", files.root, "", ["data/x.csv"], never_link=["output"]):
        assert listing(tmp_path / "s") == ["a@", "data", "data/x.csv", "top.py"]


def test_links_that_lead_out_of_the_course_are_left_out(files: Any, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    for path in ("a/b/out.txt", "a/out.txt", "a/b/d/out.txt"):
        (files.root / path).symlink_to(tmp_path / "secret.txt")
    (files.root / "a/b/up").symlink_to(files.root / "a")
    with scratch(tmp_path / "s", files.root, "a/b", []):
        found = listing(tmp_path / "s")
        assert not [path for path in found if "out.txt" in path] and "a/b/up@" in found


def test_large_files_are_linked(files: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "MAX_COPY", 5)
    with scratch(tmp_path / "s", files.root, "a/b", []):
        assert (tmp_path / "s/a/b/n.ipynb").is_symlink()


def test_a_file_that_may_only_be_read_can_be_written_in_the_copy(files: Any, tmp_path: Path) -> None:
    (files.root / "a/b/n.ipynb").chmod(0o400)
    with scratch(tmp_path / "s", files.root, "a/b", []) as folder:
        assert (folder / "n.ipynb").stat().st_mode & 0o600 == 0o600


def test_included_files_are_placed_and_files_of_the_folder_win(files: Any, tmp_path: Path) -> None:
    includes = [("top.py", "lib/top.py"), ("top.py", "d/x.txt"), ("top.py", "../../../../x"), ("none.py", "y"), ("top.py", "/z")]
    with scratch(tmp_path / "s", files.root, "a/b", [], includes) as folder:
        assert (folder / "lib/top.py").read_text() == "top.py" and (folder / "d/x.txt").read_text() == "a/b/d/x.txt"
        assert not (folder / "y").exists()
    assert not (tmp_path / "x").exists()


def test_the_copy_is_gone_after_an_error_too_and_an_old_one_before(files: Any, tmp_path: Path) -> None:
    (tmp_path / "s/left").mkdir(parents=True)
    with pytest.raises(KeyError), scratch(tmp_path / "s", files.root, "a/b", []):
        assert not (tmp_path / "s/left").exists()
        raise KeyError
    assert not (tmp_path / "s").exists()


def test_what_code_names_beside_its_folder_is_the_copy_s_own(tmp_path: Path) -> None:
    root, place = tmp_path / "course", tmp_path / "place"
    for name in ("week/a.py", "data/old.csv", "data/deep/x.csv", "lib/m.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("course")
    code = "open('../data/new.csv', 'w')\nopen(\"../data/old.csv\", 'w')\nx = '../../etc/passwd', '/etc/x', 'text/html', f'../data/deep/{n}.csv'\n"
    names = module.named_paths(code, "week")
    assert names == ["data/new.csv", "data/old.csv", "week/text/html", "data/deep/{n}.csv"]
    with scratch(place, root, "week", []) as folder:
        module.own(place, names)
        for name in ("../data/new.csv", "../data/old.csv", "../data/deep/y.csv"):
            (folder / name).write_text("run")
        assert (folder / "../data/deep/x.csv").read_text() == "course"
        assert not (folder / "text").exists() and (place / "lib").is_symlink()
    assert sorted(path.relative_to(root).as_posix() for path in root.rglob("*.*")) == [
        "data/deep/x.csv",
        "data/old.csv",
        "lib/m.py",
        "week/a.py",
    ]
    assert {path.read_text() for path in root.rglob("*.*")} == {"course"}
