"""Settings, as servers and the terminal read them."""

from __future__ import annotations

from pathlib import Path

import pytest
from jupyter_server.serverapp import ServerApp

from clx_jupyter.cli import main
from clx_jupyter.settings import BuildSettings, read_settings


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Jupyter's folder for the user's configuration."""
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    (tmp_path / "config").mkdir()
    return tmp_path / "config"


def test_without_a_file_everything_has_its_default(config: Path) -> None:
    settings = read_settings()
    assert (settings.workers, settings.executors, settings.journal_mode) == (0, {}, "auto")


def test_both_kinds_of_files_are_read_and_json_goes_first(config: Path) -> None:
    (config / "jupyter_clx_jupyter_config.py").write_text("c.BuildSettings.workers = 3\nc.BuildSettings.pool_sizes = {'notebook': 1 + 1}\n")
    (config / "jupyter_clx_jupyter_config.json").write_text('{"BuildSettings": {"workers": 5}}')
    settings = read_settings()
    assert (settings.workers, settings.pool_sizes) == (5, {"notebook": 2})


async def test_a_server_reads_the_same_file(config: Path, jp_server_config: object, jp_configurable_serverapp: object) -> None:
    (config / "jupyter_clx_jupyter_config.py").write_text("c.BuildSettings.workers = 3\n")
    app = jp_configurable_serverapp(config={"ServerApp": {"jpserver_extensions": {"clx_jupyter": True}}})  # type: ignore[operator]
    assert isinstance(app, ServerApp)
    (extension,) = app.extension_manager.extension_apps["clx_jupyter"]
    assert BuildSettings(parent=extension).workers == 3


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("py", "c.BuildSettings.workers = \n", "SyntaxError"),
        ("py", "import no_such_module\n", "no_such_module"),
        ("json", "{", "jupyter_clx_jupyter_config.json cannot be read"),
        ("py", "c.BuildSettings.wokers = 3\n", "there is no setting wokers"),
        ("py", "c.BuildSettings.workers = 'many'\n", "a setting is wrong: "),
        ("json", '{"BuildSettings": {"executors": {"notebook": "somewhere"}}}', "somewhere"),
    ],
)
def test_a_file_that_is_wrong_ends_the_command_with_2_and_is_named(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, told: str
) -> None:
    (config / f"jupyter_clx_jupyter_config.{name}").write_text(text)
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "a.py").write_text("# %% [markdown]\n# # A\n")
    assert main(["build", str(tmp_path / "course")]) == 2
    said = capsys.readouterr().err
    assert "hint: " in said
    assert told in said and f"jupyter_clx_jupyter_config.{name}" in said
    assert not (tmp_path / "course" / ".clx").exists()
