"""By which channels of the layers below a unit's value comes about: gradient x activation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import tensorflow as tf

from fvcli.models.loaded.model import LoadedModel
from fvcli.optvis.activations import Activations
from fvcli.optvis.compiled import compiled
from fvcli.plan import Program, Unit
from fvcli.worker.assets import Assets
from fvcli.worker.builders import build_objective, maps_of, unit_arrays
from fvcli.worker.trust.photo_pixels import batch_for, batches_of, joined


class RelevanceFlow:
    """The products of gradient and activation below the units of a program.

    Args:
        program: Of the units.
        units: Any of the program, at least one.
        model: The network.
        assets: What units read from files.
        layers: Which layers below.
    """

    def __init__(
        self,
        program: Program,
        units: Sequence[Unit],
        model: LoadedModel,
        assets: Assets,
        layers: Sequence[str],
    ) -> None:
        size_px = program.height_px, program.width_px
        targets = [term.layer for term in program.terms]
        self._batch = batch_for(model.facts, targets, program.input_px or size_px)
        centres, channels = maps_of(program, model.facts, size_px)
        self._arrays = unit_arrays(units, program, channels, assets)
        self._network = model.network(input_px=program.input_px)
        self._objective = partial(build_objective, program, centres)
        self._layers = layers
        self._look = compiled(self._worked_out)

    def of(self, pixels: np.ndarray, place: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return what one unit's value is made of in each picture.

        Args:
            pixels: uint8 [P, h, w, channels], of the size of the program's pictures.
            place: Of the unit among the units.

        Returns:
            Of each layer float32 [P, channels]: gradient of the signed objective x activation, summed over
            positions; and the activation's mean over positions.
        """
        arrays = {name: tf.constant(value[[place] * self._batch]) for name, value in self._arrays.items()}
        found = [self._look(tf.constant(batch), arrays) for batch in batches_of(pixels, self._batch)]
        products, means = zip(*found, strict=True)  # of each batch
        return joined(products, len(pixels)), joined(means, len(pixels))

    def _worked_out(
        self, images: tf.Tensor, arrays: Mapping[str, tf.Tensor]
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        pictures = tf.cast(images, tf.float32) / 255.0
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            reading = self._network(pictures, redirect=False)
            maps = [reading.value(layer) for layer in self._layers]
            score = tf.reduce_sum(self._objective(arrays)(Activations(reading, pictures)))
        gradients = tape.gradient(score, maps, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        products = [
            _over_positions(tf.reduce_sum, tf.cast(value, tf.float32) * tf.cast(gradient, tf.float32))
            for value, gradient in zip(maps, gradients, strict=True)
        ]
        return products, [_over_positions(tf.reduce_mean, tf.cast(value, tf.float32)) for value in maps]


def _over_positions(reduce: object, value: tf.Tensor) -> tf.Tensor:
    """Return [batch, channels] of [batch, ..., channels]."""
    axes = list(range(1, value.shape.rank - 1))
    return reduce(value, axis=axes) if axes else value  # type: ignore[operator]
