"""Objectives of directions: sums over channels with weights, everywhere, at a place, or in a region.

    d = sum over channels of T * v          cs = d / (1e-4 + |T|) / (1e-4 + |v|)

The power p of ``d * max(.1, cs)^p`` says how much the angle to v counts beside the size of d: 0 is the
plain dot product, in which directions that are strong everywhere win; from 1 on, what is active apart
from v costs. The floor of .1 keeps the gradient of pictures that still point away from v. Formulas are
those of Lucid 0.3.10; the cosine's use is explained in Carter et al. 2019, "Activation Atlas".

A vector is [channels], or [batch, channels] with one an image.
"""

from __future__ import annotations

import tensorflow as tf

from fvcli.optvis.objectives.base import Activations, Index, Objective
from fvcli.optvis.objectives.maps import Recorded, as_batch, common_centre, l2_norm, mean_around

COSINE_FLOOR = 0.1  # Lucid's; below it the angle is not rewarded any more
LENGTH_EPSILON = 1e-4  # Lucid's; added to both lengths


def direction(layer: str, vector: Recorded, cossim_power: float = 0) -> Objective:
    """Maximise the mean over all positions of d * max(.1, cs)^p."""
    return Objective(lambda T: tf.reduce_mean(_vector_map(T, layer, vector, cossim_power), axis=(1, 2)))


def direction_neuron(
    layer: str,
    vector: Recorded,
    row: Index | None = None,
    column: Index | None = None,
    cossim_power: float = 0,
    *,
    from_centre: bool = False,
) -> Objective:
    """Maximise d * max(.1, cs)^p at one position, which is said as for ``neuron``."""

    def score(T: Activations) -> tf.Tensor:
        values = _vector_map(T, layer, vector, cossim_power)
        return mean_around(values, row, column, from_centre=from_centre)

    return Objective(score)


def tensor_direction(layer: str, tensor: Recorded, cossim_power: float = 0) -> Objective:
    """Maximise the mean over positions of d * max(.1, cs)^p, with a vector of its own at each position.

    Args:
        layer: Where.
        tensor: [h, w, channels], or [batch, h, w, channels] with one an image. Of the map its centre of
            that size is read; of a tensor that is larger than the map, likewise its centre.
        cossim_power: p, 0 or more.
    """

    def score(T: Activations) -> tf.Tensor:
        acts = T(layer)
        acts, vectors = common_centre(acts, as_batch(tensor, 4, acts, layer))
        return tf.reduce_mean(_along(acts, vectors, cossim_power), axis=(1, 2))

    return Objective(score)


def local_group(
    layer: str,
    vector: Recorded | None = None,
    row: Index | None = None,
    column: Index | None = None,
    rows: Index = 1,
    columns: Index = 1,
    *,
    from_centre: bool = False,
) -> Objective:
    """Maximise the mean of d over a region of the map (the idea is lucent's ``localgroup_weight``).

    Args:
        layer: Where.
        vector: Weights of the channels; None is the mean over all channels.
        row: Of the region's middle, by default the map's centre, said as for ``neuron``.
        column: Likewise.
        rows: Height of the region in positions; what lies outside of the map does not count.
        columns: Width, likewise.
        from_centre: Whether row and column count from the centre.
    """

    def score(T: Activations) -> tf.Tensor:
        values = tf.reduce_mean(T(layer), axis=-1) if vector is None else _vector_map(T, layer, vector, 0)
        return mean_around(values, row, column, from_centre=from_centre, rows=rows, columns=columns)

    return Objective(score)


def _vector_map(T: Activations, layer: str, vector: Recorded, power: float) -> tf.Tensor:
    """Return d * max(.1, cs)^p for one vector at all positions, [batch, h, w]."""
    acts = T(layer)
    return _along(acts, as_batch(vector, 2, acts, layer)[:, None, None], power)


def _along(acts: tf.Tensor, vectors: tf.Tensor, power: float) -> tf.Tensor:
    """Return d * max(.1, cs)^p at each position, [batch, h, w]."""
    dot = tf.reduce_sum(acts * vectors, axis=-1)
    if power == 0:  # the lengths would be computed for nothing
        return dot
    cosine = dot / (LENGTH_EPSILON + l2_norm(acts, -1)) / (LENGTH_EPSILON + l2_norm(vectors, -1))
    return dot * tf.maximum(COSINE_FLOOR, cosine) ** power
