"""Workers whose renderer paints instead of ascending, on a machine that is made up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fvcli.models import ModelFacts
from fvcli.plan import Program, Unit
from fvcli.run import RunFolder
from fvcli.run.work.attempts import attempts_of, latest_attempts
from fvcli.worker import render_batches
from fvcli.worker.ascent_renderer import Outcome
from fvcli.worker.device import Device
from fvcli.worker.render_batches import Worker

Begin = Callable[..., RunFolder]
GPU = Device("gpu: fake", True, 1, whole_batches=True)
CPU = Device("cpu", False, 2, whole_batches=False)
PIXELS = np.zeros((2, 2, 3), np.uint8)


@dataclass
class Painter:
    """Renders nothing.

    calls: The names of the units and the size of each ascent, in order.
    compiled: The first term's layer of each program that was compiled.
    most: Pictures that fit into the memory.
    before: Is called with the units, and with what asks whether to stop, before they are painted.
    """

    calls: list[tuple[list[str], int]] = field(default_factory=list)
    compiled: list[str] = field(default_factory=list)
    most: int = 1000
    before: Callable[[Sequence[Unit], Callable[[], bool]], None] = lambda _units, _stopped: None
    shares: tuple[float, ...] = ()

    def make(self, program: Program, *_: Any) -> Painter:
        self.compiled.append(program.layers[0])
        return self

    def render(
        self,
        _program: Program,
        units: Sequence[Unit],
        size: int,
        report: Callable[[float], None],
        stopped: Callable[[], bool],
    ) -> list[Outcome] | None:
        self.calls.append(([unit.name for unit in units], size))
        self.before(units, stopped)
        if stopped():
            return None
        for share in self.shares:
            report(share)
        if size > self.most:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        scores = [float(unit.terms[0].index) for unit in units]
        return [Outcome(PIXELS, -1.0, score, score, False, True, 24) for score in scores]


@pytest.fixture
def painter() -> Painter:
    return Painter()


@pytest.fixture
def worker_of(
    monkeypatch: pytest.MonkeyPatch, facts: ModelFacts, painter: Painter
) -> Callable[[RunFolder, Device], Worker]:
    """Make workers whose renderer is the painter."""

    def make(run: RunFolder, device: Device) -> Worker:
        monkeypatch.setattr(render_batches, "set_up_device", lambda *_: device)
        monkeypatch.setattr(render_batches, "load", lambda *_: SimpleNamespace(facts=facts))
        monkeypatch.setattr(render_batches, "renderer_of", painter.make)
        return Worker(run)

    return make


WorkerOf = Callable[[RunFolder, Device], Worker]


def channels(count: int, name: str = "a", layer: str = "stem_bn", **more: Any) -> dict[str, Any]:
    return {"name": name, "layer": layer, "channels": list(range(count)), **more}


def group(count: int, groups: int = 1, name: str = "m") -> dict[str, Any]:
    """A job of channels, each of them several pictures that are optimised together."""
    return channels(groups, name, diversity={"count": count, "weight": 1.0})


def of_kind(events: Sequence[object], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def known(run: RunFolder) -> dict[str, Any]:
    return {unit.path: run.sidecar(unit) for unit in run.plan.units}


def outcomes_of_attempts(run: RunFolder) -> dict[int, list[str | None]]:
    return {
        batch: [one.outcome for one in attempts_of(run.path, batch)] for batch in latest_attempts(run.path)
    }


def names(*numbers: int) -> list[str]:
    return [f"channel-{number:04d}" for number in numbers]
