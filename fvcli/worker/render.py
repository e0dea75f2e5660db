"""Render the batches of a run: climb, look at what came out, commit each unit.

A batch is rendered by a generator that yields after every few steps. Closing it there drops the batch;
what is committed stays.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import tensorflow as tf

from fvcli.models import describe, load
from fvcli.optvis.ascent import STEPS_PER_CALL, Ascent, State
from fvcli.optvis.network import cut
from fvcli.optvis.streams import stream
from fvcli.plan import Unit, lone_spec
from fvcli.run import RunFolder, Sidecar, encode_picture, pixel_sha256
from fvcli.run.sidecar import DEAD, DONE, FAILED
from fvcli.worker.build import build_objective, build_recipe, changes_size, unit_arrays
from fvcli.worker.device import set_up_device

DEAD_REASON = (
    "the unit never fired: no gradient reached the picture; "
    "its pre-activation (the layer whose name ends in _bn) can be rendered"
)


@dataclass(frozen=True)
class StepsDone:
    """Some units of the batch have taken so many of their steps."""

    units: int
    step: int
    steps: int


@dataclass(frozen=True)
class BatchDone:
    """The batch is finished; counts by status, and what to tell beside the errors in the sidecars."""

    counts: dict[str, int]
    seconds: float
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Outcome:
    pixels: np.ndarray  # uint8 [batch, h, w, channels]
    start: np.ndarray
    end: np.ndarray
    saved: np.ndarray
    silent: np.ndarray
    finite: np.ndarray


class Worker:
    """Renders batches of one run; loads the model once and compiles each program once."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._device = set_up_device()
        choice = run.plan.model_choice
        self._facts = describe(choice)
        self._model = load(choice)
        self._ascents: dict[tuple[int, int], Ascent] = {}

    @property
    def device(self) -> str:
        return self._device.name

    def render_batch(
        self, number: int, wanted: frozenset[str] | None = None
    ) -> Iterator[StepsDone | BatchDone]:
        """Render what a batch still lacks; the last thing yielded is the BatchDone.

        Args:
            number: Of the batch in the plan.
            wanted: Paths of units to restrict it to.
        """
        began = time.perf_counter()
        todo = [
            unit
            for unit in self._run.plan.units_of(number)
            if (wanted is None or unit.path in wanted) and not self._run.is_finished(unit)
        ]
        if not todo:
            yield BatchDone({}, 0.0)
            return
        attempt = self._run.begin_attempt(number)
        outcome = "stopped"
        remarks: list[str] = []
        try:
            statuses = yield from self._render_smaller_and_smaller(number, todo, attempt, remarks)
            outcome = "done"
        finally:  # a closed generator comes through here, too
            self._run.end_attempt(number, attempt, outcome)
        counts = {status: statuses.count(status) for status in dict.fromkeys(statuses)}
        yield BatchDone(counts, time.perf_counter() - began, tuple(remarks))

    def _render_smaller_and_smaller(
        self, number: int, todo: list[Unit], attempt: int, remarks: list[str]
    ) -> Iterator[StepsDone]:
        """Render all units; on an out-of-memory error go on with half the batch size."""
        size = planned = self._run.plan.program_of(number).batch_size
        statuses: list[str] = []
        while todo:
            batch = {"number": number, "size": size, "planned_size": planned}
            try:
                statuses += yield from self._render_units(todo[:size], batch, attempt)
                todo = todo[size:]
            except (tf.errors.ResourceExhaustedError, MemoryError):
                self._ascents.clear()  # let go of what the failed attempt holds
                if size == 1:
                    statuses += self._fail(
                        todo[:1], batch, attempt, "out of memory even alone; lower size_px"
                    )
                    todo = todo[1:]
                else:
                    size //= 2
                    remarks.append(f"out of memory: batch {number} goes on with {size} pictures at a time")
            except (tf.errors.OpError, ValueError, ArithmeticError) as error:
                reason = f"{type(error).__name__}: {str(error).splitlines()[0]}"
                statuses += self._fail(todo[:size], batch, attempt, reason)
                todo = todo[size:]
        return statuses

    def _render_units(
        self, units: Sequence[Unit], batch: dict[str, int], attempt: int
    ) -> Iterator[StepsDone]:
        began = time.perf_counter()
        outcome = yield from self._climb(units, batch["size"])
        seconds = (time.perf_counter() - began) / len(units)
        return [self._commit(unit, i, outcome, batch, attempt, seconds) for i, unit in enumerate(units)]

    def _climb(self, units: Sequence[Unit], size: int) -> Iterator[StepsDone]:
        """Climb with a full batch: places without a unit repeat the first one, and are dropped."""
        settings = self._run.plan.programs[units[0].program].settings
        seed, steps = settings["seed"], settings["steps"]
        ascent = self._ascent(units[0].program, size)
        slots = [*units, *[units[0]] * (size - len(units))]
        arrays = unit_arrays(slots)
        streams = [stream(seed, unit.identity) for unit in slots]
        shared = stream(seed, "shared by the batch")
        state = ascent.start(streams)
        start = ascent.score(ascent.picture(state.numbers), arrays)
        while state.step < steps:
            todo = min(STEPS_PER_CALL, steps - state.step)
            state = ascent.climb(state, arrays, todo, streams, shared, steps)
            yield StepsDone(len(units), state.step, steps)
        return _look(ascent, state, arrays, start)

    def _ascent(self, number: int, size: int) -> Ascent:
        if (number, size) not in self._ascents:
            program = self._run.plan.programs[number]
            compile_it = self._device.is_gpu and not changes_size(program)
            network = cut(self._model, program.layers, self._facts.value_range, jit_compile=compile_it)
            recipe = build_recipe(program, self._facts.input_channels)
            at = self._facts.layers_at(program.height_px, program.width_px)
            centres = {name: (at[name].height // 2, at[name].width // 2) for name in program.layers}
            objective = partial(build_objective, program, centres)
            self._ascents[number, size] = Ascent(network, objective, recipe)
        return self._ascents[number, size]

    def _commit(
        self, unit: Unit, i: int, outcome: _Outcome, batch: dict[str, int], attempt: int, seconds: float
    ) -> str:
        if not outcome.finite[i]:
            return self._fail([unit], batch, attempt, "the picture is not finite; lower the learning rate")[0]
        start, end, saved = (float(scores[i]) for scores in (outcome.start, outcome.end, outcome.saved))
        dead = end <= start and (bool(outcome.silent[i]) or start == end == 0.0)
        pixels = outcome.pixels[i]
        title = f"{unit.layer} {unit.objective} {unit.label}, {self._facts.name}"
        png = encode_picture(pixels, title, {"key": unit.key, "spec": lone_spec(self._run.plan, unit)})
        sidecar = self._sidecar(
            unit,
            score={"start": start, "end": end, "saved": saved},
            pixel_sha256=pixel_sha256(pixels),
            seconds=round(seconds, 3),
            batch=batch,
            attempt=attempt,
            status=DEAD if dead else DONE,
            error=DEAD_REASON if dead else None,
        )
        self._run.commit(unit, sidecar, png)
        return sidecar.status

    def _fail(self, units: Sequence[Unit], batch: dict[str, int], attempt: int, reason: str) -> list[str]:
        for unit in units:
            sidecar = self._sidecar(
                unit,
                score=None,
                pixel_sha256=None,
                seconds=0.0,
                batch=batch,
                attempt=attempt,
                status=FAILED,
                error=reason,
            )
            self._run.commit(unit, sidecar, None)
        return [FAILED] * len(units)

    def _sidecar(self, unit: Unit, **facts: object) -> Sidecar:
        program = self._run.plan.programs[unit.program]
        return Sidecar(
            key=unit.key,
            job=unit.job,
            model=program.model,
            layer=unit.layer,
            objective=unit.objective,
            unit=unit.unit,
            label=unit.label,
            sign=unit.sign,
            recipe=program.recipe,
            seed=program.settings["seed"],
            steps=program.settings["steps"],
            weights_sha256=program.weights_sha256,
            device=self._device.name,
            **facts,
        )


def _look(ascent: Ascent, state: State, arrays: dict[str, np.ndarray], start: np.ndarray) -> _Outcome:
    """Round the pictures to 8 bits and score them as they are and as they are saved."""
    images = ascent.picture(state.numbers).numpy()
    finite = np.isfinite(images).all(axis=(1, 2, 3))
    images = np.where(finite[:, None, None, None], images, 0.0)
    pixels = np.clip(images * 255.0 + 0.5, 0, 255).astype(np.uint8)
    end = ascent.score(images, arrays)
    saved = ascent.score(pixels / np.float32(255), arrays)
    finite &= np.isfinite(end) & np.isfinite(saved)
    return _Outcome(pixels, start, end, saved, state.silent.numpy(), finite)
