"""The files of settings, as the terminal reads them, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from clx_jupyter.cli import main
from clx_jupyter.settings_files import read_settings


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


@pytest.mark.parametrize(
    ("name", "text", "told", "hint"),
    [
        ("py", "c.BuildSettings.workers = \n", "SyntaxError", "correct it"),
        ("py", "import no_such_module\n", "no_such_module", "correct it"),
        ("json", "{", "jupyter_clx_jupyter_config.json cannot be read", "correct it"),
        ("py", "c.BuildSettings.wokers = 3\n", "there is no setting BuildSettings.wokers", "did you mean BuildSettings.workers?"),
        ("py", "c.BuildSetings.workers = 3\n", "there is no setting BuildSetings", "did you mean BuildSettings?"),
        ("py", "c.ClxApp.workers = 3\n", "there is no setting ClxApp.workers", "did you mean BuildSettings.workers?"),
        ("py", "c.BuildSettings.workers = 'many'\n", "workers cannot be 'many'", "(from 0 to 64)"),
        ("py", "c.BuildSettings.pool_sizes = {'notebook': 0}\n", "pool_sizes cannot be {'notebook': 0}", "(from 1 to 64)"),
        ("py", "c.BuildSettings.pool_sizes = {'notbook': 1}\n", "there is no job type 'notbook'; there are: notebook", "(from 1 to 64)"),
        ("py", "c.BuildSettings.container_command = '\"podman'\n", "a quotation mark is missing", "Program that runs containers"),
        ("py", "c.BuildSettings.keep_days = -1\n", "keep_days cannot be -1", "(0 or more)"),
        ("json", '{"BuildSettings": {"executors": {"notebook": "somewhere"}}}', "somewhere", "(local or containers)"),
    ],
)
def test_a_file_that_is_wrong_ends_the_command_with_2_and_is_named(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, told: str, hint: str
) -> None:
    (config / f"jupyter_clx_jupyter_config.{name}").write_text(text)
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "a.py").write_text("# %% [markdown]\n# # A\n")
    assert main(["build", str(tmp_path / "course")]) == 2
    said = capsys.readouterr().err
    first, second = said.splitlines()
    assert told in first and first.count(f"jupyter_clx_jupyter_config.{name}") >= 1
    assert hint in second and second.startswith("  hint: ")
    assert not (tmp_path / "course" / ".clx").exists()
