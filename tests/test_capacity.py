"""How many workers are right, read off real files of cgroups."""

from __future__ import annotations

from pathlib import Path

import pytest

from clx_jupyter.capacity import Share, default_size, limited, memory_for, share_of_this_process, workers_for

GB = 1_000_000_000
MACHINE = Share(8, 32 * GB, 24 * GB)
UNLIMITED = 9223372036854771712


def cgroup(folder: Path, **files: str | int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")


def test_without_cgroups_the_machine_counts(tmp_path: Path) -> None:
    assert limited(MACHINE, "", tmp_path) == MACHINE
    assert limited(MACHINE, "0::/user.slice\n", tmp_path) == MACHINE


def test_the_quota_of_the_own_cgroup_counts(tmp_path: Path) -> None:
    cgroup(tmp_path / "a/b", cpu__max="250000 100000")
    assert limited(MACHINE, "0::/a/b\n", tmp_path).processors == 2.5


@pytest.mark.parametrize(
    ("outer", "inner"), [("150000 100000", "max 100000"), ("max 100000", "150000 100000"), ("150000 100000", "400000 100000")]
)
def test_the_narrowest_of_nested_limits_counts(tmp_path: Path, outer: str, inner: str) -> None:
    cgroup(tmp_path, cpu__stat="")
    cgroup(tmp_path / "a", cpu__max=outer, memory__max="max", memory__current=0)
    cgroup(tmp_path / "a/b", cpu__max=inner, memory__max=4 * GB, memory__current=1 * GB, memory__stat=f"anon 5\ninactive_file {GB // 2}")
    share = limited(MACHINE, "0::/a/b\n", tmp_path)
    assert share == Share(1.5, 4 * GB, 3 * GB + GB // 2)


def test_version_1_has_folders_for_each_controller(tmp_path: Path) -> None:
    cgroup(tmp_path / "cpu,cpuacct/job", cpu__cfs_quota_us=300000, cpu__cfs_period_us=100000)
    cgroup(tmp_path / "memory/job", memory__limit_in_bytes=2 * GB, memory__usage_in_bytes=GB, memory__stat=f"total_inactive_file {GB // 4}")
    cgroup(tmp_path / "memory", memory__limit_in_bytes=UNLIMITED, memory__usage_in_bytes=9 * GB)
    own = "4:memory:/job\n1:cpu,cpuacct:/job\n0::/\n"
    assert limited(MACHINE, own, tmp_path) == Share(3.0, 2 * GB, GB + GB // 4)


def test_no_quota_in_version_1_is_minus_one(tmp_path: Path) -> None:
    cgroup(tmp_path / "cpu", cpu__cfs_quota_us=-1, cpu__cfs_period_us=100000)
    assert limited(MACHINE, "1:cpu:/\n", tmp_path).processors == 8


def test_in_a_container_that_sees_the_hosts_path_its_own_root_counts(tmp_path: Path) -> None:
    cgroup(tmp_path, cpu__max="200000 100000", memory__max=3 * GB, memory__current=GB)
    assert limited(MACHINE, "0::/docker/0123\n", tmp_path) == Share(2.0, 3 * GB, 2 * GB)
    assert limited(MACHINE, "0::/../../x\n", tmp_path) == Share(2.0, 3 * GB, 2 * GB)


def test_files_that_make_no_sense_are_no_limits(tmp_path: Path) -> None:
    cgroup(tmp_path, cpu__max="", memory__max="lots", memory__current="")
    assert limited(MACHINE, "0::/\n", tmp_path) == MACHINE


@pytest.mark.parametrize(
    ("processors", "free", "server", "workers"),
    [
        (8, 24, False, 8), (8, 24, True, 6), (4, 24, True, 3), (2, 24, True, 2), (1, 24, True, 1), (0.5, 24, False, 1), (2.5, 24, False, 2),
        (8, 3, False, 4), (8, 3, True, 2), (8, 0.1, True, 1), (256, 1000, False, 64),
    ],
)  # fmt: skip
def test_a_worker_for_each_processor_as_far_as_memory_goes_and_a_server_keeps_a_part(
    processors: float, free: float, server: bool, workers: int
) -> None:
    assert workers_for(Share(processors, 64 * GB, int(free * GB)), server=server) == workers


def test_all_workers_together_may_hold_half_of_the_memory() -> None:
    assert memory_for(Share(8, 32 * GB, GB), 4) == 4 * GB
    assert memory_for(Share(8, 32 * GB, GB), 0) == 16 * GB


def test_this_machine_has_room_for_a_worker() -> None:
    share = share_of_this_process()
    assert share.processors > 0 and 0 <= share.free <= share.memory
    assert default_size() >= default_size(server=True) >= 1
