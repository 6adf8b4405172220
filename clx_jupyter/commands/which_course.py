"""Which course a command is about, and where its state lies."""

from __future__ import annotations

import argparse
from pathlib import Path

from clx_jupyter.course.load import Place, find
from clx_jupyter.state import state_folder


def place_of(options: argparse.Namespace) -> Place:
    """The course at the command's path, the current folder if it names none. Raises :class:`ClxError` where there is none."""
    return find(Path(options.path or "."), Path(options.data_dir).absolute() if options.data_dir else None)


def state_of(place: Place) -> Path:
    """The state folder of a course; nothing is created."""
    return state_folder(place.root, private=bool(place.single))
