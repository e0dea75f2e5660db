"""``fvcli calibrate``."""

from __future__ import annotations

import sys
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
    from fvcli.app.calibrate_machine import calibrate_machine
    from fvcli.app.speed_table import writable_speed_path, write_speed

    path = writable_speed_path()
    speed = calibrate_machine(model, quick, _say)
    if as_json:
        print_json(speed.model_dump(mode="json"))
    else:
        _show(speed)
    write_speed(path, speed)
    if not as_json:
        click.echo(f"{path} is written; next: fvcli plan SPEC")


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
    lanes = "whole batches" if speed.whole_batches else f"{speed.lanes} pictures"
    click.echo(
        f"\n{speed.host}, {speed.device}, {lanes} at a time; {speed.start_seconds:.1f} s once for the start"
    )
