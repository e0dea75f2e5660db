"""What tests of transforms share: pictures, views of them, gradients, and a NumPy twin of resampling."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from fvcli.optvis.transforms import (
    Transform,
)

LAST = 1 - 2**-24  # the largest float32 below 1 that a stream draws


def images(batch: int = 2, height: int = 11, width: int = 14, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(batch).random((batch, height, width, channels), dtype=np.float32)


def apply(transform: Transform, pictures: np.ndarray, draws: list) -> np.ndarray:
    return transform.apply(tf.constant(pictures), tf.constant(draws, tf.float32)).numpy()


def gradient(transform: Transform, pictures: np.ndarray, draws: list, upstream: np.ndarray) -> np.ndarray:
    tensor = tf.constant(pictures)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        out = transform.apply(tensor, tf.constant(draws, tf.float32))
    return tape.gradient(out, tensor, tf.constant(upstream)).numpy()


def bilinear(image: np.ndarray, y: np.ndarray, x: np.ndarray, fill: float) -> np.ndarray:
    """Sample at y and x, as if the picture went on in the colour fill."""
    height, width = image.shape[:2]
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    view = np.zeros((*y.shape, image.shape[2]))
    for dy in (0, 1):
        for dx in (0, 1):
            row, column = top + dy, left + dx
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            value = image[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
            weight = (1 - np.abs(y - row)) * (1 - np.abs(x - column))
            view += weight[..., None] * np.where(inside[..., None], value, fill)
    return view


LUCID_DEGREES = [*range(-10, 11), *5 * [0]]


def nth_of(n: int, count: int) -> float:
    """Return the middle of the draws that choose entry n of count."""
    return (n + 0.5) / count
