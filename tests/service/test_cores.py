"""How many cores a process may use, by files as Linux has them."""

from __future__ import annotations

import os

import pytest

from service.cores import usable_cores

ALL = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
NO_LIMIT = {"sys/fs/cgroup/cpu.max": "max 100000\n"}
V1 = "sys/fs/cgroup/cpu,cpuacct"


def write_tree(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    "files",
    [
        {"sys/fs/cgroup/cpu.max": "100000 100000\n"},
        {"sys/fs/cgroup/cpu.max": "50000 100000\n"},
        NO_LIMIT | {"sys/fs/cgroup/a.slice/b.scope/cpu.max": "100000 100000\n"},
        {"sys/fs/cgroup/a.slice/cpu.max": "20000 20000\n", "sys/fs/cgroup/a.slice/b.scope/cpu.max": "max 100000\n"},
        {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "100000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"},
        {f"{V1}/docker/1/cpu.cfs_quota_us": "9000\n", f"{V1}/docker/1/cpu.cfs_period_us": "10000\n"},
    ],
    ids=["v2", "v2, half a core", "v2, a scope", "v2, a slice above", "v1, as a container sees it", "v1, a group"],
)
def test_a_limit_of_one_core_is_heeded(tmp_path, files):
    groups = "11:cpu,cpuacct:/docker/1\n1:name=systemd:/a.slice\n0::/a.slice/b.scope\n"
    write_tree(tmp_path, files | {"proc/self/cgroup": groups})
    assert usable_cores(tmp_path) == 1


@pytest.mark.parametrize(
    "files",
    [
        {},
        NO_LIMIT,
        {"sys/fs/cgroup/cpu.max": f"{(ALL + 1) * 100000 - 1} 100000\n"},
        {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"},
        {"sys/fs/cgroup/cpu.max": "", "proc/self/cgroup": "nonsense"},
        {"sys/fs/cgroup/memory/a/cpu.max": "1 1\n", "proc/self/cgroup": "4:memory:/a\n"},
    ],
    ids=["no files", "v2, no limit", "v2, more than there are", "v1, no limit", "broken files", "no group of cpu"],
)
def test_without_a_limit_the_process_may_use_what_it_may_run_on(tmp_path, files):
    write_tree(tmp_path, {"proc/self/cgroup": "3:cpu:/\n0::/\n"} | files)
    assert usable_cores(tmp_path) == ALL


def test_a_limit_between_two_numbers_of_cores_is_rounded_up(tmp_path):
    write_tree(tmp_path, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "110000 100000\n"})
    assert usable_cores(tmp_path) == min(2, ALL)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux binds a process to cores")
def test_cores_that_the_process_may_not_run_on_do_not_count(tmp_path):
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cores(tmp_path) == 1
    finally:
        os.sched_setaffinity(0, before)
