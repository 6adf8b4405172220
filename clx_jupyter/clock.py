"""The time of day as this process counts it: it never jumps, whatever is done to the machine's clock."""

from __future__ import annotations

import time

_OFFSET = time.time() - time.monotonic()


def steady() -> float:
    """Seconds since 1970, by the clock of the machine at this process's start and the time that has passed since."""
    return _OFFSET + time.monotonic()
