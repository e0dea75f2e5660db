"""Put the pictures of one unit beside each other: those of its seeds and of both signs."""

from __future__ import annotations

from collections.abc import Sequence

from fvcli.plan import Unit
from fvcli.plan.terms import canonical


def side_by_side(units: Sequence[Unit]) -> tuple[Sequence[Unit], int]:
    """Return the units of a sheet in the order in which they are shown, and how many belong together.

    Where a job has one seed and one sign, or some pictures are missing, they stay as they are, one by one.
    """
    if not units or not _has_several(units[0], units[-1]):
        return units, 1
    shown: dict[str, list[Unit]] = {}
    for unit in units:
        shown.setdefault(_without_way(unit), []).append(unit)
    counts = {len(found) for found in shown.values()}
    if len(counts) > 1:
        return units, 1
    return [unit for found in shown.values() for unit in found], counts.pop()


def _has_several(first: Unit, last: Unit) -> bool:
    return first.sign != last.sign or first.unit.get("seed") != last.unit.get("seed")


def _without_way(unit: Unit) -> str:
    described = {key: value for key, value in unit.unit.items() if key != "seed"}
    return canonical([unit.layer, described])
