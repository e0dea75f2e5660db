"""Dreams of pictures and of films."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from fvcli.media import as_8_bits
from fvcli.models.loaded.model import LoadedModel
from fvcli.optvis.activations import Activations
from fvcli.optvis.ascent import Units
from fvcli.optvis.compiled import compiled
from fvcli.optvis.dream import Dream, Frame, Octave, blend, octaves, with_sizes
from fvcli.optvis.streams import stream
from fvcli.plan import Program, Unit
from fvcli.spec.octaves import Octaves
from fvcli.spec.parameterizations import Pixel
from fvcli.spec.settings import Settings
from fvcli.worker.ascent_renderer import Outcome, Report, Stopped
from fvcli.worker.assets import Assets
from fvcli.worker.builders import build_objective, maps_of, unit_arrays
from fvcli.worker.device import Device
from fvcli.worker.film_frames import Film


class DreamRenderer:
    """Dreams one picture after the other.

    Args:
        program: Of the plan.
        model: The network.
        device: Where it runs.
        assets: What units read from files.
    """

    def __init__(self, program: Program, model: LoadedModel, device: Device, assets: Assets) -> None:
        tile = _octaves_of(program.settings).tile_px
        centres, self._channels = maps_of(program, model.facts, (tile, tile))
        self._size = (program.height_px, program.width_px)
        self._colours = model.facts.input_channels
        self._assets = assets
        self._objective = partial(build_objective, program, centres)
        self._network = model.network(input_px=program.input_px)
        self._dream = Dream(self._network, self._objective, tile)
        self._score = compiled(self._plain_score)

    def render(
        self, program: Program, units: Sequence[Unit], size: int, report: Report, stopped: Stopped
    ) -> list[Outcome] | None:
        """Make the pictures of units; see ``AscentRenderer.render``."""
        outcomes = []
        for i, unit in enumerate(units):

            def report_whole(share: float, done: int = i) -> None:
                report((done + share) / len(units))

            outcome = self._dream_of(program, unit, report_whole, stopped)
            if outcome is None:
                return None
            outcomes.append(outcome)
        return outcomes

    def score(self, program: Program, units: Sequence[Unit], pixels: np.ndarray) -> np.ndarray:
        """Return the signed plain objective of pictures; see ``AscentRenderer.score``."""
        scores = []
        for unit, picture in zip(units, pixels, strict=True):
            arrays = unit_arrays([unit], program, self._channels, self._assets)
            tensors = {name: tf.constant(value) for name, value in arrays.items()}
            scores.append(self._score_of(picture / np.float32(255), tensors))
        return np.array(scores, np.float32)

    def _dream_of(self, program: Program, unit: Unit, report: Report, stopped: Stopped) -> Outcome | None:
        arrays = unit_arrays([unit], program, self._channels, self._assets)
        if unit.picture is None or not program.settings.starts_from_picture:
            image = self._noise(program, unit)
        elif self._assets.source(unit.picture)[0].frames > 1:
            return self._film(program, unit, arrays, report, stopped)
        else:
            image = self._assets.picture(unit.picture, self._size)
        film = Film(program.settings, self._steps(program))
        film.keep(0, image[None])

        def heed(frame: Frame) -> None:
            if film.wants(frame.step):
                film.keep(frame.step, tf.image.resize(frame.picture[None], self._size, "bicubic").numpy())
            report(frame.share)

        dreamt = self._run(program, unit, arrays, image, stopped, heed)
        if dreamt is None:
            return None
        pixels = as_8_bits(dreamt)
        film.finish(dreamt[None], pixels[None])
        frames = film.frames([film.steps])
        after_steps = film.saved_of(0)
        return self._outcome(
            image, dreamt, pixels, arrays, film.steps, after_steps, frames[0] if frames else ()
        )

    def _noise(self, program: Program, unit: Unit) -> np.ndarray:
        """Return what a dream without a picture begins with: noise around mid grey."""
        drawn = stream(program.settings.seed, unit.identity, "start")
        image = program.settings.parameterization
        assert isinstance(image, Pixel)  # or the plan refuses it
        std = image.std
        noise = drawn.standard_normal((*self._size, self._colours), dtype=np.float32)
        grey: np.ndarray = np.clip(0.5 + std * noise, 0.0, 1.0).astype(np.float32)
        return grey

    def _film(
        self, program: Program, unit: Unit, arrays: Units, report: Report, stopped: Stopped
    ) -> Outcome | None:
        """Dream every frame of a film, each beginning with some of the dream before.

        Frames that an interrupted process has dreamt are not dreamt again.
        """
        share = _octaves_of(program.settings).warm_start
        source, _ = self._assets.source(str(unit.picture))
        frames = self._assets.kept_frames(unit, (*self._size, self._colours))
        first, dreamt = None, frames.go_on()
        for number, frame in enumerate(self._assets.frames(str(unit.picture), self._size)):
            first = frame if first is None else first
            if number < len(frames):
                report((number + 1) / source.frames)
                continue
            begin = frame if dreamt is None else blend(dreamt, frame, share)
            dreamt = self._run(
                program, unit, arrays, begin, stopped, _of_frame(report, number, source.frames)
            )
            if dreamt is None:
                return None
            frames.keep(as_8_bits(dreamt), dreamt)
            report(len(frames) / source.frames)
        assert first is not None  # a film has frames
        assert dreamt is not None
        steps = len(frames) * self._steps(program)
        return self._outcome(first, dreamt, frames[-1], arrays, steps, {}, frames, source.fps)

    def _run(
        self,
        program: Program,
        unit: Unit,
        arrays: Units,
        image: np.ndarray,
        stopped: Stopped,
        heed: Any = lambda _frame: None,
    ) -> np.ndarray | None:
        drawn = stream(program.settings.seed, unit.identity)  # the same for each frame of a film
        keep = _octaves_of(program.settings).keep_detail
        return self._dream.run(
            image, arrays, planned_octaves(program.settings), drawn, heed, stopped, keep_detail=keep
        )

    def _outcome(
        self,
        image: np.ndarray,
        dreamt: np.ndarray,
        pixels: np.ndarray,
        arrays: Units,
        steps: int,
        after_steps: dict[int, np.ndarray],
        frames: Sequence[np.ndarray],
        fps: float | None = None,
    ) -> Outcome:
        finite = bool(np.isfinite(dreamt).all())
        units = {name: tf.constant(value) for name, value in arrays.items()}
        start = self._score_of(image, units)
        end = self._score_of(dreamt if finite else np.nan_to_num(dreamt), units)
        saved = self._score_of(pixels / np.float32(255), units)
        silent = bool(np.array_equal(image, dreamt))
        return Outcome(
            pixels,
            start,
            end,
            saved,
            silent,
            finite,
            steps,
            after_steps=after_steps,
            frames=frames,
            fps=fps,
            exact=dreamt,
        )

    def _steps(self, program: Program) -> int:
        """Return how many steps a picture takes: of octaves that are large enough."""
        kept = with_sizes(planned_octaves(program.settings), self._size)
        return sum(octave.steps for octave, _ in kept)

    def _score_of(self, picture: np.ndarray, units: Mapping[str, tf.Tensor]) -> float:
        """Return the plain objective of a picture; if it is larger than a tile, the mean of its tiles'."""
        if max(picture.shape[:2]) <= self._dream.tile_px:
            return float(self._score(tf.constant(picture[None], tf.float32), units)[0])
        return self._dream.score(picture.astype(np.float32, copy=False), units)

    def _plain_score(self, images: tf.Tensor, units: Mapping[str, tf.Tensor]) -> tf.Tensor:
        return self._objective(units)(Activations(self._network(images, redirect=False), images))


def _octaves_of(settings: Settings) -> Octaves:
    assert settings.octaves is not None  # or it is no dream
    return settings.octaves


def planned_octaves(settings: Settings) -> tuple[Octave, ...]:
    """Return the octaves that settings name."""
    asked = _octaves_of(settings)
    if asked.each is None:
        return octaves(asked.count, asked.scale, settings.steps, asked.rates, asked.bands)
    return tuple(Octave(each.scale, each.steps, each.rates, each.bands, each.blurs_px) for each in asked.each)


def _of_frame(report: Report, number: int, frames: int) -> Callable[[Frame], None]:
    """Return what reports the steps of a frame as a share of the whole film."""

    def heed(step: Frame) -> None:
        report((number + step.share) / frames)

    return heed
