"""Fetches what pages load from others before hatch builds a wheel, an sdist or an editable install.

``workers/clx_jupyter_workers/static/vendor.json`` lists pinned npm packages with their hashes. Plain Python: no Node is needed.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
import urllib.request
from pathlib import Path, PurePosixPath
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STATIC = Path("workers", "clx_jupyter_workers", "static")
LIST = "vendor.json"
FOLDER = "vendor"
REGISTRY = "https://registry.npmjs.org"
TIMEOUT = 60
"""Seconds without a byte."""
MAX_ARCHIVE = 64 * 1024 * 1024


class FetchError(Exception):
    """A package cannot be had as it is listed; the message says what to do."""


class VendorHook(BuildHookInterface[Any]):
    """Brings the files in before anything is packed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatch."""
        try:
            fetch(Path(self.root) / STATIC)
        except (FetchError, OSError) as error:
            self.app.abort(str(error))


def fetch(static: Path) -> bool:
    """Make ``vendor/`` in *static* hold what ``vendor.json`` lists; gives whether anything had to be fetched.

    :raises FetchError: a package cannot be had, or is not what the list says; what was there stays
    """
    listed = (static / LIST).read_bytes()
    packages = json.loads(listed)["packages"]
    vendor = static / FOLDER
    if _is_right(vendor, listed, packages):
        return False
    with tempfile.TemporaryDirectory(prefix=".vendor-", dir=static) as temporary:
        made = Path(temporary, FOLDER)
        for package in packages:
            _unpack(package, made)
        # Last: its presence says that the rest is whole.
        (made / LIST).write_bytes(listed)
        if vendor.is_symlink():
            vendor.unlink()
        elif vendor.exists():
            vendor.rename(Path(temporary, "old"))
        made.rename(vendor)
    return True


def _is_right(vendor: Path, listed: bytes, packages: list[dict[str, Any]]) -> bool:
    """Whether the files come from this very list, and all are there."""
    stamp = vendor / LIST
    files = [vendor / name for package in packages for name in package["files"].values()]
    return stamp.is_file() and stamp.read_bytes() == listed and all(file.is_file() for file in files)


def _unpack(package: dict[str, Any], folder: Path) -> None:
    """Write the listed files of a package; nothing in its archive chooses where a file goes."""
    named = f"{package['name']} {package['version']}"
    with tarfile.open(fileobj=io.BytesIO(_download(package, named)), mode="r:gz") as archive:
        for inside, name in package["files"].items():
            try:
                member = archive.getmember(f"package/{inside}")
            except KeyError:
                raise FetchError(f"{named} has no file {inside}: {LIST} names it") from None
            content = archive.extractfile(member) if member.isfile() else None
            if content is None or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise FetchError(f"{inside} of {named} cannot be written as {name}")
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("xb") as out:
                shutil.copyfileobj(content, out)


def _download(package: dict[str, Any], named: str) -> bytes:
    """The bytes of a package's archive, which have the listed hash."""
    # npm takes both spellings.
    given = os.environ.get("npm_config_registry") or os.environ.get("NPM_CONFIG_REGISTRY")  # noqa: SIM112
    registry = (given or REGISTRY).rstrip("/")
    url = f"{registry}/{package['name']}/-/{package['name'].rpartition('/')[2]}-{package['version']}.tgz"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            data: bytes = answer.read(MAX_ARCHIVE + 1)
    except (OSError, ValueError) as error:
        raise FetchError(
            f"cannot fetch {named}, which pages of clx_jupyter load, from {url}: {error}\n"
            "It is needed once, on the machine that builds from a checkout; wheel and sdist bring it along. Behind a proxy set HTTPS_PROXY;"
            " for a registry of your own set npm_config_registry."
        ) from error
    found = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    if found != package["integrity"]:
        raise FetchError(
            f"{url} is not the {named} that {LIST} lists: its hash is {found}\nUse a registry that gives out the packages of npm unchanged."
        )
    return data
