"""Workers that share no files make what local ones make, byte for byte."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from clx_jupyter.builds import Builds
from clx_jupyter.executors.base import Executor
from clx_jupyter.requests import Request
from tests.blind import BlindExecutor
from tests.stories.conftest import notebook, write

pytestmark = [pytest.mark.story, pytest.mark.kernel]

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63f8cfc0f01f0005000"
    "1ff89993d1d0000000049454e44ae426082"
)  # fmt: skip


def files(root: Path) -> dict[str, str]:
    """Every file below *root* by the hash of its bytes, sources and manifests too: code must not have written into the course."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".clx" not in path.parts
    }


def told(report: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return sorted((str(row["path"]), row["class"], row["severity"], row["message"]) for row in report["problems"])


def states(report: Mapping[str, Any]) -> dict[str, str]:
    return {row["path"]: row["state"] for row in report["outputs"]}


async def build(root: Path, executor: Executor | None = None, size: int = 1, **request: Any) -> dict[str, Any]:
    builds = await Builds.open(root, executor=executor, size=size)
    assert builds is not None
    try:
        return await builds.wait(await builds.start(Request(str(root), "course.yaml", **request)))
    finally:
        await builds.close()


class Twins:
    """One course twice: built by local workers, and by workers that see nothing of it."""

    def __init__(self, folder: Path) -> None:
        self.local, self.hidden = folder / "local" / "course", folder / "hidden" / "course"
        self.executor = BlindExecutor(folder / "hidden", folder / "worker")

    def write(self, content: Mapping[str, str | bytes]) -> None:
        for root in (self.local, self.hidden):
            root.mkdir(parents=True, exist_ok=True)
            write(root, content)

    async def build(self, **request: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        one, other = await build(self.local, **request), await build(self.hidden, self.executor, **request)
        assert told(one) == told(other)
        assert states(one) == states(other)
        assert files(self.local) == files(self.hidden)
        assert self.executor.left() == []
        return one, other


@pytest.fixture
def twins(tmp_path: Path) -> Twins:
    return Twins(tmp_path)


COURSE = """
version: 1
title: {en: Data, de: Daten}
languages: [en, de]
targets:
  students: {path: output/students, kinds: [code-along], formats: [html, notebook, code]}
  staff: {path: output/staff, kinds: [completed, speaker], formats: [html, slides, notebook], outputs: true}
sections:
  - title: One
    topics: [week1/first.ipynb, week1/clean.py, {path: week2/after.py, after: [week1/clean.py]}, week2/plain.md]
"""
FIRST = notebook(
    ("markdown", "# First\n\n![here](img/here.png) ![other](../pictures/an%20other.png) <img src='../pictures/third.png'>"),
    ("markdown", "[data](../data/x.csv), [gone](gone.csv), [a page](../week2/plain.md), [a folder](../empty), ![lost](img/lost.png)"),
    ("code", "from helper import twice\nimport shop.till as till\nprint(twice(open('../data/x.csv').read()), till.NAME)"),
    ("code", "import os, glob\nprint(sorted(glob.glob('parts/*.txt')), sorted(os.listdir('../data/more')), open('notes.txt').read())"),
    ("code", "print(open('weird name ü\\'\"$(x).txt').read(), len(open('../data/nothing.bin', 'rb').read()))"),
    ("code", "open('made.txt', 'w').write('x'); open('../data/x.csv', 'a').write('more'); print('*' * 5)"),
    ("code", "import pathlib, time\nprint(pathlib.Path('run.sh').stat().st_mode & 0o777, int(pathlib.Path('run.sh').stat().st_mtime))"),
)
DATA_COURSE: dict[str, str | bytes] = {
    "course.yaml": COURSE,
    "week1/first.ipynb": FIRST,
    "week1/clean.py": "# %% [markdown] lang=\"en\"\n# # Clean\n\n# %% [markdown] lang=\"de\"\n# # Putzen\n\n# %%\nopen('clean.csv', 'w').write('1;2')\n",
    "week2/after.py": "# %% [markdown]\n# # After\n\n# %%\nprint(open('../week1/clean.csv').read())\n",
    "week2/plain.md": "---\njupyter:\n  kernelspec: {name: python3, language: python, display_name: Python 3}\n---\n\n# Plain\n\n```python\n6 * 7\n```\n",
    "helper.py": "from week1.deep import of\ndef twice(text):\n    return text + of + open('../data/used by helper.txt').read()\n",
    "week1/deep.py": "of = 'deep'\n",
    "data/used by helper.txt": "helped",
    "week1/shop/__init__.py": "",
    "week1/shop/till.py": "from . import change\nNAME = change.NAME\n",
    "week1/shop/change.py": "NAME = 'till'\n",
    "week1/parts/a.txt": "a",
    "week1/parts/b.txt": "b",
    "week1/notes.txt": "notes",
    "week1/run.sh": "true\n",
    "week1/weird name ü'\"$(x).txt": "weird",
    "week1/img/here.png": PICTURE,
    "pictures/an other.png": PICTURE + b"1",
    "pictures/third.png": PICTURE + b"2",
    "data/x.csv": "a;b\n",
    "data/nothing.bin": b"",
    "data/more/one.csv": "1",
    "data/more/two.csv": "2",
}


async def test_a_course_with_data_modules_pictures_languages_and_after_is_the_same(twins: Twins) -> None:
    twins.write(DATA_COURSE)
    for root in (twins.local, twins.hidden):
        (root / "empty").mkdir()
        (root / "week1/run.sh").chmod(0o755)
        os.utime(root / "week1/run.sh", (1_600_000_000, 1_600_000_000))
    # The code of the first deck is run where helper.py finds its file: from the root's own folder.
    report, _ = await twins.build()
    assert "made.txt" not in str(sorted(twins.hidden.rglob("*.txt")))
    assert set(states(report).values()) <= {"built"}, report["problems"]
    # Nothing has changed: nothing is sent. A change of text runs no code, remote or not.
    (twins.hidden / "week2/plain.md").write_text(str(DATA_COURSE["week2/plain.md"]) + "\nmore\n")
    (twins.local / "week2/plain.md").write_text(str(DATA_COURSE["week2/plain.md"]) + "\nmore\n")
    one, other = await twins.build()
    assert one["executions"] == other["executions"] == 0
