"""One compiled ascent, and the pictures that it makes of units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import tensorflow as tf

from fvcli.media import as_8_bits
from fvcli.models.loaded.model import LoadedModel
from fvcli.optvis.ascent import STEPS_PER_CALL, Ascent, Units
from fvcli.optvis.compiled import compiled
from fvcli.optvis.parameterizations import Parameterization, Params
from fvcli.optvis.plateau import Plateau
from fvcli.optvis.state import State
from fvcli.optvis.streams import stream
from fvcli.plan import Program, Unit
from fvcli.plan.checks import FILM_PX
from fvcli.plan.weight_trials import HALVINGS, all_steps, finds_weight, trial_steps
from fvcli.worker.assets import Assets
from fvcli.worker.best_photos import BestPhotos
from fvcli.worker.builders import (
    DIVERSITY_WEIGHT,
    build_objective,
    build_optimized_objective,
    build_recipe,
    maps_of,
    unit_arrays,
)
from fvcli.worker.device import Device
from fvcli.worker.diversity_weight import FoundWeight, found_weights
from fvcli.worker.film_frames import Film, morph_frames, opacity_of
from fvcli.worker.reference_photos import ReferencePhotos

GREY = 0.5  # of the picture around the canvas of a neuron
Report = Callable[[float], None]
Stopped = Callable[[], bool]


@dataclass(frozen=True)
class Outcome:
    """What a unit came to; scores are signed.

    pixels: uint8 [h, w, channels].
    start, end, saved: The plain objective before and after the ascent, and of the 8-bit picture.
    silent: No gradient reached the picture in the last step.
    finite: There is no NaN or infinity in the picture, or in the gradient that it is made of.
    steps: Steps taken.
    curve: What the ascent saw before each of its steps: the score of the views, less the penalties.
    exact: The picture before it was rounded, float32 [h, w, channels] in [0, 1]; None where there is none.
    transparent: Whether the last channel is opacity.
    after_steps: Pictures after some steps, like pixels.
    diversity: The weight that was found for the unit's group, if it was to be found.
    frames: Of a film; fps: as many a second as the film that they were made of, if they were.
    """

    pixels: np.ndarray
    start: float
    end: float
    saved: float
    silent: bool
    finite: bool
    steps: int
    curve: Sequence[float] = ()
    transparent: bool = False
    after_steps: dict[int, np.ndarray] = field(default_factory=dict)
    frames: Sequence[np.ndarray] = ()
    fps: float | None = None
    exact: np.ndarray | None = None
    diversity: FoundWeight | None = None

    @property
    def trace(self) -> Sequence[float]:
        """The curve of the first steps."""
        return self.curve[:STEPS_PER_CALL]


class AscentRenderer:
    """A compiled ascent; several threads may render with it at a time.

    Args:
        program: Of the plan.
        model: The network.
        device: Where it runs.
        assets: What units read from files.
    """

    def __init__(self, program: Program, model: LoadedModel, device: Device, assets: Assets) -> None:
        asked = program.settings.precision
        precision = device.precision if asked == "auto" else asked
        compile_it = asked == "auto" and device.is_gpu and not program.changes_size
        input_px = program.input_px
        self._shape = (program.height_px, program.width_px)
        centres, self._channels = maps_of(program, model.facts, self._shape)
        self._windowed = program.window is not None
        self._assets = assets
        recipe = build_recipe(program, model.facts.input_channels, assets)
        self._members = program.members
        self._references = ReferencePhotos(program, model, centres, self._channels, assets, device.lanes)
        self._parameterization = recipe.parameterization
        self._saved = _painter(program, self._parameterization)
        self._filmed = _painter(program, self._parameterization, FILM_PX)
        plain = model.network(input_px=input_px), partial(build_objective, program, centres)
        self._ascent = Ascent(
            model.network(precision, input_px),
            partial(build_optimized_objective, program, centres),
            recipe,
            plain=plain,
            jit_compile=compile_it,
        )
        self._photos: BestPhotos | None = None
        if finds_weight(program.couplings):
            units = partial(self._units_beside, program)
            self._photos = BestPhotos(*plain, program, model.facts.input_channels, units)

    def render(
        self, program: Program, units: Sequence[Unit], size: int, report: Report, stopped: Stopped
    ) -> list[Outcome] | None:
        """Make the pictures of units in one ascent; None if it was stopped.

        Args:
            program: With the steps and the seed.
            units: At most size; places without a unit repeat the first ones, and are dropped.
            size: How many pictures the ascent has.
            report: Is told, from time to time, the share of the ascent that is done.
            stopped: Asked every STEPS_PER_CALL steps.
        """
        settings = program.settings
        steps = settings.steps
        slots = [*units, *(units[i % program.members] for i in range(size - len(units)))]
        film = Film(settings, steps)
        streams, shared = _streams(program, slots)
        arrays = unit_arrays(slots, program, self._channels, self._assets)
        targets = self._references.targets(program, slots, report, stopped)
        if targets is None:
            return None
        weights: list[FoundWeight] = []
        if self._photos is not None:
            found = self._weights(self._photos, program, slots, arrays, targets, report, stopped)
            if found is None:
                return None
            weights = found
            arrays |= self._of_groups([one.weight for one in weights])
        left_out = all_steps(steps, program.couplings) - steps  # of trials, which are done
        plateau = Plateau(size, steps, settings.early_stop, settings.redirect_steps, program.members)
        state = self._ascent.start(streams, self._given(program, slots))
        first = self._picture(state, slots)
        self._keep(film, state, first)
        curve: list[np.ndarray] = []
        while plateau.moving.any():
            if stopped():
                return None
            used = state.step % STEPS_PER_CALL
            if used == 0:
                draws = self._ascent.draw(streams, shared)
            todo = min(STEPS_PER_CALL - used, steps - state.step, film.until_next(state.step))
            state = self._ascent.advance(
                state, {**arrays, **targets}, todo, draws, used, steps, plateau.skipped, plateau.moving
            )
            if state.step % STEPS_PER_CALL == 0 or state.step == steps:
                plateau.heed(state)
                curve.append(state.trace.numpy())
            if film.wants(state.step):
                self._keep(film, state, self._picture(state, slots))
            report(float((left_out + state.step + plateau.skipped.min()) / (left_out + steps)))
        scores = np.concatenate(curve)
        made = self._outcomes(program, first, state, plateau.steps, arrays, slots, film, scores)[: len(units)]
        if not weights:
            return made
        return [replace(one, diversity=weights[i // self._members]) for i, one in enumerate(made)]

    # ---- the weight of diversity

    def _units_beside(self, program: Program) -> tuple[list[Unit], Units]:
        """Return the first unit of each group of the run that this serves, and their arrays."""
        firsts = self._assets.firsts_of_groups(program)
        return firsts, unit_arrays(firsts, program, self._channels, self._assets)

    def _of_groups(self, weights: Sequence[float] | np.ndarray) -> dict[str, np.ndarray]:
        """Return a weight for each group as one for each picture, among the units' arrays."""
        return {DIVERSITY_WEIGHT: np.repeat(np.asarray(weights, np.float32), self._members)}

    def _weights(
        self,
        photos: BestPhotos,
        program: Program,
        slots: Sequence[Unit],
        arrays: Units,
        targets: Units,
        report: Report,
        stopped: Stopped,
    ) -> list[FoundWeight] | None:
        """Find the weight of each group by trials; None if they were stopped."""
        best = photos.of(slots[:: self._members], stopped, lambda: report(0.0))
        if best is None:
            return None
        numbers = iter(range(HALVINGS))
        every = all_steps(program.settings.steps, program.couplings)
        steps = trial_steps(program.settings.steps)

        def trial(weights: np.ndarray) -> np.ndarray | None:
            before = next(numbers) * steps
            with_weights = {**arrays, **self._of_groups(weights)}
            came_on = lambda done: report((before + done) / every)  # noqa: E731
            state = self._tried(program, slots, {**with_weights, **targets}, came_on, stopped)
            if state is None:
                return None
            return self._ascent.score(self._picture(state, slots), with_weights)

        return found_weights(trial, best, self._members)

    def _tried(
        self,
        program: Program,
        slots: Sequence[Unit],
        arrays: Units,
        came_on: Callable[[int], None],
        stopped: Stopped,
    ) -> State | None:
        """Take the steps of a trial, from the beginning that the ascent has; None if it was stopped."""
        streams, shared = _streams(program, slots)
        state = self._ascent.start(streams, self._given(program, slots))
        steps = trial_steps(program.settings.steps)
        while state.step < steps:
            if stopped():
                return None
            state = self._ascent.take_steps(state, arrays, steps - state.step, streams, shared, steps)
            came_on(state.step)
        return state

    def score(self, program: Program, units: Sequence[Unit], pixels: np.ndarray) -> np.ndarray:
        """Return the signed plain objective of pictures of units, as they are saved.

        Args:
            program: Of the units.
            units: One for each picture.
            pixels: uint8 [batch, h, w, channels].
        """
        seen = pixels[..., :-1] if program.settings.attention else pixels  # its opacity is for people
        return self._score(seen, unit_arrays(units, program, self._channels, self._assets))

    def _score(self, pixels: np.ndarray, arrays: Units) -> np.ndarray:
        seen = pixels / np.float32(255)
        if self._saved is not None:
            seen = tf.image.resize(seen, self._shape, method="area").numpy()
        return self._ascent.score(seen, arrays)

    def _given(self, program: Program, units: Sequence[Unit]) -> np.ndarray | None:
        """Return the pictures that ascents start from, [batch, h, w, channels], if they do."""
        if not program.settings.starts_from_picture:
            return None
        return np.stack([self._assets.picture(str(unit.picture), self._shape) for unit in units])

    def _picture(self, state: State, units: Sequence[Unit]) -> np.ndarray:
        return self._whole(self._ascent.picture(state.params).numpy(), units)

    def _keep(self, film: Film, state: State, images: np.ndarray) -> None:
        film.keep(state.step, images, self._large(state) if film.saves(state.step) else None)

    def _large(self, state: State) -> np.ndarray | None:
        """Return the pictures as they are saved, if that is larger than the ascent has them."""
        return None if self._saved is None else self._saved(state.params).numpy()

    def _frame(self, params: Params) -> tf.Tensor:
        """Return the picture of params [1, ...] for a film, [1, h, w, channels]."""
        if self._filmed is not None:
            return self._filmed(params)
        whole = tuple(tf.repeat(part, self._members, axis=0) for part in params)  # as it is compiled
        return self._ascent.picture(whole)[:1]

    def _outcomes(
        self,
        program: Program,
        first: np.ndarray,
        state: State,
        steps: np.ndarray,
        arrays: Units,
        units: Sequence[Unit],
        film: Film,
        curve: np.ndarray,
    ) -> list[Outcome]:
        """Round the pictures to 8 bits and score them as they began, as they are and as they are saved."""
        images = self._picture(state, units)
        finite = np.isfinite(images).all(axis=(1, 2, 3))
        images = np.where(finite[:, None, None, None], images, 0.0)
        large = self._large(state)
        pixels = as_8_bits(images if large is None else large)
        scores = [self._ascent.score(x, arrays) for x in (first, images)] + [self._score(pixels, arrays)]
        film.finish(images, pixels)
        if program.settings.attention:
            pixels = np.concatenate([pixels, opacity_of(state.attention.numpy())], axis=-1)
        if film.is_morph:
            frames = morph_frames(
                self._frame, self._parameterization, state.params, self._members, film.count, film.is_even
            )
        else:
            frames = film.frames(steps.tolist())
        silent, exact = state.silent.numpy().tolist(), images if large is None else large
        return [
            Outcome(
                pixels[i],
                start=float(scores[0][i]),
                end=float(scores[1][i]),
                saved=float(scores[2][i]),
                silent=silent[i],
                finite=bool(finite[i]),
                steps=int(steps[i]),
                curve=curve[: steps[i], i].tolist(),
                exact=exact[i],
                transparent=program.settings.is_transparent,
                after_steps=film.saved_of(i),
                frames=frames[i] if frames else (),
            )
            for i in range(len(units))
        ]

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


def _streams(
    program: Program, slots: Sequence[Unit]
) -> tuple[list[np.random.Generator], np.random.Generator]:
    """Return the random stream of each picture, at its beginning, and the one that they share."""
    seed, members = program.settings.seed, program.members
    # The way from params to params is short if a group's have the same beginning and views.
    is_morph = program.settings.is_morph
    drawing = [slots[i - i % members] for i in range(len(slots))] if is_morph else slots
    return [stream(seed, unit.identity) for unit in drawing], stream(seed, "shared by the batch")


def _painter(
    program: Program, painted: Parameterization, most_px: int | None = None
) -> Callable[[Params], tf.Tensor] | None:
    """Return how pictures are painted at save_px, or at most so large, if that is not the ascent's size."""
    size = program.settings.saved_px
    if size is None:
        return None
    assert painted.larger is not None  # or the plan refuses it
    share = min(1.0, most_px / max(size)) if most_px else 1.0
    paint: Callable[[Params], tf.Tensor] = compiled(painted.larger(*(round(side * share) for side in size)))
    return paint
