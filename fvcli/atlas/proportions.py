"""How many cells stand side by side, so that a sheet has the proportions of a screen."""

from __future__ import annotations

import math
from collections.abc import Sequence

ASPECT = 1.4  # width to height that is aimed at
PORTRAIT_COST = 2.0  # of being higher than wide
EMPTY_COST = 5.0  # of empty places, as a part of all, against the logarithm of the proportions


def columns_of(
    counts: Sequence[int], across_px: float, down_px: float, most: int, more_px: float = 0.0
) -> int:
    """Return the number of columns that gives a sheet good proportions and few empty places.

    Args:
        counts: Cells in each section; each section begins a row.
        across_px: From one cell to the next in a row.
        down_px: From one row to the next.
        most: Columns that there may be.
        more_px: Height that each section needs beside its rows.
    """
    widest = max(1, min(most, max(counts, default=1)))
    return min(range(1, widest + 1), key=lambda columns: _cost(counts, columns, across_px, down_px, more_px))


def rows_of(counts: Sequence[int], columns: int) -> int:
    """Return how many rows all sections take."""
    return sum(-(-count // columns) for count in counts)


def _cost(counts: Sequence[int], columns: int, across_px: float, down_px: float, more_px: float) -> float:
    rows = rows_of(counts, columns)
    aspect = columns * across_px / (rows * down_px + len(counts) * more_px)
    empty = 1 - sum(counts) / (rows * columns)
    portrait = max(0.0, -math.log(aspect))
    return abs(math.log(aspect / ASPECT)) + PORTRAIT_COST * portrait + EMPTY_COST * empty
