"""How SQLite keeps the job database whole where it lies: with a write-ahead log, or, on shared disks, with a rollback journal.

A write-ahead log needs memory that all who open the file share. Network file systems and the folders that a virtual machine or
a container gets from its host have none, or pretend to: there a log destroys the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from clx_jupyter.file_systems import file_system, is_share

AUTO, WAL, DELETE = "auto", "wal", "delete"
MODES = (AUTO, WAL, DELETE)


@dataclass(frozen=True, slots=True)
class Journal:
    """A mode of SQLite's journal, ``wal`` or ``delete``, and why it was chosen."""

    mode: str
    why: str

    @property
    def synchronous(self) -> str:
        """How much is waited for: with a log a power cut may cost the last commits, which are made again, never the file."""
        return "NORMAL" if self.mode == WAL else "FULL"

    def __str__(self) -> str:
        return f"{'write-ahead log' if self.mode == WAL else 'rollback journal'} ({self.why})"


def journal_for(folder: Path, setting: str = AUTO) -> Journal:
    """The journal for a database in *folder*. Raises :class:`ValueError` for a setting that is none of :data:`MODES`."""
    if setting not in MODES:
        raise ValueError(f"journal_mode must be one of {', '.join(MODES)}, not {setting!r}")
    if setting != AUTO:
        return Journal(setting, "as the setting journal_mode says")
    type = file_system(folder)
    if is_share(type):
        return Journal(DELETE, f"the folder lies on a shared disk: {type}")
    return Journal(WAL, f"the folder lies on a local disk: {type}" if type else "the folder lies on a local disk")


def journal_of(folder: Path, setting: str = AUTO) -> Journal:
    """The journal that the database of a state folder has now, by the header of its file, and why, if the *setting* is what it was."""
    with (folder / "jobs.db").open("rb") as file:
        mode = WAL if file.read(20)[18:19] == b"\2" else DELETE
    usual = journal_for(folder, setting)
    return usual if usual.mode == mode else Journal(mode, "as a setting said when it was opened last")
