"""What in a picture matters to an objective: gradient times activation, at each position of some layers.

For networks of ReLUs without biases this is layer-wise relevance propagation with its rule 0: Shrikumar et
al. 2016, "Not Just a Black Box: Learning Important Features Through Propagating Activation Differences",
arXiv 1605.01713; Ancona et al. 2018, "Towards better understanding of gradient-based attribution methods for
Deep Neural Networks", arXiv 1711.06104.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from fvcli.optvis.activations import Activations
from fvcli.optvis.network import Network, as_map
from fvcli.optvis.objectives import Objective

Seen = tuple[tf.Tensor, tf.Tensor]  # of a layer: activations and relevance, both [batch, h, w, channels]


def relevance(network: Network, objective: Objective, images: tf.Tensor, layers: Sequence[str]) -> list[Seen]:
    """Return activations of layers, and what each contributes to an objective: activation times gradient.

    Args:
        network: One that is not folded: a convolution is otherwise not computed for what is behind it.
        objective: Of the images.
        images: [batch, h, w, channels] in [0, 1].
        layers: Where to look.

    Returns:
        Of each layer two tensors float32 [batch, h, w, channels]. The relevance of layers that the objective
        is not computed from is 0.
    """
    with tf.GradientTape() as tape:
        tape.watch(images)
        read = network(images, redirect=False)
        values = [read.value(layer) for layer in layers]
        score = tf.reduce_sum(objective(Activations(read, images)))
    slopes = tape.gradient(score, values, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    maps = [(as_map(value), as_map(slope)) for value, slope in zip(values, slopes, strict=True)]
    return [(tf.cast(acts, tf.float32), tf.cast(acts * slope, tf.float32)) for acts, slope in maps]


class Reference(NamedTuple):
    """What one photo says of a layer.

    activations: Sorted, of each channel, [channels, positions]; those at positions that speak for the unit
        may count more.
    relevance: Of each channel, summed over positions, [channels].
    variance: Of each channel over positions, [channels].
    """

    activations: np.ndarray
    relevance: np.ndarray
    variance: np.ndarray


def reference_of(activations: np.ndarray, relevance: np.ndarray, focus: float = 1.0) -> Reference:
    """Return what a photo says of a layer.

    Args:
        activations: [h, w, channels].
        relevance: Likewise.
        focus: The share of all that counts which is given to positions as they matter, 0 to 1; the rest is
            given to all positions alike.
    """
    flat = activations.reshape(-1, activations.shape[-1]).astype(np.float64)
    of_position = np.maximum(relevance.astype(np.float64), 0).sum(axis=-1).ravel()
    sums = relevance.astype(np.float64).sum(axis=(0, 1))
    if (whole := of_position.sum()) > 0:
        of_position = focus * of_position / whole + (1 - focus) / len(flat)
    return Reference(sorted_by_relevance(flat, of_position), sums, flat.var(axis=0))


def sorted_by_relevance(values: np.ndarray, relevance: np.ndarray) -> np.ndarray:
    """Return the quantiles of channels where each position counts as much as it matters.

    A value stands in the middle of its part of the whole relevance. Quantiles are taken at the shares
    (i + 0.5) / positions, on straight lines between values. If all positions matter alike, that is sorting.

    Args:
        values: [positions, channels].
        relevance: Of each position, at least 0, [positions]; all positions count alike if nothing matters.

    Returns:
        float64 [channels, positions], ascending along positions.
    """
    count = len(values)
    shares = (np.arange(count) + 0.5) / count
    matters = relevance > 0
    if not matters.any():
        relevance, matters = np.ones(count), np.ones(count, bool)
    parts, values = relevance[matters] / relevance[matters].sum(), values[matters]
    order = np.argsort(values, axis=0, kind="stable")
    found = np.empty((values.shape[1], count))
    for channel, ranks in enumerate(order.T):
        ends = np.cumsum(parts[ranks])
        found[channel] = np.interp(shares, ends - parts[ranks] / 2, values[ranks, channel])
    return found


class Target(NamedTuple):
    """What a layer's channels shall be like, of the channels that matter most.

    channels: Their numbers, int32 [k], ascending.
    activations: Sorted, float32 [k, positions].
    weights: float32 [k].
    """

    channels: np.ndarray
    activations: np.ndarray
    weights: np.ndarray


def target_of(references: Sequence[Reference], most: int) -> Target:
    """Return what several photos together ask of a layer.

    Sorted activations are the mean of the photos', rank by rank, as in VITAL. A channel's weight is its mean
    relevance, if that is above 0, as a share of all channels'. All weights are divided by the mean variance
    of the channels, weighted likewise. So the score of a picture whose channels are flat, at the photos'
    mean, is about -1, whatever the layer. If no channel speaks for a unit, all weights are 0.

    Args:
        references: Of each photo, for one layer.
        most: How many channels are matched at most.
    """
    weights = np.maximum(np.mean([one.relevance for one in references], axis=0), 0)
    variance = np.mean([one.variance for one in references], axis=0)
    spread = (weights * variance).sum()  # of weights that are no shares yet, which cancels out
    weights = weights / spread if spread > 0 and np.isfinite(spread) else np.zeros_like(weights)
    channels = np.sort(np.argsort(-weights, kind="stable")[:most]).astype(np.int32)
    activations = np.mean([one.activations for one in references], axis=0)
    return Target(channels, activations[channels].astype(np.float32), weights[channels].astype(np.float32))
