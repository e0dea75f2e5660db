"""Let a gradient through to units that are silent, for the first steps of an ascent.

A unit behind a ReLU that is negative everywhere has no gradient, so its picture would stay grey. Lucid
redirects: where the whole gradient of an image is zero at a ReLU, it is passed on as if the ReLU were
not there, except where it would push an already negative value further down (and, for ReLU6, a value
above 6 further up). Signs below are of the gradient of a loss that is minimised.
"""

from __future__ import annotations

import tensorflow as tf


def relu(x: tf.Tensor, redirect: bool, max_value: float | None = None) -> tf.Tensor:
    """Return ReLU(x), cut at max_value if there is one, with redirected gradients if asked for.

    Args:
        x: [batch, ...].
        redirect: Whether an image whose whole gradient would vanish here keeps it.
        max_value: 6.0 for ReLU6, None for ReLU.
    """
    if not redirect:
        return _plain(x, max_value)

    @tf.custom_gradient
    def redirected(x: tf.Tensor):
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            through = (x > 0.0) if max_value is None else (x > 0.0) & (x < max_value)
            return _redirect(x, upstream, tf.where(through, upstream, tf.zeros_like(x)), max_value)

        return _plain(x, max_value), gradient

    return redirected(x)


def _plain(x: tf.Tensor, max_value: float | None) -> tf.Tensor:
    if max_value is None:
        return tf.nn.relu(x)
    return tf.nn.relu6(x) if max_value == 6.0 else tf.minimum(tf.nn.relu(x), max_value)


def _redirect(x: tf.Tensor, upstream: tf.Tensor, plain: tf.Tensor, max_value: float | None) -> tf.Tensor:
    blocked = (x < 0.0) & (upstream > 0.0)
    if max_value is not None:
        blocked |= (x > max_value) & (upstream < 0.0)
    rest = list(range(1, x.shape.rank))
    silent = tf.reduce_all(plain == 0.0, axis=rest, keepdims=True)  # [batch, 1, ...]
    return tf.where(silent, tf.where(blocked, tf.zeros_like(x), upstream), plain)
