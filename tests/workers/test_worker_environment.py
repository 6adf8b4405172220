"""Which variables a kernel gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from clx_jupyter_workers.notebook.environment import allowed, kernel_environment

SECRET = ["JUPYTERHUB_API_TOKEN", "JUPYTER_TOKEN", "JPY_API_TOKEN", "AWS_SECRET_ACCESS_KEY", "github_token", "DB_PASSWORD"]
PLAIN = ["PATH", "HOME", "LANG", "MPLBACKEND", "OMP_NUM_THREADS", "KEYBOARD", "PYTHONHASHSEED"]


@pytest.mark.parametrize("name", SECRET)
def test_secrets_and_jupyters_own_are_kept_back(name: str) -> None:
    assert not allowed(name)


@pytest.mark.parametrize("name", PLAIN)
def test_the_rest_goes_through(name: str) -> None:
    assert allowed(name)


def test_named_variables_win_and_modules_are_found_at_the_root_and_beside_the_notebook() -> None:
    base = {"PATH": "/bin", "OPENAI_API_KEY": "no", "TERM": "xterm", "PYTHONPATH": "/lib"}
    values = kernel_environment({"OPENAI_API_KEY": "yes"}, Path("/s"), Path("/s/week"), base)
    assert values == {
        "PATH": "/bin", "OPENAI_API_KEY": "yes", "TERM": "dumb", "PYDEVD_DISABLE_FILE_VALIDATION": "1", "PYTHONPATH": "/s:/s/week:/lib",
        "PLOTLY_RENDERER": "plotly_mimetype+notebook", "BOKEH_RESOURCES": "inline",
    }  # fmt: skip


def test_charts_bring_their_script_unless_whoever_builds_says_otherwise() -> None:
    values = kernel_environment({"BOKEH_RESOURCES": "cdn"}, Path("/s"), Path("/s"), {"PLOTLY_RENDERER": "svg"})
    assert (values["PLOTLY_RENDERER"], values["BOKEH_RESOURCES"]) == ("svg", "cdn")
