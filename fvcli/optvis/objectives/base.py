"""What every objective is: a function of T with arithmetic, and how one channel is read."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

Activations = Callable[[str], tf.Tensor]
Index = int | tf.Tensor


class Objective:
    """A function from activations to scores [batch] that can be added, scaled and divided."""

    def __init__(self, score: Callable[[Activations], tf.Tensor]) -> None:
        self._score = score

    def __call__(self, T: Activations) -> tf.Tensor:
        return self._score(T)

    def __add__(self, other: Objective | float | tf.Tensor) -> Objective:
        return Objective(lambda T: self(T) + _value(other, T))

    def __sub__(self, other: Objective | float | tf.Tensor) -> Objective:
        return Objective(lambda T: self(T) - _value(other, T))

    def __mul__(self, other: Objective | float | tf.Tensor) -> Objective:
        return Objective(lambda T: self(T) * _value(other, T))

    def __truediv__(self, other: Objective | float | tf.Tensor) -> Objective:
        return Objective(lambda T: self(T) / _value(other, T))

    def __rsub__(self, other: float | tf.Tensor) -> Objective:
        return Objective(lambda T: other - self(T))

    def __rtruediv__(self, other: float | tf.Tensor) -> Objective:
        return Objective(lambda T: other / self(T))

    def __neg__(self) -> Objective:
        return self * -1.0

    __radd__ = __add__
    __rmul__ = __mul__


def _value(
    other: Objective | float | tf.Tensor,
    T: Activations,
) -> float | tf.Tensor:
    return other(T) if isinstance(other, Objective) else other


def channel_map(T: Activations, layer: str, n: Index) -> tf.Tensor:
    """Return channel n of a layer, [batch, h, w].

    A T that has a method ``channel(layer, n)``, as a ``network.Reading`` has, computes no more than that.
    """
    read = getattr(T, "channel", None)
    return read(layer, n) if read else select(T(layer), n)


def select(values: tf.Tensor, n: Index) -> tf.Tensor:
    """Pick entry n of [batch, ..., channels] by a product, whose gradient is the same on every device."""
    mask = tf.one_hot(n, tf.shape(values)[-1], dtype=values.dtype)  # [channels] or [batch, channels]
    while 1 < mask.shape.rank < values.shape.rank:
        mask = mask[:, None]
    return tf.reduce_sum(values * mask, axis=-1)  # [batch, ...]
