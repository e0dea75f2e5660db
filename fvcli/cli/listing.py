"""Looking things up: ``fvcli models``, ``schema``, ``init``, ``info``."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fvcli.cli.layers import without_weights
from fvcli.cli.options import code_option
from fvcli.cli.place import Place
from fvcli.cli.table import print_json, print_table, spoken
from fvcli.errors import UsageError, command

if TYPE_CHECKING:
    from fvcli.app.atlas_cost import AtlasCost
    from fvcli.models import ModelFacts

JSON = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")


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
        (m.name, m.native_size_px, m.preprocessing, "yes" if m.installed else f"no: {m.install}")
        for m in found
    ]
    print_table(("model", "size_px", "takes", "weights installed"), rows)


@click.command()
def schema() -> None:
    """Print the JSON Schema of a spec, for editors and checks.

    \b
      fvcli schema > fvcli.schema.json
    """
    from fvcli.spec import json_schema

    print_json(json_schema())


@click.command(short_help="Write a commented starter spec.")
@click.argument("file", default="fvcli.yaml", type=Place(allow_dash=True))
@click.option("--model", help="A model name or file: write the jobs that fvcli inspect recommends for it.")
@click.option(
    "--atlas",
    metavar="MODEL",
    help="A model name or file: write the jobs of an atlas of it, every channel of up to nine layers.",
)
@code_option
def init(file: Path, model: str | None, atlas: str | None, allow_code: bool) -> None:
    """Write a commented starter spec to FILE (fvcli.yaml), or to standard output for -.

    \b
      fvcli init spec.yaml
      fvcli init spec.yaml --model vgg16
      fvcli init atlas.yaml --atlas vgg16
      fvcli plan spec.yaml
    """
    if model is not None and atlas is not None:
        raise UsageError("--model and --atlas each write a spec", "give one of them")
    if atlas is not None:
        text = _atlas_of(atlas, allow_code)
    else:
        starter = resources.files("fvcli.spec").joinpath("starter.yaml").read_text(encoding="utf-8")
        text = starter if model is None else _starter_of(model, starter, allow_code)
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
    click.echo(f"{file} is written; next: {command('plan', file)}, {command('render', file, '-o', 'run')}")


def _starter_of(model: str, starter: str, allow_code: bool) -> str:
    from fvcli.plan.suggest import starter_of

    return starter_of(starter, model, _facts_of("--model", model, allow_code))


def _facts_of(option: str, model: str, allow_code: bool) -> ModelFacts:
    from fvcli.app.describe_model import describe_model
    from fvcli.app.plan_spec import SPEC_FILES, model_of

    if model.lower().endswith(SPEC_FILES):
        raise UsageError(f"{option} {model}: a spec, not a model", "give the name or the file of a model")
    return describe_model(without_weights(model_of(model)), allow_code)


def _atlas_of(model: str, allow_code: bool) -> str:
    from fvcli.app.atlas_cost import atlas_cost
    from fvcli.plan.atlas_jobs import atlas_spec

    facts = _facts_of("--atlas", model, allow_code)
    cost = atlas_cost(atlas_spec(model, facts), allow_code)
    return atlas_spec(model, facts, _cost_lines(cost))


def _cost_lines(cost: AtlasCost) -> list[str]:
    """Say how many pictures of each kind there are, and how long they take."""
    total = f"{sum(cost.pictures.values()):,} pictures"
    rows = [f"  {kind:<10}{count:>9,}" for kind, count in cost.pictures.items()]
    if cost.seconds is None:
        unknown = "measure this machine once with: fvcli calibrate, then: fvcli plan THIS_FILE"
        return [f"Cost: {total}.", *rows, f"  time: unknown; {unknown}"]
    times = [f"{spoken(cost.seconds[kind]):>9}" for kind in cost.pictures]
    said = (
        f"Cost: {total}, at most about {spoken(sum(cost.seconds.values()))} on this machine ({cost.device})."
    )
    return [said, *map("".join, zip(rows, times, strict=True))]


@click.command()
@JSON
def info(as_json: bool) -> None:
    """Show versions, devices and where weights are found.

    \b
      fvcli info
    """
    from fvcli.engines.import_tensorflow import importing_tensorflow
    from fvcli.models import weights_in_use
    from fvcli.run import versions

    with importing_tensorflow():
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
