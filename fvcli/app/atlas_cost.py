"""How many pictures the atlas of a model has, and how long they take on this machine."""

from __future__ import annotations

import socket
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from fvcli.app.plan_spec import plan_of_text
from fvcli.app.speed_table import read_speed, speed_path
from fvcli.plan.atlas_jobs import kind_of_job
from fvcli.plan.cost import estimate


@dataclass(frozen=True)
class AtlasCost:
    """What an atlas costs.

    pictures: Of each kind of job: channel, neuron, negative, diversity.
    seconds: Of each kind, on this machine; None if it was not measured.
    device: What was measured.
    """

    pictures: Mapping[str, int]
    seconds: Mapping[str, float] | None = None
    device: str = ""


def atlas_cost(text: str, allow_code: bool = False) -> AtlasCost:
    """Return what the atlas of a spec costs.

    Args:
        text: The spec, as ``atlas_spec`` wrote it.
        allow_code: Whether the model's factory may run.

    Raises:
        SpecError: The spec cannot be planned.
    """
    planned = plan_of_text(text, {}, (), allow_code)
    pictures = Counter(kind_of_job(unit.job) for unit in planned.plan.units)
    speed = read_speed(speed_path(), socket.gethostname())
    if speed is None:
        return AtlasCost(pictures)
    seconds: defaultdict[str, float] = defaultdict(float)
    for job, of_job in estimate(planned.plan, planned.facts, speed).jobs.items():
        seconds[kind_of_job(job)] += of_job
    return AtlasCost(pictures, dict(seconds), speed.device)
