"""``fvcli compare``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fvcli.cli.comparing import GOLDEN_MODEL, NO_MODEL, ONLY
from fvcli.cli.counting_bar import counting_bar
from fvcli.cli.exit_and_signals import EXIT_FAILED
from fvcli.cli.options import code_option
from fvcli.cli.place import FILE, FOLDER
from fvcli.cli.table import print_json, print_table
from fvcli.errors import UsageError, command, counted

if TYPE_CHECKING:
    from fvcli.golden import Comparison
    from fvcli.golden.calibration import Row

MOST_SHOWN = 20  # lines; the report has all
COMMANDLINE = click.core.ParameterSource.COMMANDLINE
OF_CALIBRATION, OF_BOTH = {"calibrate", "safety"}, {"as_json", "allow_code", "debug"}
NOT_USED = {
    (False, True): "is not used by --calibrate, which compares the golden's spec with itself",
    (True, False): "is used by --calibrate alone",
}


@click.command()
@click.argument("golden", type=FOLDER)
@click.argument("run", type=FOLDER, required=False)
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
@click.option("--calibrate", is_flag=True, help="Measure the tolerances of GOLDEN; takes no RUN.")
@click.option(
    "--safety",
    type=click.FloatRange(min=1),
    default=2.0,
    show_default=True,
    help="What --calibrate multiplies the noise by.",
)
@code_option
def compare(
    golden: Path,
    run: Path | None,
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
    calibrate: bool,
    safety: float,
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
      fvcli compare --calibrate golden

    --calibrate renders the golden's spec again with other threads, batches and kernels,
    and with small real changes. It writes the limits to GOLDEN/golden.json, and what it
    measured to GOLDEN/calibration.json. It takes twelve renders, of which that by XLA is
    slow on a CPU.

    Exit codes: 0 all units match or are close, 1 a regression or an error, 2 nothing to
    compare, or a mistake in the command, 75 stopped by a signal.
    """
    from fvcli.app.compare_runs import CompareOptions, compare_runs
    from fvcli.app.write_reports import ReportPlaces, write_reports
    from fvcli.golden import Golden, Options
    from fvcli.golden.reports.results_file import plain
    from fvcli.run import RunFolder

    _refuse_unused(calibrate, no_model)
    if calibrate:
        _calibrate(golden, run, safety, allow_code, as_json)
        return
    if run is None:
        raise UsageError("there is no RUN to compare with", "fvcli compare GOLDEN RUN")
    units = Options(only, common, allow_new, strict)
    options = CompareOptions(units, accepted, not no_model, golden_model, allow_code)
    places = ReportPlaces(report, junit, markdown, reg, argos)
    places.refuse()
    with counting_bar("unit") as seen:
        found = compare_runs(Golden.read(golden), RunFolder.read(run), options, seen)
    if as_json:
        print_json(plain(found.to_dict()))
    else:
        _show(found)
    written = write_reports(found, places)
    for remark in written.remarks:
        click.echo(f"Note: {remark}", err=True)
    if written.page is not None:
        click.echo(written.page, err=as_json)
    if not found.is_fine:
        click.get_current_context().exit(EXIT_FAILED)


def _refuse_unused(calibrate: bool, no_model: bool) -> None:
    """Raise UsageError, a line each, for options that would change nothing."""
    context = click.get_current_context()
    given = [
        param
        for param in context.command.params
        if isinstance(param, click.Option) and context.get_parameter_source(str(param.name)) is COMMANDLINE
    ]
    odd = [
        f"{param.opts[0]} {NOT_USED[(param.name in OF_CALIBRATION, calibrate)]}"
        for param in given
        if (param.name in OF_CALIBRATION) != calibrate and param.name not in OF_BOTH
    ]
    if no_model and any(param.name == "golden_model" for param in given):
        odd.append("--golden-model is not used with --no-model, which asks no network")
    if odd:
        raise UsageError("\n".join(odd), "leave it out" if len(odd) == 1 else "leave them out")


def _show(found: Comparison) -> None:
    from fvcli.golden.results import in_groups, percent

    for remark in (*found.remarks, *found.could_not_tell):
        click.echo(f"Note: {remark}", err=True)
    groups = in_groups(found.failed)
    for units in groups[:MOST_SHOWN]:
        first = units[0]
        more = f" and {counted(len(units) - 1, 'more unit')}" if len(units) > 1 else ""
        click.echo(f"{first.status:<8} {first.path}{more}: {first.why}")
        for line in first.settings:
            click.echo(f"         {line}")
    if len(groups) > MOST_SHOWN:
        left = sum(map(len, groups[MOST_SHOWN:]))
        click.echo(f"... and {counted(left, 'more unit')} (--report DIR has all)")
    if found.drift is not None:
        mean, limit = percent(found.drift.mean, "+"), percent(found.drift.limit)
        click.echo(f"drift of the scores: {mean} (limit {limit}), {found.drift_words}")
    counts = ", ".join(f"{count} {status}" for status, count in reversed(found.counts.items()) if count)
    click.echo(f"{'pass' if found.is_fine else 'fail'}: {counts}")


def _calibrate(golden: Path, run: Path | None, safety: float, allow_code: bool, as_json: bool) -> None:
    from fvcli.app.calibrate_golden import calibrate_golden

    if run is not None:
        message = f"--calibrate takes no RUN ({run}): it renders the golden's spec itself"
        raise UsageError(message, command("compare", "--calibrate", golden))
    found = calibrate_golden(golden, safety, allow_code, lambda what: click.echo(what, err=True))
    if as_json:
        click.echo(found.to_json(), nl=False)
        return
    header = ("variant", "limits", "should be", "units", "caught", "wrong", "whole atlas", "gates")
    print_table(header, [_row(row) for row in found.rows])
    click.echo(f"{golden}/golden.json has the limits, {golden}/calibration.json what was measured")


def _row(row: Row) -> tuple[str | int, ...]:
    gates = ", ".join(f"{count} by {gate}" for gate, count in row.gates.items())
    should, does = "caught" if row.is_real else "passed", "fails" if row.atlas_fails else "passes"
    return row.name, row.limits, should, row.units, row.caught, row.wrong, does, gates
