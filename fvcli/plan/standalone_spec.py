"""Write the spec of one picture alone, so that a picture that left its folder can be rendered again."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from fvcli.media.file_facts import safe_name
from fvcli.plan.data import Plan, Unit
from fvcli.plan.keys import RARE_SETTINGS


def standalone_spec(plan: Plan, unit: Unit) -> dict[str, Any]:
    """Return a spec whose plan is this unit: same key and batch size, and so the same bytes.

    Pictures that are optimised together come together. Arrays are named as they were, so relative ones are
    looked for where it is rendered. The name is the same, too, unless pictures of equal names had to be
    numbered.
    """
    program = plan.programs[unit.program]
    job = dict(next(job for job in plan.jobs if job.name == unit.job).asked)
    name = unit.name
    if unit.picture is not None:
        path = plan.source(unit.picture).path
        job["pictures"] = [path]
        name = safe_name(PurePath(path)) + name.removeprefix(str(unit.unit["picture"]))
    if unit.variant is not None:
        job["variants"] = [{"name": unit.variant}]
    return {
        "version": 1,
        "model": {key: value for key, value in plan.model.items() if value is not None},
        "render": {
            "recipe": program.recipe,
            "size_px": [program.height_px, program.width_px],
            "batch_size": program.batch_size,
            **{key: value for key, value in RARE_SETTINGS.items() if value is not None},
            **{key: value for key, value in program.settings.items() if value is not None},
        },
        "jobs": [{**job, "only": [name]}],
    }
