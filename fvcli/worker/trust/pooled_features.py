"""Pooled features: the mean of each channel of a few layers over all positions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from PIL import Image

from fvcli.media.picture_pixels import sized_pixels
from fvcli.models.loaded.model import LoadedModel
from fvcli.optvis.compiled import compiled
from fvcli.worker.device import Device
from fvcli.worker.trust.photo_pixels import batch_for, batches_of, in_lanes, joined

GREY, RGB = 1, 3


class PooledFeatures:
    """A network that says what pictures are like.

    Args:
        model: The network.
        layers: What is pooled.
        device: What computes it.
        size_px: Of the pictures that it gets; by default the network's own.
        logits: The layer of the logits, whose largest is asked for, too.
    """

    def __init__(
        self,
        model: LoadedModel,
        layers: Sequence[str],
        device: Device,
        size_px: tuple[int, int] | None = None,
        logits: str | None = None,
    ) -> None:
        self.layers = tuple(layers)
        self.size_px = size_px or model.facts.native_size_px
        self.channels = model.facts.input_channels
        self._lanes = device.lanes
        read = [*self.layers, *([logits] if logits else [])]
        input_px = model.facts.input_size(read)
        network = model.network(input_px=input_px)
        self._batch = batch_for(model.facts, read, input_px or self.size_px)

        def look(images: tf.Tensor) -> list[tf.Tensor]:
            activations = network(tf.cast(images, tf.float32) / 255.0, redirect=False)
            return [tf.reduce_mean(activations(layer), axis=[1, 2]) for layer in read]

        self._look = compiled(look)

    def __call__(self, pixels: Sequence[np.ndarray] | np.ndarray) -> list[np.ndarray]:
        """Return [pictures, channels] float32 of each layer, and of the logits last, if they are asked for.

        Args:
            pixels: uint8 [h, w, 1, 3 or 4] each; of other sizes than the network's they are resized.
        """

        def look(batch: np.ndarray) -> list[np.ndarray]:
            return [part.numpy() for part in self._look(tf.constant(batch))]

        fitted = [self._fitted(picture) for picture in pixels]
        return joined(in_lanes(batches_of(fitted, self._batch), look, self._lanes), len(pixels))

    def _fitted(self, picture: np.ndarray) -> np.ndarray:
        if picture.shape == (*self.size_px, self.channels):
            return picture
        colours = np.repeat(picture, RGB, axis=-1) if picture.shape[-1] == GREY else picture
        return sized_pixels(Image.fromarray(colours), self.size_px, self.channels)
