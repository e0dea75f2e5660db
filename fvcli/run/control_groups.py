"""The control groups of Linux that this process is in: where limits of containers are written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

CGROUPS, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def groups(controller: str) -> Iterator[Path]:
    """Yield the folders of the groups that may have a limit, from the innermost outwards.

    Args:
        controller: What is limited: ``cpu`` or ``memory``.
    """
    try:
        lines = OWN.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        root = CGROUPS / controller if controller in controllers.split(",") else CGROUPS
        if controllers and root == CGROUPS:
            continue  # of version 1, about something else
        inside = PurePosixPath(path.lstrip("/"))
        yield from (root / folder for folder in (inside, *inside.parents))
