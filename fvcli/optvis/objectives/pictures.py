"""Objectives that compare with a picture: to exaggerate, to reproduce, to have the style of it.

The picture is a target that the network sees through the same transforms as the image: a T for such a
batch has a method ``target(layer)``, the target's activations [batch, h, w, channels]. Where there are
recorded activations instead, no second picture has to be seen.
"""

from __future__ import annotations

from typing import Literal

import tensorflow as tf

from fvcli.errors import FvcliError
from fvcli.optvis.objectives.base import Activations, Objective
from fvcli.optvis.objectives.maps import Recorded, as_batch, common_centre, gram, l2_norm

SIMILARITY_FLOOR = 0.1  # Lucid's; below it the angle is not rewarded any more
LENGTH_EPSILON = 1e-6  # Lucid's
WHOLE_MAP = (1, 2, 3)


def caricature(layer: str, power: float = 0) -> Objective:
    """Maximise D * max(.1, cs)^power, what the target is made of and more of it.

    D is the dot product, over all positions and channels, of the target's activations t with the image's
    own, h, and cs = D / (1e-6 + |h|) / (1e-6 + |t|) their cosine. A power above 0 asks for the target's
    direction beside size. Lucid's recipes/caricature.py does not divide by |t|, so that its score grows
    |t|-fold with each power: the same direction of ascent, until numbers overflow.
    """

    def score(T: Activations) -> tf.Tensor:
        own, target = T(layer), _target(T, layer)
        dot = tf.reduce_sum(target * own, axis=WHOLE_MAP)
        if power == 0:
            return dot
        lengths = [LENGTH_EPSILON + l2_norm(map_, WHOLE_MAP) for map_ in (own, target)]
        similarity = dot / lengths[0] / lengths[1]
        return dot * tf.maximum(SIMILARITY_FLOOR, similarity) ** power

    return Objective(score)


def match(layer: str, target: Recorded | None = None, norm: Literal["l2", "l1"] = "l2") -> Objective:
    """Maximise how near a layer is to given activations (Mahendran & Vedaldi 2015, inversion).

    The score is minus the mean over positions and channels of the squared or absolute difference.

    Args:
        layer: Where.
        target: [h, w, channels], or [batch, h, w, channels] with one an image; None reads the target
            picture. Of sizes that differ, the common centre is compared: views vary in size.
        norm: ``l2`` squares differences, ``l1`` takes their absolute values.

    Raises:
        FvcliError: Of another norm.
    """
    if norm not in {"l2", "l1"}:
        raise FvcliError(f"there is no norm {norm!r} to match activations by", "l2 or l1")
    distance = tf.square if norm == "l2" else tf.abs

    def score(T: Activations) -> tf.Tensor:
        acts = T(layer)
        wanted = _target(T, layer) if target is None else as_batch(target, 4, acts, layer)
        own, wanted = common_centre(acts, wanted)
        return -tf.reduce_mean(distance(own - wanted), axis=WHOLE_MAP)

    return Objective(score)


def style(layer: str, target: Recorded | None = None) -> Objective:
    """Maximise how near the Gram matrix F^T F / (h w) of a layer is to that of a picture.

    The score is minus the mean squared difference of entries: -4 times the term E of Gatys et al. 2015,
    "A Neural Algorithm of Artistic Style", equation 4, for pictures of one size.

    Args:
        layer: Where.
        target: A Gram matrix [channels, channels], divided by its h w, or [batch, channels, channels]
            with one an image; None reads the target picture.
    """

    def score(T: Activations) -> tf.Tensor:
        acts = T(layer)
        wanted = _style_of(_target(T, layer)) if target is None else as_batch(target, 3, acts, layer)
        return -tf.reduce_mean((_style_of(acts) - wanted) ** 2, axis=(1, 2))

    return Objective(score)


def _style_of(acts: tf.Tensor) -> tf.Tensor:
    positions = tf.shape(acts)[1] * tf.shape(acts)[2]
    return gram(acts) / tf.cast(positions, tf.float32)


def _target(T: Activations, layer: str) -> tf.Tensor:
    read = getattr(T, "target", None)
    if read is None:
        raise FvcliError(
            f"there is no picture to compare layer {layer!r} with",
            "give a target picture, or recorded activations",
        )
    return read(layer)
