"""The pipes of a worker program: frames come out of one, words for its log out of another, and its end is noticed.

A frame goes to whoever waits for it in the turn of the event loop that brings its last byte: no task, and no stream, stands between.
"""

from __future__ import annotations

import asyncio
from typing import cast

from clx_jupyter.executors.logs import WorkerLog
from clx_jupyter_workers.protocol import PREFIX, Frame, FrameError, decode_header, decode_prefix

_MOST = 1 << 22
"""Bytes that are taken out of a pipe before somebody wants them."""


class Frames:
    """Frames out of bytes, as they come."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ended = False
        self._wanted: asyncio.Future[Frame | None] | None = None

    def feed(self, data: bytes) -> None:
        """More bytes came."""
        self._bytes += data
        self._deliver()

    def end(self) -> None:
        """No more bytes come."""
        self._ended = True
        self._deliver()

    def receive(self) -> asyncio.Future[Frame | None]:
        """The next frame; ``None`` where the bytes end between two frames, :class:`FrameError` where they are none. One at a time."""
        self._wanted = wanted = asyncio.get_running_loop().create_future()
        self._deliver()
        return wanted

    @property
    def is_full(self) -> bool:
        """Whether more came than anybody wants for now."""
        return self._wanted is None and len(self._bytes) > _MOST

    def _deliver(self) -> None:
        if self._wanted is None or self._wanted.done():  # whoever gave up waiting leaves the frame to the next one
            self._wanted = None
            return
        try:
            frame = self._take()
        except FrameError as error:
            self._wanted.set_exception(error)
        else:
            if frame is None and not self._ended:
                return
            self._wanted.set_result(frame)
        self._wanted = None

    def _take(self) -> Frame | None:
        """The first frame, if all of it is there."""
        there = len(self._bytes)
        if there >= PREFIX.size:
            header_size, body_size = decode_prefix(bytes(self._bytes[: PREFIX.size]))
            body, end = PREFIX.size + header_size, PREFIX.size + header_size + body_size
            if there >= end:
                frame = decode_header(bytes(self._bytes[PREFIX.size : body])), bytes(self._bytes[body:end])
                del self._bytes[:end]
                return frame
        if there and self._ended:
            raise FrameError("the stream ended inside a frame")
        return None


class Pipes(asyncio.SubprocessProtocol):
    """A started program's side of its pipes: standard input takes frames, standard output gives them, standard error is kept."""

    def __init__(self, log: WorkerLog) -> None:
        self.log, self._frames = log, Frames()
        #: Its process has ended; all that it wrote to standard error has come; its input takes more.
        self.exited, self.silent, self._room = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._room.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def receive(self) -> asyncio.Future[Frame | None]:
        """The next frame, as :meth:`Frames.receive`."""
        frame = self._frames.receive()
        if not frame.done():
            self._output().resume_reading()
        return frame

    def send(self, data: bytes) -> None:
        """Queue bytes for its input; does nothing once it is gone."""
        stdin = self._input()
        if not stdin.is_closing():
            stdin.write(data)

    def end_input(self) -> None:
        """Say that nothing more comes, when what was queued has left."""
        self._input().close()

    async def drain(self) -> None:
        """Wait for the input to take more."""
        await self._room.wait()

    def _input(self) -> asyncio.WriteTransport:
        return cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))

    def _output(self) -> asyncio.ReadTransport:
        return cast(asyncio.ReadTransport, self._transport.get_pipe_transport(1))

    # --- what asyncio calls ---------------------------------------------------

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self._frames.feed(data)
            if self._frames.is_full:
                self._output().pause_reading()
        else:
            self.log.write(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 0:
            self._room.set()
        elif fd == 1:
            self._frames.end()
        else:
            self.silent.set()

    def process_exited(self) -> None:
        self.exited.set()

    def pause_writing(self) -> None:
        if not self._input().is_closing():
            self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()
