"""Which journal a database gets, by the disk it lies on."""

from __future__ import annotations

from pathlib import Path

import pytest

from clx_jupyter import database_journal
from clx_jupyter.database import Database
from clx_jupyter.database_journal import DELETE, WAL, journal_for
from clx_jupyter.file_systems import file_system, is_share, type_at
from clx_jupyter.job_queue import JobQueue
from clx_jupyter.job_reader import DATABASE, Reader

MOUNTS = """\
22 28 0:20 / /proc rw,nosuid - proc proc rw
28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,discard
90 28 0:44 / /home/ann/share rw - nfs4 server:/x rw
91 28 0:45 / /mnt/my\\040disk rw - cifs //server/x rw
92 28 0:46 / /work rw - virtiofs work rw
93 92 254:1 /x /work/local rw - ext4 /dev/vda1 rw
94 28 0:47 / /twice rw - ext4 /dev/vda1 rw
95 28 0:48 / /twice rw - fuse.sshfs ann@host: rw
broken line
"""


@pytest.mark.parametrize(
    ("folder", "type"),
    [
        ("/home/ann/course", "ext4"), ("/home/ann/share/course", "nfs4"), ("/home/ann/shared", "ext4"), ("/mnt/my disk/course", "cifs"),
        ("/work/course", "virtiofs"), ("/work/local/course", "ext4"), ("/twice", "fuse.sshfs"), ("/", "ext4"),
    ],
)  # fmt: skip
@pytest.mark.fault(41)
def test_the_mount_that_holds_a_folder_says_its_type(folder: str, type: str) -> None:
    assert type_at(Path(folder), MOUNTS) == type


@pytest.mark.parametrize(
    "type", ["nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "fuse", "fuse.sshfs", "vboxsf", "prl_fs", "drvfs", "CIFS"]
)
def test_disks_that_other_machines_see_are_shares(type: str) -> None:
    assert is_share(type)


@pytest.mark.parametrize("type", ["ext4", "btrfs", "xfs", "zfs", "tmpfs", "overlay", "apfs", "NTFS", "f2fs", ""])
def test_disks_of_this_machine_are_none(type: str) -> None:
    assert not is_share(type)


def test_links_are_followed_before_the_disk_is_asked(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/proc")
    assert file_system(tmp_path / "link") == "proc"
    assert file_system(tmp_path) not in ("", "proc")


@pytest.mark.fault(41)
async def test_a_database_on_a_share_gets_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_journal, "file_system", lambda folder: "nfs4")  # no test has such a disk
    database = await Database.open(tmp_path / DATABASE)
    await JobQueue(database).add_build("b", "", {})
    assert (database.journal.mode, database.journal.synchronous) == (DELETE, "FULL") and "nfs4" in str(database.journal)
    assert [each.name for each in tmp_path.iterdir()] == [DATABASE], "no log, while it is open"
    assert len(Reader(tmp_path).builds()) == 1
    await database.close()


def test_a_setting_goes_before_what_the_disk_is(tmp_path: Path) -> None:
    assert (journal_for(tmp_path).mode, journal_for(tmp_path).synchronous) == (WAL, "NORMAL")
    assert (journal_for(tmp_path, "delete").mode, journal_for(tmp_path, "delete").synchronous) == (DELETE, "FULL")
    assert "setting" in str(journal_for(tmp_path, "delete")) and "local disk" in str(journal_for(tmp_path))
    with pytest.raises(ValueError, match="journal_mode"):
        journal_for(tmp_path, "memory")
