"""Commands on run folders: ``fvcli merge``, ``fvcli grid``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fvcli.cli.exit_and_signals import EXIT_FAILED
from fvcli.cli.place import RUN
from fvcli.cli.quiet import note
from fvcli.errors import command, counted, some_of

if TYPE_CHECKING:
    from fvcli.app.merge_shards import MergeOutcome


@click.command()
@click.argument("runs", nargs=-1, required=True, type=RUN)
@click.option("-o", "--output", required=True, type=RUN, help="The run folder to join them in.")
def merge(runs: tuple[Path, ...], output: Path) -> None:
    """Join the RUNS of shards of one spec into one run folder.

    Units that no run has yet stay pending. fvcli names them and their shard, and a run
    that is rendered later can be merged into the same folder. Refuses runs of different
    specs, damaged pictures, and pictures of one unit that differ; then nothing is written.
    Dataset examples and links are taken over, too.

    \b
      fvcli merge shard1 shard2 -o run

    Exit codes: 0 the run has all its units, 1 units are lacking or failed, 2 the runs
    do not fit together.
    """
    from fvcli.app.merge_shards import merge_shards
    from fvcli.app.render_log import say_counts

    outcome = merge_shards(runs, output)
    for remark in outcome.remarks:
        note(f"Note: {remark}")
    for path in outcome.sheets:
        click.echo(path)
    click.echo(f"{output}: {say_counts(outcome.counts)}")
    for line in _lacking_lines(output, outcome):
        click.echo(line, err=True)
    if outcome.counts["failed"] or outcome.lacking.units:
        click.get_current_context().exit(EXIT_FAILED)


def _lacking_lines(output: Path, outcome: MergeOutcome) -> Iterator[str]:
    """Say what a joined run lacks, of which shard that is, and how to go on."""
    lacking = outcome.lacking
    if not lacking.units:
        return
    total = counted(sum(outcome.counts.values()), "unit")
    yield f"Error: {output} lacks {len(lacking.units)} of {total}: {some_of(lacking.units, 'unit')}"
    for number, count in lacking.shards:
        shard = f"{number}/{count}"
        yield f"  shard {shard} is lacking: {command('render', 'SPEC', '-o', 'PART', '--shard', shard)}"
        yield f"    then: {command('merge', 'PART', '-o', output)}"
    for part in lacking.parts:
        again = command("merge", part, "-o", output)
        yield f"  {part} is not finished; give its fvcli render once more, then: {again}"
    yield f"  or render what is lacking here: {command('render', 'SPEC', '-o', output)}"


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
