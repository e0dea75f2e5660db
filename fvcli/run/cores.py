"""How many CPU cores this process may use."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator

from fvcli.run.control_groups import groups


def cores() -> int:
    """Return how many cores this process may use, at least one.

    It heeds what it is bound to (taskset, Slurm), and the limit of its container, which is one of time: a
    quota of four periods is four cores (Linux, Control Group v2, cpu.max; v1, cpu.cfs_quota_us).
    """
    return max(1, min([len(os.sched_getaffinity(0)), *map(math.ceil, _quotas())]))


def _quotas() -> Iterator[float]:
    """Yield the limits of the groups that this process is in, in cores."""
    for folder in groups("cpu"):
        with contextlib.suppress(OSError, ValueError):
            quota, period = (folder / "cpu.max").read_text().split()
            yield float(quota) / float(period)  # no number where there is no limit: "max"
        with contextlib.suppress(OSError, ValueError):
            quota = (folder / "cpu.cfs_quota_us").read_text()
            if float(quota) > 0:
                yield float(quota) / float((folder / "cpu.cfs_period_us").read_text())
