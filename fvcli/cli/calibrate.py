"""``fvcli calibrate``."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fvcli.cli.table import print_json, print_table

if TYPE_CHECKING:
    from fvcli.plan.cost import Speed


@click.command()
@click.argument("model", default="efficientnet-lite0")
@click.option("--quick", is_flag=True, help="Measure small pictures only: quicker, and a rougher estimate.")
@click.option("--json", "as_json", is_flag=True, help="Print what was measured as JSON.")
def calibrate(model: str, quick: bool, as_json: bool) -> None:
    """Measure how fast this machine renders, for fvcli plan.

    Renders a few layers of MODEL, for a minute or so, and keeps the seconds of a step
    in the user's cache folder; fvcli plan then tells how long a spec takes. Once a
    machine is enough. No other work should run meanwhile.

    \b
      fvcli calibrate
      fvcli plan spec.yaml
    """
    from fvcli.app.speed_table import speed_path, write_speed

    speed = _measure(model, quick)
    path = speed_path()
    if as_json:
        print_json(speed.model_dump(mode="json"))
    else:
        _show(speed)
    write_speed(path, speed)
    if not as_json:
        click.echo(f"{path} is written; next: fvcli plan SPEC")


def _measure(model: str, quick: bool) -> Speed:
    from fvcli.app.describe_model import describe_model
    from fvcli.engines.quiet import quiet_start
    from fvcli.models import ModelChoice
    from fvcli.plan.calibration_plan import calibration_plan
    from fvcli.run import RunFolder, versions

    facts = describe_model(ModelChoice(model), allow_code=False)
    plan = calibration_plan(facts, len(os.sched_getaffinity(0)), quick)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="fvcli-calibrate-") as folder:
        spec_text = json.dumps({"model": model}) + "\n"
        with RunFolder.begin(Path(folder, "run"), plan, spec_text) as run:
            with quiet_start():
                from fvcli.worker.measure_speed import Calibration  # brings TensorFlow

                calibration = Calibration(run, facts)
            speed = calibration.measure(socket.gethostname(), time.perf_counter() - began, _say)
    measured = datetime.now(timezone.utc).isoformat(timespec="seconds")
    about = {name: version for name, version in versions().items() if name in {"fvcli", "tensorflow"}}
    return speed.model_copy(update={"about": {**about, "measured": measured}})


def _say(what: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"measuring {what}", err=True)


def _show(speed: Speed) -> None:
    header = ("layer", "size_px", "views", "layers", "multiplications", "ms a step", "compile s")
    rows = [
        (
            p.layer,
            p.size_px,
            "of changing size" if p.changes_size else "of one size",
            p.layers,
            f"{p.multiplications / 1e6:.1f} M",
            round(1000 * p.step_seconds, 2),
            round(p.compile_seconds, 1),
        )
        for p in speed.points
    ]
    print_table(header, rows)
    lanes = "a batch" if speed.whole_batches else f"{speed.lanes} pictures"
    click.echo(
        f"\n{speed.host}, {speed.device}, {lanes} at a time; {speed.start_seconds:.1f} s once for the start"
    )
