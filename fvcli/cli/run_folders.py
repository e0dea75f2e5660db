"""Commands on run folders: ``fvcli status``, ``fvcli merge``, ``fvcli grid``."""

from __future__ import annotations

from pathlib import Path

import click

from fvcli.cli.exit_and_signals import EXIT_FAILED
from fvcli.cli.table import print_json, print_table, say_counts
from fvcli.errors import UsageError

FOLDER = click.Path(path_type=Path)


@click.command()
@click.argument("run", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def status(run: Path, as_json: bool) -> None:
    """Count what a RUN folder has done, recomputed from its files.

    \b
    done     rendered
    dead     rendered, but no gradient ever reached the picture
    failed   an error; the next render tries again
    running  its batch is being rendered now
    lost     its batch was begun by a process that is gone
    pending  not begun

    \b
      fvcli status run
    """
    from fvcli.run import RunFolder, run_status

    found = run_status(RunFolder.read(run))
    if as_json:
        print_json(found.to_dict())
        return
    jobs = found.job_counts()
    rows = [(job, *counts.values()) for job, counts in jobs.items()]
    total = [("total", *found.counts.values())] if len(jobs) > 1 else []
    print_table(("job", *found.counts), rows + total)
    for unit, state, error in found.states:
        if state in {"dead", "failed"}:
            click.echo(f"{unit.path} is {state}: {error}")


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
    from fvcli.atlas import write_figure, write_grids
    from fvcli.run import merge_runs, run_status

    with merge_runs(runs, output) as merged:
        for path in (*write_grids(merged), write_figure(merged)):
            if path is not None:
                click.echo(path)
    counts = run_status(merged).counts
    click.echo(f"{output}: {say_counts(counts)}")
    if counts["failed"]:
        click.get_current_context().exit(EXIT_FAILED)


@click.command(short_help="Draw the contact sheets and the figure of a RUN folder.")
@click.argument("run", type=FOLDER)
def grid(run: Path) -> None:
    """Draw contact sheets, and the figure if the spec has one, from the units that are finished.

    \b
      fvcli grid run
    """
    from fvcli.atlas import write_figure, write_grids
    from fvcli.run import RunFolder

    folder = RunFolder.read(run)
    written = write_grids(folder)
    if not written:
        raise UsageError(f"{run}: no unit is rendered yet", f"see: fvcli status {run}")
    figure = write_figure(folder)
    if figure is not None:
        written.append(figure)
    for path in written:
        click.echo(path)
