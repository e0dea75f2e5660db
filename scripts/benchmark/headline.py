"""What counts: how much CPU time fvcli needs until its picture is as good as another tool's final one."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.tools import DEFAULT

Sample = tuple[str, int, int]  # layer, channel, repeat
Unit = Mapping[str, Any]


@dataclass(frozen=True)
class Ratio:
    """Another tool's CPU time over fvcli's for the same score, for one unit."""

    layer: str
    channel: int
    repeat: int
    target: float
    tool_cpu: float
    fvcli_cpu: float
    reached: bool

    @property
    def ratio(self) -> float:
        return self.tool_cpu / self.fvcli_cpu


def by_sample(results: Sequence[Mapping[str, Any]], tool: str) -> dict[Sample, list[Unit]]:
    """Group a tool's pictures by unit and repeat, in order of steps."""
    groups: dict[Sample, list[Unit]] = {}
    for result in results:
        if result["tool"] == tool:
            for unit in sorted(result["units"], key=lambda unit: unit["steps"]):
                sample = (result["layer"], unit["channel"], result["repeat"])
                groups.setdefault(sample, []).append(unit)
    return groups


def finals(results: Sequence[Mapping[str, Any]], tool: str) -> dict[Sample, Unit]:
    """Return a tool's pictures at its own number of steps."""
    groups = by_sample(results, tool)
    return {sample: next(unit for unit in units if unit["own"]) for sample, units in groups.items()}


def cpu_to_reach(curve: Sequence[tuple[float, float]], target: float) -> float | None:
    """Return the CPU time at which a curve first reaches a score, or None.

    Linear between neighbours of the running maximum. Below the first point nothing is known, so a score
    that it reaches costs what the first point costs.

    Args:
        curve: (CPU seconds, score), in order of steps.
        target: The score.
    """
    best = np.maximum.accumulate([score for _, score in curve])
    for i, (cpu, _) in enumerate(curve):
        if best[i] >= target:
            if i == 0:
                return cpu
            before = curve[i - 1][0]
            return before + (cpu - before) * float((target - best[i - 1]) / (best[i] - best[i - 1]))
    return None


def ratios(results: Sequence[Mapping[str, Any]], tool: str) -> list[Ratio]:
    """Compare a tool with fvcli's curve, unit by unit; where that never gets there, its end counts."""
    curves = by_sample(results, DEFAULT)
    found = []
    for sample, unit in finals(results, tool).items():
        if sample in curves:
            curve = [(point["cpu_seconds"], point["score"]) for point in curves[sample]]
            cpu = cpu_to_reach(curve, unit["score"])
            spent = curve[-1][0] if cpu is None else cpu
            found.append(Ratio(*sample, unit["score"], unit["cpu_seconds"], spent, cpu is not None))
    return found


def geometric_mean(values: Sequence[float]) -> float:
    return math.exp(statistics.fmean(math.log(value) for value in values))
