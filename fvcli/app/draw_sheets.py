"""Draw the contact sheets and the figure of a run, and write its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fvcli.app.write_copies import copy_sheets, places_of_copies
from fvcli.atlas import grid_paths, texts_note, write_figure, write_grids, write_index
from fvcli.errors import UsageError, command
from fvcli.run import RunFolder


@dataclass(frozen=True)
class Drawn:
    """Contact sheets, the figure and the page of a run, and what should be known of them."""

    paths: Sequence[Path]
    remarks: Sequence[str] = ()


def draw_sheets(run: RunFolder) -> Drawn:
    """Draw all of them from the units that are finished."""
    grids, figure = write_grids(run), write_figure(run)
    drawn = [*grids, *([figure] if figure is not None else [])]
    copies, remarks = copy_sheets(drawn, run.plan.output)
    return Drawn((*drawn, *copies, write_index(run)), (*remarks, *filter(None, [texts_note(run)])))


def draw_missing_sheets(run: RunFolder, rendered: bool) -> Drawn:
    """Draw all of them, unless they are all there and nothing was rendered."""
    paths = expected_paths(run)
    return draw_sheets(run) if rendered or not all(path.exists() for path in paths) else Drawn(paths)


def expected_paths(run: RunFolder) -> list[Path]:
    """Return where the sheets, the figure, their copies and the page of a run are when they are drawn."""
    sheets = [*grid_paths(run), *([run.figure] if run.plan.output.figure else [])]
    return [*sheets, *places_of_copies(sheets, run.plan.output), run.index]


def lacks_sheets(path: Path) -> bool:
    """Tell whether the run in a folder lacks a sheet, its figure, a copy of them or its page."""
    return not all(file.exists() for file in expected_paths(RunFolder.read(path)))


def draw_run(path: Path) -> Drawn:
    """Draw the sheets of the run in a folder.

    Raises:
        UsageError: There is no run, or nothing to show.
    """
    run = RunFolder.read(path)
    if not any(run.json(unit).exists() for unit in run.plan.units):
        raise UsageError(f"{path}: no unit is rendered yet", f"see: {command('status', path)}")
    return draw_sheets(run)
