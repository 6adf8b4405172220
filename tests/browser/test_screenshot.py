"""The picture of the README can be taken again at any time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.browser.courses import PROJECT


def test_the_script_takes_the_picture_of_the_readme(tmp_path: Path) -> None:
    picture = tmp_path / "sidebar.png"
    # Apart from this process, where the browser of the stories lives.
    subprocess.run([sys.executable, "-m", "tests.browser.screenshot", str(picture)], cwd=PROJECT, check=True, timeout=120)
    content = picture.read_bytes()
    assert content.startswith(b"\x89PNG") and int.from_bytes(content[16:20]) == 2100
    assert 50_000 < len(content) < 300_000
