"""How many cores a process may use: what it is bound to, and the limit of its container."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fvcli.run import control_groups
from fvcli.run.cores import cores

NO_LIMIT = "max 100000"


@pytest.fixture(autouse=True)
def sixteen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    monkeypatch.setattr(control_groups, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(control_groups, "OWN", tmp_path / "own")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


def test_without_groups_it_is_what_the_process_is_bound_to() -> None:
    assert cores() == 16


@pytest.mark.parametrize(
    ("inner", "outer", "expected"),
    [
        (NO_LIMIT, NO_LIMIT, 16),
        ("400000 100000", NO_LIMIT, 4),
        (NO_LIMIT, "250000 100000", 3),
        ("400000 100000", "200000 100000", 2),
        ("50000 100000", NO_LIMIT, 1),
        ("9900000 100000", NO_LIMIT, 16),
        ("nonsense", NO_LIMIT, 16),
    ],
)
def test_the_smallest_limit_of_version_2_counts(
    tmp_path: Path, inner: str, outer: str, expected: int
) -> None:
    write(tmp_path / "own", "0::/kube/pod")
    write(tmp_path / "cgroup/kube/pod/cpu.max", inner)
    write(tmp_path / "cgroup/kube/cpu.max", outer)
    assert cores() == expected


@pytest.mark.parametrize(("quota", "expected"), [("-1", 16), ("300000", 3), ("50000", 1)])
def test_a_limit_of_version_1(tmp_path: Path, quota: str, expected: int) -> None:
    """In a container the group's own folder is the root, whatever it is called outside."""
    write(tmp_path / "own", "7:memory:/docker/a\n4:cpu,cpuacct:/docker/a\n1:name=systemd:/docker/a")
    write(tmp_path / "cgroup/cpu/cpu.cfs_quota_us", quota)
    write(tmp_path / "cgroup/cpu/cpu.cfs_period_us", "100000")
    write(tmp_path / "cgroup/cpu.max", "100000 100000")  # no group of version 1
    assert cores() == expected
