"""The figure of a run: the rows that its spec names, from the units that are finished."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import imageio.v3 as iio

from fvcli.atlas.cells import Cell, source_cell, unit_cell
from fvcli.atlas.figure import Row, draw_figure
from fvcli.atlas.proportions import columns_of
from fvcli.plan import Unit
from fvcli.run import RunFolder
from fvcli.run.atomic import write_atomic
from fvcli.spec.output import Figure

LONG_ROW = 12  # pictures that stand in one row, unless the spec says otherwise
SHORT_ROW = 8  # pictures that stand in one at the least, where rows are broken


def write_figure(run: RunFolder) -> Path | None:
    """Draw the figure of a run, if its spec asks for one; return the file."""
    asked = run.plan.output.figure
    if asked is None:
        return None
    whole = list(_rows(run, asked))
    wrap = asked.wrap or (None if asked.columns else good_wrap([len(row.cells) for row in whole]))
    rows = [part for row in whole for part in _wrapped(row, wrap)]
    if not asked.labels:
        rows = [Row(row.title, [Cell(c.pixels, "", c.status) for c in row.cells]) for row in rows]
    figure = draw_figure(rows, title=asked.title, caption=asked.caption, columns=asked.columns)
    write_atomic(run.figure, iio.imwrite("<bytes>", figure, extension=".png", plugin="pillow"))
    return run.figure


def _rows(run: RunFolder, asked: Figure) -> Iterator[Row]:
    if asked.rows is None:
        for job, units in run.plan.by_job():
            yield Row(job.heading, list(_cells(run, units, "picture")))
        return
    for row in asked.rows:
        yield Row(row.title, list(_cells(run, _chosen(run, row.units), row.show)))


def _chosen(run: RunFolder, patterns: Sequence[str]) -> Iterator[Unit]:
    """Yield the units that patterns name, in the order of the patterns, then of the plan."""
    for pattern in patterns:
        paths = run.plan.only(pattern)
        yield from (unit for unit in run.plan.units if unit.path in paths)


def _cells(run: RunFolder, units: Iterator[Unit] | Sequence[Unit], show: str) -> Iterator[Cell]:
    for unit in units:
        if show == "source":
            yield source_cell(run, unit)
        elif show == "steps":
            steps = run.plan.programs[unit.program].settings.save_at or ()
            yield from (unit_cell(run, unit, step) for step in sorted(set(steps)))
        else:
            yield unit_cell(run, unit)


def good_wrap(counts: Sequence[int]) -> int | None:
    """Return after how many pictures rows go on below, or None if all are short enough.

    Rows longer than twelve pictures are broken so that the whole figure has the proportions of a screen.
    """
    longest = max(counts, default=0)
    if longest <= LONG_ROW:
        return None
    columns = max(SHORT_ROW, columns_of([count for count in counts if count], 1, 1, longest))
    return -(-longest // -(-longest // columns))  # lines of about one length


def _wrapped(row: Row, count: int | None) -> Iterator[Row]:
    """Break a row that is longer than so many cells; its title stands before the first part."""
    width = count or max(1, len(row.cells))
    for begin in range(0, max(1, len(row.cells)), width):
        yield Row(row.title if begin == 0 else "", row.cells[begin : begin + width])
