"""``fvcli render``."""

from __future__ import annotations

import contextlib
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from fvcli.cli.inputs import PlannedSpec, parse_shard, plan_of_picture, plan_of_spec, set_option
from fvcli.cli.session import EXIT_FAILED
from fvcli.errors import StoppedError, UsageError

if TYPE_CHECKING:
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
def render(
    spec: str | None,
    output: Path,
    overrides: Sequence[str],
    picture: Path | None,
    engine: str,
    shard: str | None,
    only: str | None,
    force: bool,
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
    planned = _planned(spec, picture, overrides)
    part = parse_shard(shard)
    if part and force:
        raise UsageError("--force with --shard would drop what other shards rendered", "give a new folder")
    wanted = _wanted(planned, only)
    from fvcli.run import RunFolder

    slice_name = f"{part[0]}-of-{part[1]}" if part else None
    with RunFolder.begin(output, planned.plan, planned.text, force=force, shard=slice_name) as run:
        batches = planned.plan.shard(*part) if part else range(len(planned.plan.batches))
        missing = _missing(run, batches, wanted)
        _render_missing(run, engine, missing, wanted)
        if part is None:
            _draw_grids(run)
        _report(run, batches, wanted)


def _planned(spec: str | None, picture: Path | None, overrides: Sequence[str]) -> PlannedSpec:
    if (spec is None) == (picture is None):
        raise UsageError("give either a SPEC or --from PICTURE", "such as: fvcli render spec.yaml -o run")
    return (
        plan_of_spec(spec, overrides) if spec is not None else plan_of_picture(picture or Path(), overrides)
    )


def _wanted(planned: PlannedSpec, only: str | None) -> frozenset[str] | None:
    if only is None:
        return None
    wanted = planned.plan.only(only)
    if not wanted:
        example = planned.plan.units[0].path
        raise UsageError(f"--only {only}: no unit matches", f"units are named like {example}")
    return wanted


def _missing(run: RunFolder, batches: Sequence[int], wanted: frozenset[str] | None) -> dict[int, int]:
    """Count the units that each batch still lacks; leave out batches that lack none."""
    lacking = {
        number: sum(
            not run.is_finished(unit)
            for unit in run.plan.units_of(number)
            if wanted is None or unit.path in wanted
        )
        for number in batches
    }
    return {number: count for number, count in lacking.items() if count}


def _render_missing(
    run: RunFolder, engine: str, missing: dict[int, int], wanted: frozenset[str] | None
) -> None:
    if not missing:
        return
    from fvcli.cli.progress import Progress
    from fvcli.engines import ENGINES, EngineOptions

    with _heed_signals() as signals, Progress(run, missing) as progress:
        events = ENGINES[engine]().run(run, list(missing), EngineOptions(wanted))
        with contextlib.closing(events):  # type: ignore[type-var]  # engines are generators
            for event in events:
                if signals:
                    break
                progress.show(event)
    if signals:
        done = sum(run.is_finished(unit) for unit in run.plan.units)
        raise StoppedError(
            f"stopped by {signal.Signals(signals[0]).name} with {done} of {len(run.plan.units)} units done",
            f"to go on: {shlex.join(['fvcli', *sys.argv[1:]])}",
        )


@contextlib.contextmanager
def _heed_signals() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM instead of dying; a second one dies at once."""
    heard: list[int] = []

    def hear(number: int, _frame: FrameType | None) -> None:
        if heard:
            raise KeyboardInterrupt
        heard.append(number)

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield heard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _draw_grids(run: RunFolder) -> None:
    from fvcli.atlas import write_grids

    for path in write_grids(run):
        click.echo(path)


def _report(run: RunFolder, batches: Sequence[int], wanted: frozenset[str] | None) -> None:
    """Say what the asked-for units came to, and exit with 1 if one failed."""
    units = [
        unit
        for number in batches
        for unit in run.plan.units_of(number)
        if wanted is None or unit.path in wanted
    ]
    sidecars = [(unit, run.sidecar(unit)) for unit in units]
    statuses = [sidecar.status if sidecar else "missing" for _, sidecar in sidecars]
    counts = ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses))
    click.echo(f"{run.path}: {counts}")
    failed = [(unit, sidecar) for unit, sidecar in sidecars if sidecar and sidecar.status == "failed"]
    for unit, sidecar in failed:
        click.echo(f"Error: {unit.path} failed: {sidecar.error}", err=True)
    if failed:
        click.get_current_context().exit(EXIT_FAILED)
