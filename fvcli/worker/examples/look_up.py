"""Look up, of pairs of a picture and a unit, where the unit is strongest and what it says around there.

    row is known --> the columns of that row --> first maximum --> cells of the crop around that position

On a CPU that is done with NumPy, which takes single numbers out of maps several times as fast as TensorFlow.
On a GPU it is done there, so that maps need not leave it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from fvcli.run.examples.crops import Crops
from fvcli.worker.examples.reduce_maps import Reduced

FULL = np.float32(255)  # where a unit is as strong as its maximum in the picture
INT32 = 2**31
TINY = np.float32(1e-36)  # 255 divided by a maximum below it may be beyond float32
LIFT = np.float32(2**64)  # what is tiny is multiplied by it first; a power of 2 changes no digit


class Pairs(NamedTuple):
    """K pairs.

    pictures, units: [K], places in the batch and among the units.
    row: int32 [K], the first row that has the maximum.
    most: float32 [K], the maximum.
    """

    pictures: np.ndarray
    units: np.ndarray
    row: np.ndarray
    most: np.ndarray


class Details(NamedTuple):
    """What is looked up of K pairs.

    positions: int32 [K], the first position that has the maximum, counted row by row.
    where: uint8 [K, cells down, cells across], of 255 for the maximum.
    """

    positions: np.ndarray
    where: np.ndarray


LookUp = Callable[[np.ndarray | tf.Tensor, Pairs], Details]


def of_pictures(look_up: LookUp, crops: Crops, reduced: Reduced, pictures: np.ndarray) -> Details:
    """Look all units up in some pictures of a batch.

    Args:
        look_up: Looks pairs up.
        crops: Of the layer.
        reduced: The layer on the batch.
        pictures: [P], places in the batch.

    Returns:
        Positions [P, units], and where [P, units, cells down, cells across].
    """
    units = reduced.most.shape[1]
    of_pairs = np.repeat(pictures, units), np.tile(np.arange(units), len(pictures))
    pairs = Pairs(*of_pairs, reduced.row[of_pairs], reduced.most[of_pairs])
    is_plain = crops.are_whole and crops.pooled == (1, 1) and crops.positions != (1, 1)
    if is_plain and isinstance(reduced.maps, np.ndarray):
        positions = _positions(reduced.maps, pairs).reshape(len(pictures), units)
        return Details(positions, _whole_cells(reduced.maps, reduced.most, pictures, crops))
    found = look_up(reduced.maps, pairs)
    shape = len(pictures), units
    return Details(found.positions.reshape(shape), found.where.reshape(*shape, *crops.cells))


def in_memory(crops: Crops) -> LookUp:
    """Return what looks pairs up in maps [batch, h, w, units] with NumPy."""

    def look_up(maps: np.ndarray | tf.Tensor, pairs: Pairs) -> Details:
        if crops.positions == (1, 1):
            return _of_vector(pairs)
        maps = np.asarray(maps)
        positions = _positions(maps, pairs)
        column = positions % crops.positions[1]
        for axis, pool in enumerate(crops.pooled, start=1):
            maps = _pooled_along(maps, axis, pool)
        _, height, width, units = maps.shape
        down = (pairs.pictures * height)[:, None] + crops.rows[pairs.row]  # [K, rows]
        across = crops.columns[column] * units + pairs.units[:, None]  # [K, columns]
        cells = maps.reshape(-1).take((down * (width * units))[:, :, None] + across[:, None])
        return Details(positions, _shades(cells, pairs.most[:, None, None]))

    return look_up


def _positions(maps: np.ndarray, pairs: Pairs) -> np.ndarray:
    """Return the first position of each pair that has the maximum, int32 [K], in maps on a CPU."""
    _, height, width, units = maps.shape
    line = (pairs.pictures * height + pairs.row) * (width * units) + pairs.units
    column = maps.reshape(-1).take(line[:, None] + units * np.arange(width)).argmax(axis=1)
    positions: np.ndarray = (pairs.row * width + column).astype(np.int32)
    return positions


def _whole_cells(maps: np.ndarray, most: np.ndarray, pictures: np.ndarray, crops: Crops) -> np.ndarray:
    """Return the cells [P, units, down, across] of crops that are the whole picture."""
    rows, columns = crops.rows[0], crops.columns[0]
    seen = maps[np.ix_(pictures, rows, columns)]  # [P, down, across, units]
    shades = _shades(seen, most[pictures][:, None, None])
    return np.ascontiguousarray(np.moveaxis(shades, 3, 1))


def _shades(cells: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Return activations as uint8, 255 for the maximum, 0 for what is not above 0; ``cells`` is used up."""
    is_tiny = (most > 0) & (most < TINY)
    with np.errstate(over="ignore"):  # what is far below 0 becomes -inf, and then 0
        if is_tiny.any():
            lift = np.where(is_tiny, LIFT, np.float32(1))
            cells *= lift
            most = most * lift
        cells *= np.divide(FULL, most, out=np.zeros_like(most), where=most > 0)
    np.rint(cells.clip(0, FULL, out=cells), out=cells)
    return cells.astype(np.uint8)


def _pooled_along(maps: np.ndarray, axis: int, pool: int) -> np.ndarray:
    """Return the strongest of each few rows (axis 1) or columns (axis 2), counted from the first."""
    if pool == 1:
        return maps
    every = [maps[:, i::pool] if axis == 1 else maps[:, :, i::pool] for i in range(pool)]
    found = every[0].copy()
    for part in every[1:]:
        inside = found[:, : part.shape[1], : part.shape[2]]
        np.maximum(inside, part, out=inside)
    return found


def on_device(crops: Crops) -> LookUp:
    """Return what looks pairs up in maps with TensorFlow, where the maps are."""

    def looked_up(maps: tf.Tensor, *pairs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return _in_graph(maps, crops, *pairs)

    compiled = tf.function(looked_up, autograph=False, reduce_retracing=True)

    def look_up(maps: np.ndarray | tf.Tensor, pairs: Pairs) -> Details:
        if crops.positions == (1, 1):
            return _of_vector(pairs)
        places = pairs.pictures.astype(np.int32), pairs.units.astype(np.int32)
        positions, where = compiled(maps, *places, pairs.row, pairs.most)
        return Details(positions.numpy(), where.numpy())

    return look_up


def _pooled(maps: tf.Tensor, crops: Crops) -> tf.Tensor:
    """Return the strongest of each few positions, counted from the upper left."""
    sides = zip(crops.positions, crops.pooled, strict=True)
    missing = [[0, 0], *([0, -side % pool] for side, pool in sides), [0, 0]]
    padded = tf.pad(maps, missing, constant_values=maps.dtype.min)
    return tf.nn.max_pool2d(padded, crops.pooled, crops.pooled, "VALID")


def _of_vector(pairs: Pairs) -> Details:
    """Return what is looked up of a layer without places: it has nothing but its maximum."""
    return Details(np.zeros(len(pairs.most), np.int32), np.full((len(pairs.most), 1, 1), FULL, np.uint8))


def _in_graph(
    maps: tf.Tensor,
    crops: Crops,
    pictures: tf.Tensor,
    units: tf.Tensor,
    row: tf.Tensor,
    most: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    width = maps.shape[2]
    row_of = _taken(maps, pictures, units, row[:, None], tf.range(width)[None])[:, 0]  # [K, w]
    numbers = tf.range(width, dtype=tf.int32)[None]
    column = tf.reduce_min(tf.where(row_of >= most[:, None], numbers, width - 1), axis=1)
    if crops.pooled != (1, 1):
        maps = _pooled(maps, crops)
    rows, columns = tf.gather(crops.rows, row), tf.gather(crops.columns, column)  # [K, down], [K, across]
    cells = _taken(maps, pictures, units, rows, columns)
    lift = tf.where(most < TINY, LIFT, 1.0)
    scale = tf.where(most > 0, tf.math.divide_no_nan(FULL, most * lift), 0.0)
    # maximum stands between the products, because TensorFlow may put lift * scale together, which overflows
    lifted = tf.maximum(cells * lift[:, None, None], 0.0)
    shades = tf.round(tf.minimum(lifted * scale[:, None, None], FULL))
    return row * width + column, tf.cast(shades, tf.uint8)


def _taken(
    maps: tf.Tensor, pictures: tf.Tensor, units: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor
) -> tf.Tensor:
    """Return [K, rows, columns] of K maps, each at rows [K, R] and columns [K, C] of its own."""
    _, height, width, count = maps.shape
    kind = tf.int64 if maps.shape.num_elements() >= INT32 else tf.int32
    pictures, units, rows, columns = (tf.cast(part, kind) for part in (pictures, units, rows, columns))
    line = pictures[:, None] * height + rows  # [K, R]
    position = line[:, :, None] * width + columns[:, None]  # [K, R, C]
    return tf.gather(tf.reshape(maps, [-1]), position * count + units[:, None, None])
