"""Pictures from a learned prior: the code of a generator is optimised, not the picture.

    code --bounded--> generator --resized--> [0, 1]

Pictures then look like what the generator was trained on (Nguyen et al. 2016, "Synthesizing the preferred
inputs for neurons in neural networks via deep generator networks").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from fvcli.optvis.colour import clipped
from fvcli.optvis.parameterizations.base import Parameterization, Params, normal


def generator(
    decode: Callable[[tf.Tensor], tf.Tensor],
    code_shape: Sequence[int],
    height_px: int,
    width_px: int,
    std: float = 1.0,
    bound: float | None = None,
) -> Parameterization:
    """Write pictures as codes of a generator, initially N(0, std).

    Args:
        decode: Codes [batch, *code_shape] -> images [batch, h, w, channels] in [0, 1], of any size; each
            image from its own code alone.
        code_shape: Of one code.
        height_px, width_px: Size of the picture; what the generator makes is resampled bilinearly to it.
        std: Standard deviation of the initial code, and of codes as the generator knows them.
        bound: Codes are kept within so many standard deviations of zero, as the article keeps them within
            what the generator was trained on; None lets them go anywhere.
    """
    limit = None if bound is None else bound * std

    def to_image(params: Params) -> tf.Tensor:
        codes = params[0] if limit is None else clipped(params[0], -limit, limit)
        return tf.image.resize(decode(codes), (height_px, width_px))

    return Parameterization(
        initial=lambda streams: (normal(streams, tuple(code_shape), std),),
        to_image=to_image,
    )
