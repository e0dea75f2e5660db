"""``fvcli render``."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fvcli.cli.exit_and_signals import EXIT_FAILED, current_stop
from fvcli.cli.options import code_option, parse_shard, say_remarks, set_option
from fvcli.cli.table import say_counts
from fvcli.errors import UsageError

if TYPE_CHECKING:
    from fvcli.app.plan_spec import PlannedSpec
    from fvcli.engines import EngineOptions
    from fvcli.run import RunFolder


@click.command()
@click.argument("spec", required=False)
@click.option(
    "-o", "--output", "output", required=True, type=click.Path(path_type=Path), help="The run folder."
)
@set_option
@click.option(
    "--from",
    "picture",
    type=click.Path(path_type=Path),
    help="Render the unit of a PNG again, instead of a SPEC.",
)
@click.option(
    "--engine", type=click.Choice(["local"]), default="local", show_default=True, help="What runs it."
)
@click.option(
    "--shard", metavar="I/N", help="Render slice I of N of the batches; join the folders with merge."
)
@click.option(
    "--only", metavar="PATTERN", help="Render units whose job/unit, job or unit matches, such as 'dogs/*'."
)
@click.option("--force", is_flag=True, help="Replace what another spec rendered into the folder.")
@code_option
def render(
    spec: str | None,
    output: Path,
    overrides: Sequence[str],
    picture: Path | None,
    engine: str,
    shard: str | None,
    only: str | None,
    force: bool,
    allow_code: bool,
) -> None:
    """Render a SPEC into a run folder, or finish what is missing there.

    \b
      fvcli render spec.yaml -o run
      fvcli render spec.yaml -o run --set render.steps=64 --only 'textures/*'
      fvcli render --from picture.png -o again

    A run that was interrupted, in whatever way, goes on where it was when the same
    command is given again. Exit codes: 0 fine, 1 a unit failed, 2 a mistake in the
    command or the spec (nothing was written), 75 stopped by a signal.
    """
    planned = _planned(spec, picture, overrides, allow_code)
    say_remarks(planned.facts)
    for remark in planned.remarks:
        click.echo(f"Note: {remark}", err=True)
    part = parse_shard(shard)
    if part and force:
        raise UsageError("--force with --shard would drop what other shards rendered", "give a new folder")
    wanted = _wanted(planned, only)
    from fvcli.app.preflight import check_machine
    from fvcli.engines import EngineOptions
    from fvcli.run import RunFolder

    check_machine(planned.plan)
    slice_name = f"{part[0]}-of-{part[1]}" if part else None
    with RunFolder.begin(output, planned.plan, planned.text, force=force, shard=slice_name) as run:
        batches = planned.plan.shard(*part) if part else range(len(planned.plan.batches))
        rendered = _render_missing(run, engine, batches, EngineOptions(wanted, allow_code))
        if part is None:
            _draw_grids(run, rendered)
        _report(run, batches, wanted)


def _planned(
    spec: str | None, picture: Path | None, overrides: Sequence[str], allow_code: bool
) -> PlannedSpec:
    from fvcli.app.plan_spec import plan_of_picture, plan_of_spec

    if spec is not None and picture is None:
        return plan_of_spec(spec, overrides, allow_code)
    if picture is not None and spec is None:
        return plan_of_picture(picture, overrides, allow_code)
    raise UsageError("give either a SPEC or --from PICTURE", "fvcli render spec.yaml -o run")


def _wanted(planned: PlannedSpec, only: str | None) -> frozenset[str] | None:
    if only is None:
        return None
    wanted = planned.plan.only(only)
    if not wanted:
        example = planned.plan.units[0].path
        raise UsageError(f"--only {only}: no unit matches", f"units are named like {example}")
    return wanted


def _render_missing(run: RunFolder, engine: str, batches: Sequence[int], options: EngineOptions) -> bool:
    """Render what the batches still lack; tell whether there was anything."""
    from fvcli.cli.progress import Progress
    from fvcli.engines import ENGINES
    from fvcli.run import missing_units

    missing = missing_units(run, batches, options.only)
    if not missing:
        return False
    stop = current_stop()
    stop.patient = True
    with Progress(run, missing) as progress:
        events = ENGINES[engine]().run(run, list(missing), options)
        with contextlib.closing(events):  # type: ignore[type-var]  # engines are generators
            for event in events:
                if stop.heard:
                    break
                progress.show(event)
    stop.patient = False
    if stop.heard:
        done = sum(run.is_finished(unit) for unit in run.plan.units)
        stop.raise_it(f" with {done} of {len(run.plan.units)} units done")
    return True


def _draw_grids(run: RunFolder, rendered: bool) -> None:
    """Draw contact sheets and figure, unless they are all there and nothing was rendered."""
    from fvcli.atlas import grid_paths, write_figure, write_grids

    paths = grid_paths(run)
    figure = [run.figure] if run.plan.output.figure else []
    if rendered or not all(path.exists() for path in (*paths, *figure)):
        paths = write_grids(run)
        write_figure(run)
    for path in (*paths, *figure):
        click.echo(path)


def _report(run: RunFolder, batches: Sequence[int], wanted: frozenset[str] | None) -> None:
    """Say what the asked-for units came to, and exit with 1 if one failed."""
    units = [unit for number in batches for unit in run.plan.units_of(number, wanted)]
    sidecars = [(unit, run.sidecar(unit)) for unit in units]
    counts = Counter(sidecar.status if sidecar else "missing" for _, sidecar in sidecars)
    click.echo(f"{run.path}: {say_counts(counts) or 'no units in this slice'}")
    failed = [(unit, sidecar) for unit, sidecar in sidecars if sidecar and sidecar.status == "failed"]
    for unit, sidecar in failed:
        click.echo(f"Error: {unit.path} failed: {sidecar.error}", err=True)
    if failed:
        click.get_current_context().exit(EXIT_FAILED)
