"""Objectives of units: a channel, a neuron, a layer, a class, the way from one channel to another."""

from __future__ import annotations

import tensorflow as tf

from fvcli.optvis.objectives.base import Activations, Index, Objective, channel_map, select
from fvcli.optvis.objectives.maps import mean_around


def channel(layer: str, n: Index) -> Objective:
    """Maximise the mean over all positions of channel n."""
    return Objective(lambda T: tf.reduce_mean(channel_map(T, layer, n), axis=(1, 2)))


def neuron(
    layer: str,
    n: Index,
    row: Index | None = None,
    column: Index | None = None,
    *,
    from_centre: bool = False,
) -> Objective:
    """Maximise channel n at one position of the map, by default its centre (h // 2, w // 2).

    In a map of even size the centre is the lower right of the four central positions, as in Lucid.
    ``from_centre`` counts row and column from there; see ``maps.mean_around``.
    """
    return Objective(lambda T: mean_around(channel_map(T, layer, n), row, column, from_centre=from_centre))


def neuron_off_centre(layer: str, n: Index, down: Index, right: Index) -> Objective:
    """Maximise channel n at a position counted from the centre: the same place of every view."""
    return neuron(layer, n, down, right, from_centre=True)


def deepdream(layer: str) -> Objective:
    """Maximise the mean of squares of all activations of a layer (DeepDream)."""
    return Objective(lambda T: tf.reduce_mean(T(layer) ** 2, axis=(1, 2, 3)))


def class_logit(layer: str, n: Index) -> Objective:
    """Maximise the evidence for class n before the softmax; layer gives the logits."""
    return Objective(lambda T: channel_map(T, layer, n)[:, 0, 0])


def class_probability(layer: str, n: Index) -> Objective:
    """Maximise the probability of class n, 0 to 1; layer gives the logits, the softmax is ours."""
    return Objective(lambda T: select(tf.nn.softmax(T(layer)[:, 0, 0]), n))


def channel_interpolate(
    layer1: str, n1: Index, layer2: str, n2: Index, members: int | None = None
) -> Objective:
    """Maximise a mixture of two channels that goes from the first to the second along the batch.

    Image n of N takes (1 - n / (N - 1)) of the first and n / (N - 1) of the second, as in Lucid, which
    divides by 0 where N = 1; here a lone image takes the first. With ``members`` every so many
    consecutive images go all the way.
    """
    first, second = channel(layer1, n1), channel(layer2, n2)

    def score(T: Activations) -> tf.Tensor:
        one, other = first(T), second(T)
        batch = tf.shape(one)[0]
        size = batch if members is None else members
        share = tf.range(batch) % size / tf.maximum(size - 1, 1)  # float64 [batch], 0 to 1
        share = tf.cast(share, tf.float32)
        return (1.0 - share) * one + share * other

    return Objective(score)
