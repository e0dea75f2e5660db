"""Transforms that move the picture: shifts, turns, sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import tensorflow as tf

from fvcli.optvis.transforms.base import Transform
from fvcli.optvis.transforms.bilinear import resampled

# Lucid converts degrees with 3.14; kept, so that its recipe is its recipe.
LUCID_PI = 3.14


def pad(px: int, mode: str = "constant", value: float = 0.5) -> Transform:
    """Add px pixels on every side: a constant grey, or a ``reflect`` of the picture."""
    sides = [[0, 0], [px, px], [px, px], [0, 0]]
    if mode == "reflect":
        return Transform(lambda images, _: tf.pad(images, sides, "REFLECT"))
    return Transform(lambda images, _: tf.pad(images, sides, constant_values=value))


def jitter(px: int) -> Transform:
    """Crop px pixels of height and width off, at offsets of 0 to px inclusive."""

    def apply(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        offsets = tf.floor(draws * (px + 1))  # [batch, 2]: y, x
        shift = _affine(1.0, 0.0, offsets[:, 1], 0.0, 1.0, offsets[:, 0])
        size = tf.shape(images)[1:3] - px
        return _nearest(images, shift, size)

    return Transform(apply, draws=2)


def crop(px: int) -> Transform:
    """Cut px pixels off on every side."""
    return Transform(lambda images, _: images[:, px:-px, px:-px])


def scale(factors: Sequence[float]) -> Transform:
    """Resize the whole batch by one of the factors; sizes are cut to whole pixels.

    The resampling is TensorFlow 1's bilinear one without half-pixel centres, which Lucid used.
    """
    table = tf.constant(factors, tf.float32)

    def apply(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        factor = _choose(table, draws[0])
        size = tf.cast(factor * tf.cast(tf.shape(images)[1:3], tf.float32), tf.int32)
        return tf.raw_ops.ResizeBilinear(images=images, size=size)

    return Transform(apply, draws=1, shared=True)


def rotate(degrees: Sequence[float]) -> Transform:
    """Turn each image by one of the angles about its centre: nearest pixel, black corners (Lucid)."""
    table = tf.constant(degrees, tf.float32)

    def apply(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        angle = LUCID_PI * _choose(table, draws[:, 0]) / 180.0
        size = tf.shape(images)[1:3]
        matrix = _about_centre(tf.cos(angle), tf.sin(angle), 0.0, 0.0, size, size)
        return _nearest(images, matrix, size)

    return Transform(apply, draws=1)


def affine(
    degrees: float, scales: tuple[float, float], shift_px: float, crop_px: int = 0, fill: float = 0.5
) -> Transform:
    """Turn, scale and shift each image in one bilinear resampling.

    Args:
        degrees: The angle is uniform in [-degrees, degrees].
        scales: The factor is log-uniform between these two; above 1 magnifies.
        shift_px: Both shifts are uniform in [-shift_px, shift_px].
        crop_px: How many pixels smaller than the picture the view is, in height and in width.
        fill: Grey of what lies outside the picture, 0 to 1.
    """
    low, high = (math.log(value) for value in scales)

    def apply(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        angle = (2.0 * draws[:, 0] - 1.0) * math.radians(degrees)
        zoom = tf.exp(-(low + (high - low) * draws[:, 1]))  # source pixels a view pixel
        shift = (2.0 * draws[:, 2:] - 1.0) * shift_px
        source = tf.shape(images)[1:3]
        view = source - crop_px
        cos, sin = zoom * tf.cos(angle), zoom * tf.sin(angle)
        matrix = _about_centre(cos, sin, shift[:, 1], shift[:, 0], source, view)
        return resampled(images, matrix, crop_px, fill)

    return Transform(apply, draws=4)


def flip() -> Transform:
    """Mirror each image, left to right, with a probability of one half."""

    def apply(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        return tf.where(draws[:, :, None, None] < 0.5, images[:, :, ::-1], images)

    return Transform(apply, draws=1)


def _choose(table: tf.Tensor, draw: tf.Tensor) -> tf.Tensor:
    return tf.gather(table, tf.cast(draw * tf.cast(tf.size(table), tf.float32), tf.int32))


def _about_centre(
    cos: tf.Tensor,
    sin: tf.Tensor,
    shift_x: tf.Tensor | float,
    shift_y: tf.Tensor | float,
    source: tf.Tensor,
    view: tf.Tensor,
) -> tf.Tensor:
    """Map view pixels to source pixels so that the two centres meet, up to the shift."""
    source_y, source_x = tf.unstack(tf.cast(source - 1, tf.float32) / 2.0)
    view_y, view_x = tf.unstack(tf.cast(view - 1, tf.float32) / 2.0)
    offset_x = source_x + shift_x - (cos * view_x - sin * view_y)
    offset_y = source_y + shift_y - (sin * view_x + cos * view_y)
    return _affine(cos, -sin, offset_x, sin, cos, offset_y)


def _affine(*entries: tf.Tensor | float) -> tf.Tensor:
    """Stack six entries, of which some are per image, to [batch, 8]: x, y of view to source."""
    batch = max((tf.convert_to_tensor(e) for e in entries), key=lambda t: t.shape.rank)
    full = [tf.broadcast_to(tf.cast(e, tf.float32), tf.shape(batch)) for e in (*entries, 0.0, 0.0)]
    return tf.stack(full, axis=-1)


def _nearest(images: tf.Tensor, matrix: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    out = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=matrix,
        output_shape=size,
        fill_value=0.0,
        interpolation="NEAREST",
        fill_mode="CONSTANT",
    )
    return tf.ensure_shape(out, [images.shape[0], None, None, images.shape[-1]])
