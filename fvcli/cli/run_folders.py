"""Commands on run folders: ``fvcli status``, ``fvcli merge``, ``fvcli grid``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fvcli.cli.counting_bar import counting_bar
from fvcli.cli.exit_and_signals import EXIT_FAILED
from fvcli.cli.place import FOLDER
from fvcli.cli.table import print_json, print_table

if TYPE_CHECKING:
    from fvcli.run import RunStatus

TOLD = {"dead", "failed", "damaged", "newer"}  # states whose reason is shown
RARE = {"damaged", "newer"}  # columns that most runs do not need


@click.command()
@click.argument("run", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--check", is_flag=True, help="Read every picture and compare its pixels with its hash.")
def status(run: Path, as_json: bool, check: bool) -> None:
    """Count what a RUN folder has done, recomputed from its files.

    \b
    done     rendered
    dead     rendered, but no gradient ever reached the picture
    failed   an error; the next render tries again
    damaged  its files are not those that were written (only with --check)
    newer    written by a newer fvcli, and left alone by this one
    running  its batch is being rendered now
    lost     its batch was begun by a process that is gone
    pending  not begun

    \b
      fvcli status run
      fvcli status run --check

    Exit codes: 0 fine, 1 a picture is damaged.
    """
    from fvcli.app.read_status import read_status

    with counting_bar("picture", wanted=check) as looked:
        found = read_status(run, looked if check else None)
    if as_json:
        print_json(found.to_dict())
    else:
        _show(found)
    if found.counts["damaged"]:
        click.get_current_context().exit(EXIT_FAILED)


def _show(found: RunStatus) -> None:
    states = [state for state, count in found.counts.items() if count or state not in RARE]
    jobs = found.job_counts()
    rows = [(job, *(counts[state] for state in states)) for job, counts in jobs.items()]
    total = [("total", *(found.counts[state] for state in states))] if len(jobs) > 1 else []
    print_table(("job", *states), rows + total)
    for unit, state, error in found.states:
        if state in TOLD:
            click.echo(f"{unit.path} is {state}: {error}")
        if state == "damaged":
            click.echo(f"  to render it anew: fvcli render SPEC -o {found.path} --again --only {unit.path}")
    if found.others:
        are = "picture of another spec is" if found.others == 1 else "pictures of other specs are"
        click.echo(
            f"{found.others} finished {are} in {found.path}/units; "
            "fvcli render says which, and with --force moves them to a folder of their own"
        )


@click.command()
@click.argument("runs", nargs=-1, required=True, type=FOLDER)
@click.option("-o", "--output", required=True, type=FOLDER, help="The run folder to join them in.")
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
    for path in outcome.sheets:
        click.echo(path)
    click.echo(f"{output}: {say_counts(outcome.counts)}")
    if outcome.counts["failed"]:
        click.get_current_context().exit(EXIT_FAILED)


@click.command(short_help="Draw the contact sheets and the figure of a RUN folder.")
@click.argument("run", type=FOLDER)
def grid(run: Path) -> None:
    """Draw contact sheets, and the figure if the spec has one, from the units that are finished.

    \b
      fvcli grid run
    """
    from fvcli.app.draw_sheets import draw_run

    for path in draw_run(run):
        click.echo(path)
