"""``fvcli diff``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fvcli.cli.comparing import ONLY
from fvcli.cli.counting_bar import counting_bar
from fvcli.cli.options import code_option
from fvcli.cli.place import FOLDER
from fvcli.cli.table import print_json, print_table

if TYPE_CHECKING:
    from fvcli.golden.model_diff import ModelDiff


@click.command()
@click.argument("run_a", type=FOLDER)
@click.argument("run_b", type=FOLDER)
@ONLY
@click.option("--top", type=click.IntRange(min=1), default=20, show_default=True, help="How many to print.")
@click.option("--report", type=FOLDER, help="Write diff.html, with all pictures, and diff.json there.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@code_option
def diff(
    run_a: Path,
    run_b: Path,
    only: Sequence[str],
    top: int,
    report: Path | None,
    as_json: bool,
    allow_code: bool,
) -> None:
    """Tell which units two checkpoints of one architecture disagree on.

    RUN_A and RUN_B are runs of one spec with two networks, such as a network before and
    after fine-tuning. Each network is shown the other's pictures: a unit that still
    looks for the same is excited by both. The units that changed most come first.

    \b
      fvcli render spec.yaml -o before --set model=before.keras
      fvcli render spec.yaml -o after --set model=after.keras
      fvcli diff before after --report report

    A checkpoint of a network that the spec names can be its weights alone, in the kind of
    file that fvcli reads for it: --set model.weights=before.pth for efficientnet-lite0 and
    inceptionv1, --set model.weights=before.weights.h5 for networks of keras.applications.

    \b
    changed  0: the other network's picture does as well; 1: no better than noise
    shared   how much of a unit's rise the other network's picture brings, in A and in B;
             no rise: its own picture does no better than noise
    rank     its place among the other network's pictures of all units of the layer,
             where these are channels and at least 8

    Exit codes: 0 whatever was found, 1 an error, 2 nothing to compare, or a mistake in the
    command, 75 stopped by a signal.
    """
    from fvcli.app.diff_runs import diff_runs
    from fvcli.app.write_diff import write_diff
    from fvcli.golden.reports.places import refuse_places
    from fvcli.golden.reports.results_file import plain

    if report is not None:
        refuse_places([report])
    with counting_bar("unit") as seen:
        found = diff_runs(run_a, run_b, only, allow_code, seen)
    page = write_diff(found, report) if report else None
    if as_json:
        print_json(plain(found.to_dict()))
        return
    for remark in found.remarks:
        click.echo(f"Note: {remark}", err=True)
    _show(found, top)
    if page is not None:
        click.echo(page)


def _show(found: ModelDiff, top: int) -> None:
    from fvcli.golden.reports.diff_data import NO_RISE, rank_said

    header = ("unit", "label", "layer", "changed", "shared in A", "shared in B", "rank in A", "rank in B")
    rows = [
        (
            unit.path,
            unit.label,
            unit.layer,
            f"{unit.changed:.2f}",
            *(NO_RISE if side.shared is None else f"{side.shared:.2f}" for side in (unit.a, unit.b)),
            rank_said(unit.a, unit.ranked),
            rank_said(unit.b, unit.ranked),
        )
        for unit in found.units[:top]
    ]
    print_table(header, rows)
    if len(found.units) > top:
        click.echo(f"... and {len(found.units) - top} more (--top, or --report DIR)")
    click.echo(f"{len(found.units)} units compared, the median has changed by {found.median:.2f}")
