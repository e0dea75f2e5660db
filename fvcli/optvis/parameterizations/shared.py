"""What pictures that are optimised together have in common: coarse layers that all of them share.

    picture 0 --+                            own params 0
    picture 1 --+-- one coarse layer    +    own params 1    --> RGB --sigmoid--> [0, 1]
    picture 2 --+                            own params 2

Pictures of neighbours on a line between two objectives then put the same things in the same places, and
a film through them runs smoothly (Mordvintsev et al. 2018, "Aligned Feature Visualization Interpolation").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from fvcli.optvis.parameterizations.base import Arrays, Parameterization, Params, coloured, normal, squashing
from fvcli.optvis.parameterizations.joined import joined
from fvcli.optvis.parameterizations.laplacian import enlarged


def with_shared(own: Parameterization, common: Parameterization) -> Parameterization:
    """Add what pictures share to what each has of its own, before both are squashed.

    Params are those of ``own``, then those of ``common``. Where ascents start from given pictures, all of
    them is each picture's own.

    Args:
        own: Any parameterization with ``values``, such as ``fourier``.
        common: From ``shared``, of the same size and channels.
    """
    count = own.parts

    def values(params: Params) -> tf.Tensor:
        return own.values(params[:count]) + common.values(params[count:])

    def from_image(images: np.ndarray) -> Arrays:
        like = common.initial([np.random.default_rng(0)] * len(images))
        return (*own.from_image(images), *(np.zeros_like(array) for array in like))

    return squashing(
        values, own.squash, from_image=from_image if own.from_image else None, **joined(own, common)
    )


def shared(
    height_px: int,
    width_px: int,
    channels: int = 3,
    members: int = 6,
    sides: Sequence[int] = (64, 32, 16, 8),
    ends: Sequence[int] = (16, 8),
    decorrelate: bool = True,
    std: float = 0.01,
    squash: str = "sigmoid",
) -> Parameterization:
    """Write coarse layers that the pictures of a group share.

    Formula: Lucid's notebook of the article: a sum of enlarged tensors from N(0, std), some one for the
    group, some two of which picture k of K takes (1 - t) of the first and t of the second, t = k / (K - 1).

    So that a picture can be moved or left alone without its group, each has a copy of every tensor: what
    is used is their mean. Copies start alike and have equal gradients, so they stay alike unless the
    optimizer measures its steps by the whole gradient of a picture.

    Args:
        height_px, width_px: Size of the pictures.
        channels: Of the pictures; colours are decorrelated only where there are three.
        members: Pictures of a group: those of a batch follow each other, group by group.
        sides: Longer sides of the tensors that a group has one of, in pixels.
        ends: Longer sides of those that it has two of.
        decorrelate: Optimise decorrelated colours.
        std: Standard deviation of the initial params.
        squash: How pixels are brought into [0, 1]; see ``colour.squashed``.
    """
    size = (height_px, width_px)
    shapes = [(1, *_coarse(size, side), channels) for side in sides]
    shapes += [(2, *_coarse(size, side), channels) for side in ends]

    def initial(streams: Sequence[np.random.Generator]) -> Arrays:
        firsts = streams[::members]
        return tuple(np.repeat(normal(firsts, shape, std), members, axis=0) for shape in shapes)

    def values(params: Params) -> tf.Tensor:
        layers = [enlarged(_of_each(copies, members), size) for copies in params]
        return coloured(tf.add_n(layers), decorrelate)

    return squashing(values, squash, parts=len(shapes), initial=initial, pool=_pooled, settled=_settled)


def _coarse(size: tuple[int, int], longer: int) -> tuple[int, int]:
    """Return height and width of that longer side and about the aspect of size, at most size."""
    factor = min(1.0, longer / max(size))
    return tuple(max(1, round(side * factor)) for side in size)


def _of_each(copies: tf.Tensor, members: int) -> tf.Tensor:
    """Return what each picture has of its group's tensors: [batch, n, h, w, c] -> [batch, h, w, c]."""
    batch, ends, *shape = copies.shape
    group = tf.reduce_mean(tf.reshape(copies, [batch // members, members, ends, *shape]), axis=1)
    if ends == 1:
        return tf.repeat(group[:, 0], members, axis=0)
    t = np.linspace(0.0, 1.0, members, dtype=np.float32)[:, None, None, None]
    mixed = _mixed(group[:, None, 0], group[:, None, 1], t)  # [groups, members, h, w, c]
    return tf.reshape(mixed, [batch, *shape])


def _settled(params: Params, place: float) -> Params:
    """Put what a place has of two tensors [batch, 2, h, w, c] into both."""
    return tuple(
        layer if layer.shape[1] == 1 else tf.repeat(_mixed(layer[:, :1], layer[:, 1:], place), 2, axis=1)
        for layer in params
    )


def _mixed(first: tf.Tensor, second: tf.Tensor, t: float | np.ndarray) -> tf.Tensor:
    return first * (1.0 - t) + second * t


def _pooled(squares: Params) -> Params:
    return tuple(tf.reduce_mean(layer, axis=(2, 3), keepdims=True) for layer in squares)
