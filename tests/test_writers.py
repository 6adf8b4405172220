"""Who writes a missing file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from clx_jupyter.course.folder import load_folder
from clx_jupyter.course.model import Course, Source
from clx_jupyter.errors import Problem
from clx_jupyter.plan import Known
from clx_jupyter.writers import with_writer, writer_of, writes

WRITES = [
    'df.to_csv("clean.csv")', "df.to_csv(\n    'out/clean.csv',\n    index=False)", 'open("clean.csv", "w")', "open('clean.csv', mode='a')",
    'json.dump(x, open("clean.csv", "wt"))', 'Path("clean.csv").write_text(x)', "Path('clean.csv').open('w')", 'np.save("clean.csv", x)',
    'plt.savefig("clean.csv")', 'write.csv(df, "clean.csv")', 'readr::write_csv(df, "clean.csv")', 'saveRDS(df, file = "clean.csv")',
    'CSV.write("clean.csv", df)', "%%writefile clean.csv\na,b", 'with open("clean.csv", "wb") as f:',
]  # fmt: skip
READS = [
    'pd.read_csv("clean.csv")', 'open("clean.csv")', 'open("clean.csv", "r")', 'Path("clean.csv").read_text()', 'df.to_csv("unclean.csv")',
    'read.csv("clean.csv")', 'x = "clean.csv"', 'load("clean.csv"); save(x)', "# to_csv clean.csv",
]  # fmt: skip


@pytest.mark.parametrize("code", WRITES)
def test_calls_that_write_are_seen(code: str) -> None:
    assert [path.rpartition("/")[2] for path in writes(code, "clean.csv")] == ["clean.csv"]


@pytest.mark.parametrize("code", READS)
def test_nothing_else_is(code: str) -> None:
    assert list(writes(code, "clean.csv")) == []


@pytest.fixture
def course(tmp_path: Path) -> Course:
    files = {
        "a/one.py": "# %% [markdown]\n# df.to_csv('clean.csv')\n# %%\ndf.to_csv('other.csv')\n",
        "a/two.py": "# %%\ndf.to_csv('../data/clean.csv')\n",
        "b/three.py": "# %%\ndf.to_csv('clean.csv')\n",
        "b/read.py": "# %%\nopen('clean.csv')\nopen('clean.csv', 'w')\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return load_folder(tmp_path)


def source(course: Course, path: str) -> Source:
    return next(source for _, _, source in course.sources() if source.path == path)


def place(course: Course, path: str) -> str:
    return next(
        f"{index}:{path}" for index, section in enumerate(course.sections) for topic in section.topics if topic.sources[0].path == path
    )


def test_the_same_path_counts_before_the_same_name_and_a_run_before_the_look_of_code(course: Course) -> None:
    read = source(course, "b/read.py")
    assert writer_of("clean.csv", read, course, {}) == "b/three.py"
    assert writer_of("../data/clean.csv", read, course, {}) == "a/two.py"
    assert writer_of("x/clean.csv", read, course, {}) == "a/two.py"
    assert writer_of("none.csv", read, course, {}) is None
    known = {place(course, "a/one.py"): Known({}, (), {"": {"key": "k", "written": {"b/clean.csv": ""}, "given": {}}})}
    assert writer_of("clean.csv", read, course, known) == "a/one.py"
    assert writer_of("clean.csv", replace(read, after=("a/one.py",)), course, known) == "b/three.py"


def test_the_hint_of_a_missing_file_names_who_writes_it(course: Course) -> None:
    read = source(course, "b/read.py")
    missing = Problem("missing-file", "FileNotFoundError: [Errno 2] No such file or directory: 'clean.csv'", "put it there", cell=0)
    hint = "clean.csv is written by b/three.py; ship it, or declare `after:` in course.yaml"
    told = with_writer(missing, read, course, {})
    assert (told.hint, told.id) == (hint, missing.id)
    assert (
        with_writer(missing, read, replace(course, layout="clm"), {}).hint == "clean.csv is written by b/three.py; ship it with the topic"
    )
    for other in (
        replace(missing, message="No such file: 'none.csv'"),
        replace(missing, category="cell-error"),
        replace(missing, cell=None),
    ):
        assert with_writer(other, read, course, {}) == other
