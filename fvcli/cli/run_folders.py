"""Commands on run folders: ``fvcli merge``, ``fvcli grid``."""

from __future__ import annotations

from pathlib import Path

import click

from fvcli.cli.exit_and_signals import EXIT_FAILED
from fvcli.cli.place import RUN
from fvcli.cli.quiet import note


@click.command()
@click.argument("runs", nargs=-1, required=True, type=RUN)
@click.option("-o", "--output", required=True, type=RUN, help="The run folder to join them in.")
def merge(runs: tuple[Path, ...], output: Path) -> None:
    """Join the RUNS of shards of one spec into one run folder.

    Units that no run has yet stay pending; a run that is rendered later can be merged
    into the same folder. Refuses runs of different specs, damaged pictures, and pictures of one unit that
    differ; then nothing is written.

    \b
      fvcli merge shard1 shard2 -o run
    """
    from fvcli.app.merge_shards import merge_shards
    from fvcli.app.render_log import say_counts

    outcome = merge_shards(runs, output)
    for remark in outcome.remarks:
        note(f"Note: {remark}")
    for path in outcome.sheets:
        click.echo(path)
    click.echo(f"{output}: {say_counts(outcome.counts)}")
    if outcome.counts["failed"]:
        click.get_current_context().exit(EXIT_FAILED)


@click.command(short_help="Draw the contact sheets, the figure and the page of a RUN folder.")
@click.argument("run", type=RUN)
def grid(run: Path) -> None:
    """Draw contact sheets, the figure if the spec has one, and index.html, from the units that are finished.

    \b
      fvcli grid run
    """
    from fvcli.app.draw_sheets import draw_run

    drawn = draw_run(run)
    for remark in drawn.remarks:
        note(f"Note: {remark}")
    for path in drawn.paths:
        click.echo(path)
