"""Who may import whom, and what nobody may call: the rules of ``docs/architecture.md``, read off the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = ROOT / "clx_jupyter"
WORKERS = ROOT / "workers" / "clx_jupyter_workers"
CONTRACT = {"VERSION", "problems", "protocol", "inputs", "assets", "browsers", "volumes"}
PURE = [
    "course",
    "kinds.py",
    "languages.py",
    "variants.py",
    "plan.py",
    "planner.py",
    "collisions.py",
    "job_spec.py",
    "after.py",
    "writers.py",
    "links.py",
    "navigation.py",
    "fingerprint.py",
]


def modules(*places: Path) -> list[Path]:
    return sorted(file for place in places for file in ([place] if place.is_file() else place.rglob("*.py")))


@cache
def nodes(file: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))


def imported(file: Path) -> Iterator[str]:
    """Dotted names of all imports, those inside functions too; ``from a import b`` gives ``a.b``."""
    for node in nodes(file):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = file.relative_to(ROOT if file.is_relative_to(CORE) else WORKERS.parent).parts[: -node.level] if node.level else ()
            yield from (".".join([*base, *filter(None, [node.module]), alias.name]) for alias in node.names)


def found(files: list[Path], *packages: str) -> list[str]:
    """``file: name`` for each import of one of the packages."""
    return [f"{file.relative_to(ROOT)}: {name}" for file in files for name in imported(file) if name.split(".")[0] in packages]


def calls(file: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in nodes(file):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


EVERY_MODULE = modules(CORE, WORKERS)


def test_there_are_modules_to_look_at() -> None:
    assert len(EVERY_MODULE) > 40


def test_workers_never_import_the_application() -> None:
    assert found(modules(WORKERS), "clx_jupyter") == []


def test_the_application_takes_only_the_contract_from_the_workers() -> None:
    names = {line.split(": ")[1] for line in found(modules(CORE), "clx_jupyter_workers")}
    assert {name.split(".")[1] for name in names} <= CONTRACT


def test_the_contract_needs_the_standard_library_only() -> None:
    contract = [WORKERS / "__init__.py", *(WORKERS / f"{name}.py" for name in sorted(CONTRACT - {"VERSION"}))]
    assert found(contract, "nbformat", "nbconvert", "nbclient", "jupytext", "jupyter_client", "jinja2", "yaml", "psutil") == []


def test_what_decides_is_pure() -> None:
    assert found(modules(*(CORE / name for name in PURE)), "tornado", "sqlite3", "aiosqlite", "asyncio") == []


def test_only_the_job_queue_knows_the_database() -> None:
    assert {line.split(": ")[0] for line in found(EVERY_MODULE, "sqlite3", "aiosqlite")} == {
        "clx_jupyter/damage.py",
        "clx_jupyter/database.py",
        "clx_jupyter/grouping.py",
        "clx_jupyter/job_changes.py",
        "clx_jupyter/job_queue.py",
        "clx_jupyter/job_reader.py",
        "clx_jupyter/migrations.py",
        "clx_jupyter/opening.py",
    }


def test_only_the_door_of_the_server_knows_the_server() -> None:
    allowed = ("clx_jupyter/handlers", "clx_jupyter/extension.py")
    assert [line for line in found(EVERY_MODULE, "tornado", "jupyter_server") if not line.startswith(allowed)] == []


FORBIDDEN = ["eval", "exec", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "subprocess.getoutput"]


@pytest.mark.parametrize("name", FORBIDDEN)
def test_nothing_calls_what_runs_text_as_code(name: str) -> None:
    assert [str(file) for file in EVERY_MODULE for called, _ in calls(file) if called == name] == []


def test_nothing_reads_objects_that_could_be_code() -> None:
    assert found(EVERY_MODULE, "pickle", "marshal", "shelve", "dill", "cloudpickle") == []


def test_nothing_goes_through_a_shell() -> None:
    with_shell = [
        f"{file}:{call.lineno}"
        for file in EVERY_MODULE
        for called, call in calls(file)
        if called.endswith("create_subprocess_shell") or any(word.arg == "shell" for word in call.keywords)
    ]
    assert with_shell == []
