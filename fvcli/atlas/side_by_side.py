"""Arrange the pictures of units that a job renders in several ways: its variants, seeds and signs.

A row of a sheet has one unit, or several whole ones, so that a column has one way:

    2 naive    2 lucid    2 maco
    178 naive  178 lucid  178 maco

Where the ways are too many for a row, and the units are not, it is the other way round: a row has one way. Of
one unit alone, a row has one variant, and a column one of its seeds and signs.
"""

from __future__ import annotations

from collections.abc import Sequence

from fvcli.plan import Unit
from fvcli.plan.terms import canonical

LONGEST_ROW = 15  # cells that a row of a sheet has room for without making them smaller


def side_by_side(units: Sequence[Unit]) -> tuple[Sequence[Unit], int]:
    """Return the units of a sheet in the order in which they are shown, and how many share a row.

    Where a job has one way, or some pictures are missing, they stay as they are, one by one.
    """
    if not units or not _has_several(units[0], units[-1]):
        return units, 1
    rows = _rows(units)
    if len({len(row) for row in rows}) > 1:
        return units, 1
    if len(rows) == 1:
        return units, _of_one_variant(units)
    one_layer = len({unit.layer for unit in units}) == 1
    if len(rows[0]) > LONGEST_ROW >= len(rows) and one_layer:
        rows = [list(column) for column in zip(*rows, strict=True)]
    return [unit for row in rows for unit in row], len(rows[0])


def _has_several(first: Unit, last: Unit) -> bool:
    return _way(first) != _way(last)


def _way(unit: Unit) -> tuple[object, ...]:
    return unit.variant, unit.unit.get("seed"), unit.sign


def _rows(units: Sequence[Unit]) -> list[list[Unit]]:
    """Return the pictures of each unit."""
    rows: dict[str, list[Unit]] = {}
    for unit in units:
        rows.setdefault(_without_way(unit), []).append(unit)
    return list(rows.values())


def _without_way(unit: Unit) -> str:
    described = {key: value for key, value in unit.unit.items() if key not in {"seed", "variant"}}
    return canonical([unit.layer, described])


def _of_one_variant(units: Sequence[Unit]) -> int:
    """Return how many pictures each of several variants has of a unit; 1 if there is no such number."""
    counts: dict[str | None, int] = {}
    for unit in units:
        counts[unit.variant] = counts.get(unit.variant, 0) + 1
    several = len(counts) > 1 and len(set(counts.values())) == 1
    return counts[units[0].variant] if several else 1
