"""One compiled program, and the pictures that it makes of units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from fvcli.models.loaded.model import LoadedModel
from fvcli.optvis.ascent import STEPS_PER_CALL, Ascent, Units
from fvcli.optvis.plateau import Plateau
from fvcli.optvis.streams import stream
from fvcli.plan import Program, Unit
from fvcli.worker.build import (
    build_climbing_objective,
    build_objective,
    build_recipe,
    unit_arrays,
)
from fvcli.worker.device import Device

GREY = 0.5  # of the picture around the canvas of a neuron


@dataclass(frozen=True)
class Outcome:
    """What a unit came to; scores are signed.

    pixels: uint8 [h, w, channels].
    start, end, saved: The plain objective before and after the ascent, and of the 8-bit picture.
    silent: No gradient reached the picture in the last step.
    finite: There is no NaN or infinity anywhere.
    steps: Steps taken.
    """

    pixels: np.ndarray
    start: float
    end: float
    saved: float
    silent: bool
    finite: bool
    steps: int


class Compiled:
    """A program ready to climb; several threads may climb with it at a time.

    Args:
        program: Of the plan.
        model: The network.
        device: Where it runs.
    """

    def __init__(self, program: Program, model: LoadedModel, device: Device) -> None:
        asked = program.settings["precision"]
        precision = device.precision if asked == "auto" else asked
        compile_it = asked == "auto" and device.is_gpu and not program.changes_size
        input_px = program.input_px
        at = model.facts.layers_at(*(input_px or (program.height_px, program.width_px)))
        centres = {name: (at[name].height // 2, at[name].width // 2) for name in program.layers}
        self._shape = (program.height_px, program.width_px)
        self._windowed = program.window is not None
        self._ascent = Ascent(
            model.network(precision, input_px),
            partial(build_climbing_objective, program, centres),
            build_recipe(program, model.facts.input_channels),
            plain=(model.network(input_px=input_px), partial(build_objective, program, centres)),
            jit_compile=compile_it,
        )

    def climb(
        self,
        program: Program,
        units: Sequence[Unit],
        size: int,
        report: Callable[[float], None],
        stopped: Callable[[], bool],
    ) -> list[Outcome] | None:
        """Make the pictures of units in one ascent; None if it was stopped.

        Args:
            program: With the steps and the seed.
            units: At most size; places without a unit repeat the first one, and are dropped.
            size: How many pictures the ascent has.
            report: Is told, from time to time, the share of the ascent that is done.
            stopped: Asked every STEPS_PER_CALL steps.
        """
        steps, seed, redirect_steps = (program.settings[k] for k in ("steps", "seed", "redirect_steps"))
        slots = [*units, *[units[0]] * (size - len(units))]
        streams = [stream(seed, unit.identity) for unit in slots]
        shared = stream(seed, "shared by the batch")
        arrays = unit_arrays(slots)
        plateau = Plateau(size, steps, program.settings["early_stop"], redirect_steps)
        state = self._ascent.start(streams)
        first = self._whole(self._ascent.picture(state.numbers).numpy(), slots)
        while plateau.moving.any():
            if stopped():
                return None
            todo = min(STEPS_PER_CALL, steps - state.step)
            state = self._ascent.climb(
                state, arrays, todo, streams, shared, steps, plateau.skipped, plateau.moving
            )
            plateau.heed(state)
            report(float((state.step + plateau.skipped.min()) / steps))
        images = self._whole(self._ascent.picture(state.numbers).numpy(), slots)
        silent = state.silent.numpy()
        return self._outcomes(first, images, silent, plateau.steps, arrays)[: len(units)]

    def _outcomes(
        self, first: np.ndarray, images: np.ndarray, silent: np.ndarray, steps: np.ndarray, arrays: Units
    ) -> list[Outcome]:
        """Round the pictures to 8 bits and score them as they began, as they are and as they are saved."""
        finite = np.isfinite(images).all(axis=(1, 2, 3))
        images = np.where(finite[:, None, None, None], images, 0.0)
        pixels = np.clip(images * 255.0 + 0.5, 0, 255).astype(np.uint8)
        scores = [self._ascent.score(x, arrays) for x in (first, images, pixels / np.float32(255))]
        finite &= np.isfinite(scores).all(axis=0)
        rows = zip(pixels, *(s.tolist() for s in (*scores, silent, finite, steps)), strict=True)
        return [Outcome(*row) for row in rows]

    def _whole(self, canvases: np.ndarray, units: Sequence[Unit]) -> np.ndarray:
        """Put each canvas where it belongs in a grey picture; what sticks out is cut off."""
        if not self._windowed:
            return canvases
        images = np.full((len(canvases), *self._shape, canvases.shape[-1]), GREY, np.float32)
        for image, canvas, unit in zip(images, canvases, units, strict=True):
            assert unit.place is not None
            (top, left), (height, width) = unit.place, canvas.shape[:2]
            part = canvas[max(0, -top) : self._shape[0] - top, max(0, -left) : self._shape[1] - left]
            image[max(0, top) : top + height, max(0, left) : left + width] = part
        return images
