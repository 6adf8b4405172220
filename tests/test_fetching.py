"""What pages load from others is fetched when a checkout is built: pinned, checked, whole or not at all."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
import json
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def build() -> ModuleType:
    """Return ``hatch_build.py``, which lies in no package."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Registry:
    """A registry of packages in a folder, and the list of those that are wanted."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.static = folder / "registry", folder / "static"
        self.static.mkdir()
        self.packages: list[dict[str, Any]] = []

    def add(self, name: str, files: dict[str, str], *members: tuple[tarfile.TarInfo, bytes]) -> dict[str, Any]:
        """Publish version 1.0.0 of a package of these members, and want these files of it."""
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w:gz") as archive:
            for member, content in members:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        archive_file = self.folder / name / "-" / f"{name.rpartition('/')[2]}-1.0.0.tgz"
        archive_file.parent.mkdir(parents=True, exist_ok=True)
        archive_file.write_bytes(data.getvalue())
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(data.getvalue()).digest()).decode()
        row = {"name": name, "version": "1.0.0", "integrity": integrity, "files": files}
        self.packages.append(row)
        return row

    def write(self) -> Path:
        """Write the list; gives the folder it lies in."""
        (self.static / "vendor.json").write_text(json.dumps({"packages": self.packages}))
        return self.static


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    made = Registry(tmp_path)
    monkeypatch.setenv("npm_config_registry", made.folder.as_uri())
    return made


def member(name: str, **changes: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(f"package/{name}")
    for key, value in changes.items():
        setattr(info, key, value)
    return info


def tree(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_listed_files_are_fetched_once_and_again_where_the_list_changes_or_a_file_is_gone(build: ModuleType, registry: Registry) -> None:
    registry.add("@s/one", {"a.js": "one/a.js"}, (member("a.js"), b"A"), (member("b.js"), b"B"))
    static = registry.write()
    assert build.fetch(static) and not build.fetch(static)
    assert {name: text for name, text in tree(static / "vendor").items() if name != "vendor.json"} == {"one/a.js": "A"}
    (static / "vendor/one/a.js").unlink()
    assert build.fetch(static)
    registry.add("two", {"c/d.css": "two/d.css"}, (member("c/d.css"), b"D"))
    registry.write()
    assert build.fetch(static) and not build.fetch(static)
    assert {"one/a.js", "two/d.css"} < tree(static / "vendor").keys()
    assert sorted(path.name for path in static.iterdir()) == ["vendor", "vendor.json"]


def test_other_bytes_than_the_listed_ones_are_refused_and_what_was_there_stays(build: ModuleType, registry: Registry) -> None:
    registry.add("one", {"a.js": "a.js"}, (member("a.js"), b"A"))
    static = registry.write()
    build.fetch(static)
    before = tree(static / "vendor")
    registry.packages[0]["integrity"] = "sha512-" + base64.b64encode(bytes(64)).decode()
    registry.write()
    with pytest.raises(build.FetchError, match=r"is not the one 1\.0\.0 that vendor\.json lists"):
        build.fetch(static)
    assert tree(static / "vendor") == before and len(list(static.iterdir())) == 2


@pytest.mark.parametrize("to", ["../../out.js", "/tmp/out.js", "a/../../../out.js"])
def test_no_file_is_written_outside_the_folder(build: ModuleType, registry: Registry, to: str) -> None:
    registry.add("one", {"a.js": to}, (member("a.js"), b"A"))
    with pytest.raises(build.FetchError, match="cannot be written"):
        build.fetch(registry.write())
    assert [path.name for path in registry.static.iterdir()] == ["vendor.json"]


def test_a_link_in_an_archive_is_no_file(build: ModuleType, registry: Registry) -> None:
    registry.add("one", {"a.js": "a.js"}, (member("a.js", type=tarfile.SYMTYPE, linkname="/etc/passwd"), b""))
    with pytest.raises(build.FetchError, match="cannot be written"):
        build.fetch(registry.write())


def test_a_file_that_the_package_does_not_have_is_said(build: ModuleType, registry: Registry) -> None:
    registry.add("one", {"b.js": "b.js"}, (member("a.js"), b"A"))
    with pytest.raises(build.FetchError, match=r"has no file b\.js"):
        build.fetch(registry.write())


def test_without_a_network_the_message_says_what_to_do(build: ModuleType, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.add("one", {"a.js": "a.js"}, (member("a.js"), b"A"))
    monkeypatch.delenv("npm_config_registry")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:1/")
    with pytest.raises(build.FetchError, match=r"(?s)cannot fetch one 1\.0\.0.*127\.0\.0\.1.*HTTPS_PROXY.*npm_config_registry"):
        build.fetch(registry.write())


def test_what_the_project_lists_has_a_licence_and_a_hash_for_each() -> None:
    packages = json.loads((ROOT / "workers/clx_jupyter_workers/static/vendor.json").read_text())["packages"]
    assert packages
    for package in packages:
        assert package["license"] and package["integrity"].startswith("sha512-") and "LICENSE" in package["files"], package["name"]
