"""Frames, and a job's side of the connection."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clx_jupyter.executors.pipes import Frames
from clx_jupyter_workers.problems import Problem, SourceError
from clx_jupyter_workers.protocol import (
    MAX_BODY,
    MAX_HEADER,
    PREFIX,
    Cancelled,
    Channel,
    FrameError,
    Link,
    Retry,
    decode_prefix,
    encode,
    read_frame,
    run,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


async def read_all(data: bytes) -> list[Any]:
    reader, frames = Frames(), []
    for start in range(0, len(data), 7):
        reader.feed(data[start : start + 7])
    reader.end()
    while (frame := await reader.receive()) is not None:
        frames.append(frame)
    return frames


@given(st.dictionaries(st.text(), JSON), st.binary())
def test_a_frame_comes_back_as_it_was_sent(header: dict[str, Any], body: bytes) -> None:
    frame = ({**header, "t": "x"}, body)
    data = encode(*frame)
    assert read_frame(io.BytesIO(data)) == frame
    assert asyncio.run(read_all(data + data)) == [frame, frame]


def test_the_end_between_two_frames_is_no_error() -> None:
    assert read_frame(io.BytesIO(b"")) is None


GOOD = encode({"t": "x"}, b"body")
BAD = [
    GOOD[:3],
    GOOD[:10],
    GOOD[:-1],
    PREFIX.pack(MAX_HEADER + 1, 0),
    PREFIX.pack(2, MAX_BODY + 1) + b"{}",
    PREFIX.pack(2, 0) + b"{}",
    PREFIX.pack(2, 0) + b"[]",
    PREFIX.pack(3, 0) + b"{x}",
    PREFIX.pack(7, 0) + b'{"t":1}',
    PREFIX.pack(2, 0) + b"\xff\xff",
    PREFIX.pack(200_000, 0) + b"[" * 200_000,
]


@pytest.mark.parametrize("data", BAD)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(FrameError):
        read_frame(io.BytesIO(data))
    with pytest.raises(FrameError):
        asyncio.run(read_all(data))


def test_frames_over_the_limits_are_not_sent() -> None:
    with pytest.raises(FrameError):
        encode({"t": "x", "text": "x" * MAX_HEADER})
    with pytest.raises(FrameError):
        encode({"t": "x"}, bytes(MAX_BODY + 1))
    assert decode_prefix(PREFIX.pack(MAX_HEADER, MAX_BODY)) == (MAX_HEADER, MAX_BODY)


def test_frames_of_several_threads_do_not_mix() -> None:
    stream = io.BytesIO()
    channel = Channel(stream)
    threads = [threading.Thread(target=lambda: [channel.send({"t": "x"}, b"y" * 999) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stream.seek(0)
    frames = [read_frame(stream) for _ in range(200)]
    assert frames == [({"t": "x"}, b"y" * 999)] * 200


def link() -> Link:
    return Link(Channel(io.BytesIO()), {"job": 1, "attempt": 2})


def test_an_answer_for_another_key_is_passed_over() -> None:
    job = link()
    job.tell({"t": "execution", "key": "old", "found": True}, b"old")
    job.tell({"t": "execution", "key": "k", "found": True}, b"kept")
    assert job.ask("k") == b"kept"
    job.tell({"t": "execution", "key": "k", "found": False})
    assert job.ask("k") is None


def test_a_cancel_ends_waiting_for_an_answer() -> None:
    job = link()
    threading.Thread(target=job.tell, args=({"t": "cancel"},)).start()
    with pytest.raises(Cancelled):
        job.ask("k")


def test_an_interrupt_that_came_before_the_kernel_is_told_to_it() -> None:
    job, told = link(), []
    job.tell({"t": "interrupt", "limit": "notebook"})
    job.listen(told.append)
    job.tell({"t": "cancel"})
    job.listen(None)
    assert [frame["t"] for frame in told] == ["interrupt", "cancel"]


PROBLEM = Problem("bad-source", "no")
ENDS = [
    (lambda: {"status": "ok"}, "ok", None),
    (Cancelled, "cancelled", None),
    (lambda: SourceError(PROBLEM), "failed", "bad-source"),
    (lambda: Retry(PROBLEM), "infrastructure", "bad-source"),
    (lambda: OSError(28, "full"), "infrastructure", "disk-full"),
    (lambda: KeyError("x"), "failed", "internal"),
]


@pytest.mark.parametrize(("result", "status", "category"), ENDS)
def test_whatever_goes_wrong_is_an_answer(result: Any, status: str, category: str | None) -> None:
    stream = io.BytesIO()

    def convert(_job: Any, _link: Any) -> Any:
        value = result()
        if isinstance(value, Exception):
            raise value
        return value

    assert run(convert, {"source": {"path": "a"}}, Link(Channel(stream), {}))["status"] == status
    stream.seek(0)
    frame = read_frame(stream)
    assert (frame[0]["problem"]["class"] if frame else None) == category


INTERRUPTED = """
import fcntl, os, signal, struct, sys, termios, threading, time
from clx_jupyter_workers.protocol import Channel, read_frame
reading, writing = os.pipe()
signal.signal(signal.SIGUSR1, lambda *_: None)
def interrupt():
    while struct.unpack("i", fcntl.ioctl(reading, termios.FIONREAD, b"1234"))[0] < 60_000: pass
    signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
    frame = read_frame(os.fdopen(reading, "rb"))
    print(frame is not None and len(frame[1]), flush=True)
other = threading.Thread(target=interrupt)
other.start()
Channel(os.fdopen(writing, "wb", buffering=0)).send({"t": "keep"}, b"x" * 1_000_000)
os.close(writing)
other.join()
"""


def test_a_signal_in_the_middle_of_a_frame_cuts_nothing_off() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "1000000\n", done.stderr
