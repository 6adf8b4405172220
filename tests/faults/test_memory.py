"""A cell takes more memory than its worker may hold: a real kernel, real memory."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from clx_jupyter.job_reader import Reader
from tests.stories.conftest import command, write

_GREEDY = """# %% [markdown]
# # Greedy

# %%
print("before")

# %%
import time
hoard = b"x" * 900_000_000
time.sleep(600)
"""


@pytest.mark.kernel
@pytest.mark.fault(10)
def test_a_cell_that_takes_too_much_memory_is_named_and_the_rest_is_built(tmp_path: Path) -> None:
    root = write(tmp_path / "course", {"greedy.py": _GREEDY, "modest.py": "# %%\nprint(6 * 7)\n"})
    config = write(tmp_path / "config", {"jupyter_clx_jupyter_config.json": '{"BuildSettings": {"memory_limit": 400}}'})
    done = command("build", str(root), "--json", "--jobs", "2", cwd=root, JUPYTER_CONFIG_DIR=str(config))
    report = json.loads(done.stdout)
    assert done.returncode == 1
    (problem,) = report["problems"]
    assert (problem["class"], problem["path"], problem["cell"]) == ("out-of-memory", "greedy.py", 2)
    assert {output["source"]: output["state"] for output in report["outputs"] if output["path"].endswith(".html")} == {
        "greedy.py": "failed",
        "modest.py": "built",
    }
    rows = Reader(root / ".clx").rows(
        "SELECT outcome, memory, deaths FROM attempts JOIN jobs ON id = job WHERE path = 'greedy.py' ORDER BY 1"
    )
    assert [row["outcome"] for row in rows if row["outcome"] == "lost"] == ["lost"] * 2
    assert all(row["memory"] > 800_000_000 for row in rows if row["outcome"] == "lost")


_LIMITED = """# %% [markdown]
# # Limited

# %%
open({group!r}, "w").write("0")
hoard = b"x" * 300_000_000
"""


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Path]:
    """A control group of Linux that may hold 100 MB, for whoever writes himself into its ``cgroup.procs``."""
    version_1, version_2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    name = f"clx-{os.getpid()}-{tmp_path.name}"
    made, limit = (version_1 / name, "memory.limit_in_bytes") if version_1.is_dir() else (version_2 / name, "memory.max")
    try:
        made.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        if not (made / limit).exists():
            pytest.skip("control groups limit no memory here")
        (made / limit).write_text("100000000")
        yield made
    finally:
        made.rmdir()


@pytest.mark.kernel
@pytest.mark.fault(10)
def test_a_kernel_that_the_system_kills_for_its_memory_is_said_to_have_run_out_of_it(tmp_path: Path, group: Path) -> None:
    limited = _LIMITED.format(group=str(group / "cgroup.procs"))
    root = write(tmp_path / "course", {"limited.py": limited})
    done = command("build", str(root), "--json", "--jobs", "1", "--format", "html", cwd=root)
    (problem,) = json.loads(done.stdout)["problems"]
    assert (problem["class"], problem["path"], problem["cell"]) == ("out-of-memory", "limited.py", 1)
