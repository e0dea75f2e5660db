"""What every parameterization is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from fvcli.optvis.colour import correlate, squashed

Params = tuple[tf.Tensor, ...]
Arrays = tuple[np.ndarray, ...]


def pool_all(values: Params) -> Params:
    """Return the mean of each tensor over all but the batch, in a shape that broadcasts to the tensor's."""
    return tuple(tf.reduce_mean(v, axis=list(range(1, v.shape.rank)), keepdims=True) for v in values)


def normal(streams: Sequence[np.random.Generator], shape: tuple[int, ...], std: float) -> np.ndarray:
    """Draw float32 [batch, *shape] from N(0, std), each image's part from its own stream."""
    return np.stack([s.standard_normal(shape, dtype=np.float32) * np.float32(std) for s in streams])


def straight(first: Params, second: Params, t: float | tf.Tensor) -> Params:
    """Blend the params of two pictures: one (1 - t) + other t."""
    return tuple(one * (1.0 - t) + other * t for one, other in zip(first, second, strict=True))


@dataclass(frozen=True)
class Parameterization:
    """A way to write a picture in params, a tuple of float32 tensors [batch, ...].

    initial: random streams, one an image -> the params at the start.
    to_image: params -> images [batch, h, w, channels] in [0, 1].
    pool: values like the params -> their means over the params of an image that play the same part: those
        of one colour and, of a spectrum, of one frequency band; in shapes that broadcast to the params'.
    focus: share of the ascent done, [batch], 0 to 1 -> for each tensor a factor on its step, 0 to 1, that
        can be multiplied with it; None: 1 throughout.
    from_image: images [batch, h, w, channels] in [0, 1] -> params whose image they are, as nearly as they
        can be written; None where that cannot be told.
    larger: height and width -> a ``to_image`` of that size from the same params; None where the params are
        of one size.
    transparent: Whether the last channel of its images is their opacity.
    parts: How many tensors the params are.
    values: params -> the picture in values of any range, [batch, h, w, channels], 0 for mid grey, which
        ``squash`` brings into [0, 1]: where pictures can be added up; None where there is no such stage.
    squash: See ``colour.squashed``.
    settled: params of an image that has a place in a group, and its place, 0 for the first one to 1 for the
        last -> params whose image is the same at every place; None where places do not matter.
    mix: params of two images, and 0 for the first to 1 for the second -> params between them.
    """

    initial: Callable[[Sequence[np.random.Generator]], Arrays]
    to_image: Callable[[Params], tf.Tensor]
    pool: Callable[[Params], Params] = pool_all
    focus: Callable[[tf.Tensor], tuple[tf.Tensor | float, ...]] | None = None
    from_image: Callable[[np.ndarray], Arrays] | None = None
    larger: Callable[[int, int], Callable[[Params], tf.Tensor]] | None = None
    transparent: bool = False
    parts: int = 1
    values: Callable[[Params], tf.Tensor] | None = None
    squash: str = "sigmoid"
    settled: Callable[[Params, float], Params] | None = None
    mix: Callable[[Params, Params, float], Params] = straight


def squashing(values: Callable[[Params], tf.Tensor], squash: str, **rest: Any) -> Parameterization:
    """Return the parameterization whose images are values of any range, squashed; the rest as it is given."""
    return Parameterization(
        to_image=lambda params: squashed(values(params), squash), values=values, squash=squash, **rest
    )


def coloured(maps: tf.Tensor, decorrelate: bool) -> tf.Tensor:
    """Turn decorrelated colours [batch, h, w, channels] into RGB of any range, where there are three."""
    return correlate(maps) if decorrelate and maps.shape[-1] == 3 else maps
