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

FULL = np.float32(255)  # where a unit is as strong as its maximum in the picture
INT32 = 2**31


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


LookUp = Callable[[tf.Tensor, Pairs], Details]


def in_memory(crops: Crops) -> LookUp:
    """Return what looks pairs up in maps [batch, h, w, units] with NumPy."""

    def look_up(maps: tf.Tensor, pairs: Pairs) -> Details:
        if crops.positions == (1, 1):
            return _of_vector(pairs)
        _, height, width, units = maps.shape
        flat = maps.numpy().reshape(-1)
        line = (pairs.pictures * height + pairs.row) * (width * units) + pairs.units
        column = flat.take(line[:, None] + units * np.arange(width)).argmax(axis=1)
        if crops.pooled != (1, 1):
            maps = _pooled(maps, crops)
            _, height, width, units = maps.shape
            flat = maps.numpy().reshape(-1)
        if crops.are_whole and len(pairs.units) >= units:
            cells = _whole_cells(maps.numpy(), pairs, crops)
        else:
            down = (pairs.pictures * height)[:, None] + crops.rows[pairs.row]  # [K, rows]
            across = crops.columns[column] * units + pairs.units[:, None]  # [K, columns]
            cells = flat.take((down * (width * units))[:, :, None] + across[:, None])
        scale = np.divide(FULL, pairs.most, out=np.zeros_like(pairs.most), where=pairs.most > 0)
        cells *= scale[:, None, None]
        np.rint(cells.clip(0, FULL, out=cells), out=cells)
        positions = pairs.row * crops.positions[1] + column
        return Details(positions.astype(np.int32), cells.astype(np.uint8))

    return look_up


def _whole_cells(maps: np.ndarray, pairs: Pairs, crops: Crops) -> np.ndarray:
    """Return the cells [K, down, across] of crops that are the whole picture, each picture at once."""
    seen = maps[:, crops.rows[0]][:, :, crops.columns[0]]  # [batch, down, across, units]
    found: np.ndarray = np.moveaxis(seen, 3, 1)[pairs.pictures, pairs.units]
    return found


def on_device(crops: Crops) -> LookUp:
    """Return what looks pairs up in maps with TensorFlow, where the maps are."""

    def looked_up(maps: tf.Tensor, *pairs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return _in_graph(maps, crops, *pairs)

    compiled = tf.function(looked_up, autograph=False, reduce_retracing=True)

    def look_up(maps: tf.Tensor, pairs: Pairs) -> Details:
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
    scale = tf.where(most > 0, tf.math.divide_no_nan(FULL, most), 0.0)
    shades = tf.round(tf.clip_by_value(cells * scale[:, None, None], 0.0, FULL))
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
