"""``fvcli plan``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from fvcli.cli.inputs import plan_of_spec, set_option
from fvcli.cli.table import print_json, print_table

if TYPE_CHECKING:
    from fvcli.plan import Plan


@click.command()
@click.argument("spec")
@set_option
@click.option("--json", "as_json", is_flag=True, help="Print the whole resolved plan as JSON.")
def plan(spec: str, overrides: Sequence[str], as_json: bool) -> None:
    """Show what a SPEC would render; nothing is written.

    \b
      fvcli plan spec.yaml
      fvcli plan spec.yaml --set render.recipe=lucid --json
    """
    from fvcli.plan.views import gigabytes

    made = plan_of_spec(spec, overrides).plan
    if as_json:
        print_json(_facts(made))
        return
    print_table(("job", "units", "layer", "objective", "recipe", "size", "steps", "batch"), _rows(made))
    units = _counted(len(made.units), "unit", "units")
    batches = _counted(len(made.batches), "batch", "batches")
    click.echo(f"\n{units} in {batches}; about {gigabytes(made.memory_bytes)} for the largest batch")


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _facts(made: Plan) -> dict[str, Any]:
    import json

    totals = {"units": len(made.units), "batches": len(made.batches), "memory_bytes": made.memory_bytes}
    return {"totals": totals, **json.loads(made.to_json())}


def _rows(made: Plan) -> list[tuple[Any, ...]]:
    rows = []
    for job, units in made.by_job():
        program = made.programs[units[0].program]
        size = f"{program.height_px}x{program.width_px}"
        kind = units[0].objective + (" (negative)" if units[0].sign < 0 else "")
        steps = program.settings["steps"]
        rows.append(
            (job.name, len(units), units[0].layer, kind, program.recipe, size, steps, program.batch_size)
        )
    return rows
