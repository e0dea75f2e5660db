"""Write the spec of one picture alone, so that a picture that left its folder can be rendered again."""

from __future__ import annotations

from typing import Any

from fvcli.plan.data import Plan, TermPlan, Unit
from fvcli.plan.objectives import CLASS_KINDS


def lone_spec(plan: Plan, unit: Unit) -> dict[str, Any]:
    """Return a spec whose plan is this unit: same key, same batch size, same bytes."""
    program = plan.programs[unit.program]
    job: dict[str, Any] = {"name": unit.job, "sign": "positive" if unit.sign > 0 else "negative"}
    if unit.objective == "sum":
        job["objective"] = {"kind": "sum", "terms": [_term(term) for term in unit.terms]}
    else:
        term = unit.terms[0]
        job["objective"] = {"kind": term.kind, **_place(term)}
        if term.kind in CLASS_KINDS:
            job["classes"] = [term.index]
        else:
            job["layer"] = term.layer
            job |= {"channels": [term.index]} if term.index >= 0 else {}
    return {
        "version": 1,
        "model": {key: value for key, value in plan.model.items() if value is not None},
        "render": {
            "recipe": program.recipe,
            "size_px": [program.height_px, program.width_px],
            "batch_size": program.batch_size,
            **program.settings,
        },
        "jobs": [job],
    }


def _place(term: TermPlan) -> dict[str, int]:
    return {"row": term.row, "column": term.column} if term.row >= 0 else {}


def _term(term: TermPlan) -> dict[str, Any]:
    index = {"class" if term.kind in CLASS_KINDS else "channel": term.index} if term.index >= 0 else {}
    return {"kind": term.kind, "layer": term.layer, **index, **_place(term), "weight": term.weight}
