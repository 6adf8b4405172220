"""Who may import whom, and what nobody may use."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE, WORKERS = ROOT / "clx_jupyter", ROOT / "workers" / "clx_jupyter_workers"


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


def users_of(prefixes: tuple[str, ...], folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if any(name == prefix or name.startswith(f"{prefix}.") for name in imports(path) for prefix in prefixes)
    }


def test_workers_never_import_the_server_side() -> None:
    assert users_of(("clx_jupyter",), WORKERS) == set()


def test_the_server_side_knows_only_the_contract_of_the_workers() -> None:
    allowed = ("clx_jupyter_workers.VERSION", "clx_jupyter_workers.problems", "clx_jupyter_workers.protocol", "clx_jupyter_workers.inputs")
    for path in PACKAGE.rglob("*.py"):
        for name in imports(path):
            assert not name.startswith("clx_jupyter_workers") or name.startswith(allowed), (path, name)


def test_only_the_queue_touches_the_database() -> None:
    assert users_of(("sqlite3", "aiosqlite"), PACKAGE) == {"job_queue.py"}


def test_thinking_knows_neither_server_nor_loop() -> None:
    pure = {"kinds.py", "languages.py", "variants.py", "plan.py", "fingerprint.py", "kernels.py", "publish.py", "manifest.py"}
    found = users_of(("asyncio", "tornado", "jupyter_server", "sqlite3", "aiosqlite"), PACKAGE)
    assert {name for name in found if name in pure or name.startswith("course/")} == set()


def test_only_the_extension_knows_the_server() -> None:
    assert users_of(("tornado", "jupyter_server"), PACKAGE) == {"extension.py"}


def test_executors_never_see_the_queue() -> None:
    assert not {name for name in users_of(("clx_jupyter.job_queue",), PACKAGE) if name.startswith("executors/")}


def test_nothing_unpickles_evaluates_or_starts_a_shell() -> None:
    for folder in (PACKAGE, WORKERS):
        assert users_of(("pickle", "marshal", "shelve"), folder) == set()
        for path in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    name = getattr(node.func, "id", "")
                    assert name not in ("eval", "exec"), path
                    assert not any(keyword.arg == "shell" for keyword in node.keywords), path
