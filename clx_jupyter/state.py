"""The state folder of a course root and the lock that makes one process its only writer."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from clx_jupyter.errors import ClxError, FullError, HeldError, QueueError, RequestError
from clx_jupyter.manifest import write_atomically
from clx_jupyter_workers.volumes import is_full, room

if os.name == "nt":
    import msvcrt
else:
    import fcntl

FOLDER = ".clx"

_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
_LOOKS, _A_LOOK = 5, 0.01


def state_folder(root: Path, *, private: bool = False) -> Path:
    """Where the state of *root* lives; nothing is created.

    ``<root>/.clx``; below ``CLX_STATE_DIR`` where that is set; in the user's state folder where the root is read-only or
    *private* is asked for (a single file outside any course).
    """
    name = f"{root.name or 'root'}-{hashlib.sha256(str(root).encode()).hexdigest()[:12]}"
    if configured := os.environ.get("CLX_STATE_DIR"):
        return Path(configured).expanduser().resolve() / name
    local = root / FOLDER
    if not private and (local.is_dir() or os.access(root, os.W_OK)):
        return local
    return _private_folder() / name


def _private_folder() -> Path:
    from platformdirs import user_state_path  # only here: its import is not free, and few need it

    return user_state_path("clx_jupyter")


def private_states() -> Iterator[tuple[Path, Path]]:
    """(root, state folder) of every state that lies outside its root."""
    configured = os.environ.get("CLX_STATE_DIR")
    for parent in (Path(configured).expanduser().resolve() if configured else None, _private_folder()):
        for folder in sorted(parent.iterdir()) if parent and parent.is_dir() else ():
            with contextlib.suppress(OSError, ValueError):
                yield Path((folder / "root").read_text(encoding="utf-8").rstrip("\n")), folder


def has_state(root: Path) -> bool:
    """Whether something was built here; ``False`` where one may not look."""
    try:
        return (root / FOLDER / "jobs.db").is_file()
    except OSError:
        return False


def create_state_folder(folder: Path, root: Path) -> None:
    """Create the folder (0700), its sub-folders and its own ``.gitignore``; harmless where they are there already.

    Raises :class:`QueueError` where that cannot be written.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        for name in ("stage", "executions", "requests", "logs", "builds"):
            (folder / name).mkdir(exist_ok=True, mode=0o700)
        _make(folder / ".gitignore", b"*\n")
        _make(folder / "root", f"{root}\n".encode())


def _make(file: Path, content: bytes) -> None:
    """Write a file that is not there yet. Who becomes the holder just then takes the temporary one for left over, and removes it."""
    while not file.exists():
        try:
            write_atomically(file, content, mode=0o600)
        except FileNotFoundError:
            if not file.parent.is_dir():
                raise


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """While something is written into a state folder: raises :class:`QueueError` where it cannot be, naming the disk if that is full."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            words = f"the disk {room(folder)} is full: the state folder {folder} cannot be written"
            raise FullError(words, "make room on that disk, then build again: nothing is lost but time", path=str(folder)) from error
        words = f"the state folder {folder} cannot be written: {error.strerror or error}"
        raise QueueError(words, "see that it can be, or set CLX_STATE_DIR to a folder that can", path=str(folder)) from error


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock. ``epoch`` counts the holders of this root."""

    host: str
    boot: str
    pid: int
    started: float
    epoch: int


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


class Lock:
    """An OS lock on ``lock``, with the holder's name in the file beside it so that people and other hosts can read it.

    The OS releases the lock of a dead process at once; the file tells apart hosts that share a folder whose locks they
    may not see.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self.epoch = 0

    def acquire(self, *, take_over: bool = False) -> bool:
        """Take the lock; ``False`` where another process of this host has it.

        Raises :class:`HeldError` where another host holds it, unless *take_over*, and :class:`QueueError` where that cannot be written down.
        """
        with writing(self._folder):
            return self._acquired(take_over)

    def _acquired(self, take_over: bool) -> bool:
        file = open(self._folder / "lock", "ab", opener=_private)  # noqa: SIM115 - held until release()
        locked = False
        try:
            locked = _lock_patiently(file)
        finally:
            if not locked:
                file.close()
        if not locked:
            return False
        if not _lies(file, self._folder / "lock"):  # it was deleted while we waited for it: another one is the lock now
            file.close()
            return self._acquired(take_over)
        try:
            previous = _holder(self._folder)
        except OSError:
            file.close()
            raise
        if previous and previous.host != platform.node() and not take_over:
            file.close()
            raise HeldError(
                f"this course is held by {previous.host} (process {previous.pid}, since {time.ctime(previous.started)})",
                "stop it there, or run again with --take-over if that machine is gone",
            )
        self._file = file
        self.epoch = (previous.epoch if previous else self._last_epoch()) + 1
        holder = {"host": platform.node(), "boot": _boot_id(), "pid": os.getpid(), "started": time.time(), "epoch": self.epoch}
        try:
            self._write("holder", holder)
            self._write("epoch", self.epoch)
        except OSError:
            self.release()
            raise
        return True

    @staticmethod
    def is_free(folder: Path) -> bool:
        """Whether no process of this host holds the folder just now; one that is not there is nobody's."""
        try:
            with open(folder / "lock", "ab", opener=_private) as file:
                return _lock(file, shared=True)
        except FileNotFoundError:
            return True

    def still_ours(self) -> bool:
        """Whether nobody took the root over; asked before each publication. Raises :class:`OSError` where that cannot be told just now."""
        holder = _holder(self._folder)
        return holder is not None and (holder.host, holder.pid, holder.epoch) == (platform.node(), os.getpid(), self.epoch)

    def loss(self) -> ClxError:
        """Why the root is not ours any more."""
        holder = _holder(self._folder)
        if holder is None:
            return RequestError("the state of this course was deleted while it was built, so the build stops", "build again")
        who = f"{holder.host} (process {holder.pid}, since {time.ctime(holder.started)})"
        return HeldError(f"this course was taken over by {who}, so nothing more is published here", "build it there")

    def release(self) -> None:
        """Give the lock back; harmless if it is not held."""
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            if self.still_ours():
                (self._folder / "holder").unlink(missing_ok=True)
        self._file.close()
        self._file = None

    def _last_epoch(self) -> int:
        try:
            return int((self._folder / "epoch").read_text())
        except (OSError, ValueError):
            return 0

    def _write(self, name: str, value: Any) -> None:
        write_atomically(self._folder / name, json.dumps(value).encode(), mode=0o600)


def read_holder(folder: Path) -> Holder | None:
    """Who holds the state folder, by the file the holder left; ``None`` where nobody does. Raises :class:`QueueError` where that cannot be read."""
    try:
        return _holder(folder)
    except OSError as error:
        words = f"who builds here cannot be read in the state folder {folder}: {error.strerror or error}"
        raise QueueError(words, "see that its files can be read, then try again", path=str(folder)) from error


def _holder(folder: Path) -> Holder | None:
    """As :func:`read_holder`; raises :class:`OSError`. What cannot be read, as without a free descriptor, does not mean that nobody is there."""
    try:
        return Holder(**json.loads((folder / "holder").read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None


def living_holder(folder: Path) -> Holder | None:
    """Who holds the state folder; the file of a process of this host that died counts as nobody.

    Of another host nothing can be seen but its file, so that is believed.
    """
    holder = read_holder(folder)
    if holder is None or holder.host != platform.node():
        return holder
    # Without the first question a look would make the file.
    return None if not (folder / "lock").exists() or Lock.is_free(folder) else holder


def _lies(file: IO[bytes], path: Path) -> bool:
    """Whether an open file is the one at *path*."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _lock_patiently(file: IO[bytes]) -> bool:
    """Take the lock, though somebody may be looking just now whether it is free: that takes a moment, a holder stays."""
    for _ in range(_LOOKS):
        if _lock(file):
            return True
        time.sleep(_A_LOOK)
    return False


def _lock(file: IO[bytes], *, shared: bool = False) -> bool:
    """Lock a file until it is closed; *shared*: so that others who do the same are not kept out. Raises :class:`QueueError` where nothing can be locked."""
    try:
        if os.name == "nt":
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            folder = Path(file.name).parent
            raise QueueError(
                f"the disk of {folder} knows no locks: {error.strerror}, so two builds could write at once",
                "set CLX_STATE_DIR to a folder on a local disk", path=str(folder),
            ) from error  # fmt: skip
        return False
    return True
