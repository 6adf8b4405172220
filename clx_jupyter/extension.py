"""The Jupyter Server extension."""

from __future__ import annotations

from jupyter_server.extension.application import ExtensionApp


class ClxApp(ExtensionApp):
    """Course builder for Jupyter Server.

    Loaded by every server in whose environment clx_jupyter is installed; ``jupyter server extension disable
    clx_jupyter`` turns it off.
    """

    name = "clx_jupyter"
