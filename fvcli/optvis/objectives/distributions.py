"""An objective that compares how activations are spread, and not where they are: sort matching.

activations of a channel, sorted:   -0.2  0.1  0.4  1.3
what they shall be, sorted:         -0.1  0.1  0.9  1.8      each is drawn to the one of its rank
"""

from __future__ import annotations

import tensorflow as tf

from fvcli.optvis.objectives.base import Activations, Objective


def sort_match(layer: str, channels: tf.Tensor, wanted: tf.Tensor, weights: tf.Tensor) -> Objective:
    """Maximise how alike the sorted activations of channels are to given ones; at most 0.

    The score is -sum_c w_c mean_i (sort(a_c)_i - t_c,i)^2, over positions i of channels c. Sort matching is
    the loss of Görgün, Schiele, Fischer 2025, "VITAL: More Understandable Feature Visualization through
    Distribution Alignment and Relevant Information Flow", arXiv 2503.22399.

    Args:
        layer: Where.
        channels: Numbers of the channels that are compared, int [batch, k].
        wanted: Their sorted activations, ascending, float [batch, k, n]. If a view has another number of
            positions, values between them are interpolated at the same shares of the positions.
        weights: Of each channel, float [batch, k].
    """

    def score(T: Activations) -> tf.Tensor:
        acts = T(layer)
        shape = tf.shape(acts)
        flat = tf.transpose(tf.reshape(acts, [shape[0], shape[1] * shape[2], shape[3]]), [0, 2, 1])
        own = tf.sort(tf.gather(flat, channels, batch_dims=1), axis=-1)  # [batch, k, positions]
        count = own.shape[-1] or tf.shape(own)[-1]  # views of changing size are known only while they run
        differences = tf.reduce_mean((own - at_shares(wanted, count)) ** 2, axis=-1)
        return -tf.reduce_sum(differences * weights, axis=-1)

    return Objective(score)


def at_shares(values: tf.Tensor, count: tf.Tensor | int) -> tf.Tensor:
    """Return sorted values [..., n] at so many evenly spread shares of them, [..., count].

    Value i of n stands at the share (i + 0.5) / n. Between two the straight line is taken.
    """
    had = values.shape[-1]
    if isinstance(count, int) and had == count:
        return values
    asked = tf.range(count, dtype=tf.float32)
    places = tf.clip_by_value((asked + 0.5) * (had / tf.cast(count, tf.float32)) - 0.5, 0.0, had - 1.0)
    below = tf.floor(places)
    first = tf.cast(below, tf.int32)
    second = tf.minimum(first + 1, had - 1)
    share = places - below
    return tf.gather(values, first, axis=-1) * (1 - share) + tf.gather(values, second, axis=-1) * share
