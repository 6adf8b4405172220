"""A user who may do less than root, for what root never meets: folders that are read-only, limits on the number of processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

_READS_ALL = "-all,+dac_read_search"
_FIRST, _LAST = 60_000, 64_000


@dataclass(frozen=True)
class PlainUser:
    """Runs this Python as *uid*, which nobody else uses if the tests run as root; *home* is a folder of its own."""

    home: Path
    uid: int
    prefix: Sequence[str]

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments."""
        own = {"HOME": self.home, "TMPDIR": self.home / "tmp", "XDG_STATE_HOME": self.home / "state-home"}
        change = {} if self.uid == os.getuid() or self.prefix else {"user": self.uid, "group": self.uid, "extra_groups": ()}
        return subprocess.run(  # type: ignore[call-overload, no-any-return]
            [*self.prefix, sys.executable, *arguments],
            cwd=self.home, env={**os.environ, **{name: str(path) for name, path in own.items()}, **environment},
            capture_output=True, text=True, timeout=300, check=False, **change,
        )  # fmt: skip

    def own(self, place: Path, *, read_only: bool = False) -> None:
        """Make a folder with all in it this user's; *read_only*: nobody but root may write there."""
        for path in (*place.rglob("*"), place):
            os.chown(path, self.uid, self.uid if self.prefix or self.uid != os.getuid() else -1)
            if read_only:
                path.chmod(0o555 if path.is_dir() else 0o444)


def _free_uid() -> int:
    """A number that no account and no process has; each process that runs tests begins to look elsewhere."""
    import pwd  # only here: Windows has none

    taken = {account.pw_uid for account in pwd.getpwall()}
    taken |= {process.info["uids"].real for process in psutil.process_iter(["uids"]) if process.info["uids"]}
    start = os.getpid() % (_LAST - _FIRST)
    return next(uid for n in range(_LAST - _FIRST) if (uid := _FIRST + (start + n) % (_LAST - _FIRST)) not in taken)


def _users(home: Path) -> Iterator[PlainUser]:
    """Ways to be such a user: first one that may read everything, for Python may lie where only root looks."""
    uid = _free_uid()
    if (program := shutil.which("setpriv")) is not None:
        caps = [f"--{kind}={_READS_ALL}" for kind in ("inh-caps", "ambient-caps", "bounding-set")]
        yield PlainUser(home, uid, (program, f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *caps))
    yield PlainUser(home, uid, ())


def _able(user: PlainUser) -> bool:
    try:
        return user.run("-c", "import clx_jupyter, clx_jupyter_workers").returncode == 0
    except OSError:
        return False


@pytest.fixture
def plain_user() -> Iterator[PlainUser]:
    """Somebody who is not root; the one who runs the tests, where that is not root."""
    if os.name == "nt":
        pytest.skip("Windows knows other rights")
    home = Path(tempfile.mkdtemp(prefix="clx-user-"))  # not below pytest's, which nobody else may enter
    try:
        (home / "tmp").mkdir()
        found = next(filter(_able, _given(home)), None)
        if found is None:
            why = f"another user than root cannot run {sys.executable}: setpriv is missing or may not let it read, and its folder is closed"
            pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
        yield found
    finally:
        for folder, names, _ in os.walk(home):
            for name in names:
                Path(folder, name).chmod(0o700)
        shutil.rmtree(home)


def _given(home: Path) -> Iterator[PlainUser]:
    if os.geteuid() != 0:
        yield PlainUser(home, os.getuid(), ())
        return
    for user in _users(home):
        user.own(home)
        yield user
