"""Somebody reads the outputs while they are published again and again: nothing is torn, and nothing is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.kept import Kept, built
from tests.faults.publishing import course

pytestmark = pytest.mark.story

READER = """
import json, pathlib, sys
output, state = map(pathlib.Path, sys.argv[1:])
paths = [path for path in output.rglob("*") if path.is_file()]
seen = {path: {path.read_bytes()} for path in paths}
reads, ended = 0, False
print("ready", flush=True)
while not ended:
    ended = (state / "over").exists()
    for path in paths:
        content = path.read_bytes()  # one that is missing ends this program
        if path.name == ".clx-manifest.json":
            json.loads(content)
        else:
            seen[path].add(content)
        reads += 1
    for report in (state / "builds").glob("*.json"):
        json.loads(report.read_bytes())
print(json.dumps([reads, {str(path): sorted(map(len, found)) for path, found in seen.items()}]))
"""


async def test_a_reader_in_another_process_never_finds_a_file_torn_or_missing(tmp_path: Path) -> None:
    root, kept = course(tmp_path / "course", word="first"), Kept(tmp_path / "worker.log")
    output, state, sizes = root / "output", root / ".clx", {}
    words = ["first", "second" * 20_000]
    try:
        for word in reversed(words):
            course(root, word=word)
            assert (await built(root, kept))["status"] == "succeeded"
            for path in output.rglob("*"):
                if path.is_file():
                    sizes.setdefault(str(path), set()).add(path.stat().st_size)
        reader = subprocess.Popen([sys.executable, "-c", READER, output, state], stdout=subprocess.PIPE, text=True)
        assert reader.stdout and reader.stdout.readline() == "ready\n"
        for number in range(10):
            course(root, word=words[number % 2])
            assert (await built(root, kept, force=True))["status"] == "succeeded"
        (state / "over").touch()
        said = reader.communicate(timeout=60)[0]
    finally:
        await kept.end()
    assert reader.returncode == 0
    reads, seen = json.loads(said)
    assert reads >= 1_000
    assert {path: set(found) - sizes[path] for path, found in seen.items() if set(found) - sizes[path]} == {}
    assert any(len(found) > 1 for found in seen.values()), "it saw several versions"
