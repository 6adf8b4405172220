"""Kept executions: the results of a run of code under the key of that code, and the environment kernels get."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from clx_jupyter.manifest import write_atomically

_KEY = re.compile(r"[0-9a-f]{64}")
_QUOTED = re.compile(r"([\"'])(.*?)\1(?:\s+#.*)?")
_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$")


class Executions:
    """The kept executions of a state folder; a missing or unreadable one is simply run again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"no execution key: {key!r}")
        return self._folder / key[:2] / f"{key}.json.gz"

    def get(self, key: str) -> bytes | None:
        """The gzipped JSON kept under *key*."""
        path = self._path(key)
        try:
            body = path.read_bytes()
        except OSError:
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # those that were not used for longest go first (``retention.py``)
        return body

    def put(self, key: str, body: bytes) -> None:
        """Keep *body* under *key*."""
        path = self._path(key)
        self._make(path.parent)
        write_atomically(path, body, mode=0o600)

    def _make(self, folder: Path) -> None:
        """Make a folder below ours. Not the state folder: where somebody deleted a course, nothing of it is made again."""
        for each in reversed((folder, *folder.parents[: len(folder.relative_to(self._folder).parts)])):
            each.mkdir(mode=0o700, exist_ok=True)

    # --- files that code wrote, for the notebooks that come after ------------

    @property
    def shelf(self) -> Path:
        """Where such files lie: by their hash, in a folder named by its first two digits."""
        return self._folder / "files"

    def _shelved(self, sha256: str) -> Path:
        if not _KEY.fullmatch(sha256):
            raise ValueError(f"no hash: {sha256!r}")
        return self.shelf / sha256[:2] / sha256

    def take(self, stage: Path, hashes: Iterable[str]) -> None:
        """Move files that a worker laid into *stage*, under their hashes, to the shelf."""
        for sha256 in hashes:
            place = self._shelved(sha256)
            self._make(place.parent)
            if place.is_file():
                (stage / sha256).unlink(missing_ok=True)
            else:
                (stage / sha256).replace(place)

    def whole(self, run: Mapping[str, Any]) -> bool:
        """Whether a run handed its files on and all that it wrote or was given are still there; what was too large never was."""
        return bool(run.get("handed_on")) and all(
            self._shelved(sha256).is_file() for part in ("given", "written") for sha256 in run[part].values() if sha256
        )


def kernel_environment(names: Sequence[str], env_file: str | None) -> dict[str, str]:
    """Values of the variables a course names, and of its ``.env`` file: never stored, never shown."""
    values = {name: os.environ[name] for name in names if name in os.environ}
    if env_file:
        try:
            text = Path(env_file).read_text(encoding="utf-8-sig", errors="replace")
        except OSError:
            return values
        for line in text.splitlines():
            if (match := _LINE.match(line)) and not line.lstrip().startswith("#"):
                values[match.group(1)] = _unquoted(match.group(2))
    return values


def _unquoted(value: str) -> str:
    if quoted := _QUOTED.fullmatch(value):
        return quoted.group(2)
    return re.sub(r"\s+#.*$", "", value)


def hashed(values: Mapping[str, str]) -> dict[str, str]:
    """The hash of each value, for fingerprints."""
    return {name: hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest() for name, value in values.items()}
