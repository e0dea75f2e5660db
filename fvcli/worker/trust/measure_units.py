"""What a network says of the saved pictures of units, and of photos, for units that are compiled together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import tensorflow as tf

from fvcli.models.loaded.model import LoadedModel
from fvcli.optvis.activations import opaque
from fvcli.plan import Program, Unit
from fvcli.trust.measured import Left, Way
from fvcli.worker.assets import Assets
from fvcli.worker.device import Device
from fvcli.worker.trust.objective_values import ObjectiveValues
from fvcli.worker.trust.photo_pixels import BATCH
from fvcli.worker.trust.pooled_features import PooledFeatures
from fvcli.worker.trust.relevance_flow import RelevanceFlow
from fvcli.worker.trust.views import jpeg_of, views_of

WAY_PHOTOS = (BATCH - 1) // 2  # of each half, so that they and the picture are one batch

Made = TypeVar("Made")


class MeasureUnits:
    """A network, asked about units that are compiled together.

    Args:
        program: Of the units, or one that compiles alike.
        units: At least one.
        model: The network.
        assets: What units read from files.
        device: What computes it.
        layers: The layers below that the way is looked at in; none where there are none.
    """

    def __init__(
        self,
        program: Program,
        units: Sequence[Unit],
        model: LoadedModel,
        assets: Assets,
        device: Device,
        layers: Sequence[str],
    ) -> None:
        self._program, self._units, self._lanes = program, units, device.lanes
        self._values = ObjectiveValues(program, units, model, assets, device)
        self._flow = RelevanceFlow(program, units, model, assets, layers) if layers else None
        self._pooled = PooledFeatures(model, layers, device, self._values.size_px) if layers else None

    def values(self, photos: np.ndarray) -> np.ndarray:
        """Return every unit's signed objective of photos, float32 [photos, units]."""
        return self._values.of_photos(photos)

    def means(self, photos: np.ndarray) -> list[np.ndarray]:
        """Return the mean activations of photos in the layers below, [photos, channels] of each."""
        return [] if self._pooled is None else self._pooled(photos)

    def left(self, pictures: Sequence[np.ndarray]) -> list[Left]:
        """Return what becomes of each unit's picture, uint8 [h, w, channels] without opacity."""

        def of(place: int) -> Left:
            picture = pictures[place]
            views = views_of(picture, self._centre(self._units[place]))
            found = self._values.of_pictures([picture, *views, jpeg_of(picture)], place)
            return Left(float(found[0]), found[1:-1], float(found[-1]))

        return self._each(of)

    def ways(self, pictures: Sequence[np.ndarray], photos: Sequence[np.ndarray]) -> list[Way]:
        """Return the way of each unit's picture and of its photos.

        Args:
            pictures: Of each unit, uint8 [h, w, channels].
            photos: Of each unit, uint8 [2 x WAY_PHOTOS, h, w, channels]: of the half that explains, then of
                the half that asks.
        """
        flow = self._flow
        if flow is None:
            return [Way((), ()) for _ in self._units]

        def of(place: int) -> Way:
            return Way(*flow.of(np.concatenate([pictures[place][None], photos[place]]), place))

        return self._each(of)

    def _each(self, of: Callable[[int], Made]) -> list[Made]:
        with ThreadPoolExecutor(self._lanes) as pool:
            return [*pool.map(of, range(len(self._units)))]

    def _centre(self, unit: Unit) -> tuple[float, float] | None:
        """Return where a neuron's window has its centre, in pixels; None of units that see everything."""
        canvas = self._program.canvas_of(unit)
        if canvas is None:
            return None
        return canvas["top"] + (canvas["height"] - 1) / 2, canvas["left"] + (canvas["width"] - 1) / 2


def seen_pixels(program: Program, picture: np.ndarray) -> np.ndarray:
    """Return a saved picture, uint8 [h, w, channels], as the network gets it when it is scored.

    One that was saved at another size (``save_px``) is brought to that of the ascent. Opacity is laid over
    mid grey; where it only says where the gradient was large, it is left out.
    """
    if program.settings.attention:
        return picture[..., :-1]
    size_px = program.height_px, program.width_px
    is_of_size = picture.shape[:2] == size_px
    if is_of_size and not program.settings.is_transparent:
        return picture
    seen = tf.constant(picture[None] / np.float32(255))
    seen = seen if is_of_size else tf.image.resize(seen, size_px, method="area")
    seen = opaque(seen) if program.settings.is_transparent else seen
    pixels: np.ndarray = np.rint(seen[0].numpy() * 255).astype(np.uint8)
    return pixels
