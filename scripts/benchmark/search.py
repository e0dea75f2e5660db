"""Compare recipes over units of five depths of two networks: how the default recipe was chosen.

    candidates.yaml --recipe--> 8-bit pictures --one robust score--> share of what Lucid's recipe reaches

Half of the units are for tuning, the other half for reporting. A candidate is what a spec can have under
``render:``, so anybody can try a recipe of their own. The second network is one that people use:
``bn_googlenet_abm.keras`` in the folder that FVCLI_TEST_DATA names; without that it is EfficientNet-Lite2.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import click
import numpy as np
from PIL import Image, ImageDraw
from ruamel.yaml import YAML

from benchmark.score import high_frequency_energy, robust_score
from fvcli.models import ModelChoice, load
from fvcli.models.zoo.applications import IMAGENET_MEAN, IMAGENET_STD
from fvcli.optvis.ascent import STEPS_PER_CALL, Ascent
from fvcli.optvis.network import Network
from fvcli.optvis.objectives import channel
from fvcli.optvis.streams import stream
from fvcli.spec.recipes import RECIPES, overlay, resolved
from fvcli.spec.schema import Render
from fvcli.spec.settings import Settings
from fvcli.worker.builders import build_recipe
from fvcli.worker.device import set_up_device

SIDE_PX = 224
CANDIDATES = Path(__file__).with_name("candidates.yaml")
# Arbitrary channels of each layer: the even places are for tuning, the odd ones for reporting. None is
# among the units of the comparison with other tools.
LITE0 = {
    "block2_expand_bn": [19, 21, 26, 34, 38, 79, 86, 143],
    "block4_expand_bn": [12, 41, 47, 92, 131, 149, 174, 225],
    "block6_expand_bn": [4, 46, 141, 208, 246, 262, 371, 468],
    "block9_expand_bn": [22, 104, 171, 260, 358, 431, 502, 635],
    "block12_expand_bn": [10, 206, 355, 402, 541, 733, 866, 1001],
}
SECOND = {
    "googlenet": {
        "b3": [31, 70, 121, 158, 204, 286],
        "a4": [27, 111, 206, 310, 402, 533],
        "c4": [18, 140, 233, 351, 470, 590],
        "e4": [77, 213, 399, 504, 731, 944],
        "b5": [52, 190, 433, 601, 777, 921],
    },
    "efficientnet-lite2": {
        "block2_expand_bn": [11, 40, 77, 101, 118, 131],
        "block5_expand_bn": [27, 99, 143, 190, 240, 277],
        "block8_expand_bn": [18, 140, 233, 351, 401, 510],
        "block13_expand_bn": [77, 213, 399, 504, 611, 688],
        "block17_expand_bn": [52, 190, 433, 601, 777, 1200],
    },
}


@dataclass(frozen=True)
class Unit:
    """A channel of a layer of one of the networks."""

    network: str
    layer: str
    channel: int

    @property
    def name(self) -> str:
        return f"{self.network}-{self.layer}-{self.channel}"


@dataclass(frozen=True)
class Row:
    """What one recipe made of one unit."""

    unit: Unit
    score: float
    energy: float
    cpu_s: float
    pixels: np.ndarray


def units_of(half: str) -> list[Unit]:
    """Return the units for ``tune`` or ``report``."""
    second = "googlenet" if _googlenet_path().is_file() else "efficientnet-lite2"
    start = ("tune", "report").index(half)
    return [
        Unit(network, layer, index)
        for network, layers in (("efficientnet-lite0", LITE0), (second, SECOND[second]))
        for layer, channels in layers.items()
        for index in channels[start::2]
    ]


def _googlenet_path() -> Path:
    return Path(os.environ.get("FVCLI_TEST_DATA", "")) / "models" / "bn_googlenet_abm.keras"


@cache
def network_of(name: str) -> tuple[Network, Callable[[str], Callable[[np.ndarray], object]]]:
    """Return a network to render with and, for a layer, a function that scores views from -1 to 1."""
    mean, std = IMAGENET_MEAN, IMAGENET_STD
    own = ModelChoice(path=str(_googlenet_path()), mean=mean, std=std)
    network = load(own if name == "googlenet" else ModelChoice(name)).network()

    def scorer(layer: str) -> Callable[[np.ndarray], object]:
        return lambda views: network(views * 0.5 + 0.5, redirect=False)(layer)

    return network, scorer


def settings_of(name: str) -> Settings:
    """Return a candidate as a whole recipe."""
    given = YAML(typ="safe").load(CANDIDATES)[name] or {}
    render = Render.model_validate(_tuples(given))
    recipe = render.recipe or "default"
    # by way of a whole Render, so that transforms are as written and not fitted to the size
    whole = overlay(RECIPES[recipe], render)
    return resolved(recipe, whole, (SIDE_PX, SIDE_PX)).settings()


def _tuples(value: object) -> object:
    if isinstance(value, dict):
        return {key: _tuples(below) for key, below in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def render_all(settings: Settings, units: Sequence[Unit], steps: int, lanes: int) -> list[Row]:
    """Render units, those of a layer side by side, and score them."""
    program = SimpleNamespace(settings=settings, height_px=SIDE_PX, width_px=SIDE_PX, window=None, members=1)
    rows = []
    for network, layer in dict.fromkeys((unit.network, unit.layer) for unit in units):
        here = [unit for unit in units if (unit.network, unit.layer) == (network, layer)]
        whole, scorer = network_of(network)
        ascent = Ascent(whole, lambda u, la=layer: channel(la, u["index"]), build_recipe(program, 3))
        _rendered(ascent, here[0], 1)  # compiles
        began = time.process_time()
        with ThreadPoolExecutor(lanes) as pool:
            pictures = list(pool.map(lambda unit, a=ascent: _rendered(a, unit, steps), here))
        cpu_s = (time.process_time() - began) / len(here)
        score = scorer(layer)
        for unit, pixels in zip(here, pictures, strict=True):
            energy = high_frequency_energy(pixels)
            rows.append(Row(unit, robust_score(score, unit.channel, pixels), energy, cpu_s, pixels))
    return rows


def _rendered(ascent: Ascent, unit: Unit, steps: int) -> np.ndarray:
    streams, shared = [stream(0, unit.name)], stream(0, "shared by the batch")
    index = {"index": np.array([unit.channel], np.int32)}
    state = ascent.start(streams)
    while state.step < steps:
        todo = min(STEPS_PER_CALL, steps - state.step)
        state = ascent.take_steps(state, index, todo, streams, shared, steps)
    image = ascent.picture(state.params).numpy()[0]
    return np.clip(image * 255.0 + 0.5, 0, 255).astype(np.uint8)


def cached(folder: Path, name: str, units: Sequence[Unit], steps: int, lanes: int) -> list[Row]:
    """Render what the folder does not have yet, and return everything."""
    place = folder / f"{name}-{steps}"
    place.mkdir(parents=True, exist_ok=True)
    missing = [unit for unit in units if not (place / f"{unit.name}.json").exists()]
    if missing:
        settings = settings_of(name)
        for network, layer in dict.fromkeys((unit.network, unit.layer) for unit in missing):
            here = [unit for unit in missing if (unit.network, unit.layer) == (network, layer)]
            for row in render_all(settings, here, steps, lanes):
                Image.fromarray(row.pixels).save(place / f"{row.unit.name}.png")
                facts = {"score": row.score, "energy": row.energy, "cpu_s": row.cpu_s}
                (place / f"{row.unit.name}.json").write_text(json.dumps(facts))
    return [_read(place, unit) for unit in units]


def _read(place: Path, unit: Unit) -> Row:
    facts = json.loads((place / f"{unit.name}.json").read_text())
    pixels = np.asarray(Image.open(place / f"{unit.name}.png"))
    return Row(unit, facts["score"], facts["energy"], facts["cpu_s"], pixels)


def summary(title: str, rows: Sequence[Row], reference: Sequence[Row]) -> str:
    """Return a line of a Markdown table: means over all units, and the score of each network's depths.

    A unit that stays silent with Lucid's recipe has no share; that and silence here are counted instead.
    """
    pairs = [(row, other) for row, other in zip(rows, reference, strict=True) if other.score > 0.0]
    shares = np.array([row.score / other.score for row, other in pairs])
    depths = dict.fromkeys((row.unit.network, row.unit.layer) for row in rows)
    at = [(row.unit.network, row.unit.layer) for row, _ in pairs]
    each = [np.mean([s for s, place in zip(shares, at, strict=True) if place == depth]) for depth in depths]
    energy, cpu_s = (np.mean([getattr(row, key) for row in rows]) for key in ("energy", "cpu_s"))
    silent = sum(row.score <= 0.0 for row in rows)
    return (
        f"| {title} | {np.exp(np.mean(np.log(np.maximum(shares, 1e-3)))):.3f} | {shares.min():.2f} "
        f"| {' '.join(f'{share:.2f}' for share in each)} | {silent} | {energy:.3f} | {cpu_s:.1f} |"
    )


def draw(path: Path, columns: dict[str, list[Row]]) -> None:
    """Write the pictures side by side: a row a recipe, a column a unit."""
    count = len(next(iter(columns.values())))
    side, text = SIDE_PX // 2, 14
    sheet = Image.new("RGB", (side * count, (side + text) * len(columns)), "white")
    pen = ImageDraw.Draw(sheet)
    for j, (name, rows) in enumerate(columns.items()):
        for i, row in enumerate(rows):
            picture = Image.fromarray(row.pixels).resize((side, side), Image.Resampling.LANCZOS)
            sheet.paste(picture, (i * side, j * (side + text) + text))
        pen.text((2, j * (side + text)), name, "black")
    sheet.save(path)


@click.command()
@click.argument("candidates", nargs=-1)
@click.option("--half", type=click.Choice(["tune", "report"]), default="tune", show_default=True)
@click.option("--steps", type=int, help="Instead of each candidate's own.")
@click.option("-o", "--output", default="runs/search", show_default=True, type=click.Path(path_type=Path))
def search(candidates: tuple[str, ...], half: str, steps: int | None, output: Path) -> None:
    """Render all units with each of the CANDIDATES, compared with Lucid's recipe; see candidates.yaml."""
    lanes = set_up_device().lanes
    units = units_of(half)
    columns = {"lucid": cached(output, "lucid", units, settings_of("lucid").steps, lanes)}
    click.echo(f"{len(units)} units for {half}; score is the share of what Lucid's recipe reaches\n")
    click.echo(
        "| recipe, steps | score (geometric mean) | lowest | by depth | silent | high frequencies | CPU-s |"
    )
    click.echo("|---|---|---|---|---|---|---|")
    click.echo(summary("lucid, 513", columns["lucid"], columns["lucid"]))
    for name in candidates:
        taken = steps or settings_of(name).steps
        columns[f"{name}, {taken}"] = rows = cached(output, name, units, taken, lanes)
        click.echo(summary(f"{name}, {taken}", rows, columns["lucid"]))
    draw(output / f"{half}.png", columns)


if __name__ == "__main__":
    search()
