"""How much the best of some photos excites each unit: what pictures of ``diversity`` have to beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from fvcli.media import find_stills, read_picture_sized, sha256_of_all
from fvcli.models.files.checksums import check_sum
from fvcli.optvis.activations import KnownMaps
from fvcli.optvis.ascent import MakeObjective, Units
from fvcli.optvis.compiled import compiled
from fvcli.optvis.network import Network
from fvcli.plan import Program, Unit

Stopped = Callable[[], bool]


class BestPhoto(NamedTuple):
    """The photo that a unit likes best: its plain objective, with the unit's sign, and its file name."""

    score: float
    name: str


class BestPhotos:
    """Finds the best photo of units, all in one look of the network at each photo.

    Several threads may ask at a time.

    Args:
        network: Without redirected gradients; what whole pictures are scored with.
        objective: Units as tensors -> the plain objective.
        program: Of the units. As many photos are looked at at a time as pictures are optimised together.
        channels: Of the network's input.
        units: Those that may be asked about, and their arrays.
    """

    def __init__(
        self,
        network: Network,
        objective: MakeObjective,
        program: Program,
        channels: int,
        units: Callable[[], tuple[Sequence[Unit], Units]],
    ) -> None:
        (coupling,) = (one for one in program.couplings if one.weight is None)
        self._folder, self._sum = str(coupling.folder), str(coupling.photos)
        self._network, self._objective = network, objective
        self._layers = program.layers
        self._size_px, self._channels = (program.height_px, program.width_px), channels
        self._count = program.members
        self._units = units
        self._found: Mapping[str, BestPhoto] | None = None
        self._lock = Lock()

    def of(
        self, units: Sequence[Unit], stopped: Stopped, came_on: Callable[[], None]
    ) -> list[BestPhoto] | None:
        """Return the best photo of each unit; None if it was stopped.

        Args:
            units: Some of those that may be asked about.
            stopped: Asked before each look at some photos.
            came_on: Called after each.

        Raises:
            FvcliError: Photos are gone, or are others than were planned with.
        """
        with self._lock:
            if self._found is None:
                self._found = self._look(stopped, came_on)
        return None if self._found is None else [self._found[unit.identity] for unit in units]

    def _look(self, stopped: Stopped, came_on: Callable[[], None]) -> Mapping[str, BestPhoto] | None:
        photos = find_stills(self._folder, None)
        check_sum(Path(self._folder), sha256_of_all(photos), self._sum)
        units, arrays = self._units()
        tensors = {name: tf.constant(value) for name, value in arrays.items()}
        look = compiled(self._scores)
        rows = []
        for start in range(0, len(photos), self._count):
            if stopped():
                return None
            some = [photos[min(start + i, len(photos) - 1)].path for i in range(self._count)]
            images = np.stack([read_picture_sized(Path(p), self._size_px, self._channels) for p in some])
            rows.append(look(tf.constant(images), tensors).numpy())
            came_on()
        scores = np.concatenate(rows, axis=1)[:, : len(photos)]  # [units, photos]
        best = scores.argmax(axis=1)
        names = [Path(photo.path).name for photo in photos]
        return {
            unit.identity: BestPhoto(float(row[i]), names[i])
            for unit, row, i in zip(units, scores, best, strict=True)
        }

    def _scores(self, images: tf.Tensor, units: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Return the plain objective of each unit on each image, [units, images]."""
        reading = self._network(images, redirect=False)
        maps = KnownMaps({layer: reading(layer) for layer in self._layers})

        def of_one(unit: Mapping[str, tf.Tensor]) -> tf.Tensor:
            on_each = {name: tf.repeat(value[None], self._count, axis=0) for name, value in unit.items()}
            return self._objective(on_each)(maps)

        return tf.map_fn(of_one, dict(units), fn_output_signature=tf.TensorSpec([self._count], tf.float32))
