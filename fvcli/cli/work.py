"""``fvcli work`` and ``fvcli prepare``."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fvcli.cli.exit_and_signals import EXIT_FAILED, EXIT_STOPPED, current_stop, tell_errors_from_failures
from fvcli.cli.options import (
    code_option,
    run_of,
    run_option,
    say_grid_is_next,
    say_remarks,
    set_option,
    spec_words,
    worker_options,
)
from fvcli.cli.place import RUN
from fvcli.errors import command, counted

if TYPE_CHECKING:
    from fvcli.app.work_on_run import WorkOutcome


@click.command()
@spec_words
@run_option
@set_option
@click.option(
    "--only", multiple=True, metavar="PATTERN", help="Ask for units that match, as fvcli render does."
)
@click.option("--force", is_flag=True, help="Move finished pictures of another spec out of the way.")
@code_option
def prepare(
    words: Sequence[str],
    output: Path | None,
    overrides: Sequence[str],
    only: Sequence[str],
    force: bool,
    allow_code: bool,
) -> None:
    """Make the run of a SPEC and render nothing; then start workers on it, anywhere.

    \b
      fvcli prepare spec.yaml -o run
      fvcli work run

    On a run that is there it asks for what is missing, and for what failed. Nothing
    that is finished is deleted.
    """
    from fvcli.app.prepare_run import prepare_run
    from fvcli.app.render_run import RenderOptions
    from fvcli.app.spec_of_words import plan_of_words
    from fvcli.cli.progress import progress

    planned = plan_of_words(words, overrides, allow_code)
    run = run_of(output, words)
    say_remarks(planned.facts, planned.remarks)
    made = prepare_run(planned, run, RenderOptions(only=only, force=force), progress(current_stop()))
    if not made.batches:
        click.echo(f"{run}: nothing is missing")
        say_grid_is_next(run)
        return
    units = counted(made.units, "unit")
    click.echo(f"{run}: {units} to render in {counted(made.batches, 'batch', 'batches')}")
    click.echo(f"next: {command('work', run)}")


@click.command()
@click.argument("run", type=RUN)
@worker_options
@click.option("--in-process", is_flag=True, help="Render in this process: a unit that kills it kills all.")
@click.option("--events", is_flag=True, hidden=True, help="Tell the process that watches this one.")
@click.option("--round", "round_name", hidden=True, help="What it works on; by default what was asked last.")
@click.option("--name", hidden=True, help="Id of the worker.")
@click.option("--typed", hidden=True, help="The words of the command that somebody typed, as JSON.")
@code_option
def work(
    run: Path,
    threads: int | None,
    tries: int,
    timeout_s: float,
    lease_s: float,
    mixed: bool,
    in_process: bool,
    events: bool,
    round_name: str | None,
    name: str | None,
    typed: str | None,
    allow_code: bool,
) -> None:
    """Be a worker of a RUN: claim batches and render them until nothing is left.

    Any number of workers may work on a run, on any machines that see its folder. Each
    batch is claimed by one of them. What a worker leaves behind, however it ends, is
    taken over by the others. A unit that kills its process again and again is found
    and recorded as failed.

    \b
      fvcli prepare spec.yaml -o run
      fvcli work run

    Exit codes: 0 nothing is left, 1 a unit failed, 2 a mistake in the command, 74 it
    could not go on, such as for a full disk, 75 stopped by a signal. After 74 and 75
    what it was at is given back; start it again.
    """
    from fvcli.app.work_on_run import WorkOptions, work_on_run
    from fvcli.cli.progress import EventLines, progress
    from fvcli.engines import EngineOptions, Event

    tell_errors_from_failures()
    how = EngineOptions(None, threads, 1.0, tries, timeout_s, lease_s, allow_code, mixed)
    stop = current_stop()
    stop.typed = tuple(json.loads(typed)) if typed else ()
    if events:
        _stop_when_alone(timeout_s)
    observer = EventLines(stop) if events else progress(stop)
    options = WorkOptions(how, in_process or events, round_name, name, tuple(stop.typed))
    outcome = work_on_run(run, options, observer)
    if outcome.stopped:
        planned = outcome.planned
        stop.raise_it("" if planned is None else f"{outcome.done} of {counted(planned, 'unit')} done")
    if events:
        observer.saw(Event(-1, "over"))  # not after an error
    else:
        _report(run, outcome)
    if outcome.failed or outcome.failed_earlier:
        click.get_current_context().exit(EXIT_FAILED)


def _report(run: Path, outcome: WorkOutcome) -> None:
    """Say what this worker did, and what is to be done next."""
    from fvcli.app.render_log import say_counts

    did, total = say_counts(outcome.counts), sum(outcome.counts.values())
    did = f"{did} by this worker" if did else "nothing was left to do"
    in_run = "" if outcome.planned in {None, total} else f", {outcome.done} of {outcome.planned} in the run"
    is_over = "; nothing is left" if outcome.is_complete and total else ""
    click.echo(f"{run}: {did}{in_run}{is_over}")
    if outcome.failed_earlier:
        failed = counted(outcome.failed_earlier, "unit")
        again = command("prepare", "SPEC", "-o", run)
        click.echo(f"{failed} of it failed earlier; to try again: {again}", err=True)
    if outcome.is_complete:
        say_grid_is_next(run)


def _stop_when_alone(timeout_s: float) -> None:
    """Stop this process in good order when the one that started it is gone, which ends standard input.

    A step that hangs lets nothing end in good order, and nobody is there to kill it. So the process ends at
    once after the time in which it would have been killed. Others take over what it was at.
    """

    def wait() -> None:
        while os.read(0, 1):  # not by sys.stdin, whose lock would be held when Python ends
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(timeout_s)
        os._exit(EXIT_STOPPED)

    threading.Thread(target=wait, daemon=True).start()
