"""What ``fvcli calibrate`` renders: a few layers from shallow to deep, at two or three sizes.

One of them is rendered with Lucid's recipe too, whose views have another size at each step.
"""

from __future__ import annotations

from typing import Any

from fvcli.errors import FvcliError
from fvcli.models import ModelFacts
from fvcli.plan.make import make_plan
from fvcli.plan.plan import Plan
from fvcli.spec.schema import Spec

WARM_UP_STEPS = 24  # beyond those that redirect gradients, whose kernels differ
TIMED_STEPS, QUICK_STEPS = 48, 32
MAX_UNITS = 32  # layers with fewer channels are not measured


def calibration_plan(facts: ModelFacts, lanes: int, quick: bool = False) -> Plan:
    """Return a plan of two jobs a point: one that compiles and warms up, one to be timed.

    Args:
        facts: Of the model.
        lanes: How many ascents run at a time; the timed job has two pictures for each.
        quick: Measure three cheap points only, in seconds; the rest is extrapolated.
    """
    steps = (WARM_UP_STEPS, QUICK_STEPS if quick else TIMED_STEPS)
    units = (min(lanes, MAX_UNITS), min(2 * lanes, MAX_UNITS))
    jobs = [
        {
            "name": f"{i}-{name}",
            "recipe": recipe,
            "size_px": size,
            "steps": steps[k],
            **_asked(layer, units[k], facts),
        }
        for i, (layer, size, recipe) in enumerate(_points(facts, quick))
        for k, name in enumerate(("warm-up", "timed"))
    ]
    spec = Spec.model_validate({"model": facts.name, "render": {"early_stop": 0.0}, "jobs": jobs})
    plan, problems = make_plan(spec, range(len(jobs)), facts)
    if problems:
        raise FvcliError(f"{facts.name} cannot be measured: {problems[0].message}")
    return plan


def _points(facts: ModelFacts, quick: bool) -> list[tuple[str, int, str]]:
    """Return layers, sizes and recipes; deeper layers and larger sizes need more multiplications."""
    kinds = {node.kind for node in facts.nodes}
    kind = "batch_norm" if "batch_norm" in kinds else "conv"
    rendered = [node.name for node in facts.nodes if node.kind == kind and node.channels >= MAX_UNITS]
    shallow, middle, deep = (rendered[len(rendered) * i // 4] for i in (0, 1, 2))
    native = max(facts.native_size_px)
    small, half, whole = 2 * facts.min_size_px, native // 2, native
    if quick:
        steady = [(shallow, small), (shallow, half), (middle, half)]
    else:
        steady = [
            (shallow, small),
            (shallow, whole),
            (middle, half),
            (middle, whole),
            (deep, whole),
            (facts.logits or deep, whole),
        ]
    changing = [(middle, half if quick else whole)]
    return [(*place, "default") for place in steady] + [(*place, "lucid") for place in changing]


def _asked(layer: str, units: int, facts: ModelFacts) -> dict[str, Any]:
    chosen = list(range(units))
    if layer == facts.logits:
        return {"objective": "class_logit", "classes": chosen}
    return {"layer": layer, "channels": chosen}
