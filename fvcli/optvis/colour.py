"""Colour decorrelation: optimise along the directions in which the colours of photos vary."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

# A factor of the colour covariance of ImageNet photos, as published with Lucid 0.3.10.
PHOTO_COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]], dtype=np.float32)


def colour_matrix() -> np.ndarray:
    """Return the 3 x 3 factor, scaled so that its longest column has length one."""
    return PHOTO_COLOURS / np.max(np.linalg.norm(PHOTO_COLOURS, axis=0))


def correlate(images: tf.Tensor) -> tf.Tensor:
    """Turn decorrelated colours into RGB, both before the sigmoid: [batch, h, w, 3], any range."""
    return tf.tensordot(images, colour_matrix().T, axes=1)


def correlate_planes(planes: tf.Tensor) -> tf.Tensor:
    """Do the same to planes [batch, 3, h, w]: one matrix product, which is far cheaper."""
    height, width = planes.shape[-2:]
    mixed = tf.linalg.matmul(colour_matrix(), tf.reshape(planes, [-1, 3, height * width]))
    return tf.reshape(mixed, [-1, 3, height, width])
