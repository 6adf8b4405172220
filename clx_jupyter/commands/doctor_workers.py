"""What ``clx doctor`` says of where workers run, and of how a course's job database is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from clx_jupyter.commands.finding import Finding
from clx_jupyter.commands.which_course import state_of
from clx_jupyter.course.load import find
from clx_jupyter.database_journal import AUTO, journal_for, journal_of
from clx_jupyter.errors import ClxError, QueueError
from clx_jupyter.executors.base import Executors
from clx_jupyter.executors.choosing import chosen
from clx_jupyter.executors.containers import ContainerExecutor
from clx_jupyter.executors.engine import Engine, EngineError
from clx_jupyter.job_reader import DATABASE, Reader
from clx_jupyter.settings_files import read_settings


def where_things_are(path: Path) -> Iterator[Finding]:
    """Where each type of job runs, with what is needed for it, and the journal of the job database of the course at *path*."""
    journal_mode = AUTO
    try:
        settings = read_settings()
    except ClxError as error:
        yield Finding("missing", f"settings: {error.problem.message}", error.problem.hint)
    else:
        journal_mode = settings.journal_mode
        yield from asyncio.run(_workers(chosen(settings)))
    try:
        place = find(path)
    except ClxError as error:
        yield Finding("note", f"no job database: {error.problem.message}", error.problem.hint)
    else:
        yield _database(place.root, state_of(place), journal_mode)


async def _workers(executors: Executors) -> list[Finding]:
    found, engine = [], None
    for type, executor in executors.items():
        if isinstance(executor, ContainerExecutor):
            engine = engine or await _engine(Engine(executor.command))
            found.append(Finding("ok", f"jobs of type {type} run in containers"))
            found += [await _image(executor, type)] if engine.state == "ok" else []
        else:
            found.append(Finding("ok", f"jobs of type {type} run in processes of this machine"))
    return [*found, engine or _unused()]


async def _engine(engine: Engine) -> Finding:
    try:
        status, said = await engine.call("version", "--format", "{{.Client.Version}}")
        if status == 0:
            return Finding("ok", f"container engine {engine.name} {said} ({engine.program})")
    except OSError as error:
        return _lacking(error)
    return Finding("missing", f"container engine {engine.name} ({engine.program}): it does not run", f"it says: {said}")


async def _image(executor: ContainerExecutor, type: str) -> Finding:
    image = executor.image_of(type)
    try:
        id = await Engine(executor.command).image(image, type)
    except OSError as error:
        return _lacking(error)
    return Finding("ok", f"image {image} ({id.removeprefix('sha256:')[:12]})")


def _unused() -> Finding:
    """Which engine would be taken, where none is asked for; it is not started for that."""
    engine = Engine()
    try:
        return Finding("ok", f"container engine {engine.name} ({engine.program}): no job uses it")
    except EngineError:
        return Finding("note", "no container engine is installed: workers in containers would need podman or docker")


def _lacking(error: OSError) -> Finding:
    what, _, hint = str(error).partition(": ")
    return Finding("missing", what, hint)


def _database(root: Path, folder: Path, setting: str) -> Finding:
    """How the job database of a course is kept, and why; or how it would be."""
    expected = journal_for(folder, setting)
    try:
        Reader(folder).builds(1)
        journal = journal_of(folder, setting)
    except QueueError as error:
        return Finding("note", f"job database of {root}: {error.problem.message}", error.problem.hint)
    except FileNotFoundError:
        return Finding("ok", f"job database of {root}: none yet; the first build makes one with a {expected}")
    except OSError as error:
        return Finding("note", f"job database of {root}: {folder / DATABASE} cannot be read: {error.strerror or error}")
    what = f"job database of {root}: {journal}"
    return Finding("ok", what) if journal.mode == expected.mode else Finding("note", what, f"the next build tries to give it a {expected}")
