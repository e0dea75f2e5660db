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
        y = _plain(x, max_value)

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            plain = _plain_gradient(upstream, y, max_value)
            silent = _silent(plain)  # hardly ever, so what follows is done only then
            return tf.cond(
                tf.reduce_any(silent),
                lambda: tf.where(silent, _passed_on(x, upstream, max_value), plain),
                lambda: plain,
            )

        return y, gradient

    return redirected(x)


def _plain(x: tf.Tensor, max_value: float | None) -> tf.Tensor:
    if max_value is None:
        return tf.nn.relu(x)
    return tf.nn.relu6(x) if max_value == 6.0 else tf.minimum(tf.nn.relu(x), max_value)


def _plain_gradient(upstream: tf.Tensor, y: tf.Tensor, max_value: float | None) -> tf.Tensor:
    """Return what passes where the ReLU's output y is neither 0 nor at its maximum."""
    if max_value is None:
        return tf.raw_ops.ReluGrad(gradients=upstream, features=y)
    if max_value == 6.0:
        return tf.raw_ops.Relu6Grad(gradients=upstream, features=y)
    return tf.where((y > 0.0) & (y < max_value), upstream, tf.zeros_like(y))


def _silent(gradient: tf.Tensor) -> tf.Tensor:
    """Tell which images have a gradient of zero throughout, bool [batch, 1, ...]."""
    rest = list(range(1, gradient.shape.rank))
    lowest = tf.reduce_min(gradient, axis=rest, keepdims=True)
    highest = tf.reduce_max(gradient, axis=rest, keepdims=True)
    return (lowest == 0.0) & (highest == 0.0)


def _passed_on(x: tf.Tensor, upstream: tf.Tensor, max_value: float | None) -> tf.Tensor:
    blocked = (x < 0.0) & (upstream > 0.0)
    if max_value is not None:
        blocked |= (x > max_value) & (upstream < 0.0)
    return tf.where(blocked, tf.zeros_like(x), upstream)
