"""What a worker does without, so that it starts soon."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

STARTED = """
import importlib.util, json, sys
from clx_jupyter_workers.notebook.__main__ import load
load()
there = [name for name in ("jsonschema", "rfc3987_syntax.syntax_helpers") if name in sys.modules]
print(json.dumps([there, importlib.util.find_spec("rfc3987_syntax") is not None]))
"""


def test_a_worker_starts_without_the_grammar_of_addresses_and_it_can_be_had_later() -> None:
    pytest.importorskip("rfc3987_syntax")
    done = subprocess.run([sys.executable, "-c", STARTED], capture_output=True, text=True, timeout=120, check=False)
    assert json.loads(done.stdout) == [["jsonschema"], True], done.stderr
