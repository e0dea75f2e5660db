"""``fvcli render``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fvcli.cli.engine_type import EngineType
from fvcli.cli.exit_and_signals import EXIT_FAILED, current_stop
from fvcli.cli.options import (
    code_option,
    parse_shard,
    parse_workers,
    run_of,
    run_option,
    say_remarks,
    say_spec_of,
    set_option,
    shard_option,
    spec_words,
    worker_options,
)
from fvcli.cli.place import Place
from fvcli.cli.quiet import note
from fvcli.errors import UsageError, counted

if TYPE_CHECKING:
    from fvcli.app.plan_spec import PlannedSpec
    from fvcli.app.render_run import RenderOutcome


@click.command()
@spec_words
@run_option
@set_option
@click.option(
    "--from",
    "picture",
    type=Place(remedy="copy the picture to this machine"),
    help="Render the unit of a PNG again, instead of a SPEC.",
)
@click.option("--engine", type=EngineType(), default="local", show_default=True, help="What starts workers.")
@click.option(
    "--workers",
    default="auto",
    show_default=True,
    metavar="N|auto",
    help="Processes to render with; auto: one for each GPU, or none but this one; with --engine ray as "
    "many as the cluster has room for.",
)
@click.option(
    "--gpus-per-worker",
    type=click.FloatRange(0.0, min_open=True),
    default=1.0,
    show_default=True,
    help="GPUs of each worker; 0.5 lets two share one.",
)
@click.option(
    "--ray-address",
    metavar="ADDRESS",
    help="Ray cluster of --engine ray, such as auto or head:6379; by default $RAY_ADDRESS, or this machine.",
)
@shard_option(
    "Render slice I of N of the batches; auto takes it from the variables of an array job. "
    "Join the folders with merge."
)
@click.option(
    "--only",
    multiple=True,
    metavar="PATTERN",
    help="Render units whose job/unit, job or unit matches, such as 'dogs/*'. May be given several times.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Move finished pictures of another spec to OUTPUT/replaced-1/ (then replaced-2/ ...) "
    "where they are in the way.",
)
@click.option(
    "--again",
    is_flag=True,
    help="Render finished units anew; their pictures are moved to OUTPUT/replaced-1/ first.",
)
@worker_options
@code_option
def render(
    words: Sequence[str],
    output: Path | None,
    overrides: Sequence[str],
    picture: Path | None,
    engine: str,
    workers: str,
    gpus_per_worker: float,
    ray_address: str | None,
    shard: str | None,
    only: Sequence[str],
    force: bool,
    again: bool,
    threads: int | None,
    tries: int,
    timeout_s: float,
    lease_s: float,
    mixed: bool,
    allow_code: bool,
) -> None:
    """Render a SPEC into a run folder, or finish what is missing there.

    \b
      fvcli render spec.yaml -o run
      fvcli render efficientnet-lite0 block4_expand_bn:0-11 -o run
      fvcli render spec.yaml -o run --set render.steps=64 --only 'textures/*'
      fvcli render spec.yaml -o run --again --only textures/channel-0003
      fvcli render --from picture.png -o again

    A MODEL and layers of it, with channels as a spec has them, make a spec, which is
    written into the run. Without -o the run of dogs.yaml is runs/dogs.

    A run that was interrupted, in whatever way, goes on where it was when the same
    command is given again. A run grows when its spec grows: pictures that the spec
    still asks for are kept, also under another name of their job. If finished pictures
    would be lost, fvcli says which and why, and stops; with --force it moves them.
    Nothing that is finished is deleted. Several fvcli may render one run at a time: each batch
    is claimed by one of them. Exit codes: 0 fine, 1 a unit failed, 2 a mistake in the
    command or the spec (nothing was written), 75 stopped by a signal.
    """
    if ray_address is not None and engine != "ray":
        raise UsageError("--ray-address is for --engine ray", "leave it out, or give --engine ray")
    if picture is not None and output is None:
        raise UsageError("a picture has no name for its run", "give -o RUN")
    planned = _planned(words, picture, overrides, allow_code)
    run = run_of(output, words)
    say_remarks(planned.facts, planned.remarks)
    from fvcli.app.render_run import RenderOptions, render_run
    from fvcli.cli.progress import progress
    from fvcli.engines import EngineOptions

    count = parse_workers(workers)
    how = EngineOptions(
        count, threads, gpus_per_worker, tries, timeout_s, lease_s, allow_code, mixed, ray_address
    )
    options = RenderOptions(engine, how, parse_shard(shard, os.environ), only, force, again)
    stop = current_stop()
    outcome = render_run(planned, run, options, progress(stop))
    if outcome.stopped:
        stop.raise_it(f"{outcome.done} of {counted(outcome.planned, 'unit')} done")
    _report(outcome)
    say_spec_of(words, outcome.run)


def _planned(
    words: Sequence[str], picture: Path | None, overrides: Sequence[str], allow_code: bool
) -> PlannedSpec:
    from fvcli.app.plan_spec import plan_of_picture
    from fvcli.app.spec_of_words import plan_of_words

    if words and picture is None:
        return plan_of_words(words, overrides, allow_code)
    if picture is not None and not words:
        return plan_of_picture(picture, overrides, allow_code)
    raise UsageError("give either a SPEC or --from PICTURE", "fvcli render spec.yaml -o run")


def _report(outcome: RenderOutcome) -> None:
    """Say what the asked-for units came to, and exit with 1 if one failed."""
    from fvcli.run.remarks import remark_lines

    for path in outcome.sheets:
        click.echo(path)
    click.echo(f"{outcome.run}: {_what_was_done(outcome)}")
    for line in remark_lines(outcome.remarks):
        note(f"Look: {line}")
    for unit, reason in outcome.failed:
        click.echo(f"Error: {unit} failed: {reason}", err=True)
    if outcome.missing:
        message = f"{counted(outcome.missing, 'unit')} could not be rendered"
        click.echo(f"Error: {message}: see {outcome.run}/logs, and render again", err=True)
    if outcome.failed or outcome.missing:
        click.get_current_context().exit(EXIT_FAILED)


def _what_was_done(outcome: RenderOutcome) -> str:
    """Say what this command rendered, and where that is not the whole run, how far the run is."""
    from fvcli.app.render_log import say_counts

    if outcome.to_render == outcome.planned:
        return say_counts(outcome.counts)
    missing = {"missing": outcome.missing} if outcome.missing else {}
    if did := say_counts({**outcome.rendered, **missing}):
        did += " by this command"
    else:
        did = "nothing was left to render" if outcome.counts else "no units in this slice"
    return f"{did}, {outcome.done} of {outcome.planned} in the run"
