"""``clx clean``: apply the limits of the settings at once, and remove outputs of former targets."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

from clx_jupyter.cli import shown, told
from clx_jupyter.commands.describe import number_of
from clx_jupyter.commands.which_course import place_of, state_of
from clx_jupyter.course.load import Place, load
from clx_jupyter.database import Database
from clx_jupyter.errors import HeldError
from clx_jupyter.former_targets import leave, left_behind
from clx_jupyter.job_reader import DATABASE, Reader
from clx_jupyter.requests import post
from clx_jupyter.retention import Freed, Retention
from clx_jupyter.settings_files import read_settings
from clx_jupyter.state import Lock, create_state_folder, living_holder, read_holder

_TAKEN_WITHIN = 10.0


def clean(options: argparse.Namespace) -> int:
    """Say what went."""
    place = place_of(options)
    folder = state_of(place)
    if not (folder / DATABASE).exists():
        print("nothing was built here yet")
        return 0
    if options.dry_run:
        return _outputs(place, folder, dry=True) if options.outputs else _limits()
    create_state_folder(folder, place.root)
    lock = Lock(folder)
    if not lock.acquire():
        return _handed_over(folder, options.outputs)
    try:
        freed = asyncio.run(_apply(folder))
        print(f"removed {number_of(freed.builds, 'build')} and {number_of(freed.files, 'file')}: {freed.size / 1e6:.1f} MB")
        return _outputs(place, folder, dry=False) if options.outputs else 0
    finally:
        lock.release()


def _limits() -> int:
    settings = read_settings()
    print(f"kept: {settings.keep_builds} builds, {settings.keep_days:g} days, {settings.keep_executions} MB of results of code")
    return 0


async def _apply(folder: Path) -> Freed:
    settings = read_settings()
    database = await Database.open(folder / DATABASE, settings.journal_mode)
    try:
        return await Retention(folder, database, settings).apply(at_once=True)
    finally:
        await database.close()


def _handed_over(folder: Path, outputs: bool) -> int:
    """Let the process that holds the root do it; what it publishes to is not touched beside it."""
    holder = read_holder(folder)
    who = f"process {holder.pid}" if holder else "another process"
    if outputs:
        raise HeldError(f"{who} holds this course, and may be publishing", "end it first, or leave out --outputs")
    message, end = post(folder, {"do": "clean"}), time.monotonic() + _TAKEN_WITHIN
    while message.exists() and time.monotonic() < end and living_holder(folder) is not None:
        time.sleep(0.05)
    if message.exists():
        message.unlink(missing_ok=True)
        raise HeldError(f"{who} holds this course and does not answer", "end it, then try again")
    print(f"{who} holds this course, and applies the limits now")
    return 0


def _outputs(place: Place, folder: Path, *, dry: bool) -> int:
    course = load(place)
    former = left_behind(place, course, Reader(folder))
    if not former:
        print("no folder but the targets of the course holds anything built")
    for target in former:
        if dry:
            print(f"would be emptied: {shown(target)}")
            continue
        gone, problems = leave(target, place.root, place.single or course.file)
        print(f"removed {number_of(len(gone), 'output')} from {shown(target)}")
        for problem in problems:
            print(told(problem), file=sys.stderr)
    return 0
