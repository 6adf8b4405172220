"""The frames between supervisor and worker, and the loop every worker program runs (``docs/protocol.md``).

Standard library only: the supervisor imports the frame codec, workers import :func:`serve`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO, Protocol

from clx_jupyter_workers import VERSION
from clx_jupyter_workers.problems import Problem, SourceError
from clx_jupyter_workers.processes import adopt_orphans, end_children, end_this_tree
from clx_jupyter_workers.volumes import fullest, is_full, room, unwritten_file

PREFIX = struct.Struct(">II")
"""Length of the header, length of the body."""

PROTOCOL = 2
"""Version of the frames: raised whenever one side would no longer understand the other."""

CHUNK = 1 << 20
"""Bytes of a file that go in one frame: others, and a cancel, get in between."""

MAX_HEADER = 8 * 1024 * 1024
MAX_BODY = 64 * 1024 * 1024
GRACE = 4.0
"""Seconds that a worker told to stop has for ending its kernels in peace."""

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

Header = dict[str, Any]
Frame = tuple[Header, bytes]


class FrameError(Exception):
    """The stream holds something that is no frame: nothing after it can be trusted."""


class Cancelled(Exception):
    """The job was cancelled; converters let it pass through."""


class Retry(Exception):
    """The job could not be done here and now, for a reason outside the source: another attempt may work."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def encode(header: Header, body: bytes = b"") -> bytes:
    """The bytes of one frame."""
    raw = _JSON.encode(header).encode("utf-8", "surrogatepass")
    _check_sizes(len(raw), len(body))
    return PREFIX.pack(len(raw), len(body)) + raw + body


def decode_prefix(prefix: bytes) -> tuple[int, int]:
    """Lengths of header and body, within the limits."""
    if len(prefix) != PREFIX.size:
        raise FrameError(f"the stream ended inside a frame's prefix ({len(prefix)} of {PREFIX.size} bytes)")
    header, body = PREFIX.unpack(prefix)
    _check_sizes(header, body)
    return header, body


def decode_header(raw: bytes) -> Header:
    """The JSON object of a header; it has a type."""
    try:
        header = json.loads(raw.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise FrameError(f"a frame's header is no JSON: {error}") from error
    if not isinstance(header, dict) or not isinstance(header.get("t"), str):
        raise FrameError("a frame's header is no object with a type 't'")
    return header


def read_frame(stream: BinaryIO) -> Frame | None:
    """The next frame of a blocking stream; ``None`` where it ends between two frames."""
    prefix = _read_exactly(stream, PREFIX.size)
    if not prefix:
        return None
    header_size, body_size = decode_prefix(prefix)
    header, body = _read_exactly(stream, header_size), _read_exactly(stream, body_size)
    if len(header) < header_size or len(body) < body_size:
        raise FrameError("the stream ended inside a frame")
    return decode_header(header), body


def _check_sizes(header: int, body: int) -> None:
    if header > MAX_HEADER or body > MAX_BODY:
        raise FrameError(f"a frame of {header} + {body} bytes is over the limit of {MAX_HEADER} + {MAX_BODY}")


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    parts = []
    while size > 0:
        part = stream.read(size)
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


class Channel:
    """Sends frames from any thread, one at a time."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, header: Header, body: bytes = b"") -> None:
        """Write one frame and flush it."""
        data = memoryview(encode(header, body))
        with self._lock:
            while data:  # a signal ends a write to a full pipe in the middle
                data = data[self._stream.write(data) :]
            self._stream.flush()


class Sender(Protocol):
    """What a :class:`Link` needs of a channel; the by-hand mode prints instead."""

    def send(self, header: Header, body: bytes = b"") -> None: ...


Signal = Callable[[Header], None]


class Link:
    """One running job's side of the connection: what it sends, asks and is told."""

    def __init__(self, channel: Sender, job: Header, connected: bool = True) -> None:
        self.channel = channel
        self.name: Header = {"job": job.get("job"), "attempt": job.get("attempt")}
        self._connected = connected
        self._answers: SimpleQueue[Frame | None] = SimpleQueue()
        # Re-entrant: SIGTERM's handler tells the job from the main thread, which may hold the lock just then.
        self._lock = threading.RLock()
        self._told: list[Header] = []
        self._listener: Signal | None = None
        self.cancelled = False
        #: Takes what belongs to files on their way, and a cancel, in the reader's thread.
        self.courier: Callable[[Header, bytes], None] | None = None
        #: Asks whether files that were handed on are kept; ``None`` where the job's shelf shows it.
        self.are_shelved: Callable[[Iterable[str]], bool] | None = None

    def send(self, kind: str, body: bytes = b"", **fields: Any) -> None:
        """Send a frame of this type."""
        self.channel.send({"t": kind, **fields}, body)

    def check(self) -> None:
        """Raise :class:`Cancelled` where the job was cancelled."""
        if self.cancelled:
            raise Cancelled

    def ask(self, key: str) -> bytes | None:
        """The kept execution under *key*, or ``None``."""
        self.check()
        self.send("execution", key=key)
        while self._connected and (answer := self._answers.get()) is not None:
            header, body = answer
            if header.get("key") == key:
                return body if header.get("found") else None
        self.check()
        return None

    def listen(self, listener: Signal | None) -> None:
        """Call *listener*, in the reader's thread, with each ``cancel`` and ``interrupt``, also with one that came already."""
        with self._lock:
            self._listener = listener
            told, self._told = (self._told, []) if listener else ([], self._told)
        for header in told:
            if listener:
                listener(header)

    def tell(self, header: Header, body: bytes = b"") -> None:
        """Hand a frame of the supervisor to the job."""
        if header["t"] == "execution":
            self._answers.put((header, body))
            return
        if header["t"] == "cancel":
            self.cancelled = True
            self._answers.put(None)
        if header["t"] in ("chunk", "shelved", "cancel") and (courier := self.courier) is not None:
            courier(header, body)
        if header["t"] in ("chunk", "shelved"):
            return
        with self._lock:
            listener = self._listener
            if listener is None:
                self._told.append(header)
        if listener:
            listener(header)


Convert = Callable[[Header, Link], Header]
"""Does a job; gives the fields of ``done`` (``status`` and what else there is)."""


_endings: list[Callable[[], None]] = []


def at_end(do: Callable[[], None]) -> None:
    """Call *do* when the worker ends in an orderly way, which includes the end of its supervisor."""
    _endings.append(do)


def _leave(code: int) -> None:
    for do in _endings:
        with contextlib.suppress(Exception):  # nothing may keep the worker from ending
            do()
    end_this_tree(code)


class _Worker:
    def __init__(self, kind: str, channel: Channel, source: BinaryIO) -> None:
        self.kind = kind
        self.channel = channel
        self.source = source
        self.jobs: SimpleQueue[Header | None] = SimpleQueue()
        self.link: Link | None = None

    def read(self) -> None:
        """The reader thread: it answers also while a job runs, and ends everything when the supervisor is gone."""
        try:
            while (frame := read_frame(self.source)) is not None:
                self.receive(*frame)
        except FrameError as error:
            with contextlib.suppress(OSError):
                print(f"worker: {error}", file=sys.stderr)
        except OSError:
            pass
        except Exception:  # the border of the worker: one that hears nothing any more would not even notice its supervisor's end
            traceback.print_exc()
        _leave(0)

    def receive(self, header: Header, body: bytes) -> None:
        kind = header["t"]
        if kind == "ping":
            self.channel.send({"t": "pong", "n": header.get("n")})
        elif kind == "hello":
            _be_nice(int(header.get("nice", 0)))
        elif kind == "job":
            self.link = Link(self.channel, header)
            self.jobs.put(header)
        elif (link := self.link) is not None and _meant(header, link):  # read once: the job may end at this moment
            link.tell(header, body)

    def stop(self, *_: object) -> None:
        """SIGTERM and SIGINT: end the job as if cancelled, then the program; a guard sees that it happens soon."""
        guard = threading.Timer(GRACE, end_this_tree, (143,))
        guard.daemon = True
        guard.start()
        self.jobs.put(None)
        if (link := self.link) is not None:
            link.tell({"t": "cancel"})

    def work(self, convert: Convert) -> None:
        while (job := self.jobs.get()) is not None:
            link = self.link
            assert link is not None
            done = run(convert, job, link)
            # What code started and left running ends with its job, wherever it hid.
            end_children()
            self.link = None
            link.send("done", **link.name, **done)


def _meant(header: Header, link: Link) -> bool:
    """Late frames for an earlier job, or an earlier attempt, are dropped."""
    return all(header.get(field, value) == value for field, value in link.name.items())


def run(convert: Convert, job: Header, link: Link) -> Header:
    """Do one job; whatever goes wrong becomes the fields of ``done``, and a problem. The worker lives on."""
    try:
        return convert(job, link)
    except Cancelled:
        return {"status": "cancelled"}
    except SourceError as error:
        return _failed(link, error.problem, "failed")
    except Retry as error:
        return _failed(link, error.problem, "infrastructure")
    except Exception as error:  # the border of the worker: an error of ours must not end it
        if link.cancelled:
            return {"status": "cancelled"}
        return _failed(link, _unexpected(error, job), "infrastructure" if isinstance(error, OSError) else "failed")


def _failed(link: Link, problem: Problem, status: str) -> Header:
    link.send("problem", problem=problem.to_json())
    return {"status": status, "problem": problem.id}


def _unexpected(error: Exception, job: Header) -> Problem:
    path = (job.get("source") or {}).get("path")
    text = "".join(traceback.format_exception(error))[-20_000:]
    if isinstance(error, OSError) and is_full(error):
        # Writing names no file: it is one of the places that a job writes to.
        places = [job[name] for name in ("stage", "scratch") if job.get(name)] or [tempfile.gettempdir()]
        disk = room(unwritten_file(error) or fullest(map(Path, places)))
        return Problem("disk-full", f"The disk {disk} is full.", "Make room there and build again.", path=path)
    hint = "This is an error of clx_jupyter: please report it."
    return Problem("internal", f"{type(error).__name__}: {error}", hint, path=path, traceback=text)


def _be_nice(nice: int) -> None:
    """Be nicer to others. On Linux the value belongs to a thread: this is the main one's, which starts the kernels."""
    if nice and hasattr(os, "setpriority"):
        now = os.getpriority(os.PRIO_PROCESS, os.getpid())
        os.setpriority(os.PRIO_PROCESS, os.getpid(), min(19, now + nice))


def take_stdout() -> BinaryIO:
    """The real standard output, for frames only; what anyone prints from now on goes to standard error."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    os.set_inheritable(kept, False)
    return os.fdopen(kept, "wb", buffering=0)


def serve(kind: str, load: Callable[[], Convert]) -> None:
    """Run a worker of this type until its input ends. *load* imports what is heavy and gives the converter."""
    worker = _Worker(kind, Channel(take_stdout()), os.fdopen(os.dup(0), "rb"))
    # Kernels must not inherit the stream of frames as their input.
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    adopt_orphans()
    signal.signal(signal.SIGTERM, worker.stop)
    signal.signal(signal.SIGINT, worker.stop)
    threading.Thread(target=worker.read, name="reader", daemon=True).start()
    convert = load()
    worker.channel.send({"t": "ready", "type": kind, "version": VERSION, "protocol": PROTOCOL, "pid": os.getpid()})
    worker.work(convert)
    _leave(0)
