"""Write the spec of one picture alone, so that a picture that left its folder can be rendered again."""

from __future__ import annotations

from typing import Any

from fvcli.plan.data import Plan, Unit


def lone_spec(plan: Plan, unit: Unit) -> dict[str, Any]:
    """Return a spec whose plan is this unit: same key, name and batch size, and so the same bytes."""
    program = plan.programs[unit.program]
    asked = next(job for job in plan.jobs if job.name == unit.job)
    job: dict[str, Any] = {
        "name": unit.job,
        "objective": dict(asked.objective),
        "sign": "positive" if unit.sign > 0 else "negative",
    }
    if asked.layer is not None:
        job["layer"] = asked.layer
    if "channel" in unit.unit:
        job["channels"] = [unit.unit["channel"]]
    if "class" in unit.unit:
        job["classes"] = [unit.unit["class"]]
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
