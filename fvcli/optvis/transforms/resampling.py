"""Crops of a random size, and blurs: one matrix product down and one along, with a matrix an image."""

from __future__ import annotations

import tensorflow as tf

from fvcli.optvis.transforms.base import Transform


def crops(
    size_px: int,
    side: tuple[float, float] = (0.5, 0.05),
    spread: float = 0.05,
    centre_std: float = 0.15,
    fill: float = 0.5,
) -> Transform:
    """See a square part of each image, enlarged or reduced to one size: large parts first, then details.

    Formula: MACO (Fel et al. 2023): centres from N(0.5, centre_std) of height and of width, sides from
    N(s, spread) cut to [0.05, 1], s going linearly from the first of ``side`` to the second over the
    ascent. The gradient is the exact adjoint, so that a detail is pulled at by all views of it.

    Args:
        size_px: Height and width of what is seen.
        side: Mean share of the shorter side of the picture, at the start and at the end of the ascent.
        spread: Standard deviation of that share.
        centre_std: Standard deviation of the centre, as a share of height and of width.
        fill: Grey of what lies outside the picture, 0 to 1.
    """

    def apply(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        height, width = tf.unstack(tf.cast(tf.shape(images)[1:3], tf.float32))
        normals = _normals(draws[:, :3])  # [batch, 3]
        mean = side[0] + (side[1] - side[0]) * draws[:, 3]
        length = tf.clip_by_value(mean + spread * normals[:, 2], 0.05, 1.0) * tf.minimum(height, width)
        centre = 0.5 + centre_std * normals[:, :2]
        down = _bilinear(centre[:, 0] * height, length, size_px, height)
        along = _bilinear(centre[:, 1] * width, length, size_px, width)
        return fill + _separable(images - fill, down, along)

    return Transform(apply, draws=3, timed=True)


def blur(sigma: tuple[float, float]) -> Transform:
    """Blur each image with a Gaussian whose sigma, in pixels, is uniform between these two.

    Weights at the border are scaled to a sum of one, so that nothing from outside comes in.
    """

    def apply(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        chosen = sigma[0] + (sigma[1] - sigma[0]) * draws[:, :, None]  # [batch, 1, 1]
        # a sigma of zero leaves the picture as it is
        falloff = 0.5 / tf.maximum(chosen, 1e-3) ** 2
        return _separable(images, *(_gaussian(side, falloff) for side in tf.unstack(tf.shape(images)[1:3])))

    return Transform(apply, draws=1)


def _normals(draws: tf.Tensor) -> tf.Tensor:
    """Turn draws in [0, 1), multiples of 2^-24, into as many from N(0, 1), none of them infinite."""
    return tf.math.ndtri(tf.clip_by_value(draws, 2.0**-25, 1.0 - 2.0**-24))


def _bilinear(centre: tf.Tensor, length: tf.Tensor, count: int, source: tf.Tensor) -> tf.Tensor:
    """Return weights [batch, count, source] of pixels for as many samples of an interval, at their centres.

    Args:
        centre, length: Of the interval, in pixels from the edge of the picture, [batch].
        count: Of samples.
        source: How many pixels there are; those outside weigh nothing.
    """
    steps = (tf.range(count, dtype=tf.float32) + 0.5) / count - 0.5
    at = centre[:, None] + length[:, None] * steps - 0.5  # [batch, count], 0 is the middle of pixel 0
    return tf.maximum(0.0, 1.0 - tf.abs(at[..., None] - tf.range(source)))


def _gaussian(side: tf.Tensor, falloff: tf.Tensor) -> tf.Tensor:
    """Return weights [batch, side, side], rows of which sum to one."""
    places = tf.range(tf.cast(side, tf.float32))
    weights = tf.exp(-falloff * (places[:, None] - places) ** 2)
    return weights / tf.reduce_sum(weights, axis=-1, keepdims=True)


def _separable(images: tf.Tensor, down: tf.Tensor, along: tf.Tensor) -> tf.Tensor:
    """Mix rows by down [batch, h', h] and columns by along [batch, w', w]: -> [batch, h', w', c]."""
    turned = _mix_rows(_mix_rows(images, down), along)
    return tf.ensure_shape(turned, [images.shape[0], *down.shape[1:2], *along.shape[1:2], images.shape[-1]])


def _mix_rows(images: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Mix rows and swap them with columns: [batch, h, w, c] -> [batch, w, h', c]."""
    batch, height, width, channels = tf.unstack(tf.shape(images))
    mixed = tf.linalg.matmul(weights, tf.reshape(images, [batch, height, width * channels]))
    return tf.transpose(tf.reshape(mixed, [batch, -1, width, channels]), [0, 2, 1, 3])
