"""Objectives: what a picture is optimised for, one score per image.

An objective is called with T, which gives the activations of a layer as [batch, h, w, channels]:

    >>> objective = channel("block4_bn", 3) - 0.5 * class_logit("logits", 207)
    >>> objective(T)          # float32 [batch]

The score of an image reads nothing of the other images in its batch. Indices are a plain int, or an
int tensor [batch] with one index an image, so that one compiled step serves every unit. Formulas are
Lucid 0.3.10's; kinds are those of Olah et al. 2017, "Optimization Objectives". All are maximised.
"""

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


def channel(layer: str, n: Index) -> Objective:
    """Maximise the mean over all positions of channel n."""
    return Objective(lambda T: tf.reduce_mean(channel_map(T, layer, n), axis=(1, 2)))


def neuron(layer: str, n: Index, row: Index | None = None, column: Index | None = None) -> Objective:
    """Maximise channel n at one position: row, column of the map, by default (h // 2, w // 2).

    In a map of even size the default is the lower right of the four central positions, as in Lucid.
    """

    def score(T: Activations) -> tf.Tensor:
        acts = channel_map(T, layer, n)
        height, width = tf.shape(acts)[1], tf.shape(acts)[2]
        y = height // 2 if row is None else row
        x = width // 2 if column is None else column
        return _at(acts, y, x)

    return Objective(score)


def neuron_off_centre(layer: str, n: Index, down: Index, right: Index) -> Objective:
    """Maximise channel n at a position counted from the centre (h // 2, w // 2).

    Views are larger or smaller than the picture and share its centre, so this is the same place of the
    picture in all of them, up to the transforms. Outside of the map the nearest position is taken.
    """

    def score(T: Activations) -> tf.Tensor:
        acts = channel_map(T, layer, n)
        height, width = tf.shape(acts)[1], tf.shape(acts)[2]
        y = tf.clip_by_value(height // 2 + down, 0, height - 1)
        x = tf.clip_by_value(width // 2 + right, 0, width - 1)
        return _at(acts, y, x)

    return Objective(score)


def _at(acts: tf.Tensor, y: Index, x: Index) -> tf.Tensor:
    rows, columns = tf.one_hot(y, tf.shape(acts)[1]), tf.one_hot(x, tf.shape(acts)[2])
    mask = rows[..., :, None] * columns[..., None, :]  # [h, w] or [batch, h, w]
    return tf.reduce_sum(acts * mask, axis=(1, 2))


def deepdream(layer: str) -> Objective:
    """Maximise the mean of squares of all activations of a layer (DeepDream)."""
    return Objective(lambda T: tf.reduce_mean(T(layer) ** 2, axis=(1, 2, 3)))


def class_logit(layer: str, n: Index) -> Objective:
    """Maximise the evidence for class n before the softmax; layer gives the logits."""
    return Objective(lambda T: channel_map(T, layer, n)[:, 0, 0])


def class_probability(layer: str, n: Index) -> Objective:
    """Maximise the probability of class n, 0 to 1; layer gives the logits, the softmax is ours."""
    return Objective(lambda T: select(tf.nn.softmax(T(layer)[:, 0, 0]), n))


def select(values: tf.Tensor, n: Index) -> tf.Tensor:
    """Pick entry n of [batch, ..., channels] by a product, whose gradient is the same on every device."""
    mask = tf.one_hot(n, tf.shape(values)[-1], dtype=values.dtype)  # [channels] or [batch, channels]
    while 1 < mask.shape.rank < values.shape.rank:
        mask = mask[:, None]
    return tf.reduce_sum(values * mask, axis=-1)  # [batch, ...]
