"""How much memory this process may still take."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from fvcli.run.control_groups import groups

MEMINFO = Path("/proc/meminfo")
# Of each version: the limit, what is taken of it, and which part of that the system gives back when asked.
FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def free_bytes() -> int | None:
    """Return how many bytes this process may still take, or None where nobody knows.

    It heeds what the machine has available, and the limits of its container (Linux, Control Group v2,
    memory.max; v1, memory.limit_in_bytes).
    """
    found = [*_of_machine(), *_of_groups()]
    return max(0, min(found)) if found else None


def _of_machine() -> Iterator[int]:
    with contextlib.suppress(OSError, ValueError, KeyError):
        lines = (line.split() for line in MEMINFO.read_text().splitlines())
        yield 1024 * int({line[0]: line[1] for line in lines}["MemAvailable:"])


def _of_groups() -> Iterator[int]:
    for folder in groups("memory"):
        for limit, taken, idle in FILES:
            with contextlib.suppress(OSError, ValueError):
                most = int((folder / limit).read_text())  # no number where there is no limit: "max"
                yield most - int((folder / taken).read_text()) + _idle(folder, idle)


def _idle(folder: Path, name: str) -> int:
    """Return how much of what a group takes are files that are cached and may be dropped."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        return int(dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())[name])
    return 0
