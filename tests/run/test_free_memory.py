"""How much memory a process may still take: what the machine has, and the limit of its container."""

from __future__ import annotations

from pathlib import Path

import pytest

from fvcli.run import control_groups
from fvcli.run import free_memory as module
from fvcli.run.free_memory import free_bytes

GB = 10**9


@pytest.fixture(autouse=True)
def twenty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(control_groups, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(control_groups, "OWN", tmp_path / "own")
    monkeypatch.setattr(module, "MEMINFO", tmp_path / "meminfo")
    write(tmp_path / "meminfo", f"MemTotal: 99 kB\nMemAvailable: {20 * GB // 1024} kB")


def write(path: Path, text: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


def test_without_groups_it_is_what_the_machine_has() -> None:
    assert free_bytes() == pytest.approx(20 * GB, abs=1024)


def test_where_nothing_is_known_nobody_guesses(tmp_path: Path) -> None:
    (tmp_path / "meminfo").unlink()
    assert free_bytes() is None


@pytest.mark.parametrize(
    ("inner", "outer", "expected"),
    [
        ("max", "max", 20),
        (4 * GB, "max", 3),
        ("max", 6 * GB, 4),
        (4 * GB, 3 * GB, 1),
        ("nonsense", "max", 20),
    ],
)
def test_the_smallest_limit_of_version_2_counts(
    tmp_path: Path, inner: object, outer: object, expected: int
) -> None:
    """The inner group takes 1 GB; the outer one 2 GB, and 0.5 GB more are files that may be dropped."""
    write(tmp_path / "own", "0::/kube/pod")
    write(tmp_path / "cgroup/kube/pod/memory.max", inner)
    write(tmp_path / "cgroup/kube/pod/memory.current", GB)
    write(tmp_path / "cgroup/kube/memory.max", outer)
    write(tmp_path / "cgroup/kube/memory.current", 2 * GB + GB // 2)
    write(tmp_path / "cgroup/kube/memory.stat", f"anon 5\ninactive_file {GB // 2}")
    assert free_bytes() == pytest.approx(expected * GB, abs=1024)


def test_a_limit_of_version_1(tmp_path: Path) -> None:
    write(tmp_path / "own", "7:memory:/docker/a\n4:cpu,cpuacct:/docker/a")
    write(tmp_path / "cgroup/memory/memory.limit_in_bytes", 3 * GB)
    write(tmp_path / "cgroup/memory/memory.usage_in_bytes", 2 * GB)
    write(tmp_path / "cgroup/memory/memory.stat", f"total_inactive_file {GB}")
    assert free_bytes() == 2 * GB


def test_more_taken_than_there_is_leaves_nothing(tmp_path: Path) -> None:
    write(tmp_path / "own", "0::/")
    write(tmp_path / "cgroup/memory.max", GB)
    write(tmp_path / "cgroup/memory.current", 2 * GB)
    assert free_bytes() == 0
