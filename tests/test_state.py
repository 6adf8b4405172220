"""The state folder and its lock."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from clx_jupyter.errors import HeldError
from clx_jupyter.state import Lock, create_state_folder, read_holder, state_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_state_folder(tmp_path / ".clx", tmp_path)
    return tmp_path / ".clx"


def test_only_the_owner_may_look_whatever_the_umask(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.rglob("*"))


def test_one_holder_at_a_time(folder: Path) -> None:
    first, second = Lock(folder), Lock(folder)
    assert first.acquire() and not second.acquire() and not Lock.is_free(folder)
    first.release()
    assert second.acquire() and second.epoch == first.epoch + 1
    second.release()
    assert Lock.is_free(folder) and read_holder(folder) is None


def test_a_dead_holder_is_taken_over_at_once(folder: Path) -> None:
    code = f"import os\nfrom pathlib import Path\nfrom clx_jupyter.state import Lock\nLock(Path({str(folder)!r})).acquire()\nos._exit(9)"
    subprocess.run([sys.executable, "-c", code], check=False)
    assert read_holder(folder) is not None
    lock = Lock(folder)
    assert lock.acquire()
    lock.release()


def test_another_hosts_lock_is_taken_over_only_when_asked(folder: Path) -> None:
    (folder / "holder").write_text(json.dumps({"host": "elsewhere", "boot": "", "pid": 1, "started": 0.0, "epoch": 7}))
    lock = Lock(folder)
    with pytest.raises(HeldError, match="elsewhere"):
        lock.acquire()
    assert lock.acquire(take_over=True) and lock.epoch == 8
    lock.release()


def test_a_holder_sees_that_it_lost_the_root(folder: Path) -> None:
    lock = Lock(folder)
    lock.acquire()
    assert lock.still_ours()
    (folder / "holder").write_text(json.dumps({"host": "elsewhere", "boot": "", "pid": 1, "started": 0.0, "epoch": 99}))
    assert not lock.still_ours()
    lock.release()
    assert read_holder(folder) is not None


def test_the_state_folder_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert state_folder(tmp_path) == tmp_path / ".clx"
    monkeypatch.setenv("CLX_STATE_DIR", str(tmp_path / "there"))
    assert state_folder(tmp_path).parent == tmp_path / "there"
