"""``fvcli status``."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fvcli.cli.counting_bar import counting_bar
from fvcli.cli.exit_and_signals import EXIT_FAILED, current_stop
from fvcli.cli.place import RUN
from fvcli.cli.standard_streams import is_read
from fvcli.cli.table import print_csv, print_json, print_table, spoken
from fvcli.errors import StoppedError, UsageError, command, counted, some_lines

if TYPE_CHECKING:
    from fvcli.app.watch_run import Seen
    from fvcli.run import RunStatus
    from fvcli.run.status import WorkerState

TOLD = {"dead", "failed", "damaged", "newer"}  # states whose reason is shown
RARE = {"damaged", "newer"}  # columns that most runs do not need
LATEST = 8  # units that did not come out, while one watches
CLEAR = "\x1b[H\x1b[J"  # what the terminal has scrolled away stays


@click.command()
@click.argument("run", type=RUN)
@click.option(
    "--json", "as_json", is_flag=True, help="Print everything as JSON; with --watch, a line each time."
)
@click.option("--csv", "as_csv", is_flag=True, help="Print a table with a row for each unit.")
@click.option("--check", is_flag=True, help="Read every picture and compare its pixels with its hash.")
@click.option("--watch", is_flag=True, help="Look again and again until nothing is left to render.")
@click.option(
    "--every",
    "every_s",
    type=click.FloatRange(0.1),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="How often to look, with --watch.",
)
def status(run: Path, as_json: bool, as_csv: bool, check: bool, watch: bool, every_s: float) -> None:
    """Count what a RUN folder has done, recomputed from its files.

    \b
    done     rendered
    dead     rendered, but no gradient ever reached the picture
    failed   an error; the next render tries again
    damaged  its files are not those that were written (only with --check)
    newer    written by a newer fvcli, and left alone by this one
    running  a worker is rendering its batch
    lost     the worker that was rendering its batch is gone
    pending  not begun

    \b
      fvcli status run
      fvcli status run --watch
      fvcli status run --check
      fvcli status run --csv > units.csv

    It can be asked from any machine that sees the folder. Exit codes: 0 fine, 1 a
    picture is damaged.
    """
    from fvcli.app.watch_run import watch_run

    _refuse_together(as_json, as_csv, check, watch)
    if watch:
        try:
            _watch(watch_run(run, every_s), as_json)
        except StoppedError:
            if current_stop().heard != signal.SIGINT:  # Ctrl-C is how one leaves a watch
                raise
            click.echo(err=True)
        return
    is_damaged = _print_units(run, check) if as_csv else _print_status(run, check, as_json)
    if is_damaged:
        click.get_current_context().exit(EXIT_FAILED)


def _refuse_together(as_json: bool, as_csv: bool, check: bool, watch: bool) -> None:
    if as_csv and (as_json or watch):
        other = "--json" if as_json else "--watch"
        raise UsageError(f"--csv with {other}: a table is printed once, and alone", "give one of them")
    if watch and check:
        raise UsageError("--watch with --check would read every picture again and again", "give one of them")


def _print_units(run: Path, check: bool) -> bool:
    """Print a table of units; tell whether a picture is damaged."""
    from fvcli.app.read_status import read_unit_rows
    from fvcli.run.unit_table import UnitRow

    with counting_bar("picture", wanted=check) as looked:
        rows = [*read_unit_rows(run, looked if check else None)]
    print_csv(UnitRow._fields, rows)
    return any(row.status == "damaged" for row in rows)


def _print_status(run: Path, check: bool, as_json: bool) -> bool:
    """Print what a run has done; tell whether a picture is damaged."""
    from fvcli.app.read_status import read_status

    with counting_bar("picture", wanted=check) as looked:
        found = read_status(run, looked if check else None)
    if as_json:
        print_json(found.to_dict())
    else:
        _show(found)
        _show_notable(found)
        for line in _next_step(found):
            click.echo(line)
    return bool(found.counts["damaged"])


def _watch(seen: Iterator[Seen], as_json: bool) -> None:
    on_terminal = sys.stdout.isatty()
    for look in seen:
        if not is_read():  # such as when head has seen enough
            return
        if as_json:
            click.echo(json.dumps(look.to_dict()))
        elif on_terminal:
            click.echo(CLEAR, nl=False)
            _show(look.status)
            click.echo()
            _show_batches(look.status)
            click.echo(_pace(look))
            _show_latest(look.status)
        else:
            click.echo(_pace(look))


def _pace(look: Seen) -> str:
    """Return the line that says how far a run is, and how fast."""
    found = look.status
    done = found.units - found.left
    alive = sum(worker.is_alive for worker in found.workers)
    failed = found.counts["failed"]
    words = [
        f"{done}/{found.units} units",
        *([f"{failed} failed"] if failed else []),
        counted(alive, "worker"),
    ]
    if look.units_a_minute:
        words += [
            f"{look.units_a_minute:.1f} units/min",
            f"{spoken(60 * found.left / look.units_a_minute)} left",
        ]
    return ", ".join([*words, *_next_step(found)])


def _next_step(found: RunStatus) -> list[str]:
    """Say what to do where nothing goes on, though something is left."""
    if not found.left or any(worker.is_alive for worker in found.workers):
        return []
    if found.is_asked:
        return [f"nobody is at work; to go on: {command('work', found.path)}"]
    units = "1 unit was" if found.left == 1 else f"{found.left} units were"
    rest = command("render", "SPEC", "-o", found.path)
    return [f"{units} not asked for, as with --only or --shard; to render the rest as well: {rest}"]


def _show(found: RunStatus) -> None:
    states = [state for state, count in found.counts.items() if count or state not in RARE]
    rows = [(job, *(counts[state] for state in states)) for job, counts in found.jobs.items()]
    total = [("total", *(found.counts[state] for state in states))] if len(rows) > 1 else []
    print_table(("job", *states), rows + total)
    living = [worker for worker in found.workers if worker.is_alive]
    if living:
        click.echo()
        print_table(("worker", "device", "at", "for", "done", "units/min"), list(map(_row, living)))


def _row(worker: WorkerState) -> tuple[object, ...]:
    from fvcli.run.work.notes import seconds_since

    note = worker.note
    first = note.at[0] if note.at else None
    idle = "waiting" if note.device else "starting"
    at = f"{first['job']}, {first['layer']}, batch {first['batch']}" if first else idle
    at += f" (try {first['attempt']})" if first and first["attempt"] > 1 else ""
    since = spoken(seconds_since(str(first["since"]))) if first else ""
    rate = f"{note.units_a_minute:.1f}" if note.done else ""
    return note.id, note.device, at, since, note.done, rate


def _show_batches(found: RunStatus) -> None:
    told = [f"{count} {state}" for state, count in found.batches.items() if count]
    click.echo(f"batches: {', '.join(told) or 'none'}")


def _show_notable(found: RunStatus) -> None:
    from fvcli.run.remarks import remark_lines

    for unit, state, error in found.notable:
        if state in TOLD:
            click.echo(f"{unit} is {state}: {error}")
        if state == "damaged":
            words = ("render", "SPEC", "-o", found.path, "--again", "--only", unit)
            click.echo(f"  to render it anew: {command(*words)}")
    for line in remark_lines(found.remarks):
        click.echo(f"Look: {line}")
    if found.counts["failed"]:
        click.echo(f"  to try again what failed: {command('render', 'SPEC', '-o', found.path)}")
    if found.deaths or found.twice:
        click.echo(_what_went_wrong(found))
    if found.others:
        are = "picture of another spec is" if found.others == 1 else "pictures of other specs are"
        click.echo(
            f"{found.others} finished {are} in {found.path}/units; "
            "fvcli render says which, and with --force moves them to a folder of their own"
        )


def _what_went_wrong(found: RunStatus) -> str:
    """Say in a line what cost time and no picture."""
    told = []
    if found.deaths:
        died = counted(found.deaths, "worker")
        told.append(f"{died} died, and what was finished is kept; see {found.path}/logs")
    if found.twice:
        twice = counted(found.twice, "unit")
        told.append(f"{twice} rendered twice, by two workers, and the first picture was kept")
    return "; ".join(told)


def _show_latest(found: RunStatus) -> None:
    """Show the last of what did not come out."""
    lines = [f"{unit} is {state}: {error}" for unit, state, error in found.notable if state in TOLD]
    deaths = [
        f"worker {worker.note.id} ended: {worker.note.error or worker.note.ended}"
        for worker in found.workers
        if worker.note.ended not in {"", "finished"}
    ]
    for line in some_lines([*reversed(deaths), *reversed(lines)], "line", LATEST):
        click.echo(line)
