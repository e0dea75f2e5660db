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
from fvcli.run import RunFolder, Sidecar, encode_picture, pixel_sha256, write_run_facts
from fvcli.run.sidecar import DEAD, DONE, FAILED
from fvcli.worker.build import build_objective, build_recipe, changes_size, unit_arrays
from fvcli.worker.device import set_up_device

NEVER_FIRED = "the unit never fired: no gradient reached the picture"
TRY_PRE_ACTIVATION = "; render its pre-activation instead, the layer whose name ends in _bn"
ALREADY_SILENT = "the unit is silent from the start, so there is nothing to minimise"


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
    """What a batch came to: scores are signed; silent: no gradient in the last step; finite: no NaN."""

    pixels: np.ndarray  # uint8 [batch, h, w, channels]
    start: np.ndarray
    end: np.ndarray
    saved: np.ndarray
    silent: np.ndarray
    finite: np.ndarray


class Worker:
    """Renders batches of one run: loads the model once, compiles a program when its batches begin.

    The plan keeps the batches of a program together, so only the latest one is kept.
    """

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._device = set_up_device()
        write_run_facts(run, self._device.name)
        choice = run.plan.model_choice
        self._facts = describe(choice)
        self._model = load(choice)
        self._ascent: tuple[tuple[int, int], Ascent] | None = None  # of the latest program and batch size
        self._sizes: dict[int, int] = {}  # batch sizes of programs that ran out of memory with theirs

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
        units = self._run.plan.units_of(number, wanted)
        todo = [unit for unit in units if not self._run.is_finished(unit)]
        if not todo:
            yield BatchDone({}, 0.0)
            return
        attempt = self._run.begin_attempt(number)
        outcome = "stopped"
        remarks: list[str] = []
        try:
            statuses = yield from self._render_halving_when_out_of_memory(number, todo, attempt, remarks)
            outcome = "done"
        finally:  # a closed generator comes through here, too
            self._run.end_attempt(number, attempt, outcome)
        counts = {status: statuses.count(status) for status in dict.fromkeys(statuses)}
        yield BatchDone(counts, time.perf_counter() - began, tuple(remarks))

    def _render_halving_when_out_of_memory(
        self, number: int, todo: list[Unit], attempt: int, remarks: list[str]
    ) -> Iterator[StepsDone]:
        """Render all units; on an out-of-memory error go on with half the batch size, for good."""
        planned, program = self._run.plan.program_of(number).batch_size, todo[0].program
        statuses: list[str] = []
        while todo:
            size = self._sizes.get(program, planned)
            batch = {"number": number, "size": size, "planned_size": planned}
            try:
                statuses += yield from self._render_units(todo[:size], batch, attempt)
            except (tf.errors.OpError, MemoryError, ValueError, ArithmeticError) as error:
                if _is_out_of_memory(error) and size > 1:
                    self._ascent = None  # let go of what the failed attempt holds
                    self._sizes[program] = size // 2
                    remarks.append(
                        f"out of memory: batch {number} goes on with {size // 2} pictures at a time"
                    )
                    continue
                statuses += self._fail(todo[:size], batch, attempt, _reason(error))
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
        ascent = self._compiled(units[0].program, size)
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

    def _compiled(self, number: int, size: int) -> Ascent:
        if self._ascent is None or self._ascent[0] != (number, size):
            self._ascent = None  # first, so that two never share the memory
            program = self._run.plan.programs[number]
            compile_it = self._device.is_gpu and not changes_size(program)
            network = cut(self._model, program.layers, self._facts.value_range, jit_compile=compile_it)
            recipe = build_recipe(program, self._facts.input_channels)
            at = self._facts.layers_at(program.height_px, program.width_px)
            centres = {name: (at[name].height // 2, at[name].width // 2) for name in program.layers}
            objective = partial(build_objective, program, centres)
            self._ascent = (number, size), Ascent(network, objective, recipe)
        return self._ascent[1]

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
            score={"start": unit.sign * start, "end": unit.sign * end, "saved": unit.sign * saved},
            pixel_sha256=pixel_sha256(pixels),
            png_bytes=len(png),
            seconds=round(seconds, 3),
            batch=batch,
            attempt=attempt,
            status=DEAD if dead else DONE,
            error=self._why_dead(unit) if dead else None,
        )
        self._run.commit(unit, sidecar, png)
        return sidecar.status

    def _fail(self, units: Sequence[Unit], batch: dict[str, int], attempt: int, reason: str) -> list[str]:
        for unit in units:
            if self._run.is_finished(unit):
                continue  # it was committed before the error
            sidecar = self._sidecar(
                unit,
                score=None,
                pixel_sha256=None,
                png_bytes=None,
                seconds=0.0,
                batch=batch,
                attempt=attempt,
                status=FAILED,
                error=reason,
            )
            self._run.commit(unit, sidecar, None)
        return [DONE if self._run.is_finished(unit) else FAILED for unit in units]

    def _why_dead(self, unit: Unit) -> str:
        if unit.sign < 0:
            return ALREADY_SILENT
        kinds = {node.name: node.kind for node in self._facts.nodes}
        behind_relu = any(kinds[term.layer].startswith("relu") for term in unit.terms)
        return NEVER_FIRED + (TRY_PRE_ACTIVATION if behind_relu else "")

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


def _is_out_of_memory(error: Exception) -> bool:
    """Tell it by TensorFlow's own error, Python's, or status 1 of the CPU library oneDNN."""
    of_onednn = isinstance(error, tf.errors.AbortedError) and "Status: 1," in str(error)
    return of_onednn or isinstance(error, tf.errors.ResourceExhaustedError | MemoryError)


def _reason(error: Exception) -> str:
    """Return the one line of an error that says what happened."""
    if _is_out_of_memory(error):
        return "out of memory even alone; lower size_px"
    noise = ("Graph execution error", "Detected at", "<stack traces", "[[", "\t")
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith(noise)]
    return f"{type(error).__name__}: {lines[0] if lines else 'it gives no reason'}"


def _look(ascent: Ascent, state: State, arrays: dict[str, np.ndarray], start: np.ndarray) -> _Outcome:
    """Round the pictures to 8 bits and score them as they are and as they are saved."""
    images = ascent.picture(state.numbers).numpy()
    finite = np.isfinite(images).all(axis=(1, 2, 3))
    images = np.where(finite[:, None, None, None], images, 0.0)
    pixels = np.clip(images * 255.0 + 0.5, 0, 255).astype(np.uint8)
    end = ascent.score(images, arrays)
    saved = ascent.score(pixels / np.float32(255), arrays)
    finite &= np.isfinite(start) & np.isfinite(end) & np.isfinite(saved)
    return _Outcome(pixels, start, end, saved, state.silent.numpy(), finite)
