"""Transparent pictures: opacity as one more plane.

What an objective does not need may then fade away (Mordvintsev et al. 2018, "Differentiable Image
Parameterizations"). Views lay pictures over backgrounds that change at every step, so that no colour can
stand in for fading; see ``transforms.collapse_alpha``.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from fvcli.optvis.parameterizations.base import Arrays, Parameterization, Params
from fvcli.optvis.parameterizations.joined import joined


def with_alpha(colours: Parameterization, opacity: Parameterization, channels: int = 3) -> Parameterization:
    """Give pictures a last plane, their opacity: 0 is transparent, 1 opaque.

    As in Lucid 0.3.10, opacity is a picture of one channel of its own: it goes through a sigmoid and has
    no part in the decorrelation of colours. Params are those of the colours, then those of the opacity.

    Args:
        colours: Any parameterization of that many channels.
        opacity: Any parameterization of one channel, of the same size.
        channels: Without opacity. ``from_image`` takes pictures of that many, which are opaque, or of one
            more.
    """

    count = colours.parts

    def to_image(params: Params) -> tf.Tensor:
        return tf.concat([colours.to_image(params[:count]), opacity.to_image(params[count:])], axis=-1)

    def from_image(images: np.ndarray) -> Arrays:
        last = images[..., channels:] if images.shape[-1] > channels else np.ones_like(images[..., :1])
        return (*colours.from_image(images[..., :channels]), *opacity.from_image(last))

    return Parameterization(
        to_image=to_image,
        from_image=from_image if colours.from_image and opacity.from_image else None,
        transparent=True,
        **joined(colours, opacity),
    )
