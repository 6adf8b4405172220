"""Browsers that listen to events and are gone, or never read what they are sent."""

from __future__ import annotations

import base64
import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import psutil
import pytest

from tests.faults.courses import WHOLE, write_course
from tests.server.conftest import folder_id
from tests.server.running import TOKEN, Server, Servers
from tests.server.running import servers as servers  # a fixture
from tests.stories.conftest import write

_DEAF, _GONE = 20, 5
_MB = 1 << 20


@contextmanager
def subscriber(server: Server) -> Iterator[socket.socket]:
    """A websocket at the stream of events, of which nothing is read; it takes little by itself."""
    place = urlsplit(server.url)
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        made.settimeout(30)
        made.connect((place.hostname, place.port))
        made.sendall(
            f"GET {place.path}api/events/subscribe HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: token {TOKEN}\r\n"
            f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n".encode()
        )
        assert made.recv(12) == b"HTTP/1.1 101"
        yield made


def hang_up_without_a_word(gone: socket.socket) -> None:
    """As a machine that lost its network and was reset does."""
    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gone.close()


def all_that_came(deaf: socket.socket) -> int:
    """The bytes that wait in a socket once its server has ended."""
    count = 0
    while part := deaf.recv(1 << 16):
        count += len(part)
    return count


@pytest.mark.fault(46)
def test_browsers_that_never_read_or_are_gone_neither_disturb_a_build_nor_fill_the_memory(servers: Servers) -> None:
    write_course(servers.root, with_code=0)
    server = servers.start()
    look = psutil.Process(server.process.pid)
    server.ended(server.ask("builds", {"course": folder_id()}))  # so that all it needs is loaded
    with ExitStack() as stack:
        deaf = [stack.enter_context(subscriber(server)) for _ in range(_DEAF)]
        gone = [stack.enter_context(subscriber(server)) for _ in range(_GONE)]
        before, begin = look.memory_info().rss, time.monotonic()
        build = server.ask("builds", {"course": folder_id(), "force": True})
        server.until(build, lambda seen: seen["done"] > 0)
        for each in gone:
            hang_up_without_a_word(each)
        ended = server.ended(build)
        seconds, grown = time.monotonic() - begin, look.memory_info().rss - before
        assert (ended["state"], ended["done"], ended["failed"]) == ("succeeded", WHOLE, 0)
        assert grown < 50 * _MB
        write(servers.root, {"0 section/lesson 000.md": "# Lesson 0\n\nother words\n"})
        assert server.ended(server.ask("builds", {"course": folder_id()}))["state"] == "succeeded"
        assert server.stop() < 50
        came = [all_that_came(each) for each in deaf]
    print(f"{_DEAF} deaf subscribers: {grown / _MB:.1f} MB, {max(came)} bytes each in {seconds:.1f} s")
    # A state instead of all that happened: no more than a few small messages a second, however many jobs end meanwhile.
    assert 0 < max(came) < 2048 + 5 * 400 * (time.monotonic() - begin)
    assert "Traceback" not in server.log.read_text()
    servers.check_nothing_left(50)
