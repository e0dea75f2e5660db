"""Plans of one neuron, and the window that they give it."""

from __future__ import annotations

import json
from typing import Any

from fvcli.models import ModelFacts
from fvcli.plan import Plan, Window, make_plan
from fvcli.spec import parse_document, validate

MILD = {"kind": "affine", "degrees": 5.0, "scales": [0.95, 1.05], "shift_px": 2.0, "crop_px": 8}


def plan_of(
    facts: ModelFacts,
    layer: str,
    size_px: tuple[int, int],
    place: tuple[int, int] | None = None,
    **render: Any,
) -> Plan:
    """Plan one neuron, the central one without a place."""
    at = {} if place is None else {"row": place[0], "column": place[1]}
    job = {"name": "n", "layer": layer, "channels": [0], "objective": {"kind": "neuron", **at}}
    render = {"size_px": list(size_px), "transforms": [MILD], **render}
    data = {"model": "efficientnet-lite0", "render": render, "jobs": [job]}
    document = parse_document(json.dumps(data), "spec.yaml")
    spec, positions = validate(document)
    document.raise_problems()
    plan, problems = make_plan(spec, positions, facts)
    assert problems == []
    return plan


def neuron_window(facts: ModelFacts, *what: Any, **render: Any) -> tuple[Window, tuple[int, int]] | None:
    plan = plan_of(facts, *what, **render)
    (unit,), (program,) = plan.units, plan.programs
    assert (program.window is None) == (unit.place is None)
    return None if program.window is None else (program.window, unit.place)
