"""What a run has, and whether what it has is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from fvcli.run import RunFolder, RunStatus, find_damage, run_status
from fvcli.run.unit_table import UnitRow, unit_rows


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
    return run_status(run, _damage(run, looked))


def read_unit_rows(path: Path, looked: Callable[[int, int], None] | None = None) -> Iterator[UnitRow]:
    """Return a row for each unit of the run in a folder; see ``read_status``.

    Raises:
        UsageError: There is no run.
    """
    run = RunFolder.read(path)
    return unit_rows(run, _damage(run, looked))


def _damage(run: RunFolder, looked: Callable[[int, int], None] | None) -> Mapping[str, str] | None:
    if looked is None:
        return None
    count = iter(range(1, len(run.plan.units) + 1))
    return find_damage(run, lambda: looked(next(count), len(run.plan.units)))
