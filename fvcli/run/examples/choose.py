"""Which pictures of a unit are shown: the strongest, some of each group, the weakest.

All of it works on U units at once and is decided by values and numbers of pictures alone: where two values
are equal, the picture with the smaller number comes first.
"""

from __future__ import annotations

import numpy as np

from fvcli.run.examples.layout import GROUPS, OF_GROUP

NONE = -1  # the number of no picture
A_SECOND = 1 - 1e-6  # two times of a film that are to be a second apart are rounded


def strongest(
    values: np.ndarray, numbers: np.ndarray, count: int, times_s: np.ndarray | None = None
) -> np.ndarray:
    """Return the places of the greatest values, descending.

    Args:
        values: float32 [U, M].
        numbers: int32 [U, M], of pictures; -1: none.
        count: How many are wanted.
        times_s: Of a film when each of its pictures is shown, by number. Two of them must be a second apart
            then; from the greatest value on each takes the place of those that are nearer.

    Returns:
        int64 [U, count], places in M; -1 where there are no more.
    """
    order: np.ndarray = np.lexsort((numbers, -np.where(numbers >= 0, values, -np.inf)), axis=-1)
    if times_s is not None:
        order = _apart(order, numbers, count, times_s)
    order = order[:, :count]
    is_there = (order >= 0) & (np.take_along_axis(numbers, np.maximum(order, 0), axis=1) >= 0)
    return np.pad(
        np.where(is_there, order, NONE), ((0, 0), (0, count - order.shape[1])), constant_values=NONE
    )


def _apart(order: np.ndarray, numbers: np.ndarray, count: int, times_s: np.ndarray) -> np.ndarray:
    """Keep of each row those that are a second apart from all that were kept before them."""
    kept = np.full((len(order), count), NONE, np.int64)
    for unit, places in enumerate(order):
        chosen: list[int] = []
        taken: list[float] = []
        for place in places:
            number = int(numbers[unit, place])
            if number < 0:
                continue
            time_s = float(times_s[number])
            if all(abs(time_s - other) >= A_SECOND for other in taken):
                chosen.append(int(place))
                taken.append(time_s)
                if len(chosen) == count:
                    break
        kept[unit, : len(chosen)] = chosen
    return kept


def ranks(values: np.ndarray) -> np.ndarray:
    """Return the rank of each picture for each unit, 0 for the smallest value; int64 [S, U] as the values.

    Args:
        values: float32 [S, U], pictures in the order of their numbers.
    """
    order = np.argsort(values, axis=0, kind="stable")
    found = np.empty_like(order)
    np.put_along_axis(found, order, np.arange(len(values))[:, None], axis=0)
    return found


def groups_of(ranks_: np.ndarray, count: int) -> np.ndarray:
    """Return the group of ranks among so many pictures: those between two tenths of the sorted values."""
    found: np.ndarray = np.minimum(GROUPS * ranks_ // max(1, count - 1), GROUPS - 1)
    return found


def shown_of_groups(ranks_: np.ndarray, count: int) -> np.ndarray:
    """Choose pictures of each group that stand evenly in it.

    Args:
        ranks_: int64 [G, U], of the pictures that may be shown, among all of the sample.
        count: How many pictures the sample has.

    Returns:
        int64 [U, 10 * 3], places in G, groups from the highest to the lowest, descending in each; -1 where a
        group has too few.
    """
    pictures, units = ranks_.shape
    order = np.argsort(-ranks_, axis=0, kind="stable").T  # [U, G], the strongest first
    found = np.full((units, GROUPS * OF_GROUP), NONE, np.int64)
    if not pictures:
        return found
    group = np.take_along_axis(groups_of(ranks_, count).T, order, axis=1)
    for i in range(GROUPS):
        has = (group == GROUPS - 1 - i).sum(axis=1)  # [U]
        begin = (group > GROUPS - 1 - i).sum(axis=1)
        for j in range(OF_GROUP):
            even = np.where(has >= OF_GROUP, (2 * j + 1) * has // (2 * OF_GROUP), j)
            place = np.take_along_axis(order, np.minimum(begin + even, pictures - 1)[:, None], axis=1)[:, 0]
            found[:, i * OF_GROUP + j] = np.where(even < has, place, NONE)
    return found
