"""What objectives see: activations of the views, the picture itself, and a target beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf

from fvcli.optvis.network import Reading
from fvcli.optvis.objectives import select

INPUT = "input"  # as Lucid calls the picture before its transforms
GREY = 0.5  # what is behind a transparent picture where it is scored


class KnownMaps:
    """Layers that are computed already, read as a network's are, so that no unit computes them again.

    Args:
        maps: float32 [batch, h, w, channels] by layer.
    """

    def __init__(self, maps: Mapping[str, tf.Tensor]) -> None:
        self._maps = maps

    def __call__(self, layer: str) -> tf.Tensor:
        return self._maps[layer]

    def channel(self, layer: str, n: tf.Tensor | int) -> tf.Tensor:
        return select(self._maps[layer], n)


class Activations:
    """T: layer name -> activations of the views; ``input`` -> the picture that they are views of.

    Args:
        reading: The network on the views.
        picture: [batch, h, w, channels] in [0, 1], before the transforms.
        target: The network on what the pictures are compared with, seen through the same transforms.
    """

    def __init__(
        self, reading: Reading | KnownMaps, picture: tf.Tensor, target: Reading | None = None
    ) -> None:
        self._reading = reading
        self._picture = picture
        self._target = target

    def __call__(self, layer: str) -> tf.Tensor:
        """Return a layer's activations, float32 [batch, h, w, channels]."""
        return self._picture if layer == INPUT else self._reading(layer)

    def channel(self, layer: str, n: tf.Tensor | int) -> tf.Tensor:
        """Return channel n of a layer, [batch, h, w]."""
        return select(self._picture, n) if layer == INPUT else self._reading.channel(layer, n)

    def normalized(self, layers: Sequence[str]) -> Iterator[tuple[tf.Tensor, np.ndarray, np.ndarray]]:
        """Yield what each batch normalization below some layers makes; see ``Reading.normalized``."""
        assert isinstance(self._reading, Reading)  # or nothing asks for it
        return self._reading.normalized(layers)

    def target(self, layer: str) -> tf.Tensor:
        """Return a layer's activations of the target, [batch, h, w, channels]."""
        assert self._target is not None  # or the plan refuses the objective
        return self._target(layer)


def opaque(pictures: tf.Tensor, background: tf.Tensor | float = GREY) -> tf.Tensor:
    """Lay transparent pictures over a background.

    Args:
        pictures: [batch, h, w, channels + 1] in [0, 1], with opacity as their last plane.
        background: In [0, 1], something that broadcasts to the colours.

    Returns:
        [batch, h, w, channels] in [0, 1].
    """
    colours, opacity = pictures[..., :-1], pictures[..., -1:]
    return colours * opacity + background * (1.0 - opacity)
