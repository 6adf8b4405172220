"""The Jupyter Server extension."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool, Integer

from clx_jupyter.course.discover import SCAN_LIMIT
from clx_jupyter.errors import RequestError
from clx_jupyter.handlers import routes
from clx_jupyter.nudges import SCHEMA, Nudges
from clx_jupyter.places import Places
from clx_jupyter.roots import Roots
from clx_jupyter.service import Service
from clx_jupyter.settings import BuildSettings
from clx_jupyter.settings_files import check_settings, read_settings


class ClxApp(ExtensionApp):
    """Course builder for Jupyter Server.

    Loaded by every server in whose environment clx_jupyter is installed; ``jupyter server extension disable
    clx_jupyter`` turns it off. Builds run in this server's name and go on while nobody looks.
    """

    name = "clx_jupyter"
    classes = [BuildSettings]  # noqa: RUF012 - traitlets reads it off the class

    resume = Bool(True, help="Go on at start with builds below the server's folder that a process which died left open.").tag(config=True)
    scan_limit = Integer(
        SCAN_LIMIT, min=1, help="How many files and folders are looked at when the sidebar asks which courses there are."
    ).tag(config=True)  # fmt: skip

    def initialize_settings(self) -> None:
        """Make the service. Where a setting is wrong, it only says so: code that is to run in containers must not run elsewhere."""
        assert self.serverapp is not None
        # One spelling for one place, as everywhere: not resolved, links in it stay as the user wrote them.
        root = Path(os.path.normpath(Path(self.serverapp.root_dir).expanduser().absolute()))
        hidden = bool(getattr(self.serverapp.contents_manager, "allow_hidden", False))
        events = self.serverapp.event_logger
        assert events is not None
        events.register_event_schema(SCHEMA)
        self._nudges = Nudges(events.emit, self.log)
        self._wrong = self._wrong_setting()
        self._roots = Roots(self._nudges.tell, BuildSettings() if self._wrong else BuildSettings(parent=self))
        self._service = Service(Places(root, hidden), self._roots, self.scan_limit)
        self._resuming: asyncio.Task[None] | None = None

    def _wrong_setting(self) -> RequestError | None:
        try:
            read_settings()  # a file with a slip is to Jupyter one that is not there
            check_settings(self.config, "the server's configuration")
        except RequestError as error:
            self.log.error("The course builder is off. %s (%s)", error, error.problem.hint)
            return error
        return None

    def initialize_handlers(self) -> None:
        """Add the routes; the server puts its base URL before them."""
        self.handlers.extend(routes(self._service, self._wrong))

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        if self.resume and self._wrong is None:
            self._resuming = asyncio.create_task(self._roots.resume(self._service.places.root))

    async def stop_extension(self) -> None:
        """End the workers; builds that go on are resumed by the next server."""
        if self._resuming is not None:
            self._resuming.cancel()
            await asyncio.gather(self._resuming, return_exceptions=True)
        await self._roots.close()
        self._nudges.close()
