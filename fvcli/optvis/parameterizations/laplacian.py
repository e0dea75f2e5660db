"""Pictures as sums of coarse and fine layers.

    side     side // 2     side // 4     side // 8
    [....] +   [..]      +   [.]       +   .        each enlarged to the full size --> decorrelated colours

A number of a coarse layer moves a large blob at once, so that low frequencies grow as fast as high ones.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from fvcli.optvis.colour import to_decorrelated
from fvcli.optvis.parameterizations.base import Arrays, Parameterization, Params, coloured, normal, squashing


def laplacian(
    height_px: int,
    width_px: int,
    channels: int = 3,
    decorrelate: bool = True,
    std: float = 0.01,
    levels: int = 4,
    squash: str = "sigmoid",
) -> Parameterization:
    """Write pictures as a pyramid: tensors whose sides are side // 2^n, enlarged and summed.

    Formula: Lucid 0.3.10, ``laplacian_pyramid_image``: params [batch, h // 2^n, w // 2^n, channels] for n
    from 0 to levels - 1, from N(0, std). Lucid enlarges with TensorFlow 1's bilinear resampling, which
    shifts each level against the others by up to half of one of its pixels; here levels share their centre.

    Args:
        height_px, width_px: Size of the picture, any, odd too.
        channels: Of the picture; colours are decorrelated only where there are three.
        decorrelate: Optimise decorrelated colours.
        std: Standard deviation of the initial params.
        levels: How many; the first has the size of the picture.
        squash: How pixels are brought into [0, 1]; see ``colour.squashed``.
    """
    size = (height_px, width_px)
    sizes = [tuple(max(1, side >> n) for side in size) for n in range(levels)]

    def values(params: Params) -> tf.Tensor:
        return coloured(tf.add_n([enlarged(level, size) for level in params]), decorrelate)

    def from_image(images: np.ndarray) -> Arrays:
        return _split_up(to_decorrelated(images, decorrelate, squash), sizes)

    return squashing(
        values,
        squash,
        parts=levels,
        initial=lambda streams: tuple(normal(streams, (*size, channels), std) for size in sizes),
        pool=lambda squares: tuple(tf.reduce_mean(level, axis=(1, 2), keepdims=True) for level in squares),
        from_image=from_image,
    )


def enlarged(maps: tf.Tensor, size_px: tuple[int, int]) -> tf.Tensor:
    """Resample maps [batch, h, w, channels] bilinearly, by the centres of pixels, to height and width."""
    return tf.image.resize(maps, size_px)


def _split_up(maps: np.ndarray, sizes: list[tuple[int, int]]) -> Arrays:
    """Give each level, from the coarsest on, the mean of what the coarser ones leave over."""
    rest, found = maps, []
    for size in reversed(sizes):
        level = rest if size == sizes[0] else tf.image.resize(rest, size, "area").numpy()
        rest = rest - enlarged(level, sizes[0]).numpy()
        found.append(level)
    return tuple(reversed(found))
