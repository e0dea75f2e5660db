"""From the outcome of a unit to its files."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fvcli.errors import FvcliError
from fvcli.media import encode_picture, pixel_sha256
from fvcli.media.copies import array_file
from fvcli.media.film_format import written_format
from fvcli.media.movie_writer import encode_movie, resized
from fvcli.models import ModelFacts
from fvcli.plan import Unit, standalone_spec, title_of
from fvcli.run import RunFolder, Sidecar, step_name
from fvcli.run.extras import ARRAY, CURVE, copies_of, kept_while_rendering, png_names
from fvcli.run.remarks import WEAKER, remarks_on
from fvcli.run.sidecar import DEAD, DONE, FAILED, Record
from fvcli.run.unfinished_films import forget_frames
from fvcli.spec.output import Animation
from fvcli.worker.ascent_renderer import Outcome
from fvcli.worker.concurrency import Cost

NEVER_FIRED = "the unit never fired: no gradient reached the picture"
TOO_FEW_STEPS = "the unit does not fire after {} steps; {} is how many are meant to wake it up"
TRY_PRE_ACTIVATION = "; render its pre-activation instead: {}"
TRACE_DIGITS = 8  # more than a float32 has
ALREADY_SILENT = "the unit is silent from the start, so there is nothing to minimise"
DREAMT = Animation(format="mp4", fps=25.0)  # how a dream of a film is saved if the spec does not say
NAN_AT_ONCE = (
    "the score of the first picture is already NaN or infinite: check the model, and its preprocessing"
)
NAN_LATER = "the {} became NaN or infinite{}: lower optimizer.learning_rate, or weights that are very large"


@dataclass(frozen=True)
class Origin:
    """Where a unit was rendered: number and planned size of its batch, pictures an ascent, which try."""

    batch: int
    planned_size: int
    size: int
    number: int


class Recorder:
    """Writes the pictures and sidecars of a run.

    Args:
        run: The run.
        facts: Of its model.
        device: Name of the device, for the sidecars.
        fingerprint: Id of what is computed with, as the run keeps it.
    """

    def __init__(self, run: RunFolder, facts: ModelFacts, device: str, fingerprint: str) -> None:
        self._run = run
        self._facts = facts
        self._device = device
        self._fingerprint = fingerprint

    def commit(self, unit: Unit, outcome: Outcome, origin: Origin, cost: Cost) -> Record:
        """Write a unit's picture and sidecar."""
        start, end, saved = outcome.start, outcome.end, outcome.saved
        if not outcome.finite or not all(map(math.isfinite, (start, end, saved))):
            forget_frames(self._run.path, unit.key)  # others would be no better
            return self.fail(unit, origin, _why_not_finite(outcome))
        dead = end == start and (outcome.silent or start == 0.0)
        score = {"start": unit.sign * start, "end": unit.sign * end, "saved": unit.sign * saved}
        program = self._run.plan.programs[unit.program]
        may_be_odd = not dead and program.settings.method != "steepest"  # whose picture is a direction
        png = self._encoded(unit, outcome, outcome.pixels)
        try:
            extras = self._extras(unit, outcome, png)
        except FvcliError as error:  # its film cannot be written
            return self.fail(unit, origin, str(error))
        remarks = remarks_on(outcome.pixels, score, unit.sign, program.canvas_of(unit)) if may_be_odd else []
        diversity = _diversity(outcome, unit.sign)
        if diversity and may_be_odd and not diversity["beats_photo"]:
            remarks.append(WEAKER)
        sidecar = self._sidecar(
            unit,
            origin,
            steps=outcome.steps,
            trace=_told(outcome.trace, unit.sign),
            score=score,
            pixel_sha256=pixel_sha256(outcome.pixels),
            png_bytes=len(png),
            seconds=round(cost.wall_s, 3),
            cpu_seconds=round(cost.cpu_s, 3),
            status=DEAD if dead else DONE,
            error=self._why_dead(unit, outcome.steps) if dead else None,
            remarks=remarks,
            diversity=diversity,
            extras=[
                {"name": name, "bytes": len(content), **facts} for name, (content, facts) in extras.items()
            ],
        )
        contents = {name: content for name, (content, _) in extras.items()}
        record = self._run.commit(unit, sidecar, png, contents)
        if len(outcome.frames):
            forget_frames(self._run.path, unit.key)
        return record

    def _encoded(self, unit: Unit, outcome: Outcome, pixels: np.ndarray) -> bytes:
        title = title_of(unit, self._run.plan.programs[unit.program])
        text = {"key": unit.key, "spec": standalone_spec(self._run.plan, unit)}
        return encode_picture(pixels, title, text, outcome.transparent)

    def _extras(self, unit: Unit, outcome: Outcome, png: bytes) -> dict[str, tuple[bytes, dict[str, Any]]]:
        """Return what stands beside the picture by what is added to its name, and facts for the sidecar."""
        files = self._files(unit, outcome)
        output = self._run.plan.output
        copies: dict[str, tuple[bytes, dict[str, Any]]] = {}
        for name in png_names(files):
            copies |= copies_of(name, png if name == "png" else files[name], output)
        kept = kept_while_rendering(output, self._run.plan.programs[unit.program])
        if CURVE in kept:
            files[CURVE] = (json.dumps({"scores": _told(outcome.curve, unit.sign)}) + "\n").encode()
        if ARRAY in kept and outcome.exact is not None:
            files[ARRAY] = array_file(outcome.exact)
        return {name: (content, {}) for name, content in files.items()} | copies

    def _files(self, unit: Unit, outcome: Outcome) -> dict[str, bytes]:
        """Return the pictures after some steps, and the film."""
        extras = {
            step_name(step): self._encoded(unit, outcome, pixels)
            for step, pixels in outcome.after_steps.items()
        }
        if len(outcome.frames):
            animation = self._run.plan.programs[unit.program].settings.animation or DREAMT
            fps = outcome.fps or animation.fps
            format_ = written_format(animation.format, self._run.plan.output)
            frames = shown(outcome.frames)
            frames = frames if animation.size_px is None else resized(frames, animation.size_px)
            extras[format_] = encode_movie(frames, format_, fps, animation.quality)
        return extras

    def fail(self, unit: Unit, origin: Origin, reason: str) -> Record:
        """Record why a unit failed, unless somebody has finished it."""
        sidecar = self._sidecar(
            unit,
            origin,
            steps=0,
            score=None,
            pixel_sha256=None,
            png_bytes=None,
            seconds=0.0,
            cpu_seconds=0.0,
            status=FAILED,
            error=reason,
        )
        return self._run.commit(unit, sidecar, None)

    def _why_dead(self, unit: Unit, steps: int) -> str:
        if unit.sign < 0:
            return ALREADY_SILENT
        redirected = self._run.plan.programs[unit.program].settings.redirect_steps
        if steps < redirected:
            return TOO_FEW_STEPS.format(steps, redirected)
        nodes = {node.name: node for node in self._facts.nodes}
        behind_relu = [nodes[t.layer].inputs[0] for t in unit.terms if nodes[t.layer].kind.startswith("relu")]
        return NEVER_FIRED + (TRY_PRE_ACTIVATION.format(behind_relu[0]) if behind_relu else "")

    def _sidecar(self, unit: Unit, origin: Origin, **facts: Any) -> Sidecar:
        return Sidecar.of(
            unit,
            self._run.plan.programs[unit.program],
            batch={"number": origin.batch, "size": origin.size, "planned_size": origin.planned_size},
            attempt=origin.number,
            device=self._device,
            fingerprint=self._fingerprint,
            **facts,
        )


def _diversity(outcome: Outcome, sign: int) -> dict[str, Any] | None:
    """Return what was found of a weight of diversity, with scores without their sign."""
    found = outcome.diversity
    if found is None:
        return None
    return {
        "weight": _short(found.weight),
        "photo": found.photo.name,
        "photo_score": _short(sign * found.photo.score),
        "beats_photo": outcome.saved > found.photo.score,
        "trials": [
            {"weight": _short(weight), "lowest_score": _short(sign * lowest)}
            for weight, lowest in found.trials
        ],
    }


def _short(number: float) -> float | None:
    """Return a number with as many digits as a float32 has; None if it is none."""
    return float(f"{number:.{TRACE_DIGITS}g}") if math.isfinite(number) else None


def _why_not_finite(outcome: Outcome) -> str:
    if not math.isfinite(outcome.start):
        return NAN_AT_ONCE
    step = next((i for i, score in enumerate(outcome.curve) if not math.isfinite(score)), None)
    when = f" at step {step}" if step is not None else ""
    return NAN_LATER.format("score" if outcome.finite else "picture", when)


def _told(trace: Sequence[float], sign: int) -> list[float]:
    """Return scores without their sign, as many digits as they have, up to the first that is no number."""
    numbers = itertools.takewhile(math.isfinite, trace)
    return [float(f"{sign * score:.{TRACE_DIGITS}g}") for score in numbers]


def shown(frames: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield frames as films have them: three colours, without opacity."""
    for frame in frames:
        yield np.repeat(frame, 3, axis=-1) if frame.shape[-1] == 1 else frame[..., :3]
