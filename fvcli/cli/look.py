"""Looking things up: ``fvcli models``, ``layers``, ``schema``, ``init``, ``info``."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fvcli.cli.table import print_json, print_table
from fvcli.errors import UsageError

if TYPE_CHECKING:
    from fvcli.models import LayerFacts

JSON = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
# What the kinds mean to somebody who looks for something to render.
NOTES = {
    "batch_norm": "pre-activation",
    "relu6": "activation",
    "add": "residual sum",
    "dense": "class logits",
}


@click.command()
@JSON
def models(as_json: bool) -> None:
    """List the networks that a spec can name.

    \b
      fvcli models
    """
    from fvcli.models import list_models

    found = list_models()
    if as_json:
        print_json([asdict(model) for model in found])
        return
    rows = [
        (m.name, m.native_size_px, m.layers, m.weights, "yes" if m.installed else f"no: {m.install}")
        for m in found
    ]
    print_table(("model", "size_px", "layers", "weights", "installed"), rows)


@click.command()
@click.argument("model")
@click.option("--size", "size_px", type=int, help="Input side in pixels; the model's own if left out.")
@JSON
def layers(model: str, size_px: int | None, as_json: bool) -> None:
    """List the layers of a MODEL: what a spec can render.

    Shapes are height x width x channels at the model's input size. The receptive
    field is the side of the square of pixels that one position sees, the stride the
    distance from one position to the next.

    \b
      fvcli layers efficientnet-lite0
      fvcli layers efficientnet-lite0 --json
    """
    from fvcli.models import ModelChoice, describe

    facts = describe(ModelChoice(model))
    side = facts.native_size_px if size_px is None else size_px
    if side < facts.min_size_px:
        raise UsageError(f"--size {side} is too small for {model}", f"it needs at least {facts.min_size_px}")
    found = list(facts.layers_at(side, side).values())
    if as_json:
        print_json([_layer_json(layer) for layer in found])
        return
    print_table(
        ("layer", "kind", "shape", "channels", "receptive field", "stride", "made from", ""),
        [_layer_row(layer) for layer in found],
    )


def _layer_row(layer: LayerFacts) -> tuple[Any, ...]:
    shape = f"{layer.height}x{layer.width}x{layer.channels}"
    field = "whole image" if layer.receptive_field_px is None else f"{layer.receptive_field_px} px"
    stride = "-" if layer.stride_px is None else f"{layer.stride_px} px"
    note = NOTES.get(layer.kind, "")
    return layer.name, layer.kind, shape, layer.channels, field, stride, ", ".join(layer.inputs), note


def _layer_json(layer: LayerFacts) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.kind,
        "shape": [layer.height, layer.width, layer.channels],
        "channels": layer.channels,
        "receptive_field_px": layer.receptive_field_px,
        "stride_px": layer.stride_px,
        "made_from": list(layer.inputs),
    }


@click.command()
def schema() -> None:
    """Print the JSON Schema of a spec, for editors and checks.

    \b
      fvcli schema > fvcli.schema.json
    """
    from fvcli.spec import json_schema

    print_json(json_schema())


@click.command(short_help="Write a commented starter spec.")
@click.argument("file", default="fvcli.yaml", type=click.Path(path_type=Path, allow_dash=True))
def init(file: Path) -> None:
    """Write a commented starter spec to FILE (fvcli.yaml), or to standard output for -.

    \b
      fvcli init spec.yaml
      fvcli plan spec.yaml
    """
    text = resources.files("fvcli.spec").joinpath("starter.yaml").read_text()
    if str(file) == "-":
        click.echo(text, nl=False)
        return
    try:
        with file.open("x") as target:
            target.write(text)
    except FileExistsError as error:
        raise UsageError(f"{file} is there already", "give another name") from error
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}", "give another place") from error
    click.echo(f"{file} is written; next: fvcli plan {file}, fvcli render {file} -o run")


@click.command()
@JSON
def info(as_json: bool) -> None:
    """Show versions, devices and where weights are found.

    \b
      fvcli info
    """
    from fvcli.engines.quiet import quiet_start
    from fvcli.models import weights_in_use
    from fvcli.run import versions

    with quiet_start():
        from fvcli.worker.device import device_facts

        devices = device_facts()
    facts = {
        "versions": versions(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        **devices,
        "weights": weights_in_use(),
    }
    if as_json:
        print_json(facts)
        return
    for name, value in _info_rows(facts):
        click.echo(f"{name:<12} {value}")


def _info_rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [*facts["versions"].items(), ("platform", f"{facts['platform']}, {facts['cpus']} CPUs")]
    rows += [("device", device["name"]) for device in facts["devices"]]
    if not any(device["kind"] == "GPU" for device in facts["devices"]):
        rows.append(("gpu", "none (to use one: pip install 'fvcli[gpu]')"))
    return rows + [
        ("weights", f"{name}: {place or 'not installed'}") for name, place in facts["weights"].items()
    ]
