"""Ports for servers that tests start."""

from __future__ import annotations

import itertools
import os
import random
import socket

_AT_RANDOM = random.Random(os.getpid())


def free_port() -> int:
    """A port that nobody has, and that the system gives to nobody who asks for any: a kernel of another test may do so meanwhile."""
    for port in itertools.starmap(_AT_RANDOM.randrange, itertools.repeat((20_000, 32_000), 1000)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")
