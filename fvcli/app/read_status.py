"""What a run has, and whether what it has is whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fvcli.run import RunFolder, RunStatus, find_damage, run_status


def read_status(path: Path, looked: Callable[[int, int], None] | None = None) -> RunStatus:
    """Return the state of every unit of the run in a folder.

    Args:
        path: The folder.
        looked: If given, the pixels of every picture are checked, and it is called after each with how many
            were, and of how many.

    Raises:
        UsageError: There is no run.
    """
    run = RunFolder.read(path)
    if looked is None:
        return run_status(run)
    count = iter(range(1, len(run.plan.units) + 1))
    return run_status(run, find_damage(run, lambda: looked(next(count), len(run.plan.units))))
