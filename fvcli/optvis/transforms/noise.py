"""Noise, and backgrounds made of it: fields of random numbers that an image's own draws are seeds of."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from fvcli.optvis.activations import opaque
from fvcli.optvis.colour import correlate
from fvcli.optvis.parameterizations.fourier import LUCID_FOURIER_DIVISOR
from fvcli.optvis.transforms.base import Transform

STEPS_OF_A_DRAW = 1 << 24  # a draw is a float32 in [0, 1), a multiple of 2^-24


def noise(std: float = 0.08, uniform: float = 0.08) -> Transform:
    """Add N(0, std) + U(-uniform / 2, uniform / 2) to every value (MACO, Fel et al. 2023)."""

    def apply(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        shape = tf.shape(images)[1:]
        normal = _fields(tf.random.stateless_normal, draws[:, :2], shape)
        even = _fields(tf.random.stateless_uniform, draws[:, 2:], shape) - 0.5
        return tf.ensure_shape(images + std * normal + uniform * even, images.shape)

    return Transform(apply, draws=4)


def collapse_alpha(std: float = 0.5) -> Transform:
    """Lay each transparent picture over a random background: [batch, h, w, c + 1] -> [batch, h, w, c].

    Formula: Lucid 0.3.10, ``collapse_alpha_random``: the background is a picture like those that its
    Fourier parameterization starts from, but with much contrast. Spectra of odd widths are exact here,
    where Lucid cuts off a column.

    Args:
        std: Standard deviation of the params of the background's spectrum.
    """

    def apply(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        channels = images.shape[-1] - 1
        pictures = opaque(images, _background(draws, tf.shape(images), channels, std))
        return tf.ensure_shape(pictures, [*images.shape[:3], channels])

    return Transform(apply, draws=2)


def _background(draws: tf.Tensor, shape: tf.Tensor, channels: int, std: float) -> tf.Tensor:
    """Return pictures [batch, h, w, channels] of noise whose amplitude falls with frequency."""
    height, width = shape[1], shape[2]
    scale = _fourier_scale(height, width) * (std / LUCID_FOURIER_DIVISOR)
    normal = _fields(tf.random.stateless_normal, draws, [2, channels, height, width // 2 + 1])
    spectrum = tf.complex(normal[:, 0] * scale, normal[:, 1] * scale)
    planes = tf.signal.irfft2d(spectrum, tf.stack([height, width]))
    maps = tf.transpose(planes, [0, 2, 3, 1])
    return tf.sigmoid(correlate(maps) if channels == 3 else maps)


def _fourier_scale(height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Return sqrt(h w) / frequency of each coefficient, [h, w // 2 + 1], of a size known in the graph."""
    rows, columns = tf.range(height), tf.range(width // 2 + 1)
    high, wide = tf.cast(height, tf.float32), tf.cast(width, tf.float32)
    fy = tf.cast(tf.minimum(rows, height - rows), tf.float32) / high
    fx = tf.cast(columns, tf.float32) / wide
    frequency = tf.maximum(tf.sqrt(fy[:, None] ** 2 + fx**2), 1.0 / tf.maximum(high, wide))
    return tf.sqrt(high * wide) / frequency


def _fields(make: Callable[..., tf.Tensor], draws: tf.Tensor, shape: tf.Tensor | list) -> tf.Tensor:
    """Return random numbers [batch, *shape], each image's from the seed that its two draws are.

    The batch is unrolled: one call for all of it would make what an image gets depend on its place.
    """
    seeds = tf.cast(draws * STEPS_OF_A_DRAW, tf.int32)  # [batch, 2]
    return tf.stack([make(shape, seed) for seed in tf.unstack(seeds)])
