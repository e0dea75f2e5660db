"""Write the spec of one picture alone, so that a picture that left its folder can be rendered again."""

from __future__ import annotations

from typing import Any

from fvcli.plan.data import Plan, Unit


def lone_spec(plan: Plan, unit: Unit) -> dict[str, Any]:
    """Return a spec whose plan is this unit: same key, name and batch size, and so the same bytes.

    Pictures that are optimised together come together.
    """
    program = plan.programs[unit.program]
    job = dict(next(job for job in plan.jobs if job.name == unit.job).asked)
    if unit.picture is not None:
        job["pictures"] = [plan.source(unit.picture).path]
    if unit.variant is not None:
        job["variants"] = [{"name": unit.variant}]
    return {
        "version": 1,
        "model": {key: value for key, value in plan.model.items() if value is not None},
        "render": {
            "recipe": program.recipe,
            "size_px": [program.height_px, program.width_px],
            "batch_size": program.batch_size,
            **{key: value for key, value in program.settings.items() if value is not None},
        },
        "jobs": [{**job, "only": [unit.name]}],
    }
