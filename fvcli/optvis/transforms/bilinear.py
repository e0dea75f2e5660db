"""Bilinear resampling along an affine map: one kernel, which XLA makes, instead of TensorFlow's own on a CPU.

TensorFlow's kernel works out every channel of every pixel for itself. The compiled one takes a fifth of its
time: for 224 to 208 px on one core of a server CPU .26 instead of 1.14 ms, and as much less for the gradient.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


def resampled(images: tf.Tensor, matrix: tf.Tensor, crop_px: int, fill: float) -> tf.Tensor:
    """Return views of images; as ``tf.raw_ops.ImageProjectiveTransformV3``, up to rounding.

    The gradient is, as there, the upstream gradient resampled along the inverse map.

    Args:
        images: float [batch, h, w, channels].
        matrix: [batch, 8], x and y of a view's pixel to those of the image's; the last two are 0.
        crop_px: How many pixels smaller than the images views are, in height and in width.
        fill: What lies outside the images.
    """
    if not images.shape.is_fully_defined() or tf.config.list_logical_devices("GPU"):
        return _by_tensorflow(images, matrix, tf.shape(images)[1:3] - crop_px, fill)
    height_px, width_px = (side - crop_px for side in images.shape[1:3])

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def views(images: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            return _sampled(upstream, _inverse(matrix), *images.shape[1:3], 0.0)

        return _sampled(images, matrix, height_px, width_px, fill), gradient

    found: tf.Tensor = views(images)
    return found


def _by_tensorflow(images: tf.Tensor, matrix: tf.Tensor, size: tf.Tensor, fill: float) -> tf.Tensor:
    views = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=matrix,
        output_shape=size,
        fill_value=fill,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    return tf.ensure_shape(views, [images.shape[0], None, None, images.shape[-1]])


# One function for all programs of a process, so that each size is compiled once.
@tf.function(jit_compile=True, autograph=False)  # type: ignore[untyped-decorator]
def _sampled(images: tf.Tensor, matrix: tf.Tensor, height_px: int, width_px: int, fill: float) -> tf.Tensor:
    """Return [batch, height_px, width_px, channels]; of images a margin of one pixel is filled."""
    batch, height, width, channels = images.shape
    y = tf.range(height_px, dtype=tf.float32)[:, None]
    x = tf.range(width_px, dtype=tf.float32)
    a, b, c, d, e, f = tf.unstack(matrix[:, :6, None, None], axis=1)
    at_x = tf.clip_by_value(a * x + b * y + c + 1.0, 0.0, width + 1.0)
    at_y = tf.clip_by_value(d * x + e * y + f + 1.0, 0.0, height + 1.0)
    left, top = tf.minimum(tf.floor(at_x), float(width)), tf.minimum(tf.floor(at_y), float(height))
    along = tf.cast((at_x - left)[..., None], images.dtype)
    down = tf.cast((at_y - top)[..., None], images.dtype)
    above_fill = tf.pad(images - tf.cast(fill, images.dtype), [[0, 0], [1, 1], [1, 1], [0, 0]])
    rows = tf.reshape(above_fill, [batch, (height + 2) * (width + 2), channels])
    corner = tf.cast(top, tf.int32) * (width + 2) + tf.cast(left, tf.int32)
    one, right, below, opposite = (
        tf.gather(rows, corner + offset, axis=1, batch_dims=1) for offset in (0, 1, width + 2, width + 3)
    )
    upper = one + (right - one) * along
    lower = below + (opposite - below) * along
    return tf.cast(fill, images.dtype) + upper + (lower - upper) * down


def _inverse(matrix: tf.Tensor) -> tf.Tensor:
    """Return the maps from images back to views, [batch, 8]."""
    a, b, c, d, e, f, zero, other = tf.unstack(matrix, axis=1)
    area = a * e - b * d
    rows = (e, -b, b * f - c * e, -d, a, c * d - a * f)
    return tf.stack([*(number / area for number in rows), zero, other], axis=1)
