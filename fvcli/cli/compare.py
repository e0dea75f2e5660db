"""``fvcli compare`` and ``fvcli accept``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from tqdm import tqdm

from fvcli.cli.exit_and_signals import EXIT_FAILED
from fvcli.cli.options import code_option
from fvcli.cli.table import print_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from fvcli.app.accept_run import Accepted
    from fvcli.golden import Comparison

FOLDER, FILE = click.Path(path_type=Path), click.Path(path_type=Path, dir_okay=False)
MOST_SHOWN = 20  # units; the report has all
ONLY = click.option(
    "--only",
    multiple=True,
    metavar="PATTERN",
    help="Restrict it to units whose job/unit, job or unit matches. May be given several times.",
)
NO_MODEL = click.option(
    "--no-model", is_flag=True, help="Do not load the networks: only what pictures and sidecars tell."
)
GOLDEN_MODEL = click.option(
    "--golden-model", metavar="MODEL", help="Name or file of the golden's network, if the run has another."
)


@click.command()
@click.argument("golden", type=FOLDER)
@click.argument("run", type=FOLDER)
@ONLY
@click.option("--common", is_flag=True, help="Pass over units that only one of both has.")
@click.option("--allow-new", is_flag=True, help="Units that the golden does not have are fine.")
@click.option("--strict", is_flag=True, help="Any other pixel is a difference.")
@NO_MODEL
@GOLDEN_MODEL
@click.option(
    "--accepted",
    multiple=True,
    type=FILE,
    help="Another history.jsonl, such as the main branch's: what was accepted there passes.",
)
@click.option(
    "--report", type=FOLDER, help="Write report.html, results.json, junit.xml and summary.md there."
)
@click.option("--junit", type=FILE, help="Write a JUnit file.")
@click.option("--markdown", type=FILE, help="Write a summary, such as to $GITHUB_STEP_SUMMARY.")
@click.option("--reg", type=FOLDER, help="Write expected/, actual/, diff/ and reg.json as reg-cli does.")
@click.option("--argos", type=FOLDER, help="Write the run's pictures as `argos upload` reads them.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@code_option
def compare(
    golden: Path,
    run: Path,
    only: Sequence[str],
    common: bool,
    allow_new: bool,
    strict: bool,
    no_model: bool,
    golden_model: str | None,
    accepted: Sequence[Path],
    report: Path | None,
    junit: Path | None,
    markdown: Path | None,
    reg: Path | None,
    argos: Path | None,
    as_json: bool,
    allow_code: bool,
) -> None:
    """Compare a RUN with a GOLDEN, or with another run.

    Rounding differs between computers, and optimisation amplifies it, so pixels alone
    decide nothing. Each unit goes through gates, and the first that decides is told:
    pixels, first steps, response, score, texture, structure. The limits are in
    GOLDEN/golden.json, for the same machine, another CPU, TensorFlow or device.

    \b
    match     the same pixels, or accepted before
    close     other pixels, within the limits
    diff      beyond a limit
    settings  the spec changed (compared all the same)
    dead      the unit died, or came to life
    size      a picture of another size
    missing   in the golden only
    new       in the run only
    error     failed, damaged or unreadable

    \b
      fvcli render golden/spec.yaml -o run
      fvcli compare golden run --report report
      fvcli accept run --golden golden --reason 'TensorFlow 2.22'

    Exit codes: 0 all units match or are close, 1 a regression or an error, 2 nothing to
    compare, or a mistake in the command.
    """
    from fvcli.app.compare_runs import CompareOptions, compare_runs
    from fvcli.app.write_reports import ReportPlaces, write_reports
    from fvcli.golden import Options

    units = Options(only, common, allow_new, strict)
    options = CompareOptions(units, accepted, not no_model, golden_model, allow_code)
    with _bar() as seen:
        found = compare_runs(golden, run, options, seen)
    written = write_reports(found, ReportPlaces(report, junit, markdown, reg, argos))
    if as_json:
        print_json(found.to_dict())
    else:
        _show(found)
        for path in written:
            click.echo(path)
    if not found.is_fine:
        click.get_current_context().exit(EXIT_FAILED)


def _show(found: Comparison) -> None:
    for remark in (*found.remarks, *found.could_not_tell):
        click.echo(f"Note: {remark}", err=True)
    shown = found.failed[:MOST_SHOWN]
    for unit in shown:
        click.echo(f"{unit.status:<8} {unit.path}: {unit.why}")
        for line in unit.settings:
            click.echo(f"         {line}")
    if len(found.failed) > len(shown):
        click.echo(f"... and {len(found.failed) - len(shown)} more (--report DIR has all)")
    if found.drift is not None:
        limit = f"limit {100 * found.drift.limit:.3g} %"
        click.echo(f"drift of the scores: {100 * found.drift.mean:+.3g} % ({limit})")
    counts = ", ".join(f"{count} {status}" for status, count in reversed(found.counts.items()) if count)
    click.echo(f"{'pass' if found.is_fine else 'fail'}: {counts}")


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
    help="Take what is beyond the tolerances (the default), or every picture that differs.",
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
    """
    from fvcli.app.accept_run import accept_run
    from fvcli.app.compare_runs import CompareOptions

    options = CompareOptions(with_model=not no_model, golden_model=golden_model, allow_code=allow_code)
    with _bar() as seen:
        done = accept_run(run, golden, reason, only=only, everything=not changed, options=options, seen=seen)
    _tell(golden, done)


def _tell(golden: Path, done: Accepted) -> None:
    from fvcli.errors import counted

    if done.taken.is_nothing:
        click.echo(f"{golden}: nothing to accept; {counted(done.kept, 'unit')} as they were")
        return
    parts = [f"{len(done.taken.changed)} accepted"]
    parts += [f"{len(done.taken.removed)} removed"] if done.taken.removed else []
    parts += [f"{done.kept} as they were"] if done.kept else []
    click.echo(f"{golden}: {', '.join(parts)}")


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    with tqdm(disable=not sys.stderr.isatty(), unit="unit", leave=False) as bar:

        def seen(count: int, total: int) -> None:
            bar.total = total
            bar.update(count - bar.n)

        yield seen
