"""Wrong settings of a server: it says so and builds nothing, and it ends as ever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from tests.server.conftest import PROBLEM, Api


@pytest.fixture
def jp_server_config(jp_server_config: Config, jp_config_dir: Path, wrong: str | dict[str, Any]) -> Config:
    """What is *wrong* in it, or in the file that terminals read, too."""
    if isinstance(wrong, str):
        (jp_config_dir / "jupyter_clx_jupyter_config.py").write_text(wrong)
        return jp_server_config
    return Config(jp_server_config, BuildSettings=Config(wrong))


@pytest.mark.parametrize(
    ("wrong", "told", "hint"),
    [
        ({"executors": {"notebook": "conteiners"}}, "executors cannot be {'notebook': 'conteiners'}", "local or containers"),
        ({"wokers": 3}, "there is no setting BuildSettings.wokers", "did you mean BuildSettings.workers?"),
        ("c.BuildSettings.executors = \n", "cannot be read: SyntaxError", "correct it"),
    ],
    ids=["value", "name", "file"],
)
async def test_a_wrong_setting_is_told_to_whoever_may_ask_and_keeps_everything_else_off(
    api: Api, jp_serverapp: Any, told: str, hint: str
) -> None:
    for method, path, body in (("GET", "courses", None), ("POST", "builds", {"course": "Lg"})):
        answer = await api.ask(method, path, body)
        assert answer.status == 503 and set(answer.body) == PROBLEM
        assert told in answer.body["message"] and hint in answer.body["hint"]
    stranger = await api.ask("GET", "courses", headers={})
    assert stranger.status == 403 and "setting" not in stranger.text
    await jp_serverapp.extension_manager.stop_all_extensions()
