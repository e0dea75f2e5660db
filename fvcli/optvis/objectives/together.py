"""Objectives that couple the images of a batch: that they differ, or that neighbours are alike.

A pair's value is shared half and half between its two images, so that every image has a score and the
sum of scores is the published total. ``members=K`` couples only within blocks of K consecutive images,
which stand for a batch of K each, so that one batch may hold several units; None couples all.

    members=3:   | 0 -- 1 -- 2 |  3 -- 4 -- 5 |  6 -- 7 -- 8 |
"""

from __future__ import annotations

import tensorflow as tf

from fvcli.errors import FvcliError
from fvcli.optvis.objectives.base import Activations, Objective
from fvcli.optvis.objectives.maps import gram

FURTHEST_NEIGHBOUR = 4  # Lucid's; images farther apart are not compared


def diversity(layer: str, members: int | None = None) -> Objective:
    """Maximise how much images differ in which channels of a layer are active together.

    With G_i = F^T F of image i's activations F = [h w, c], divided by its length, and N images:

        score of image i = -(1 / N) sum over j != i of <G_i, G_j>

    It is in (-1, 0], since Gram matrices have no negative cosines; a lone image has 0. The sum of scores
    is Lucid's ``diversity`` with the sign turned. Olah et al. 2017 (appendix on diversity) have no 1 / N:

        C = -sum over a, over b != a of vec(G_a) . vec(G_b) / (|vec(G_a)| |vec(G_b)|)

    which is N times this. Weights: Lucid's channel is the mean over the batch, ours a score an image, so
    that its ``channel - w * diversity`` for N images has the maximum of ``channel + N * w * diversity``.

    Args:
        layer: Whose activations are compared; a layer behind a ReLU says more than its input.
        members: Images that are to differ from each other; None is the whole batch.
    """

    def score(T: Activations) -> tf.Tensor:
        grams = tf.nn.l2_normalize(gram(T(layer)), axis=[1, 2], epsilon=1e-10)
        grams = _blocks(grams, members)  # [blocks, members, c, c]
        blocks, size, channels, _ = grams.shape
        flat = tf.reshape(grams, [blocks, size, channels * channels])
        cosines = tf.matmul(flat, flat, transpose_b=True)  # [blocks, members, members]
        others = tf.linalg.set_diag(cosines, tf.zeros([blocks, size]))
        return tf.reshape(-tf.reduce_sum(others, axis=-1) / size, [blocks * size])

    return Objective(score)


def alignment(layer: str, decay_ratio: float = 2, members: int | None = None) -> Objective:
    """Maximise how alike the activations of neighbouring images are: Lucid's ``alignment``.

        total = -sum over d = 1..4, over i of mean((T_i - T_{i+d})^2) / decay_ratio^d

    It keeps analogous things at the same place along an interpolation.

    Args:
        layer: Whose activations are compared.
        decay_ratio: By how much less images count with each step that they are farther apart.
        members: Images of one sequence; None is the whole batch.
    """

    def score(T: Activations) -> tf.Tensor:
        acts = _blocks(T(layer), members)  # [blocks, members, h, w, c]
        blocks, size = acts.shape[:2]
        # At least one distance, if of no pair: a lone image has a gradient, too, which is 0.
        distances = range(1, max(2, min(FURTHEST_NEIGHBOUR + 1, size)))
        shares = [_shares_of_pairs(acts, d) / decay_ratio**d for d in distances]
        return tf.reshape(-tf.add_n(shares), [blocks * size])

    return Objective(score)


def _shares_of_pairs(acts: tf.Tensor, d: int) -> tf.Tensor:
    """Return half of mean((T_i - T_{i+d})^2) for both images of each pair, [blocks, members]."""
    pairs = tf.reduce_mean((acts[:, :-d] - acts[:, d:]) ** 2, axis=(2, 3, 4))  # [blocks, members - d]
    return 0.5 * (tf.pad(pairs, [[0, 0], [0, d]]) + tf.pad(pairs, [[0, 0], [d, 0]]))


def _blocks(values: tf.Tensor, members: int | None) -> tf.Tensor:
    """Cut [batch, ...] into [blocks, members, ...]."""
    batch = values.shape[0]
    size = batch if members is None else members
    if size < 1 or batch % size:
        raise FvcliError(
            f"a batch of {batch} images cannot be cut into blocks of {size}",
            "the batch has to be a multiple of members, which is 1 or more",
        )
    return tf.reshape(values, tf.concat([[batch // size, size], tf.shape(values)[1:]], axis=0))
