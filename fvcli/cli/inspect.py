"""``fvcli inspect``."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from fvcli.cli.layers import layer_json, without_weights
from fvcli.cli.options import code_option
from fvcli.cli.table import print_json, print_table, spoken
from fvcli.errors import before_any_work, command, counted, size_in_words

if TYPE_CHECKING:
    from fvcli.models import ModelChoice, ModelFacts
    from fvcli.models.loaded.model import LoadedModel
    from fvcli.plan.cost import Cost
    from fvcli.plan.suggest import Suggestion

RANDOM_SAID = "random: what is said of sanity does not hold for trained weights"
TIMES = ("time of the job below", "of all channels")


@click.command()
@click.argument("model")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@code_option
def inspect(model: str, as_json: bool, allow_code: bool) -> None:
    """Show on one page what a MODEL is and what is worth rendering of it.

    MODEL is a name, a file, or a spec with a model. The page tells the input and its
    preprocessing, what the network makes of noise and of pictures and whether that is
    normal, what was guessed or looks wrong, layers for an atlas with why and what they
    cost (times need fvcli calibrate), and their jobs to paste into a spec. fvcli init
    --model MODEL writes a whole spec with these jobs. fvcli layers MODEL lists all layers;
    --json has them as well.

    \b
      fvcli inspect my_model.keras
      fvcli inspect spec.yaml
    """
    from fvcli.app.describe_model import describe_model
    from fvcli.app.plan_spec import model_of
    from fvcli.plan.suggest import suggest_layers

    choice = without_weights(model_of(model))
    facts = describe_model(choice, allow_code)
    loaded = _loaded(choice, allow_code)
    facts, sanity = replace(facts, parameters=loaded.parameters), loaded.sanity_lines()
    found = suggest_layers(facts)
    if as_json:
        print_json(_as_json(facts, sanity, found))
    else:
        _show(facts, sanity, found)
        click.echo(f"\nall {counted(len(facts.nodes), 'layer')}: {command('layers', model)}")


def _loaded(choice: ModelChoice, allow_code: bool) -> LoadedModel:
    """Return the network in memory."""
    from fvcli.engines.import_tensorflow import importing_tensorflow
    from fvcli.models import load

    with importing_tensorflow(), before_any_work():
        from fvcli.worker.device import set_up_device

        set_up_device()
        return load(choice, allow_code)


def _show(facts: ModelFacts, sanity: list[str], found: list[Suggestion]) -> None:
    classes = f"{len(facts.labels)} classes, logits: {facts.logits}" if facts.logits else "none"
    rows = [
        ("model", facts.name),
        ("weights", RANDOM_SAID if facts.weights == "random" else _weights_said(facts)),
        (
            "input",
            f"{size_in_words(facts.native_size_px, ' px')}, {counted(facts.input_channels, 'channel')}",
        ),
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


def _weights_said(facts: ModelFacts) -> str:
    return f"{facts.weights} (SHA-256 {facts.weights_sha256[:16]}...)"


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
    columns: tuple[str, ...] = ("layer", "channels", "shows", "why", "work per step", "of network")
    print_table(columns if cost is None else (*columns, *TIMES), [_row(one, facts, cost) for one in found])
    click.echo(
        "work per step: multiplications of one picture; of network: their share of the whole network's"
    )
    if cost is None:
        click.echo("time: unknown; measure this machine once with: fvcli calibrate")
    else:
        click.echo("times: with the default recipe on this machine")
    click.echo(f"\nto paste into a spec:\n{jobs_block(found)}", nl=False)


def _row(one: Suggestion, facts: ModelFacts, cost: Cost | None) -> tuple[Any, ...]:
    row = (
        one.layer.name,
        one.layer.channels,
        one.shows,
        one.reason,
        _millions(one.multiplications),
        f"{one.share:.0%}",
    )
    if cost is None:
        return row
    from fvcli.spec.recipes import RECIPES

    picture_s = cost.step_s(one.work(facts)) * (RECIPES["default"].steps or 0)
    return (*row, spoken(picture_s * one.job_units), spoken(picture_s * one.layer.channels))


def _millions(number: int) -> str:
    millions = number / 1e6
    return f"{millions:,.0f} M" if millions >= 10 else f"{millions:.2g} M"


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
                "every": s.every,
            }
            for s in found
        ],
    }
