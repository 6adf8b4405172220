"""Settings of builds, as a server reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from jupyter_server.serverapp import ServerApp

from clx_jupyter.settings import BuildSettings


async def test_a_server_reads_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jp_server_config: object, jp_configurable_serverapp: object
) -> None:
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    (tmp_path / "jupyter_clx_jupyter_config.py").write_text("c.BuildSettings.workers = 3\n")
    app = jp_configurable_serverapp(config={"ServerApp": {"jpserver_extensions": {"clx_jupyter": True}}})  # type: ignore[operator]
    assert isinstance(app, ServerApp)
    (extension,) = app.extension_manager.extension_apps["clx_jupyter"]
    assert BuildSettings(parent=extension).workers == 3
