"""Penalties: sizes of what is unwanted in a picture. They are positive, and are subtracted.

    >>> objective = channel("block4_bn", 3) - 0.001 * total_variation() - 0.5 * blur_input()

Most read ``T("input")``, the picture [batch, h, w, c] in 0 to 1 before any transform: what is punished
is the picture that is kept, not the padded and turned views of it. Formulas are those of Lucid 0.3.10,
which sums them over the batch; here each image has its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from fvcli.errors import FvcliError
from fvcli.optvis.objectives.base import Activations, Objective

WHOLE_IMAGE = (1, 2, 3)
L2_EPSILON = 1e-6  # Lucid's; a root's gradient at 0 is infinite
BOUNDARY_COLOUR_WEIGHT = 0.8  # Lucid's; of being off the constant, beside not being smooth
MOST_POSITIONS = 28  # along a side, that statistics are taken from: of larger maps every second, third ...
LEAST_STD = 1e-4  # of a channel; those that were constant in training have none
LEAST_VARIANCE = 1e-4  # in units of training; a root's gradient at 0 is infinite
ALPHA = 3  # the channel behind red, green and blue


def l1(layer: str = "input", constant: float = 0) -> Objective:
    """Return the sum of absolute differences from a constant."""
    return Objective(lambda T: tf.reduce_sum(tf.abs(T(layer) - constant), axis=WHOLE_IMAGE))


def l2(layer: str = "input", constant: float = 0) -> Objective:
    """Return the root of 1e-6 plus the sum of squared differences from a constant."""
    return Objective(
        lambda T: tf.sqrt(L2_EPSILON + tf.reduce_sum((T(layer) - constant) ** 2, axis=WHOLE_IMAGE))
    )


def total_variation(layer: str = "input") -> Objective:
    """Return the sum of absolute differences of neighbours, down and across (Mahendran, Vedaldi 2015)."""
    return Objective(lambda T: tf.image.total_variation(T(layer)))


def blur_input() -> Objective:
    """Return half the sum of squared differences of the picture from its own blur.

    The blur is taken as given, without a gradient, so that one step of plain ascent on
    ``-k * blur_input()`` is x <- (1 - k) x + k blur(x) (Nguyen et al. 2015).
    """
    return Objective(lambda T: _distance_from_blur(T("input")))


def boundary(width_px: int = 20, constant: float = 0.5) -> Objective:
    """Return the sum over the picture's border of (blur(x) - x)^2 + .8 (x - constant)^2.

    The border is width_px wide. Lucid's ``penalize_boundary_complexity`` is minus this: there it is
    added. Activation atlases use it, so that icons end in a quiet grey.
    """

    def score(T: Activations) -> tf.Tensor:
        picture = T("input")
        roughness = (_blurred(picture, side_px=5) - picture) ** 2
        offness = BOUNDARY_COLOUR_WEIGHT * (picture - constant) ** 2
        return tf.reduce_sum((roughness + offness) * _border(picture, width_px), axis=WHOLE_IMAGE)

    return Objective(score)


def alpha() -> Objective:
    """Return the mean opacity of the picture, 0 (all transparent) to 1."""
    return Objective(lambda T: tf.reduce_mean(_alpha_of(T), axis=WHOLE_IMAGE))


def blur_alpha() -> Objective:
    """Return what ``blur_input`` does, of the opacity alone: for soft and whole outlines."""
    return Objective(lambda T: _distance_from_blur(_alpha_of(T)))


def batch_norm(layers: Sequence[str]) -> Objective:
    """Return how far activations are from those of training, the mean over batch normalizations.

    Formula: after DeepInversion (Yin et al. 2020), equation 4, for one picture, each channel in units of its
    standard deviation s in training, where m was its mean: the mean over channels of
    ((mean - m) / s)^2 + (std / s - 1)^2. Of maps of one position there is no std, and the second is left out.

    Args:
        layers: What is optimised; the normalizations are those below.
    """

    def score(T: Activations) -> tf.Tensor:
        costs = [_distance_from_training(*made) for made in T.normalized(layers)]
        if not costs:
            raise FvcliError(
                f"no batch normalization below {', '.join(layers)} knows what it saw in training",
                "leave batch_norm out of penalties; if no penalties are written, write penalties: []",
            )
        return tf.add_n(costs) / len(costs)

    return Objective(score)


def other_classes(layer: str) -> Objective:
    """Return the logarithm of the sum of the exponentials of all logits.

    A logit less this is the logarithm of the class's probability.

    Args:
        layer: Gives the logits.
    """
    return Objective(lambda T: tf.reduce_logsumexp(T(layer)[:, 0, 0], axis=-1))


def _distance_from_training(made: tf.Tensor, mean: np.ndarray, std: np.ndarray) -> tf.Tensor:
    step = (tf.reduce_max(tf.shape(made)[1:3]) + MOST_POSITIONS - 1) // MOST_POSITIONS
    units = (made[:, ::step, ::step] - mean) / np.maximum(std, LEAST_STD)
    own_mean = tf.reduce_mean(units, axis=(1, 2))  # [batch, channels]
    variance = tf.reduce_mean((units - own_mean[:, None, None]) ** 2, axis=(1, 2))
    has_std = tf.cast(tf.reduce_prod(tf.shape(made)[1:3]) > 1, tf.float32)
    off = (tf.sqrt(variance + LEAST_VARIANCE) - 1.0) ** 2 * has_std
    return tf.reduce_mean(own_mean**2 + off, axis=-1)


def _alpha_of(T: Activations) -> tf.Tensor:
    picture = T("input")
    if picture.shape[-1] <= ALPHA:
        raise FvcliError(
            f"a picture of {picture.shape[-1]} channels has no transparency",
            "use a parameterization with an alpha channel",
        )
    return picture[..., ALPHA : ALPHA + 1]  # [batch, h, w, 1]


def _distance_from_blur(picture: tf.Tensor) -> tf.Tensor:
    blurred = tf.stop_gradient(_blurred(picture, side_px=3))
    return 0.5 * tf.reduce_sum((picture - blurred) ** 2, axis=WHOLE_IMAGE)


def _blurred(picture: tf.Tensor, side_px: int) -> tf.Tensor:
    """Return weighted means about each pixel of each channel, of those pixels that are in the picture.

    Weights are 1 inside of the square and .5 on its rim (Lucid).
    """
    weights = np.full((side_px, side_px, picture.shape[-1], 1), 0.5, np.float32)
    weights[1:-1, 1:-1] = 1.0

    def sums(images: tf.Tensor) -> tf.Tensor:
        return tf.nn.depthwise_conv2d(images, weights, [1, 1, 1, 1], "SAME")

    return sums(picture) / sums(tf.ones_like(picture[:1]))


def _border(picture: tf.Tensor, width_px: int) -> tf.Tensor:
    """Return 1 at less than width_px from an edge, else 0: float32 [h, w, 1]."""
    height, width = (tf.range(size) for size in tf.unstack(tf.shape(picture)[1:3]))
    near = tf.minimum(height, height[::-1])[:, None] < width_px
    near |= tf.minimum(width, width[::-1])[None, :] < width_px
    return tf.cast(near[..., None], tf.float32)
