"""``fvcli plan``."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fvcli.cli.options import code_option, say_remarks, set_option, spec_words
from fvcli.cli.place import RUN
from fvcli.cli.table import print_json, print_table, spoken
from fvcli.errors import counted, some_of

if TYPE_CHECKING:
    from fvcli.app.plan_spec import PlannedSpec
    from fvcli.plan import JobPlan, Plan, Unit
    from fvcli.plan.cost import Estimate, Speed
    from fvcli.plan.memory import Most

UNKNOWN = "time: unknown; measure this machine once with: fvcli calibrate"


@click.command()
@spec_words
@set_option
@code_option
@click.option("--json", "as_json", is_flag=True, help="Print the whole resolved plan as JSON.")
@click.option(
    "-o",
    "--output",
    "output",
    type=RUN,
    help="Say as well what would be kept, rendered or lost in this run folder.",
)
def plan(
    words: Sequence[str], overrides: Sequence[str], allow_code: bool, as_json: bool, output: Path | None
) -> None:
    """Show what a SPEC would render; nothing is written.

    \b
      fvcli plan spec.yaml
      fvcli plan efficientnet-lite0 block4_expand_bn:0-11
      fvcli plan spec.yaml --set render.recipe=lucid --json
      fvcli plan spec.yaml -o run

    Times are estimates from what fvcli calibrate measured on this machine.
    """
    from fvcli.app.plan_for_run import plan_for_run
    from fvcli.app.spec_of_words import plan_of_words
    from fvcli.app.speed_table import read_speed, speed_path
    from fvcli.plan.cost import estimate
    from fvcli.plan.memory import most_of
    from fvcli.run.cores import cores

    planned = plan_of_words(words, overrides, allow_code)
    made = planned.plan
    speed = read_speed(speed_path(), socket.gethostname())
    time = estimate(made, planned.facts, speed) if speed else None
    in_run = plan_for_run(planned, output) if output is not None else None
    say_remarks(planned.facts, planned.remarks)
    if as_json:
        said = _facts(made, most_of(made.programs, planned.facts, cores()), speed, time)
        run = {"in_run": in_run.to_dict()} if in_run is not None else {}
        print_json({"notes": [*planned.facts.remarks, *planned.remarks], **run, **said})
        return
    is_square = all(program.height_px == program.width_px for program in made.programs)
    size = "size" if is_square else "height x width"
    columns = ("job", "units", "layer", "objective", "recipe", size, "steps", "batch")
    print_table((*columns, "time") if time else columns, [_row(made, *job, time) for job in made.by_job()])
    units = counted(len(made.units), "unit")
    batches = counted(len(made.batches), "batch", "batches")
    click.echo(f"\n{units} in {batches}")
    click.echo(_memory(most_of(made.programs, planned.facts, cores()), cores()) + _gpu_memory(planned))
    click.echo(_total(speed, time))
    for line in in_run.lines() if in_run is not None else []:
        click.echo(line)


def _facts(made: Plan, most: Most, speed: Speed | None, time: Estimate | None) -> dict[str, Any]:
    import json

    memory = {
        "memory_bytes": most.total_bytes,
        "picture_bytes": most.memory.ascent_bytes,
        "gpu_memory_bytes": made.gpu_memory_bytes,
    }
    totals = {"units": len(made.units), "batches": len(made.batches), **memory}
    return {"totals": totals, "time": _time_facts(speed, time), **json.loads(made.to_json())}


def _time_facts(speed: Speed | None, time: Estimate | None) -> dict[str, Any] | None:
    """Return the estimates in seconds: the whole, what it begins with, and each job's part."""
    if speed is None or time is None:
        return None
    return {
        "seconds": round(time.total_s, 2),
        "start_seconds": round(time.start_s, 2),
        "job_seconds": {job: round(seconds, 2) for job, seconds in time.jobs.items()},
        "device": speed.device,
        "host": speed.host,
    }


def _row(made: Plan, job: JobPlan, units: Sequence[Unit], time: Estimate | None) -> tuple[Any, ...]:
    used = [made.programs[number] for number in dict.fromkeys(unit.program for unit in units)]
    signs = {unit.sign for unit in units}
    kind = units[0].objective + (" (both signs)" if len(signs) > 1 else " (negative)" if -1 in signs else "")
    row = (
        job.name,
        len(units),
        _all([unit.layer for unit in units], "layer"),
        kind,
        _all([program.recipe for program in used], "recipe"),
        _all([f"{program.height_px}x{program.width_px}" for program in used], "size"),
        _all([program.settings.steps for program in used], "number"),
        _all([program.batch_size for program in used], "size"),
    )
    return (*row, spoken(time.jobs[job.name])) if time else row


def _all(values: Sequence[Any], more: str) -> Any:
    """Return what all values of a job are, or the first few of those that differ."""
    different = [*dict.fromkeys(values)]
    return different[0] if len(different) == 1 else some_of([*map(str, different)], more)


def _memory(most: Most, lanes: int) -> str:
    """Say what rendering takes at most on the CPU of this machine, in parts that can be added up."""
    from fvcli.plan.views import gigabytes

    memory, members = most.memory, most.program.members
    process = gigabytes(memory.network_bytes + memory.compiling_bytes)
    what = "picture" if members == 1 else f"group of {members}"
    whats = what.replace("group", "groups") if members > 1 else "pictures"
    at_once = f"for the {what}" if lanes == 1 else f"for each of {lanes} {whats} at once"
    parts = f"{process} for the process and {gigabytes(memory.ascent_bytes)} {at_once} (--threads {lanes})"
    said = f"memory: at most about {gigabytes(most.total_bytes)} on a CPU"
    is_loading = most.total_bytes == memory.loading_bytes
    return f"{said} while the network is loaded, then {parts}" if is_loading else f"{said}: {parts}"


def _gpu_memory(planned: PlannedSpec) -> str:
    """Say what a GPU needs, where one is here, or where the spec is for one."""
    from fvcli.engines.gpus import gpus_here
    from fvcli.plan.views import gigabytes
    from fvcli.plan.written_keys import written_keys

    made = planned.plan
    written = written_keys(planned.text)
    is_for_gpu = any("memory_gb" in keys for keys in (written.render, *written.jobs.values()))
    if not (is_for_gpu or gpus_here()) or all(program.gpu_batches == 1 for program in made.programs):
        return ""
    count = max(program.gpu_pictures for program in made.programs)
    return f"; about {gigabytes(made.gpu_memory_bytes)} of a GPU, for up to {count} pictures at once"


def _total(speed: Speed | None, time: Estimate | None) -> str:
    if speed is None or time is None:
        return UNKNOWN
    where = f"{speed.device}, measured by fvcli calibrate on {speed.host}"
    return f"time: at most about {spoken(time.total_s)} on {where}"
