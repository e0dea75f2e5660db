"""The objectives of units on photos and on pictures: what ``score.saved`` is, of anything.

photos --network, each layer once--> activations --objective of each unit--> [photos, units]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import tensorflow as tf

from fvcli.models.loaded.model import LoadedModel
from fvcli.optvis.activations import Activations, KnownMaps
from fvcli.optvis.compiled import compiled
from fvcli.plan import Program, Unit
from fvcli.worker.assets import Assets
from fvcli.worker.builders import build_objective, maps_of, unit_arrays
from fvcli.worker.device import Device
from fvcli.worker.trust.photo_pixels import batch_for, batches_of, in_lanes


class ObjectiveValues:
    """The plain objectives of the units of a program; signed, so that more is always what was asked for.

    Args:
        program: Of the units.
        units: Any of the program, at least one.
        model: The network.
        assets: What units read from files.
        device: What computes it.
        size_px: Height and width of the photos; by default those of the program's pictures.
    """

    def __init__(
        self,
        program: Program,
        units: Sequence[Unit],
        model: LoadedModel,
        assets: Assets,
        device: Device,
        size_px: tuple[int, int] | None = None,
    ) -> None:
        self.size_px = size_px or (program.height_px, program.width_px)
        self.channels = model.facts.input_channels
        self._units, self._lanes = units, device.lanes
        centres, channels = maps_of(program, model.facts, self.size_px)
        self._arrays = unit_arrays(units, program, channels, assets)
        self._network = model.network(input_px=program.input_px)
        self._objective = partial(build_objective, program, centres)
        self._layers = [term.layer for term in program.terms]
        self._batch = batch_for(model.facts, self._layers, program.input_px or self.size_px)
        self._all = compiled(self._of_all)
        self._each = compiled(self._of_each)

    def of_photos(self, photos: np.ndarray) -> np.ndarray:
        """Return every unit's value of every photo, float32 [photos, units].

        Args:
            photos: uint8 [photos, h, w, channels].
        """
        arrays = {name: tf.constant(value) for name, value in self._arrays.items()}

        def of_batch(batch: np.ndarray) -> np.ndarray:
            values: np.ndarray = self._all(tf.constant(batch), arrays).numpy()
            return values

        found = in_lanes(batches_of(photos, self._batch), of_batch, self._lanes)
        return np.concatenate([*found])[: len(photos)]

    def of_pictures(self, pixels: Sequence[np.ndarray] | np.ndarray, place: int) -> np.ndarray:
        """Return what pictures are worth to one unit, float32 [pictures].

        Args:
            pixels: uint8 [h, w, channels] each, of the photos' size.
            place: Of the unit among the units.
        """
        arrays = {name: tf.constant(value[[place] * self._batch]) for name, value in self._arrays.items()}
        found = [self._each(tf.constant(batch), arrays).numpy() for batch in batches_of(pixels, self._batch)]
        return np.concatenate(found)[: len(pixels)]

    def _of_all(self, images: tf.Tensor, arrays: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Return [batch, units]; the network is asked once."""
        pictures = tf.cast(images, tf.float32) / 255.0
        reading = self._network(pictures, redirect=False)
        known = KnownMaps({layer: reading(layer) for layer in self._layers})

        def of_unit(unit: Mapping[str, tf.Tensor]) -> tf.Tensor:
            spread = {name: tf.repeat(value[None], self._batch, axis=0) for name, value in unit.items()}
            return self._objective(spread)(Activations(known, pictures))

        values = tf.map_fn(
            of_unit, dict(arrays), fn_output_signature=tf.TensorSpec([self._batch], tf.float32)
        )
        return tf.transpose(values)

    def _of_each(self, images: tf.Tensor, arrays: Mapping[str, tf.Tensor]) -> tf.Tensor:
        pictures = tf.cast(images, tf.float32) / 255.0
        return self._objective(arrays)(Activations(self._network(pictures, redirect=False), pictures))
