"""Regularizers of the years before 2017, which change the picture itself after each step.

They act on pixels, params [batch, h, w, channels] of any range in which 0 is mid grey: what does not earn
its place fades, blurs or is cut away. Yosinski et al. 2015, "Understanding Neural Networks Through Deep
Visualization", section 3; their 0 is the mean photo.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from fvcli.optvis.parameterizations import Params

TRUNCATE = 4.0  # standard deviations that a Gaussian kernel reaches, as SciPy's


@dataclass(frozen=True)
class Regularizer:
    """A change of the params that is no part of the gradient.

    apply: params, the gradient of the loss that they have just moved against, step from 1 on -> params.
    """

    apply: Callable[[Params, Params, tf.Tensor], Params]


def decay(rate: float) -> Regularizer:
    """Shrink all params by a share, 0 to 1, towards mid grey: an L2 penalty as a step."""
    return Regularizer(lambda params, _gradient, _step: tuple(n * (1.0 - rate) for n in params))


def blur(sigma_px: float, every: int = 1) -> Regularizer:
    """Blur pixels after the first step and after each ``every`` steps from there on; see ``blurred``."""

    def apply(params: Params, _gradient: Params, step: tf.Tensor) -> Params:
        if every == 1:
            return tuple(blurred(n, sigma_px) for n in params)
        return tuple(
            tf.cond((step - 1) % every == 0, lambda n=n: blurred(n, sigma_px), lambda n=n: n) for n in params
        )

    return Regularizer(apply)


def clip_norm(percentile: float) -> Regularizer:
    """Make those pixels grey that are nearly so: whose L2 norm over colours is below a percentile.

    Args:
        percentile: Of the norms of an image, 0 to 100, interpolated as NumPy does.
    """

    def apply(params: Params, _gradient: Params, _step: tf.Tensor) -> Params:
        return tuple(_cut_below(n, tf.norm(n, axis=-1), percentile) for n in params)

    return Regularizer(apply)


def clip_contribution(percentile: float) -> Regularizer:
    """Make those pixels grey that hardly matter: whose contribution to the score is below a percentile.

    The contribution of a pixel is how much the score would change, were it linear, if the pixel became grey:
    the absolute value of the sum over colours of number times gradient, as in the paper. (Their toolbox has
    two variants; one of them keeps the sign.)

    Args:
        percentile: Of the contributions in an image, 0 to 100, interpolated as NumPy does.
    """

    def apply(params: Params, gradient: Params, _step: tf.Tensor) -> Params:
        changes = (tf.abs(tf.reduce_sum(n * g, axis=-1)) for n, g in zip(params, gradient, strict=True))
        return tuple(_cut_below(n, c, percentile) for n, c in zip(params, changes, strict=True))

    return Regularizer(apply)


def _cut_below(params: tf.Tensor, values: tf.Tensor, percentile: float) -> tf.Tensor:
    """Set pixels to 0 whose value, [batch, h, w], is below the percentile of the image's values."""
    kept = values >= _percentile(values, percentile)[:, None, None]
    return tf.where(kept[..., None], params, 0.0)


def _percentile(values: tf.Tensor, percentile: float) -> tf.Tensor:
    """Return [batch]: the percentile of each image's values [batch, h, w], linear between two of them."""
    batch, height, width = values.shape
    ranked = tf.sort(tf.reshape(values, [batch, height * width]), axis=1)
    place = percentile / 100.0 * (height * width - 1)
    below, above = ranked[:, int(place)], ranked[:, int(np.ceil(place))]
    return below + (above - below) * (place - int(place))


def blurred(images: tf.Tensor, sigma_px: float) -> tf.Tensor:
    """Blur images [batch, h, w, channels] with a Gaussian; SciPy's ``gaussian_filter`` and its borders.

    Args:
        images: Of any range.
        sigma_px: Standard deviation; the kernel reaches four of them. 0 changes nothing.
    """
    kernel = _gaussian(sigma_px)
    height, width = images.shape[1:3]
    rows = _mirrored(images, len(kernel) // 2, axis=1)
    down = sum(weight * rows[:, i : i + height] for i, weight in enumerate(kernel))
    columns = _mirrored(down, len(kernel) // 2, axis=2)
    return sum(weight * columns[:, :, i : i + width] for i, weight in enumerate(kernel))


def _mirrored(images: tf.Tensor, reach: int, axis: int) -> tf.Tensor:
    """Continue images beyond both borders by their mirror image, as often as it takes."""
    return tf.gather(images, np.pad(np.arange(images.shape[axis]), reach, "symmetric"), axis=axis)


def _gaussian(sigma_px: float) -> np.ndarray:
    """Return the weights of a Gaussian kernel, float32 of odd length and sum 1."""
    reach = int(TRUNCATE * sigma_px + 0.5)
    places = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (places / sigma_px) ** 2) if reach else np.ones(1)
    return (weights / weights.sum()).astype(np.float32)
