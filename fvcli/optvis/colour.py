"""Colour decorrelation: optimise along the directions in which the colours of photos vary."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

# A factor of the colour covariance of ImageNet photos, as published with Lucid 0.3.10.
PHOTO_COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]], dtype=np.float32)
DARKEST, LIGHTEST = 1 / 512, 511 / 512  # of a given picture: half of an 8-bit step from black and white


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


def squashed(values: tf.Tensor, squash: str) -> tf.Tensor:
    """Bring values of any range into [0, 1].

    Args:
        values: 0 is mid grey.
        squash: ``sigmoid`` is smooth and never stops; ``clip`` adds 0.5 and cuts, with a gradient where
            something is cut only back into the range.
    """
    return tf.sigmoid(values) if squash == "sigmoid" else clipped(values + 0.5, 0.0, 1.0)


def clipped(values: tf.Tensor, low: float, high: float) -> tf.Tensor:
    """Cut values to [low, high], with a gradient where something is cut only back into the range."""

    @tf.custom_gradient
    def cut(values: tf.Tensor):
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            # upstream is of a loss that falls: a positive one moves values down
            outward = ((values < low) & (upstream > 0.0)) | ((values > high) & (upstream < 0.0))
            return tf.where(outward, 0.0, upstream)

        return tf.clip_by_value(values, low, high), gradient

    return cut(values)


def to_decorrelated(images: np.ndarray, decorrelate: bool, squash: str = "sigmoid") -> np.ndarray:
    """Turn pictures [batch, h, w, channels] in [0, 1] into the float32 params that they are made of."""
    if squash == "sigmoid":
        kept = np.clip(images, DARKEST, LIGHTEST)
        values = np.log(kept / (1 - kept))
    else:
        values = images - 0.5
    if decorrelate and images.shape[-1] == 3:
        values = values @ np.linalg.inv(colour_matrix().astype(np.float64)).T
    return values.astype(np.float32)
