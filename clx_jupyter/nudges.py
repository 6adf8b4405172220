"""Tell every client that a build changed: seldom enough not to flood them, and the last state always."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clx_jupyter.live import Live

SCHEMA = Path(__file__).parent / "events" / "build.v1.yaml"
SCHEMA_ID = "urn:clx_jupyter:events:build:v1"
INTERVAL = 0.2
"""Seconds between two events of one build."""

Emit = Callable[..., Any]
"""``emit(schema_id=…, data=…)``, as of jupyter_events' logger."""


class Nudges:
    """Sends an event when a build changes: at once, then at most one in :data:`INTERVAL` seconds.

    An event that cannot be sent is logged and harms nothing.
    """

    def __init__(self, emit: Emit, log: logging.Logger | logging.LoggerAdapter[logging.Logger]) -> None:
        self._emit, self._log = emit, log
        #: Builds with a timer; the value is what changed since its last event.
        self._waiting: dict[str, Live | None] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def tell(self, live: Live) -> None:
        """A build changed."""
        if live.id in self._waiting:
            self._waiting[live.id] = live
        else:
            self._send(live)

    def _send(self, live: Live) -> None:
        self._waiting[live.id] = None
        self._timers[live.id] = asyncio.get_running_loop().call_later(INTERVAL, self._due, live.id)
        data = {
            "build": live.id,
            "number": live.number,
            "state": str(live.state),
            "total": live.total,
            "done": live.done,
            "failed": live.failed,
        }
        try:
            self._emit(schema_id=SCHEMA_ID, data=data)
        except Exception:
            self._log.warning("an event of build %s could not be sent", live.id, exc_info=True)

    def _due(self, id: str) -> None:
        live = self._waiting.pop(id)
        del self._timers[id]
        if live is not None:
            self._send(live)

    def close(self) -> None:
        """Send nothing more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
