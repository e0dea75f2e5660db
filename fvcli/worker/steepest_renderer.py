"""The direction in which a given picture would move first, under some metric: no ascent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from fvcli.media import as_8_bits
from fvcli.models.loaded.model import LoadedModel
from fvcli.optvis.activations import Activations
from fvcli.optvis.compiled import compiled
from fvcli.optvis.steepest_direction import shown, steepest
from fvcli.plan import Program, Unit
from fvcli.worker.ascent_renderer import Outcome, Report, Stopped
from fvcli.worker.assets import Assets
from fvcli.worker.builders import build_objective, maps_of, unit_arrays
from fvcli.worker.device import Device

STEP = 1 / 255  # root mean square of the step along the direction after which the score is taken


class SteepestRenderer:
    """Makes pictures of directions.

    Args:
        program: Of the plan.
        model: The network.
        device: Where it runs.
        assets: What units read from files.
    """

    def __init__(self, program: Program, model: LoadedModel, device: Device, assets: Assets) -> None:
        self._size = (program.height_px, program.width_px)
        self._centres, self._channels = maps_of(program, model.facts, self._size)
        self._program = program
        self._network = model.network(input_px=program.input_px)
        self._assets = assets
        self._look = compiled(self._gradient)

    def render(
        self, program: Program, units: Sequence[Unit], size: int, report: Report, stopped: Stopped
    ) -> list[Outcome] | None:
        """Make the pictures of units; see ``AscentRenderer.render``.

        ``start`` is the score of the picture itself, ``end`` that after a small step along the direction.
        """
        slots = [*units, *[units[0]] * (size - len(units))]
        arrays = {
            name: tf.constant(array)
            for name, array in unit_arrays(slots, program, self._channels, self._assets).items()
        }
        images = np.stack([self._assets.picture(str(unit.picture), self._size) for unit in slots])
        start, gradient = (tensor.numpy() for tensor in self._look(tf.constant(images), arrays))
        metric = program.settings.steepest
        assert metric is not None  # or it is no steepest direction
        directions = steepest(gradient, metric)
        length = np.sqrt((directions**2).mean(axis=(1, 2, 3), keepdims=True))
        moved = images + STEP * directions / np.maximum(length, np.finfo(np.float32).tiny)
        pixels = as_8_bits(shown(directions))
        end, saved = (
            self._look(tf.constant(x, tf.float32), arrays)[0].numpy() for x in (moved, pixels / 255)
        )
        silent = (gradient == 0).all(axis=(1, 2, 3))
        finite = np.isfinite(gradient).all(axis=(1, 2, 3))
        report(1.0)
        return [
            Outcome(
                pixels[i],
                start=float(start[i]),
                end=float(end[i]),
                saved=float(saved[i]),
                silent=bool(silent[i]),
                finite=bool(finite[i]),
                steps=1,
            )
            for i in range(len(units))
        ]

    def score(self, program: Program, units: Sequence[Unit], pixels: np.ndarray) -> np.ndarray:
        """Return the signed plain objective of pictures; see ``AscentRenderer.score``."""
        given = unit_arrays(units, program, self._channels, self._assets)
        arrays = {name: tf.constant(array) for name, array in given.items()}
        scores: np.ndarray = self._look(tf.constant(pixels / 255, tf.float32), arrays)[0].numpy()
        return scores

    def _gradient(self, images: tf.Tensor, units: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the scores of pictures, and their gradient with respect to pixels."""
        with tf.GradientTape() as tape:
            tape.watch(images)
            seen = Activations(self._network(images, redirect=False), images)
            scores = build_objective(self._program, self._centres, units)(seen)
        return scores, tape.gradient(scores, images)
