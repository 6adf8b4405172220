"""The state folder and its lock."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clx_jupyter import state
from clx_jupyter.errors import HeldError, QueueError
from clx_jupyter.gate import Gate
from clx_jupyter.manifest import sweep
from clx_jupyter.state import Lock, create_state_folder, read_holder, state_folder

HOLD = """
import sys
from pathlib import Path
from clx_jupyter.state import Lock
lock = Lock(Path(sys.argv[1]))
print(lock.acquire(), lock.epoch, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_state_folder(tmp_path / ".clx", tmp_path)
    return tmp_path / ".clx"


def held_elsewhere(folder: Path, *, host: str = "another-host") -> None:
    row = {"host": host, "boot": "x", "pid": 4, "started": 0.0, "epoch": 7}
    (folder / "holder").write_text(json.dumps(row))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nobody_else_can_read_the_state(folder: Path) -> None:
    lock = Lock(folder)
    assert lock.acquire()
    for path in [folder, *folder.rglob("*")]:
        assert mode(path) == (0o700 if path.is_dir() else 0o600), path
    lock.release()


def test_a_folder_that_others_could_read_is_closed(tmp_path: Path) -> None:
    (tmp_path / ".clx").mkdir()
    (tmp_path / ".clx").chmod(0o755)
    create_state_folder(tmp_path / ".clx", tmp_path)
    assert mode(tmp_path / ".clx") == 0o700


def test_the_state_stays_out_of_version_control(folder: Path) -> None:
    assert (folder / ".gitignore").read_text() == "*\n"


def test_the_state_lies_in_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLX_STATE_DIR", raising=False)
    assert state_folder(tmp_path) == tmp_path / ".clx"
    assert list(tmp_path.iterdir()) == []


def test_the_state_of_a_single_file_lies_in_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLX_STATE_DIR", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert not state_folder(tmp_path / "x", private=True).is_relative_to(tmp_path / "x")


def test_a_configured_place_keeps_roots_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLX_STATE_DIR", str(tmp_path))
    one, other = state_folder(Path("/a/course")), state_folder(Path("/b/course"))
    assert one.parent == other.parent == tmp_path
    assert one != other


def test_a_second_process_does_not_get_the_lock_and_a_dead_holders_is_free_at_once(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True 1\n"
        assert not Lock(folder).acquire()
        assert not Lock.is_free(folder)
        told = read_holder(folder)
        assert told is not None
        assert told.pid == holder.pid
        holder.kill()
        holder.wait()
        lock = Lock(folder)
        assert Lock.is_free(folder)
        assert lock.acquire()
        assert lock.epoch == 2
        lock.release()


LOOK = """
import sys, time
from pathlib import Path
from clx_jupyter.state import Lock
print("ready", flush=True)
end = time.monotonic() + 60
while time.monotonic() < end and not (Path(sys.argv[1]) / "stop").exists():
    Lock.is_free(Path(sys.argv[1]))
"""


@pytest.mark.fault(37)
def test_whoever_looks_whether_it_is_free_keeps_nobody_from_taking_it(folder: Path) -> None:
    lookers = [subprocess.Popen([sys.executable, "-c", LOOK, str(folder)], stdout=subprocess.PIPE) for _ in range(2)]
    try:
        assert all(each.stdout and each.stdout.readline() == b"ready\n" for each in lookers)
        for _ in range(200):
            lock = Lock(folder)
            assert lock.acquire()
            assert not Lock.is_free(folder)
            lock.release()
            assert Lock.is_free(folder), "those who look do not take each other for a holder"
    finally:
        (folder / "stop").touch()
        for each in lookers:
            each.communicate()


@pytest.mark.fault(37)
def test_who_wants_it_waits_for_somebody_who_only_looks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looker = (folder / "lock").open("ab")
    fcntl.flock(looker, fcntl.LOCK_SH)
    monkeypatch.setattr(state.time, "sleep", lambda _: looker.close())  # it has seen enough by the second try
    lock = Lock(folder)
    assert lock.acquire()
    lock.release()


WITHOUT_LOCKS = """
import ctypes, errno, platform, struct, sys
from pathlib import Path
from clx_jupyter.errors import QueueError
from clx_jupyter.state import Lock
# A filter of the kernel: flock answers ENOLCK from now on, as on a network disk without a lock service.
number = {"x86_64": 73, "aarch64": 32}[platform.machine()]
code = b"".join(struct.pack("HBBI", *each) for each in (
    (0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050000 | errno.ENOLCK), (0x06, 0, 0, 0x7FFF0000)))
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]
prctl = ctypes.CDLL(None, use_errno=True).prctl
assert prctl(38, 1, 0, 0, 0) == 0
assert prctl(22, 2, ctypes.byref(Program(4, code)), 0, 0) == 0
try:
    Lock(Path(sys.argv[1])).acquire()
except QueueError as error:
    print(error, "|", error.problem.hint)
"""


def test_a_disk_that_knows_no_locks_is_refused_in_clear_words(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_LOCKS, str(folder)], capture_output=True, text=True, timeout=60, check=True)
    assert "knows no locks" in done.stdout and "CLX_STATE_DIR" in done.stdout


def test_another_host_holds_it_until_it_is_taken_over(folder: Path) -> None:
    held_elsewhere(folder)
    with pytest.raises(HeldError, match="held by another-host"):
        Lock(folder).acquire()
    assert Lock.is_free(folder)  # the refused one does not keep it
    lock = Lock(folder)
    assert lock.acquire(take_over=True)
    assert lock.epoch == 8
    assert lock.still_ours()
    lock.release()


def test_a_holder_that_was_taken_over_knows_and_leaves_the_other_alone(folder: Path) -> None:
    lock = Lock(folder)
    assert lock.acquire()
    held_elsewhere(folder)
    assert not lock.still_ours()
    lock.release()
    told = read_holder(folder)
    assert told is not None
    assert told.host == "another-host"


def test_the_epoch_goes_up_with_every_holder(folder: Path) -> None:
    epochs = []
    for _ in range(3):
        lock = Lock(folder)
        assert lock.acquire()
        epochs.append(lock.epoch)
        lock.release()
        lock.release()
    assert epochs == [1, 2, 3]
    assert read_holder(folder) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"host": 1}'])
def test_a_damaged_holder_file_holds_nobody_up(folder: Path, text: str) -> None:
    (folder / "epoch").write_text("5")
    (folder / "holder").write_text(text)
    lock = Lock(folder)
    assert lock.acquire()
    assert lock.epoch == 6
    lock.release()


def test_a_holder_that_cannot_look_who_it_is_has_not_lost_the_course(folder: Path) -> None:
    lock = Lock(folder)
    assert lock.acquire()
    gate, (soft, hard) = Gate(lock, folder.parent), resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            gate.check()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    gate.check()
    lock.release()


def test_a_holder_that_cannot_be_read_is_not_taken_for_nobody(folder: Path) -> None:
    (folder / "holder").mkdir()
    with pytest.raises(QueueError, match="directory"):
        read_holder(folder)
    with pytest.raises(QueueError, match="directory"):
        Lock(folder).acquire()


def test_a_lock_that_is_deleted_while_somebody_waits_for_it_does_not_make_two_holders(folder: Path) -> None:
    for _ in range(10):
        first, second, third = Lock(folder), Lock(folder), Lock(folder)
        assert first.acquire()
        with ThreadPoolExecutor(1) as other:
            waiting = other.submit(second.acquire)
            time.sleep(0.005)
            (folder / "lock").unlink()
            first.release()
        assert not (waiting.result() and third.acquire())
        second.release()
        third.release()


def test_whoever_becomes_the_holder_disturbs_nobody_who_makes_the_folder_at_the_same_moment(tmp_path: Path) -> None:
    folders = [tmp_path / str(n) for n in range(60)]
    made = threading.Event()

    def sweep_all() -> None:
        while not made.is_set():
            for folder in folders:
                sweep(folder)

    with ThreadPoolExecutor(1) as other:
        swept = other.submit(sweep_all)
        try:
            for folder in folders:
                create_state_folder(folder, tmp_path)
        finally:
            made.set()
    swept.result()
    assert all((folder / "root").read_text() == f"{tmp_path}\n" for folder in folders)


def test_the_lock_is_not_handed_to_children(folder: Path) -> None:
    lock = Lock(folder)
    assert lock.acquire()
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE):
        lock.release()
        assert Lock.is_free(folder)
