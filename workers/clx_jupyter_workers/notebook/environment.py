"""The variables a kernel gets: the worker's own without what is secret, and what the course names (``docs/execution.md``)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

_SECRET = ("*TOKEN*", "*SECRET*", "*PASSWORD*", "*PASSWD*", "*_KEY", "*CREDENTIAL*", "*_PAT", "*API_KEY*")
_JUPYTER = ("JUPYTER*", "JPY_*", "CLX_*")
_MARK = "CLX_WORKER"
"""Says whose process this is, so that what code starts can be found and ended; no secret."""

#: Charts come with their script: pages need no network. Both are how the libraries want to be told; code that says otherwise wins.
_OFFLINE = {"PLOTLY_RENDERER": "plotly_mimetype+notebook", "BOKEH_RESOURCES": "inline"}


def allowed(name: str) -> bool:
    """Whether a variable of the server may reach a kernel without being asked for."""
    upper = name.upper()
    return not any(fnmatchcase(upper, pattern) for pattern in (*_SECRET, *_JUPYTER))


def kernel_environment(named: Mapping[str, str], root: Path, folder: Path, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """All variables of a kernel whose notebook lies in *folder* of the scratch copy at *root*."""
    own = os.environ if base is None else base
    values = _OFFLINE | {name: value for name, value in own.items() if allowed(name)}
    # Its kernels run without a terminal; debugpy's warning about frozen modules would stand in the log of each.
    values |= {"TERM": "dumb", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    values |= {name: str(value) for name, value in named.items()}
    if _MARK in own:
        values[_MARK] = own[_MARK]
    # The worker's own PYTHONPATH stays: where somebody runs from a checkout, kernels may need it too.
    values["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), str(folder), values.get("PYTHONPATH", "")]))
    return values
