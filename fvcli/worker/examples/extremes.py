"""The strongest pictures of a block for each unit, while their number is not known yet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fvcli.run.examples.choose import NONE

Kept = dict[str, np.ndarray]


@dataclass(frozen=True)
class _Records:
    """K pairs of a picture and a unit that may be among the strongest."""

    units: np.ndarray
    numbers: np.ndarray
    values: np.ndarray
    positions: np.ndarray
    where: np.ndarray


class Extremes:
    """Keeps the strongest pictures of each unit.

    Each batch is asked first which of its pictures may be among them. Only these are looked up.

    Args:
        units: How many.
        count: How many pictures are kept of each.
        cells: Of a crop, down and across.
        seconds: int64, the second of a film in which each of its pictures is shown, by number; of those of a
            second only the strongest is kept. None of pictures.
    """

    def __init__(self, units: int, count: int, cells: tuple[int, int], seconds: np.ndarray | None) -> None:
        self._count = count
        self._seconds = seconds
        self._best = np.full((count, units), -np.inf, np.float32)  # not in order
        self._of_second: dict[int, np.ndarray] = {}
        empty = np.zeros(0, np.int32)
        self._records = [
            _Records(empty, empty, np.zeros(0, np.float32), empty, np.zeros((0, *cells), np.uint8))
        ]

    def may_be(self, values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Return which values may be among the strongest, bool [batch, units], and remember them.

        Args:
            values: float32 [batch, units]; -inf where there is no picture.
            numbers: [batch], of the pictures, later than all before.
        """
        if self._seconds is None:
            least = self._best.min(axis=0)
            joined = np.concatenate([self._best, values])
            self._best = np.partition(joined, len(values), axis=0)[len(values) :]
            may: np.ndarray = (values > least) & (values >= self._best.min(axis=0))
            return may
        found = np.zeros(values.shape, bool)
        for i, number in enumerate(numbers.tolist()):
            if number < 0:
                continue
            second = int(self._seconds[number])
            before = self._of_second.get(second, np.float32(-np.inf))
            found[i] = values[i] > before
            self._of_second[second] = np.maximum(before, values[i])
            if i and int(self._seconds[numbers[i - 1]]) == second:
                found[i - 1] &= ~found[i]  # it is not the strongest of its second any more
        return found

    def add(
        self,
        units: np.ndarray,
        numbers: np.ndarray,
        values: np.ndarray,
        positions: np.ndarray,
        where: np.ndarray,
    ) -> None:
        """Keep K pairs, with their positions and cells."""
        self._records.append(_Records(units, numbers, values, positions, where))

    def kept(self, units: int) -> Kept:
        """Return numbers, values, positions [units, count] and cells of the strongest, descending."""
        names = ("units", "numbers", "values", "positions", "where")
        all_ = {name: np.concatenate([getattr(record, name) for record in self._records]) for name in names}
        if self._seconds is not None:
            all_ = _first_of_each(all_, (all_["units"], self._seconds[all_["numbers"]]))
        order = np.lexsort((all_["numbers"], -all_["values"], all_["units"]))
        of_unit = all_["units"][order]
        begins = np.searchsorted(of_unit, np.arange(units))
        rank = np.arange(len(order)) - begins[of_unit]
        order, rank = order[rank < self._count], rank[rank < self._count]
        place = all_["units"][order], rank
        shape = units, self._count
        found = {
            "numbers": np.full(shape, NONE, np.int32),
            "values": np.zeros(shape, np.float32),
            "positions": np.full(shape, NONE, np.int32),
            "where": np.zeros((*shape, *all_["where"].shape[1:]), np.uint8),
        }
        for name, array in found.items():
            array[place] = all_[name][order]
        return found


def _first_of_each(records: Kept, keys: tuple[np.ndarray, ...]) -> Kept:
    """Keep the strongest record of those that have the same keys; of equal ones the earliest."""
    order = np.lexsort((records["numbers"], -records["values"], *keys))
    is_first = np.ones(len(order), bool)
    same = [key[order][1:] == key[order][:-1] for key in keys]
    is_first[1:] = ~np.logical_and.reduce(same)
    return {name: array[order[is_first]] for name, array in records.items()}
