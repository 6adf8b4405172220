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
from tests.blind import BlindExecutor, BlindWorker
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
        return await builds.wait(await builds.start(Request(str(root), **{"file": "course.yaml", **request})))
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
    report, _ = await twins.build()
    assert "made.txt" not in str(sorted(twins.hidden.rglob("*.txt")))
    assert set(states(report).values()) <= {"built"}, report["problems"]
    # Nothing has changed: nothing is sent. A change of text runs no code, remote or not.
    (twins.hidden / "week2/plain.md").write_text(str(DATA_COURSE["week2/plain.md"]) + "\nmore\n")
    (twins.local / "week2/plain.md").write_text(str(DATA_COURSE["week2/plain.md"]) + "\nmore\n")
    one, other = await twins.build()
    assert one["executions"] == other["executions"] == 0


M = "slides/module_1"
SPEC = """<course><name><de>Kurs</de><en>Course</en></name><prog-lang>python</prog-lang><author>Ada</author>
<sections><section><name><de>Woche 1</de><en>Week 1</en></name><topics><topic>a</topic><topic>b</topic></topics></section></sections>
<output-targets><output-target name="all"><path>out</path><kinds><kind>completed</kind><kind>speaker</kind></kinds>
<formats><format>html</format><format>notebook</format><format>code</format></formats></output-target></output-targets></course>"""
DECK = """# j2 from 'macros.j2' import header
# {{ header("Ä ä", "A: a") }}
# {% include "words.md" %}

# %% [markdown] lang="en" tags=["slide"] slide_id="one"
# ## One
# ![pic](img/pic.png) ![drawn](img/drawing.png) [B](clm:b) [data](data/x.csv)

# %% [markdown] lang="de" tags=["slide"] slide_id="one"
# ## Eins
# ![pic](img/pic.png)

# %%
from tools import twice
print(twice(open("data/x.csv").read()), open("../../../data/common.csv").read())
"""
CLM_COURSE: dict[str, str | bytes] = {
    "course-specs/a.xml": SPEC,
    f"{M}/topic_100_a/slides_a.py": DECK,
    f"{M}/topic_100_a/voiceover_a.py": '# %% [markdown] lang="en" tags=["voiceover"] for_slide="one"\n# Said.\n',
    f"{M}/topic_100_a/words.md": "a word\n",
    f"{M}/topic_100_a/data/x.csv": "1",
    f"{M}/topic_100_a/img/pic.png": PICTURE,
    f"{M}/topic_100_a/drawio/drawing.drawio": "<mxfile/>",
    f"{M}/topic_100_a/tools.py": "def twice(text):\n    return text * 2\n",
    f"{M}/topic_200_b/slides_b.py": '# %% [markdown]\n# # B\n\n# %%\nimport glob\nprint(glob.glob("*.txt"))\n',
    f"{M}/topic_200_b/b.txt": "b",
    "data/common.csv": "common",
}


async def test_a_course_of_clm_with_templates_spoken_text_and_data_elsewhere_is_the_same(twins: Twins) -> None:
    twins.write(CLM_COURSE)
    report, _ = await twins.build(file="course-specs/a.xml")
    assert set(states(report).values()) == {"built"}, report["problems"]
    pages = [path.read_text(encoding="utf-8") for path in twins.hidden.rglob("*.html")]
    assert any("Said." in page for page in pages) and any("11 common" in page for page in pages)


@pytest.mark.fault(42)
@pytest.mark.parametrize("where", ["chunk", "file"])
async def test_a_worker_that_is_cut_off_in_the_middle_of_its_files_is_replaced_and_nothing_half_is_published(
    tmp_path: Path, where: str
) -> None:
    root = write(tmp_path / "hidden" / "course", {
        "course.yaml": "version: 1\ntitle: T\ntargets: {all: {path: out, kinds: [completed], formats: [html]}}\n",
        "a.py": "# %%\nprint(len(open('big.bin', 'rb').read()))\n",
        "big.bin": os.urandom(1 << 20) * 16,
    })  # fmt: skip
    executor = CutOff(tmp_path / "hidden", tmp_path / "worker", where)
    report = await build(root, executor, execute=False)
    assert set(states(report).values()) == {"built"}
    first, second = executor.started
    assert len(second.of("chunk")) > 16
    assert (executor.cut_after < 16) == (where == "chunk") and len(first.of("chunk")) >= executor.cut_after > 3
    assert [path.name for path in (root / ".clx/stage").iterdir()] == []
    (page,) = (root / "out").rglob("a.html")
    assert "big.bin" in page.read_text(encoding="utf-8")
    assert executor.left() == []


class CutOff(BlindExecutor):
    """Its first worker is killed after a few chunks went to it, or when the first part of a result came (*where*)."""

    def __init__(self, hidden: Path, temporary: Path, where: str) -> None:
        super().__init__(hidden, temporary)
        self._where = where
        self.cut_after = 0

    async def start(self, type: str, log: Path) -> BlindWorker:
        worker = await super().start(type, log)
        if len(self.started) > 1:
            return worker
        drain, receive = worker.drain, worker.receive

        async def drained() -> None:
            await drain()
            if self._where == "chunk" and len(worker.of("chunk")) == 4:
                self.cut_after = 4
                worker.kill()

        cut = False

        async def received() -> tuple[dict[str, Any], bytes] | None:
            nonlocal cut
            if cut:  # what the worker had written by then went with the pipe
                return None
            frame = await receive()
            if frame is not None and frame[0]["t"] == self._where:
                self.cut_after = len(worker.of("chunk"))
                worker.kill()
                cut = True
            return frame

        worker.drain, worker.receive = drained, received  # type: ignore[method-assign]
        return worker


@pytest.mark.fault(43)
async def test_a_worker_that_speaks_another_version_of_the_frames_is_refused_with_the_reason(tmp_path: Path) -> None:
    root = write(tmp_path / "hidden" / "course", {"a.py": "# %%\n1\n"})
    old = write(tmp_path / "old", {"clx_jupyter_workers/__init__.py": "VERSION = 2\n", "clx_jupyter_workers/notebook.py": OLD})
    report = await build(root, BlindExecutor(tmp_path / "hidden", tmp_path / "worker", PYTHONPATH=str(old)), file="")
    assert set(states(report).values()) == {"failed"}
    assert any("speaks version 1 of the frames" in problem["message"] for problem in report["problems"]), report["problems"]
    assert list(root.rglob("a.html")) == []


OLD = """
import json, struct, sys
header = json.dumps({"t": "ready", "type": "notebook", "version": 2, "protocol": 1, "pid": 0}).encode()
sys.stdout.buffer.write(struct.pack(">II", len(header), 0) + header)
sys.stdout.buffer.flush()
sys.stdin.buffer.read()
"""
