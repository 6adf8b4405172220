"""On what kind of disk a folder lies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_SHARES = frozenset(
    {
        *("9p", "acfs", "afs", "afpfs", "beegfs", "ceph", "cifs", "coda", "davfs", "drvfs", "fhgfs", "glusterfs", "gfs", "gfs2", "gpfs"),
        *("lustre", "mfs", "ncp", "ncpfs", "nfs", "nfs3", "nfs4", "ocfs2", "orangefs", "osxfs", "panfs", "prl_fs", "pvfs2", "shfs", "smb"),
        *("smb2", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs", "webdav", "wslfs"),
    }
)
"""Types of file systems that other machines see too."""


def is_share(type: str) -> bool:
    """Whether file systems of this type are shared with other machines, as far as their name tells."""
    type = type.lower()
    # What lies behind FUSE cannot be known: sshfs, rclone, Docker Desktop's shares. Local ones lose some speed, nothing else.
    return type in _SHARES or type == "fuse" or (type.startswith("fuse.") and type != "fuse.fuse-overlayfs")


def file_system(folder: Path) -> str:
    """The type of the file system a folder lies on, links followed; ``""`` where that cannot be found out."""
    folder = Path(os.path.realpath(folder))
    if sys.platform == "win32":
        return "smb" if folder.drive.startswith("\\\\") else ""
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return _mounted_elsewhere(folder)
    return type_at(folder, mounts)


def type_at(folder: Path, mounts: str) -> str:
    """The type of the file system at *folder*, which holds no links, by the text of Linux's ``mountinfo``; ``""`` if it is not there."""
    found, length = "", -1
    for line in mounts.splitlines():
        before, dash, after = line.partition(" - ")
        fields = before.split(" ")
        if not dash or len(fields) < 5:
            continue
        point = _unescaped(fields[4])
        # Of several mounts at one place the last one is seen.
        if len(point) >= length and folder.is_relative_to(point):
            found, length = after.split(" ")[0], len(point)
    return found


def _unescaped(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text


def _mounted_elsewhere(folder: Path) -> str:
    """The type where the system has no ``mountinfo``: what psutil says of the mounts."""
    import psutil  # only here: Linux does not need it

    mounts = [mount for mount in psutil.disk_partitions(all=True) if folder.is_relative_to(mount.mountpoint)]
    return max(mounts, key=lambda mount: len(mount.mountpoint)).fstype if mounts else ""
