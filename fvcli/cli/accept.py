"""``fvcli accept``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fvcli.cli.comparing import GOLDEN_MODEL, NO_MODEL, ONLY
from fvcli.cli.counting_bar import counting_bar
from fvcli.cli.options import code_option
from fvcli.cli.place import FOLDER
from fvcli.errors import counted

if TYPE_CHECKING:
    from fvcli.app.accept_run import Accepted


@click.command()
@click.argument("run", type=FOLDER)
@click.option(
    "--golden", required=True, type=FOLDER, help="Folder of the golden; it is made if it is not there."
)
@click.option("--reason", required=True, help="Why the pictures are right; kept in history.jsonl.")
@ONLY
@click.option(
    "--changed/--all",
    "changed",
    default=True,
    help="Take what is beyond the tolerances (the default), or every picture or spec that differs.",
)
@NO_MODEL
@GOLDEN_MODEL
@code_option
def accept(
    run: Path,
    golden: Path,
    reason: str,
    only: Sequence[str],
    changed: bool,
    no_model: bool,
    golden_model: str | None,
    allow_code: bool,
) -> None:
    """Accept a RUN: make it a golden, or take what changed into one.

    Pictures within the tolerances stay as they are, so that noise rewrites no file.
    Units that the run's spec does not have any more leave the golden. A run with failed,
    missing or damaged units is refused; with --only, only those that match have to be
    whole.

    \b
      fvcli accept run --golden golden --reason 'the first golden'
      fvcli accept run --golden golden --reason 'new textures' --only 'textures/*'
      fvcli accept run --golden golden --reason 'rounding of the new CPU' --all

    golden/history.jsonl keeps who accepted what, when and why.

    Exit codes: 0 accepted, or nothing to accept, 1 an error, 2 a run that is not whole, or a
    mistake in the command, 75 stopped by a signal. Where it is not 0, nothing was accepted,
    or the next accept finishes it.
    """
    from fvcli.app.accept_run import accept_run
    from fvcli.app.compare_runs import CompareOptions

    options = CompareOptions(with_model=not no_model, golden_model=golden_model, allow_code=allow_code)
    with counting_bar("unit") as seen:
        done = accept_run(run, golden, reason, only=only, everything=not changed, options=options, seen=seen)
    _tell(golden, done)


def _tell(golden: Path, done: Accepted) -> None:
    for remark in done.remarks:
        click.echo(f"Note: {remark}", err=True)
    if done.taken.is_nothing:
        left = f", {done.within} of them close (--all takes them over)" if done.within else ""
        click.echo(f"{golden}: nothing to accept; {counted(done.kept, 'unit')} as they were{left}")
        return
    parts = [f"{len(done.taken.changed)} accepted"]
    parts += [f"{len(done.taken.removed)} removed"] if done.taken.removed else []
    parts += [f"{done.kept} as they were"] if done.kept else []
    click.echo(f"{golden}: {', '.join(parts)}")
