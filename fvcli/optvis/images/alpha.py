"""Transparent pictures: opacity as one more plane.

What an objective does not need may then fade away (Mordvintsev et al. 2018, "Differentiable Image
Parameterizations"). Views lay pictures over backgrounds that change at every step, so that no colour can
stand in for fading; see ``transforms.collapse_alpha``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from fvcli.optvis.images.base import Arrays, Numbers, Parameterization
from fvcli.optvis.images.joined import joined

ToImage = Callable[[Numbers], tf.Tensor]


def with_alpha(colours: Parameterization, opacity: Parameterization, channels: int = 3) -> Parameterization:
    """Give pictures a last plane, their opacity: 0 is transparent, 1 opaque.

    As in Lucid 0.3.10, opacity is a picture of one channel of its own: it goes through a sigmoid and has
    no part in the decorrelation of colours. Numbers are those of the colours, then those of the opacity.

    Args:
        colours: Any parameterization of that many channels.
        opacity: Any parameterization of one channel, of the same size.
        channels: Without opacity. ``from_image`` takes pictures of that many, which are opaque, or of one
            more.
    """

    def stacked(to_colours: ToImage, to_opacity: ToImage) -> ToImage:
        count = colours.parts
        return lambda numbers: tf.concat([to_colours(numbers[:count]), to_opacity(numbers[count:])], axis=-1)

    def from_image(images: np.ndarray) -> Arrays:
        last = images[..., channels:] if images.shape[-1] > channels else np.ones_like(images[..., :1])
        return (*colours.from_image(images[..., :channels]), *opacity.from_image(last))

    def larger(height_px: int, width_px: int) -> ToImage:
        return stacked(colours.larger(height_px, width_px), opacity.larger(height_px, width_px))

    return Parameterization(
        to_image=stacked(colours.to_image, opacity.to_image),
        from_image=from_image if colours.from_image and opacity.from_image else None,
        larger=larger if colours.larger and opacity.larger else None,
        transparent=True,
        **joined(colours, opacity),
    )
