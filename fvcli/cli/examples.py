"""``fvcli examples``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fvcli.cli.exit_and_signals import current_stop
from fvcli.cli.options import (
    code_option,
    parse_shard,
    run_of,
    run_option,
    say_remarks,
    set_option,
    shard_option,
)
from fvcli.cli.place import Place
from fvcli.cli.quiet import note
from fvcli.errors import UsageError, command, counted

if TYPE_CHECKING:
    from fvcli.app.collect_examples import ExamplesOptions, ExamplesOutcome
    from fvcli.app.plan_spec import PlannedSpec

BLOCK = 1024  # pictures
IMAGES = Place(remedy="copy the pictures to this machine")


@click.command(short_help="Find the pictures of a dataset that excite the units of a run.")
@click.argument("words", nargs=-1, metavar="SPEC | RUN | MODEL LAYER[:CHANNELS]...")
@click.option(
    "--images",
    required=True,
    type=IMAGES,
    metavar="DIR|FILE.txt|VIDEO",
    help="The pictures: a folder and all below it, a list with a path in each line, or a film.",
)
@run_option
@click.option(
    "--labels",
    type=IMAGES,
    metavar="FILE.csv",
    help="Classes of the pictures, in columns file and class (or name); by default the folders they are in.",
)
@shard_option("Work out slice I of N of the pictures; auto takes it from the variables of an array job.")
@click.option(
    "--block",
    type=click.IntRange(1, 100_000),
    default=BLOCK,
    show_default=True,
    help="Pictures that are worked out together: what is lost if it is killed, and what shards are made of.",
)
@click.option("--again", is_flag=True, help="Remove the examples that are there, and begin anew.")
@set_option
@code_option
def examples(
    words: Sequence[str],
    images: Path,
    output: Path | None,
    labels: Path | None,
    shard: str | None,
    block: int,
    again: bool,
    overrides: Sequence[str],
    allow_code: bool,
) -> None:
    """Find the pictures of a dataset that excite the units of a run.

    \b
      fvcli examples run --images photos
      fvcli examples spec.yaml --images photos --labels labels.csv -o run
      fvcli examples run --images list.txt --shard 1/4
      fvcli examples run --images film.mp4

    All pictures pass through the network once. For each unit the run then has the 20
    that excite it most, some of each tenth of the range, the 3 that excite it least,
    all cut to what the unit sees, and its statistics, in RUN/examples. A file that
    cannot be read is listed in RUN/examples/skipped.tsv.

    A SPEC is prepared as fvcli prepare does it; nothing has to be rendered. When it was
    interrupted, give the same command again. Shards may work in one run folder, or in
    several that are joined with fvcli merge; the last one finishes.

    Exit codes: 0 fine, 1 no picture could be read, 2 a mistake in the command (nothing
    was written), 75 stopped by a signal.
    """
    from fvcli.app.collect_examples import ExamplesOptions, collect_examples
    from fvcli.cli.examples_progress import Watching

    source, run = _source_and_run(words, output, overrides, allow_code)
    stop = current_stop()
    options = ExamplesOptions(labels, parse_shard(shard, os.environ), again, block, allow_code)
    watching = Watching(stop)
    outcome = collect_examples(source, run, images, options, watching)
    if outcome.stopped:
        stop.raise_it(_said_of_blocks(outcome) or watching.said_of_progress())
    _report(outcome, _without_shard(words, output, overrides, allow_code, options, images))


def _source_and_run(
    words: Sequence[str], output: Path | None, overrides: Sequence[str], allow_code: bool
) -> tuple[PlannedSpec | Path, Path]:
    """Return the planned spec, or the run that is there, and the run's folder."""
    run = _run_named(words)
    if run is None:
        from fvcli.app.spec_of_words import plan_of_words

        planned = plan_of_words(words, overrides, allow_code)
        folder = run_of(output, words)
        say_remarks(planned.facts, planned.remarks)
        return planned, folder
    if overrides:
        raise UsageError(f"--set changes a spec, and {run} is a run", f"give {run}/spec.yaml and -o")
    if output is not None and output != run:
        hint = f"leave -o out, or give {run}/spec.yaml in its place"
        raise UsageError(f"{run} is a run, and its examples are written into it", hint)
    return run, run


def _run_named(words: Sequence[str]) -> Path | None:
    """Return the run that a word names, or None if it names a spec or a model."""
    from fvcli.run.layout import PLAN
    from fvcli.run.objects import is_address, open_address

    if not words:
        raise UsageError(
            "give a RUN, a SPEC, or MODEL LAYER[:CHANNELS]", "fvcli examples run --images photos"
        )
    if len(words) > 1:
        return None
    if is_address(words[0]):
        return open_address(words[0])
    place = Path(words[0])
    return place if (place / PLAN).exists() else None


def _said_of_blocks(outcome: ExamplesOutcome) -> str:
    """Say how many blocks of pictures are worked out; nothing if all are."""
    if outcome.blocks_there == outcome.blocks:
        return ""
    return f"{outcome.blocks_there} of {counted(outcome.blocks, 'block')} of pictures worked out"


def _without_shard(
    words: Sequence[str],
    output: Path | None,
    overrides: Sequence[str],
    allow_code: bool,
    options: ExamplesOptions,
    images: Path,
) -> str:
    """Return the command that was given, without --shard and what does not go with it."""
    given: list[object] = [*words, "--images", images]
    given += ["-o", output] if output is not None else []
    given += ["--labels", options.labels] if options.labels is not None else []
    given += ["--block", options.block] if options.block != BLOCK else []
    given += [word for override in overrides for word in ("--set", override)]
    return command("examples", *given, *(["--allow-code"] if allow_code else []))


def _report(outcome: ExamplesOutcome, again: str) -> None:
    run = outcome.run
    if outcome.was_finished:
        click.echo(f"{run}: nothing was left to do")
        return
    if not outcome.is_finished:
        click.echo(f"{run}: {_said_of_blocks(outcome)}")
        note(f"when all are there, in this run or merged into it, this finishes it: {again}")
        return
    click.echo(f"{run}/examples: {counted(outcome.units, 'unit')}, {counted(outcome.pictures, 'picture')}")
    if outcome.skipped:
        files = counted(outcome.skipped, "file")
        note(f"Look: {files} could not be read: {run}/examples/skipped.tsv says which and why")
