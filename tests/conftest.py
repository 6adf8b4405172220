"""Fixtures that every test sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

pytest_plugins = ("pytest_jupyter.jupyter_server", "tests.plain_user")


@pytest.fixture(autouse=True)
async def jp_asyncio_loop() -> AsyncIterator[asyncio.AbstractEventLoop]:
    """Let pytest-jupyter's server run on the loop of the test; left alone it makes a second one, and requests hang."""
    yield asyncio.get_running_loop()
