"""``fvcli inspect``."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import click

from fvcli.cli.layers import layer_json, print_layers, without_weights
from fvcli.cli.options import code_option
from fvcli.cli.table import print_json, print_table, spoken
from fvcli.errors import counted

if TYPE_CHECKING:
    from fvcli.models import ModelChoice, ModelFacts
    from fvcli.plan.cost import Cost
    from fvcli.plan.suggest import Suggestion


@click.command()
@click.argument("model")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@code_option
def inspect(model: str, as_json: bool, allow_code: bool) -> None:
    """Show on one page what a MODEL is and what is worth rendering of it.

    MODEL is a name, a file, or a spec with a model. The page tells the input and its
    preprocessing, what the network makes of noise and of pictures, what was guessed
    or looks wrong, layers for an atlas with why and what they cost (time is for all units
    with the default recipe, after fvcli calibrate), their jobs to paste into a spec, and
    all layers. fvcli init --model MODEL writes a whole spec with these jobs.

    \b
      fvcli inspect my_model.keras
      fvcli inspect spec.yaml
    """
    from fvcli.app.describe_model import describe_model
    from fvcli.app.plan_spec import model_of
    from fvcli.plan.suggest import suggest_layers

    choice = without_weights(model_of(model))
    facts = describe_model(choice, allow_code)
    sanity = _sanity(choice, allow_code)
    found = suggest_layers(facts)
    if as_json:
        print_json(_as_json(facts, sanity, found))
    else:
        _show(facts, sanity, found)


def _sanity(choice: ModelChoice, allow_code: bool) -> list[str]:
    """Return what the loaded network makes of noise and of pictures."""
    from fvcli.engines.import_tensorflow import importing_tensorflow
    from fvcli.models import load

    with importing_tensorflow():
        from fvcli.worker.device import set_up_device

        set_up_device()
        loaded = load(choice, allow_code)
    return loaded.sanity_lines()


def _show(facts: ModelFacts, sanity: list[str], found: list[Suggestion]) -> None:
    height, width = facts.native_size_px
    classes = f"{len(facts.labels)} classes, logits: {facts.logits}" if facts.logits else "none"
    rows = [
        ("model", facts.name),
        ("weights", f"{facts.weights} (SHA-256 {facts.weights_sha256[:16]}...)"),
        ("input", f"{height} x {width} px, {counted(facts.input_channels, 'channel')}"),
        ("preprocessing", facts.preprocessing.said(facts.input_channels)),
        ("parameters", "unknown" if facts.parameters is None else f"{facts.parameters:,}"),
        ("classes", classes),
        *[("sanity", line) for line in sanity],
        *[("found out", finding) for finding in facts.findings],
        *[("note", remark) for remark in facts.remarks],
    ]
    for name, value in rows:
        click.echo(f"{name:<14} {value}".replace("\n", f"\n{'':<11}"))
    click.echo()
    _show_suggested(facts, found)
    click.echo()
    print_layers(list(facts.layers_at(height, width).values()), facts)


def _show_suggested(facts: ModelFacts, found: list[Suggestion]) -> None:
    from fvcli.app.speed_table import read_speed, speed_path
    from fvcli.plan.cost import Cost
    from fvcli.plan.suggest import jobs_block

    if not found:
        click.echo("for an atlas: no layer has enough channels")
        return
    click.echo("for an atlas:")
    speed = read_speed(speed_path(), socket.gethostname())
    cost = Cost(speed) if speed else None
    columns = ("layer", "units", "shows", "why", "multiplications a step", "of the whole network", "time")
    print_table(columns, [_row(suggestion, facts, cost) for suggestion in found])
    if cost is None:
        click.echo("time: unknown; measure this machine once with: fvcli calibrate")
    click.echo(f"\nto paste into a spec:\n{jobs_block(found)}", nl=False)


def _row(suggestion: Suggestion, facts: ModelFacts, cost: Cost | None) -> tuple[Any, ...]:
    from fvcli.spec.recipes import RECIPES

    steps = RECIPES["default"].steps or 0
    pictures = suggestion.layer.channels
    seconds = cost.step_s(suggestion.work(facts)) * steps * pictures if cost is not None else None
    return (
        suggestion.layer.name,
        suggestion.layer.channels,
        suggestion.shows,
        suggestion.reason,
        f"{suggestion.multiplications / 1e6:,.3g} M",
        f"{suggestion.share:.0%}",
        "" if seconds is None else spoken(seconds),
    )


def _as_json(facts: ModelFacts, sanity: list[str], found: list[Suggestion]) -> dict[str, Any]:
    low, high = facts.preprocessing.ends
    return {
        "model": facts.name,
        "weights": facts.weights,
        "weights_sha256": facts.weights_sha256,
        "input_px": list(facts.native_size_px),
        "input_channels": facts.input_channels,
        "preprocessing": {"zero": low, "one": high, "channel_order": facts.preprocessing.channel_order},
        "parameters": facts.parameters,
        "classes": len(facts.labels),
        "logits": facts.logits,
        "sanity": sanity,
        "findings": list(facts.findings),
        "notes": list(facts.remarks),
        "layers": [layer_json(layer, facts) for layer in facts.layers_at(*facts.native_size_px).values()],
        "suggested": [
            {
                "layer": s.layer.name,
                "units": s.layer.channels,
                "shows": s.shows,
                "reason": s.reason,
                "multiplications": s.multiplications,
            }
            for s in found
        ],
    }
