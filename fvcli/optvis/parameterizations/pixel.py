"""Plain pixels."""

from __future__ import annotations

import tensorflow as tf

from fvcli.optvis.colour import to_decorrelated
from fvcli.optvis.parameterizations.base import Parameterization, Params, coloured, normal, squashing


def pixel(
    height_px: int,
    width_px: int,
    channels: int = 3,
    decorrelate: bool = True,
    std: float = 0.01,
    squash: str = "sigmoid",
) -> Parameterization:
    """Write pictures as plain pixels, initially N(0, std) around mid grey (Lucid, ``pixel_image``).

    Args:
        height_px, width_px: Size of the picture.
        channels: Of the picture; colours are decorrelated only where there are three.
        decorrelate: Optimise decorrelated colours.
        std: Standard deviation of the initial params.
        squash: How they are brought into [0, 1]; see ``colour.squashed``.
    """
    shape = (height_px, width_px, channels)

    def values(params: Params) -> tf.Tensor:
        return coloured(params[0], decorrelate)

    return squashing(
        values,
        squash,
        initial=lambda streams: (normal(streams, shape, std),),
        pool=lambda squares: (tf.reduce_mean(squares[0], axis=(1, 2), keepdims=True),),
        from_image=lambda images: (to_decorrelated(images, decorrelate, squash),),
    )
