"""Draw the contact sheets and the figure of a run."""

from __future__ import annotations

from pathlib import Path

from fvcli.atlas import grid_paths, write_figure, write_grids
from fvcli.errors import UsageError, command
from fvcli.run import RunFolder


def draw_sheets(run: RunFolder) -> list[Path]:
    """Draw all of them from the units that are finished; return the files."""
    figure = write_figure(run)
    return [*write_grids(run), *([figure] if figure is not None else [])]


def draw_missing_sheets(run: RunFolder, rendered: bool) -> list[Path]:
    """Draw all of them, unless they are all there and nothing was rendered; return the files."""
    paths = [*grid_paths(run), *([run.figure] if run.plan.output.figure else [])]
    return draw_sheets(run) if rendered or not all(path.exists() for path in paths) else paths


def draw_run(path: Path) -> list[Path]:
    """Draw the sheets of the run in a folder.

    Raises:
        UsageError: There is no run, or nothing to show.
    """
    run = RunFolder.read(path)
    written = write_grids(run)
    if not written:
        raise UsageError(f"{path}: no unit is rendered yet", f"see: {command('status', path)}")
    figure = write_figure(run)
    return [*written, *([figure] if figure is not None else [])]
