"""How long a plan takes, from what ``fvcli calibrate`` measured on a machine.

    seconds = start + for every compilation its time + for every program pictures x steps x seconds of a step

    seconds of a step |             .---   f: the network, straight between the measured points
                      |        .---'
                      |   .---'  + pixels x a constant: parameterization and transforms
                      +---+----+----+---> multiplications of the layers needed, at the size of the views

Where views have another size at each step, that may take longer, by a factor that is measured too.
Early stopping makes a render shorter, never longer, so an estimate says "at most about".
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, combinations
from statistics import fmean, median
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field

from fvcli.models import ModelFacts
from fvcli.models.graph import ancestors, multiplications
from fvcli.plan.data import Program, Unit
from fvcli.plan.plan import Plan
from fvcli.plan.views import octave_steps, view_size
from fvcli.plan.weight_trials import all_steps
from fvcli.spec.base import Bool, Float, Int, Positive, Strictly, Text

CORE = 0.85  # of the side of a dream's tile, of which the gradient is used
Count = Annotated[Int, Field(ge=1)]
Seconds = Annotated[Float, Field(ge=0)]


class Point(Strictly):
    """What was measured of one program: seconds of a picture-step, and of compiling it.

    changes_size: Whether views had another size at each step.
    """

    layer: Text
    size_px: Count
    multiplications: Count
    pixels: Count
    layers: Count
    changes_size: Bool = False
    step_seconds: Positive
    compile_seconds: Seconds


class Speed(Strictly):
    """What was measured on one device of one machine.

    lanes: ascents side by side.
    whole_batches: Whether an ascent takes a whole batch; else it takes one picture.
    start_seconds: Once a process: TensorFlow, network, device.
    about: Versions and date, for people.
    """

    host: Text
    device: Text
    model: Text
    lanes: Count
    whole_batches: Bool
    start_seconds: Seconds
    points: Annotated[tuple[Point, ...], Field(min_length=1)]
    about: dict[str, str] = Field(default_factory=dict)


class Work(NamedTuple):
    """What the time of a program depends on: multiplications and layers of the network, canvas pixels."""

    multiplications: int
    pixels: int
    layers: int
    changes_size: bool = False


@dataclass(frozen=True)
class Estimate:
    """Seconds: once a process, and of each job by name."""

    start_s: float
    jobs: Mapping[str, float]

    @property
    def total_s(self) -> float:
        return self.start_s + sum(self.jobs.values())


def estimate(plan: Plan, facts: ModelFacts, speed: Speed) -> Estimate:
    """Estimate how long a plan takes; what the units of a program share is divided among them."""
    cost = Cost(speed)
    pictures: Counter[int] = Counter()
    for unit in plan.units:
        pictures[unit.program] += _frames(plan, unit)
    compilations = [program.compilation for program in plan.programs]
    together = Counter(compilations[unit.program] for unit in plan.units)
    compiling, rendering = [], []  # of each program's units, and pictures
    for i, program in enumerate(plan.programs):
        work = work_of(program, facts)
        compiling.append(cost.compile_s(work) / together[compilations[i]])
        rendering.append(cost.render_s(program, work, pictures[i]) / pictures[i])
    jobs: defaultdict[str, float] = defaultdict(float)
    for unit in plan.units:
        jobs[unit.job] += compiling[unit.program] + rendering[unit.program] * _frames(plan, unit)
    return Estimate(speed.start_seconds, dict(jobs))


def _frames(plan: Plan, unit: Unit) -> int:
    """Return how many pictures a unit is: those of a film that is dreamt on."""
    program = plan.programs[unit.program]
    settings = program.settings
    if unit.picture is None or settings.method != "dream" or not settings.starts_from_picture:
        return 1
    return plan.source(unit.picture).frames


def work_of(program: Program, facts: ModelFacts) -> Work:
    """Return the work of one look of the network at a picture; the picture itself is made once a step.

    Of a window, what is seen of it and what is optimised.
    """
    settings = program.settings
    if settings.octaves is not None:
        view = settings.octaves.tile_px, settings.octaves.tile_px
        pixels = settings.octaves.tile_px**2
    elif program.window is not None:
        view = program.window.view_px, program.window.view_px
        pixels = program.window.canvas_px**2
    else:
        view = view_size(settings.transforms, program.height_px, program.width_px, fmean)
        pixels = program.height_px * program.width_px // settings.views
    needed = ancestors(facts.inputs_of, program.layers)
    view = program.input_px or view
    at = facts.layers_at(*view)
    return Work(
        multiplications(facts.nodes, at, needed, facts.input_channels),
        pixels,
        len(needed),
        program.changes_size,
    )


def looks(program: Program) -> float:
    """Return how often the network looks at a picture until it is made: views, or tiles, of every step."""
    settings = program.settings
    if settings.method == "steepest":
        return 1.0
    if settings.octaves is None:
        return float(all_steps(settings.steps, program.couplings) * settings.views)
    each = octave_steps(settings.octaves, settings.steps, (program.height_px, program.width_px))
    area = program.height_px * program.width_px / (settings.octaves.tile_px * CORE) ** 2
    return float(sum(steps * max(1.0, scale**2 * area) for scale, steps in each))


def unit_cost(program: Program, facts: ModelFacts) -> float:
    """Return what a unit costs, in multiplications of the network."""
    return looks(program) * work_of(program, facts).multiplications


def places(units: int, gpu_pictures: int, lanes: int, whole_batches: bool) -> int:
    """Round units up to full ascents, or lanes: a place without a unit takes as long as one with."""
    width = gpu_pictures if whole_batches else lanes
    return -(-units // width) * width


class Cost:
    """The cost model of a machine.

    Args:
        speed: What was measured there.
    """

    def __init__(self, speed: Speed) -> None:
        self._speed = speed
        columns = ("multiplications", "pixels", "layers", "step_seconds", "compile_seconds")
        steady = [p for p in speed.points if not p.changes_size] or speed.points
        table = np.array([[getattr(p, name) for name in columns] for p in steady], float)
        work, pixels, layers, steps, compiling = table.T
        fitted = non_negative_fit(np.stack([np.ones_like(work), work, pixels], axis=1), steps)
        self._a_pixel = min(fitted[2], (steps / pixels).min())  # the network is left something everywhere
        self._network = Curve(work, steps - self._a_pixel * pixels)
        self._compiling = Curve(layers, compiling)
        changing = [p for p in speed.points if p.changes_size]
        factors = [p.step_seconds / self._steady_s(p.multiplications, p.pixels) for p in changing]
        self._changing_factor = max(1.0, median(factors)) if factors else 1.0

    def step_s(self, work: Work) -> float:
        """Return the seconds of a picture-step."""
        factor = self._changing_factor if work.changes_size else 1.0
        return factor * self._steady_s(work.multiplications, work.pixels)

    def _steady_s(self, multiplications: int, pixels: int) -> float:
        return float(self._network(multiplications) + self._a_pixel * pixels)

    def compile_s(self, work: Work) -> float:
        """Return the seconds until a program is compiled."""
        return self._compiling(work.layers)

    def render_s(self, program: Program, work: Work, units: int) -> float:
        """Return the seconds that some units of a program are rendered for."""
        pictures = places(units, program.gpu_pictures, self._speed.lanes, self._speed.whole_batches)
        return pictures * looks(program) * self.step_s(work)


class Curve:
    """A line through points that never falls: level before them, in proportion behind.

    Args:
        x: [points], positive.
        y: [points]; of points with the same x the mean counts, and one below another on its left is raised.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self._x, place = np.unique(x, return_inverse=True)
        self._y = np.maximum.accumulate(np.bincount(place, y) / np.bincount(place))

    def __call__(self, x: float) -> float:
        return float(np.interp(x, self._x, self._y) * max(1.0, x / self._x[-1]))


def non_negative_fit(columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the coefficients, none below zero, whose sum of columns has the least relative error.

    The best solution with some coefficients at zero is the plain one without their columns, and with a
    handful of columns every choice of them can be tried.

    Args:
        columns: [points, columns], at least one of them positive throughout.
        values: [points], positive.
    """
    relative = columns / values[:, None]
    every = range(columns.shape[1])
    best, least = np.zeros(columns.shape[1]), np.inf
    for chosen in map(list, chain.from_iterable(combinations(every, n + 1) for n in every)):
        found = np.zeros(columns.shape[1])
        found[chosen] = np.linalg.lstsq(relative[:, chosen], np.ones_like(values), rcond=None)[0]
        error = float(((relative @ found - 1.0) ** 2).sum())
        if (found >= 0).all() and error < least:
            best, least = found, error
    return best
