"""Reduce maps to what is kept of every picture: the maximum, where it is, the sum, and how much is above 0.

    maps [batch, h, w, units]  --over columns--> strongest of each row --over rows--> max, its first row
                               --over both-----> sum, number of positions above 0

On a CPU that is done with NumPy, which takes half the time of TensorFlow's own reductions along positions.
On a GPU it is done in the graph, so that maps need not leave it. Both give the same but for the rounding of
the sum.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

LONG = 256  # numbers beside each other, from which on NumPy works at its full speed
UINT8 = 255


class Reduced(NamedTuple):
    """A layer on a batch.

    maps: float32 [batch, h, w, units]: an array on a CPU, a tensor where they are in the memory of a GPU.
    most: float32 [batch, units], the maximum over positions.
    row: int32 [batch, units], the first row that has it.
    total: float64 [batch, units], the sum over positions; not finite if the sum of a row is beyond float32.
    positive: int64 [batch, units], the number of positions above 0.
    """

    maps: np.ndarray | tf.Tensor
    most: np.ndarray
    row: np.ndarray
    total: np.ndarray
    positive: np.ndarray


def in_memory(maps: tf.Tensor) -> Reduced:
    """Reduce maps that are in the memory of this machine; they are not copied.

    The sum of a row is float32, and that of the rows float64. So the total is infinite where a row adds up to
    more than 3.4e38, and it is no number where both infinities are in a map. Neither is warned of here.
    """
    seen = np.asarray(memoryview(maps))
    batch, height, _, units = seen.shape
    most, row = np.empty((batch, units), np.float32), np.empty((batch, units), np.int32)
    total, positive = np.empty((batch, units)), np.empty((batch, units), np.int64)
    with np.errstate(invalid="ignore", over="ignore"):  # who reads the total refuses what is not finite
        # one map at a time, so that it is still in the caches for the next reduction
        for i, map_ in enumerate(seen):
            of_rows = _over_columns(np.maximum, map_)  # [h, units]
            most[i] = of_rows.max(axis=0)
            row[i] = (of_rows == most[i]).argmax(axis=0) if height > 1 else 0
            total[i] = _over_columns(np.add, map_).sum(axis=0, dtype=np.float64)
            positive[i] = _over_columns(np.add, (map_ > 0).view(np.uint8)).sum(axis=0, dtype=np.int64)
    return Reduced(seen, most, row, total, positive)


def _over_columns(reduction: np.ufunc, map_: np.ndarray) -> np.ndarray:
    """Reduce a map [h, w, units] along its columns; [h, units]."""
    height, width, units = map_.shape
    if width == 1:
        return map_[:, 0]
    kind = map_.dtype
    if kind == np.uint8 and width > UINT8:
        kind = np.dtype(np.int32)
    beside = _beside(width, units)
    if 1 < beside < width:  # some columns at once, then these
        lines = map_.reshape(height, width // beside, beside * units)
        map_ = reduction.reduce(lines, axis=1, dtype=kind).reshape(height, beside, units)
    found: np.ndarray = reduction.reduce(map_, axis=1, dtype=kind)
    return found


def _beside(width: int, units: int) -> int:
    """Return how many columns are taken at once: the fewest that are long enough and divide the width."""
    return next((count for count in range(1, width) if width % count == 0 and count * units >= LONG), 1)


def in_graph(maps: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Return maps, maximum, row, mean and share of positions above 0, worked out where the maps are."""
    height, width = maps.shape[1:3]
    if height == width == 1:
        most = maps[:, 0, 0]
        return maps, most, tf.zeros_like(most, tf.int32), most, tf.cast(most > 0, tf.float32)
    # pooling over a whole side is several times as fast as a reduction along it, and gives the same
    of_rows = tf.nn.max_pool2d(maps, (1, width), (1, width), "VALID")[:, :, 0]  # [batch, h, units]
    most = tf.reduce_max(of_rows, axis=1)
    numbers = tf.range(height, dtype=tf.int32)[None, :, None]
    row = tf.reduce_min(tf.where(of_rows >= most[:, None], numbers, height - 1), axis=1)
    return maps, most, row, _mean(maps), _mean(tf.cast(maps > 0, tf.float32))


def of_graph(parts: tuple[tf.Tensor, ...]) -> Reduced:
    """Return what ``in_graph`` worked out, with the maps where they are."""
    maps, *numbers = parts
    most, row, mean, positive = (part.numpy() for part in numbers)
    positions = maps.shape[1] * maps.shape[2]
    counts = np.rint(positive.astype(np.float64) * positions).astype(np.int64)
    return Reduced(maps, most, row, mean.astype(np.float64) * positions, counts)


def _mean(maps: tf.Tensor) -> tf.Tensor:
    """Return the mean over positions, [batch, units]."""
    side = tuple(maps.shape[1:3])
    return tf.nn.avg_pool2d(maps, side, side, "VALID")[:, 0, 0]
