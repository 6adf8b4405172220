"""A source that cannot be read is said to be so: what was built of it stays, for it has not left the course."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.publishing import build, tree
from tests.stories.conftest import write

TEXT = "# %% [markdown]\n# # Text\n"


@contextmanager
def unreadable(file: Path) -> Iterator[None]:
    """A file of which the system gives nothing but EIO: the memory of a process, where no byte is at 0."""
    subprocess.run(["mount", "--bind", f"/proc/{os.getpid()}/mem", file], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", file], check=True)


def test_a_source_that_the_disk_does_not_give_keeps_its_page_and_is_named(tmp_path: Path) -> None:
    root = write(tmp_path / "course", {"a.py": TEXT})
    assert build(root)[0] == 0
    made = ("a.html", "a.ipynb")
    before = {path: data for path, data in tree(root / "output").items() if path.endswith(made)}
    with unreadable(root / "a.py"):
        code, report = build(root, "--force")
    assert code == 1 and [problem["path"] for problem in report["problems"]] == ["a.py"], report["problems"]
    assert before and {path: data for path, data in tree(root / "output").items() if path.endswith(made)} == before
