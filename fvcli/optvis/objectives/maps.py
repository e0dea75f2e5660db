"""What several objectives measure on maps of activations: places, centres, lengths, Gram matrices.

The centre of a map is (h // 2, w // 2). A region reaches half of its rows and columns, rounded down,
above and to the left of its middle, so that a region of the map's size about the centre is the map.

      odd             even            2 rows and 2 columns about o
    +---+---+---+   +---+---+---+---+   +---+---+---+---+
    |   |   |   |   |   |   |   |   |   |   | # | # |   |
    +---+---+---+   +---+---+---+---+   +---+---+---+---+
    |   | o |   |   |   |   |   |   |   |   | # | o |   |
    +---+---+---+   +---+---+---+---+   +---+---+---+---+
    |   |   |   |   |   |   | o |   |   |   |   |   |   |
    +---+---+---+   +---+---+---+---+   +---+---+---+---+
                    |   |   |   |   |   |   |   |   |   |
                    +---+---+---+---+   +---+---+---+---+
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from fvcli.errors import FvcliError
from fvcli.optvis.objectives.base import Index

Recorded = tf.Tensor | np.ndarray | Sequence[float]

TINY = 1e-30  # below any square that matters; a root's gradient at 0 is infinite


def mean_around(
    values: tf.Tensor,
    row: Index | None,
    column: Index | None,
    *,
    from_centre: bool = False,
    rows: Index = 1,
    columns: Index = 1,
) -> tf.Tensor:
    """Return the mean of values [batch, h, w] over a region, float32 [batch].

    Args:
        values: One number a position.
        row: Of the region's middle, an int or int [batch]; None is the centre. Outside of the map the
            nearest position is taken.
        column: Likewise.
        from_centre: Whether row and column count from the centre (h // 2, w // 2). Views are larger or
            smaller than the picture and share its centre, so this is the same place of the picture in
            all of them, up to the transforms.
        rows: Height of the region, at least 1; what lies outside of the map does not count.
        columns: Width, likewise.
    """
    down = _interval(tf.shape(values)[1], row, rows, from_centre)
    across = _interval(tf.shape(values)[2], column, columns, from_centre)
    mask = down[..., :, None] * across[..., None, :]  # [h, w] or [batch, h, w]
    return tf.reduce_sum(values * mask, axis=(1, 2)) / tf.reduce_sum(mask, axis=(-2, -1))


def _interval(size: tf.Tensor, middle: Index | None, length: Index, from_centre: bool) -> tf.Tensor:
    """Return 1 where a position belongs to the interval, else 0: float32 [size] or [batch, size]."""
    counted_from = size // 2 if from_centre or middle is None else 0
    middle = counted_from + tf.cast(0 if middle is None else middle, tf.int32)
    length = tf.cast(length, tf.int32)
    first = tf.clip_by_value(middle, 0, size - 1) - length // 2
    offset = tf.range(size) - first[..., None]  # [size] or [batch, size]
    return tf.cast((offset >= 0) & (offset < length[..., None]), tf.float32)


def common_centre(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """Crop two tensors [batch, h, w, ...] to the height and width that both have, about their centres."""
    size = tf.minimum(tf.shape(one)[1:3], tf.shape(other)[1:3])
    return _centre_crop(one, size), _centre_crop(other, size)


def _centre_crop(values: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    top, left = tf.unstack((tf.shape(values)[1:3] - size) // 2)
    return values[:, top : top + size[0], left : left + size[1]]


def l2_norm(values: tf.Tensor, axis: int | Sequence[int]) -> tf.Tensor:
    """Return the Euclidean length over the axes; its gradient at 0 is 0."""
    return tf.sqrt(tf.maximum(tf.reduce_sum(values**2, axis=axis), TINY))


def gram(acts: tf.Tensor) -> tf.Tensor:
    """Return F^T F [batch, c, c] of F = [h w, c]: how strongly channels are active together."""
    shape = tf.shape(acts)
    flat = tf.reshape(acts, [shape[0], shape[1] * shape[2], acts.shape[-1]])
    return tf.matmul(flat, flat, transpose_a=True)


def as_batch(recorded: Recorded, rank: int, acts: tf.Tensor, layer: str) -> tf.Tensor:
    """Return recorded values as float32 [1 or batch, ..., channels], of this rank.

    Args:
        recorded: With or without the axis of the batch: one an image, or the same for all.
        rank: With that axis.
        acts: The layer's activations, [batch, h, w, channels].
        layer: Its name, for what is said of values that do not fit.

    Raises:
        FvcliError: The values are of another number of axes, channels or images.
    """
    values = tf.cast(recorded, tf.float32)
    batched = values[None] if values.shape.rank == rank - 1 else values
    images, channels = acts.shape[0], acts.shape[-1]
    if batched.shape.rank != rank or batched.shape[0] not in {1, images} or batched.shape[-1] != channels:
        raise FvcliError(
            f"values of shape {values.shape.as_list()} do not fit layer {layer!r}",
            f"give {rank - 1} axes, the last of {channels} channels, or {rank}, the first of {images} images",
        )
    return batched
