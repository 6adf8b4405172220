"""Which disk a path lies on."""

from __future__ import annotations

from pathlib import Path

import pytest

from clx_jupyter_workers.volumes import mount_point, room


@pytest.mark.skipif(not Path("/dev/shm").is_mount(), reason="there is no second disk here")
def test_a_folder_behind_a_link_lies_on_the_disk_that_the_link_leads_to(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/shm", target_is_directory=True)
    assert mount_point(tmp_path / "link" / "not there yet" / "x") == Path("/dev/shm")
    assert room(tmp_path / "link").startswith("/dev/shm (")
    assert mount_point(tmp_path) != Path("/dev/shm")
