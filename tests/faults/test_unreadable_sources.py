"""A source that cannot be read is said to be so: what was built of it stays, for it has not left the course."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.faults.publishing import build, tree
from tests.stories.conftest import write

TEXT = "# %% [markdown]\n# # Text\n"


@pytest.mark.skipif(not (shutil.which("strace") and sys.platform == "linux"), reason="strace makes the disk fail")
def test_a_source_that_the_disk_does_not_give_keeps_its_page_and_is_named(tmp_path: Path) -> None:
    root = write(tmp_path / "course", {"a.py": TEXT})
    assert build(root)[0] == 0
    made = ("a.html", "a.ipynb")
    before = {path: data for path, data in tree(root / "output").items() if path.endswith(made)}
    fails = (
        "strace",
        "-f",
        "--seccomp-bpf",
        "-o",
        "/dev/null",
        "-P",
        str(root / "a.py"),
        "-e",
        "trace=read",
        "-e",
        "inject=read:error=EIO",
    )
    code, report = build(root, "--force", front=fails)
    assert code == 1 and [problem["path"] for problem in report["problems"]] == ["a.py"], report["problems"]
    assert before and {path: data for path, data in tree(root / "output").items() if path.endswith(made)} == before
