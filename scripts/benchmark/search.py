"""Compare recipes over units of six depths of three networks: how the default recipe was chosen.

    candidates.yaml --fvcli render--> pictures --the other networks--> 2AFC share: does it explain its unit?
                                         |------its own network------> robust score, relative to Lucid's
                                         |------pixels---------------> noise, saturated pixels

Half of the units are for tuning, the other half for reporting. A candidate is what a spec can have under
``render:``, so anybody can try a recipe of their own. The networks are those of ``networks``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click
import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw
from ruamel.yaml import YAML

from benchmark import fvcli_runs
from benchmark.networks import model_of_spec, networks
from benchmark.score import high_frequency_energy, robust_score
from benchmark.trust import Asking
from benchmark.units import unit_name
from fvcli.models import load
from fvcli.worker.device import set_up_device

SIDE_PX = 224
CANDIDATES = Path(__file__).with_name("candidates.yaml")
HALF = 3  # of the units of a layer are for tuning, the others for reporting
# Channels that were drawn at random once, of those that some photo excites. None is among those of
# ``scripts/bench trust``; one, channel 401 of block 12, is also compared with other tools.
UNITS: Mapping[str, Mapping[str, tuple[int, ...]]] = {
    "lite0": {
        "block2_expand_bn": (125, 20, 58, 105, 27, 53),
        "block4_expand_bn": (41, 221, 92, 19, 206, 142),
        "block6_expand_bn": (51, 456, 149, 302, 271, 421),
        "block9_expand_bn": (365, 450, 341, 82, 358, 491),
        "block12_expand_bn": (449, 523, 574, 368, 401, 504),
        "head_bn": (523, 1102, 251, 366, 672, 244),
    },
    "googlenet": {
        "a3": (238, 244, 237, 61, 231, 113),
        "b3": (128, 3, 162, 282, 183, 170),
        "a4": (99, 290, 47, 187, 542, 538),
        "c4": (168, 449, 321, 251, 199, 502),
        "e4": (187, 20, 229, 619, 432, 988),
        "b5": (708, 559, 416, 488, 508, 968),
    },
    "squeezenet": {
        "fire3_concat": (40, 124, 0, 90, 14, 75),
        "fire4_concat": (238, 244, 237, 61, 231, 113),
        "fire5_concat": (238, 244, 237, 61, 231, 113),
        "fire7_concat": (124, 175, 122, 161, 317, 111),
        "fire9_concat": (378, 473, 421, 66, 165, 397),
        "conv_final": (672, 576, 178, 586, 253, 481),
    },
}
BLACK, WHITE = 4, 251  # bytes; what is beyond counts as saturated


@dataclass(frozen=True)
class Unit:
    """A channel of a layer of one of the networks."""

    network: str
    layer: str
    channel: int


@dataclass(frozen=True)
class Row:
    """What one recipe made of one unit.

    share: 2AFC, 0 to 1. score: Robust. energy: The share of high frequencies.
    """

    unit: Unit
    share: float
    score: float
    energy: float
    cpu_s: float
    pixels: np.ndarray

    @property
    def saturated(self) -> float:
        """The share of values that are black or white, or pure in one colour."""
        return float(np.mean((self.pixels <= BLACK) | (self.pixels >= WHITE)))


def units_of(half: str) -> list[Unit]:
    """Return the units for ``tune`` or ``report``."""
    part = slice(HALF) if half == "tune" else slice(HALF, None)
    return [
        Unit(network, layer, index)
        for network, layers in UNITS.items()
        for layer, channels in layers.items()
        for index in channels[part]
    ]


# ---- pictures


def rendered(folder: Path, candidate: Mapping[str, Any], units: Sequence[Unit]) -> dict[Unit, dict[str, Any]]:
    """Render what the folder does not have yet, with fvcli's own command; return sidecars.

    Args:
        folder: Of the candidate and the half.
        candidate: What stands under ``render:``.
        units: Which.
    """
    found = {}
    for network, choice in networks().items():
        here = [unit for unit in units if unit.network == network]
        layers: dict[str, list[int]] = {}
        for unit in here:
            layers.setdefault(unit.layer, []).append(unit.channel)
        warm = [{**fvcli_runs.warm_job(layer, 8), "name": f"warm-{layer}"} for layer in layers]
        jobs = [{"name": layer, "layer": layer, "channels": channels} for layer, channels in layers.items()]
        spec = {
            "model": model_of_spec(choice),
            "render": {"size_px": SIDE_PX, "batch_size": HALF, **candidate},
            "jobs": [*warm, *jobs],
        }
        fvcli_runs.render_spec(spec, folder / network)
        for unit in here:
            path = folder / network / "run" / "units" / unit.layer / f"{unit_name(unit.channel)}.json"
            found[unit] = {**json.loads(path.read_text()), "picture": path.with_suffix(".png")}
    return found


# ---- what is said of them


@cache
def scorer_of(network: str, layer: str) -> Callable[[np.ndarray], tf.Tensor]:
    """Return a function that gives a layer's activations for views from -1 to 1."""
    whole = _network_of(network)
    return lambda views: whole(views * 0.5 + 0.5, redirect=False)(layer)


@cache
def _network_of(name: str) -> Any:
    return load(networks()[name]).network()


def judged(
    sidecars: Mapping[Unit, Mapping[str, Any]], askings: Mapping[str, tuple[Sequence[Unit], Asking]]
) -> list[Row]:
    """Return what is measured of pictures, in the order of the units."""
    pixels = {unit: np.asarray(Image.open(side["picture"]).convert("RGB")) for unit, side in sidecars.items()}
    shares = {
        unit: found.share
        for units, asking in askings.values()
        for unit, found in zip(units, asking.explained([pixels[unit] for unit in units]), strict=True)
    }
    return [
        Row(
            unit,
            shares[unit],
            robust_score(scorer_of(unit.network, unit.layer), unit.channel, pixels[unit]),
            high_frequency_energy(pixels[unit]),
            side["cpu_seconds"],
            pixels[unit],
        )
        for unit, side in sidecars.items()
    ]


def summary(title: str, rows: Sequence[Row], reference: Sequence[Row]) -> list[str]:
    """Return the cells of a line of a table; depths are those of each network, from shallow to deep.

    A unit that stays silent with Lucid's recipe has no relative score.
    """
    by_depth: dict[tuple[str, str], list[int]] = {}
    for i, row in enumerate(rows):
        by_depth.setdefault((row.unit.network, row.unit.layer), []).append(i)
    shares = np.array([row.share for row in rows])
    relative = np.array(
        [
            max(row.score / other.score, 1e-3) if other.score > 0.0 else np.nan
            for row, other in zip(rows, reference, strict=True)
        ]
    )
    change = shares - [row.share for row in reference]
    measures = [np.mean([getattr(row, key) for row in rows]) for key in ("energy", "saturated", "cpu_s")]
    return [
        title,
        f"{shares.mean():.3f}",
        f"{change.mean():+.3f} +- {change.std() / len(rows) ** 0.5:.3f}",
        " ".join(f"{shares[at].mean():.2f}" for at in by_depth.values()),
        f"{np.exp(np.nanmean(np.log(relative))):.3f}",
        " ".join(f"{np.exp(np.nanmean(np.log(relative[at]))):.2f}" for at in by_depth.values()),
        f"{measures[0]:.3f}",
        f"{measures[1]:.3f}",
        f"{measures[2]:.1f}",
    ]


HEAD = ("recipe", "2AFC", "against lucid", "by depth", "score", "by depth", "noise", "saturated", "CPU s")


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def draw(path: Path, columns: Mapping[str, Sequence[Row]], network: str) -> None:
    """Write the pictures of a network side by side: a row a recipe, a column the first unit of a layer."""
    side, text = SIDE_PX, 16
    first = {
        name: {row.unit.layer: row for row in reversed(rows) if row.unit.network == network}
        for name, rows in columns.items()
    }
    layers = list(UNITS[network])
    sheet = Image.new("RGB", (side * len(layers), (side + text) * len(columns)), "white")
    pen = ImageDraw.Draw(sheet)
    for j, (name, rows) in enumerate(first.items()):
        pen.text((2, j * (side + text)), name, "black")
        for i, layer in enumerate(layers):
            sheet.paste(Image.fromarray(rows[layer].pixels), (i * side, j * (side + text) + text))
    sheet.save(path)


@click.command()
@click.argument("candidates", nargs=-1)
@click.option("--images", type=click.Path(path_type=Path, exists=True), required=True, help="1,000 photos.")
@click.option("--half", type=click.Choice(["tune", "report"]), default="tune", show_default=True)
@click.option("-o", "--output", default="runs/search", show_default=True, type=click.Path(path_type=Path))
def search(candidates: tuple[str, ...], images: Path, half: str, output: Path) -> None:
    """Render all units with each of the CANDIDATES, compared with Lucid's recipe; see candidates.yaml."""
    known = YAML(typ="safe").load(CANDIDATES)
    if unknown := [name for name in candidates if name not in known]:
        raise click.UsageError(f"no candidate {', '.join(unknown)}; there are {', '.join(known)}")
    units = units_of(half)
    names = ("lucid", *(name for name in candidates if name != "lucid"))
    sidecars = {name: rendered(output / name / half, known[name] or {}, units) for name in names}
    device = set_up_device()
    askings = {}
    for network in UNITS:
        here = [unit for unit in units if unit.network == network]
        places = [(unit.layer, unit.channel) for unit in here]
        askings[network] = here, Asking.of(images, device, network, places)
    rows = {name: judged(sidecars[name], askings) for name in names}
    click.echo(f"{len(units)} units for {half}; depths are those of {', '.join(UNITS)}\n")
    click.echo(line(HEAD))
    click.echo(line(["---"] * len(HEAD)))
    for name in names:
        click.echo(line(summary(name, rows[name], rows["lucid"])))
    for network in UNITS:
        draw(output / f"{half}-{network}.png", rows, network)


if __name__ == "__main__":
    search()
