"""Measure how fast this machine renders: a small run through the worker, read off its sidecars.

A unit's seconds are wall time shared out among the units rendered at the same time, so they are what
a picture costs with every lane at work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from fvcli.errors import FvcliError
from fvcli.models import ModelFacts
from fvcli.plan import Program, Unit
from fvcli.plan.cost import Point, Speed, places, work_of
from fvcli.run import RunFolder
from fvcli.run.sidecar import FAILED
from fvcli.worker.device import set_up_device
from fvcli.worker.render_batches import Worker


class Calibration:
    """Measures with a worker of its own.

    Args:
        run: Of ``calibration_plan``, with nothing rendered yet.
        facts: Of its model.
    """

    def __init__(self, run: RunFolder, facts: ModelFacts) -> None:
        self._run = run
        self._facts = facts
        self._device = set_up_device()
        self._worker = Worker(run)

    def measure(self, host: str, start_s: float, say: Callable[[str], None]) -> Speed:
        """Render the run and return what it took.

        Args:
            host: Name of this machine.
            start_s: How long it took to get here.
            say: Is told what is measured next.
        """
        jobs = [units for _, units in self._run.plan.by_job()]
        points = []
        for warm_up, timed in zip(jobs[::2], jobs[1::2], strict=True):
            say(f"{timed[0].layer} at {self._run.plan.programs[timed[0].program].width_px} px")
            points.append(_point(self._timed(warm_up), self._timed(timed), self._facts))
        return Speed(
            host=host,
            device=self._device.name,
            model=self._facts.name,
            lanes=self._device.lanes,
            whole_batches=self._device.whole_batches,
            start_seconds=round(start_s, 3),
            points=tuple(points),
        )

    def _timed(self, units: Sequence[Unit]) -> _Timed:
        """Render the units of a job, which has a program of its own."""
        plan = self._run.plan
        program = plan.programs[units[0].program]
        for _ in self._worker.render([n for n in range(len(plan.batches)) if plan.program_of(n) is program]):
            pass
        sidecars = [self._run.sidecar(unit) for unit in units]
        failures = [sidecar.error for sidecar in sidecars if sidecar and sidecar.status == FAILED]
        if failures:
            raise FvcliError(f"{units[0].layer} cannot be measured: {failures[0]}")
        pictures = places(len(units), program.gpu_pictures, self._device.lanes, self._device.whole_batches)
        seconds = [sidecar.seconds for sidecar in sidecars if sidecar]
        return _Timed(units[0].layer, program, pictures * program.settings.steps, seconds)


@dataclass(frozen=True)
class _Timed:
    """A rendered job.

    picture_steps: How many its seconds were spent on, those of places without a unit, too.
    seconds: Of each unit.
    """

    layer: str
    program: Program
    picture_steps: int
    seconds: Sequence[float]


def _point(warm_up: _Timed, timed: _Timed, facts: ModelFacts) -> Point:
    """Take the median of the timed pictures; what the warm-up took beyond its steps is compiling."""
    step_s = median(timed.seconds) * len(timed.seconds) / timed.picture_steps
    work = work_of(timed.program, facts)
    return Point(
        layer=timed.layer,
        size_px=timed.program.width_px,
        multiplications=work.multiplications,
        pixels=work.pixels,
        layers=work.layers,
        changes_size=work.changes_size,
        step_seconds=round(max(step_s, 1e-6), 6),
        compile_seconds=round(max(0.0, sum(warm_up.seconds) - warm_up.picture_steps * step_s), 3),
    )
