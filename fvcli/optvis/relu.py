"""Let a gradient through to units that are silent, for the first steps of an ascent.

A unit behind a ReLU that is negative everywhere has no gradient, so its picture would stay grey. Lucid
redirects: where the whole gradient of an image is zero at a ReLU, it is passed on as if the ReLU were
not there, except where it would push an already negative value further down (and, for ReLU6, a value
above 6 further up). Signs below are of the gradient of a loss that is minimised.
"""

from __future__ import annotations

import keras
import tensorflow as tf


def redirected_relu(x: tf.Tensor, redirect: tf.Tensor, max_value: float | None) -> tf.Tensor:
    """Return ReLU(x), cut at max_value if given, with redirected gradients while redirect is true.

    Args:
        x: [batch, ...].
        redirect: Scalar bool.
        max_value: 6.0 for ReLU6, None for ReLU.
    """

    @tf.custom_gradient
    def relu(x: tf.Tensor):
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            through = (x > 0.0) if max_value is None else (x > 0.0) & (x < max_value)
            plain = tf.where(through, upstream, 0.0)
            return tf.cond(redirect, lambda: _redirect(x, upstream, plain, max_value), lambda: plain)

        cut = tf.nn.relu(x) if max_value is None else tf.clip_by_value(x, 0.0, max_value)
        return cut, gradient

    return relu(x)


def _redirect(x: tf.Tensor, upstream: tf.Tensor, plain: tf.Tensor, max_value: float | None) -> tf.Tensor:
    blocked = (x < 0.0) & (upstream > 0.0)
    if max_value is not None:
        blocked |= (x > max_value) & (upstream < 0.0)
    rest = list(range(1, x.shape.rank))
    silent = tf.reduce_all(plain == 0.0, axis=rest, keepdims=True)  # [batch, 1, ...]
    return tf.where(silent, tf.where(blocked, 0.0, upstream), plain)


class Switch:
    """Whether ReLUs redirect, as a tensor of the graph that is being traced."""

    def __init__(self) -> None:
        self.on: tf.Tensor | bool = False


class RedirectedReLU(keras.layers.Layer):
    """A ReLU layer that redirects while its switch is on."""

    def __init__(self, switch: Switch, max_value: float | None = None, **options: object) -> None:
        super().__init__(**options)
        self._switch = switch
        self.max_value = max_value

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return redirected_relu(x, tf.convert_to_tensor(self._switch.on), self.max_value)
