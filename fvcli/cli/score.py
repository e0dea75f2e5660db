"""``fvcli score``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fvcli.cli.comparing import ONLY
from fvcli.cli.exit_and_signals import current_stop
from fvcli.cli.options import code_option
from fvcli.cli.place import RUN, Place
from fvcli.cli.table import print_csv, print_json, print_table

if TYPE_CHECKING:
    from fvcli.app.score_run import ScoreOutcome
    from fvcli.plan import Unit
    from fvcli.run.scores import TwoAfc, UnitScores

IMAGES = Place(remedy="copy the photos to this machine")
SHOWN = 20
HEADER = ("unit", "label", "2AFC", "interval", "photos", "MIS", "strength", "way", "survival", "flags")


@click.command()
@click.argument("run", type=RUN)
@click.option(
    "--images",
    required=True,
    type=IMAGES,
    metavar="DIR|FILE.txt|RUN",
    help="Photos, such as those that the network was trained for: a folder and all below it, a list, or a "
    "run with examples, which says where its photos are.",
)
@click.option(
    "--judge",
    "judges",
    multiple=True,
    metavar="MODEL",
    help="A network that compares pictures with photos: a name, a file, or a spec with a model; give it "
    "again for more. By default two that are installed.",
)
@click.option(
    "--photos",
    "most_photos",
    type=click.IntRange(100, 100_000),
    default=1000,
    show_default=True,
    help="How many photos are used at most.",
)
@ONLY
@click.option(
    "--top", type=click.IntRange(0), default=SHOWN, show_default=True, help="How many units to print."
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print a table with a row for each unit.")
@code_option
def score(
    run: Path,
    images: Path,
    judges: Sequence[str],
    most_photos: int,
    only: Sequence[str],
    top: int,
    as_json: bool,
    as_csv: bool,
    allow_code: bool,
) -> None:
    """Say how far the pictures of a RUN can be trusted.

    \b
    2AFC      can another network tell, by the unit's pictures, a photo that excites
              the unit from one that does not? 1: always, 0.5: by chance; photos: by
              as many photos of the unit instead
    MIS       the same with how sure it is
    strength  0: the picture excites the unit as the mean photo does, 1: as the best
    way       0: by other channels of the layers below than photos, 1: by the same
    survival  what is left when the picture is turned, moved, or saved as a JPEG

    \b
      fvcli score run --images photos
      fvcli score run --images run  (by the photos of its examples)
      fvcli score run --images photos --judge other.keras --judge efficientnet-lite2

    The run's own network cannot be a judge. Units that fail are flagged, in the table
    and wherever the run is shown: in fvcli status, sheets and the atlas. The thresholds
    come from controls: from other units' pictures, and from photos. All numbers are in
    RUN/scores.json and beside each picture. docs/trust.md says what each can tell.

    Exit codes: 0 fine, whatever was found, 2 a mistake in the command (nothing was
    written), 75 stopped by a signal (nothing was written).
    """
    from fvcli.app.score_run import ScoreOptions, score_run
    from fvcli.cli.examples_progress import Watching
    from fvcli.errors import UsageError

    if as_json and as_csv:
        raise UsageError("--csv with --json: one table is printed", "give one of them")
    stop = current_stop()
    options = ScoreOptions(judges, most_photos, only, allow_code)
    outcome = score_run(run, images, options, Watching(stop))
    if outcome.stopped:
        stop.raise_it("nothing was written")
    if as_json:
        print_json(_as_json(outcome))
    elif as_csv:
        print_csv(HEADER, [_row(unit, scores) for unit, scores in outcome.units])
    else:
        _show(run, outcome, top)


def _as_json(outcome: ScoreOutcome) -> dict[str, object]:
    from dataclasses import asdict

    assert outcome.run is not None  # it was not stopped
    units = [{"unit": unit.path, "label": unit.label, **asdict(scores)} for unit, scores in outcome.units]
    return {"run": asdict(outcome.run), "units": units}


def _show(run: Path, outcome: ScoreOutcome, top: int) -> None:
    assert outcome.run is not None  # it was not stopped
    weakest = sorted(outcome.units, key=lambda pair: (-len(pair[1].flags), _share(pair[1])))
    if top:
        print_table(HEADER, [_row(unit, scores) for unit, scores in weakest[:top]])
        click.echo()
    rows = [
        (name, f"{mean:.3f}", f"{low:.3f}-{high:.3f}")
        for name, (mean, low, high) in outcome.run.means.items()
    ]
    print_table(("explained by", "2AFC", "interval"), rows)
    click.echo()
    said = [f"{count} {flag}" for flag, count in outcome.run.flags.items() if count]
    click.echo(f"{run}: {outcome.run.units} units scored; {', '.join(said) or 'none flagged'}")


def _row(unit: Unit, scores: UnitScores) -> tuple[str, ...]:
    task, least = scores.two_afc, [scores.survival.views, scores.survival.jpeg]
    lived = [left for left in least if left is not None]
    return (
        unit.path,
        unit.label,
        *(("-",) * 4 if task is None else _of_task(task)),
        _number(scores.strength.share),
        _number(scores.path.share),
        _number(min(lived, default=None)),
        " ".join(scores.flags),
    )


def _of_task(task: TwoAfc) -> tuple[str, ...]:
    interval = f"{task.low:.2f}-{task.high:.2f}"
    return f"{task.share:.2f}", interval, f"{task.photos:.2f}", f"{task.mis:.2f}"


def _share(scores: UnitScores) -> float:
    return 1.0 if scores.two_afc is None else scores.two_afc.share


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
