"""Hold recipes, other tools, photos and noise against each other: how well do their pictures explain units?

    96 channels of six depths --each recipe, each tool--> pictures --two other networks--> 2AFC shares

The judges are two networks of other architectures; see ``networks``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import imageio.v3 as iio
import numpy as np

from benchmark import fvcli_runs
from benchmark.measure import Place, measure
from benchmark.networks import networks
from benchmark.tools import choose_tools
from benchmark.units import CANVAS_PX, MODEL, Depth, Plan, unit_name
from fvcli.media import list_pictures
from fvcli.media.readable_pictures import readable_pictures
from fvcli.models import load
from fvcli.trust.explain import Explained, JudgedFeatures, explain, explained_by_photos
from fvcli.trust.layers import judge_layers
from fvcli.trust.noise import noise_pictures
from fvcli.trust.photo_halves import Halves, halves_of
from fvcli.trust.two_afc import interval_of_mean
from fvcli.worker.device import Device, set_up_device
from fvcli.worker.trust import PooledFeatures, photo_pixels

PHOTOS = 1000
NINE = 9  # as many as people see in the test
# Channels that were drawn at random once. None was looked at when recipes were chosen.
HELD_OUT: Mapping[str, tuple[int, ...]] = {
    "block2_expand_bn": (5, 6, 15, 21, 35, 36, 51, 55, 61, 74, 79, 98, 109, 118, 124, 137),
    "block4_expand_bn": (25, 36, 51, 69, 80, 87, 94, 107, 111, 128, 160, 163, 176, 197, 201, 202),
    "block6_expand_bn": (9, 19, 55, 56, 86, 92, 114, 161, 230, 245, 256, 287, 306, 330, 428, 437),
    "block9_expand_bn": (11, 17, 22, 61, 201, 246, 264, 276, 294, 310, 323, 343, 486, 559, 563, 669),
    "block12_expand_bn": (78, 113, 118, 150, 168, 245, 256, 372, 547, 602, 726, 749, 821, 853, 951, 1050),
    "head_bn": (67, 214, 372, 421, 490, 511, 549, 693, 745, 792, 844, 974, 976, 991, 1125, 1208),
}
RECIPES = ("default", "lucid", "maco", "vital")
PHOTO_RECIPES = {"vital"}  # which need photos of the unit
TOOLS = ("xplique",)
RANDOM, NOISE = "random weights", "noise"
Unit = tuple[str, int]
UNITS: Sequence[Unit] = [(layer, channel) for layer, channels in HELD_OUT.items() for channel in channels]


def first_units(per_layer: int | None) -> list[Unit]:
    """Return the first so many units of each layer; all without a number."""
    return [unit for unit in UNITS if unit[1] in HELD_OUT[unit[0]][:per_layer]]


# ---- pictures


def pictures_of(column: str, images: Path, out: Path, units: Sequence[Unit]) -> list[np.ndarray]:
    """Return a picture of each unit, uint8 [h, w, 3], rendered now or by an earlier bench."""
    if column in TOOLS:
        return _of_tool(column, out, units)
    recipe = "default" if column == RANDOM else column
    more = {"references": str(_explaining_photos(images, out))} if recipe in PHOTO_RECIPES else {}
    jobs = [{"name": layer, "layer": layer, "channels": [*cs], **more} for layer, cs in HELD_OUT.items()]
    model = {"name": MODEL, "weights": "random"} if column == RANDOM else MODEL
    spec = {"model": model, "render": {"recipe": recipe, "size_px": CANVAS_PX}, "jobs": jobs}
    folder = out / column.replace(" ", "-")
    names = [f"{layer}/{unit_name(channel)}" for layer, channel in units]
    only = fvcli_runs.only(names) if len(units) < len(UNITS) else []
    fvcli_runs.render_spec(spec, folder, *only)
    files = [folder / "run" / "units" / f"{name}.png" for name in names]
    return [np.asarray(iio.imread(file))[..., :3] for file in files]


def _explaining_photos(images: Path, out: Path) -> Path:
    """Return a folder of the photos that may explain, without those that are asked about."""
    folder = out / "explaining"
    folder.mkdir(parents=True, exist_ok=True)
    listed = list_pictures(images)
    numbers = np.array(readable_pictures(listed, PHOTOS).numbers)
    for number in numbers[halves_of(len(numbers)).explaining]:
        copy = folder / f"{number:05d}{listed.path(number).suffix}"
        if not copy.exists():
            shutil.copy(listed.path(number), copy)
    return folder


def _of_tool(name: str, out: Path, units: Sequence[Unit]) -> list[np.ndarray]:
    [tool] = choose_tools([name])
    depths = (Depth(layer, tuple(c for at, c in units if at == layer)) for layer in HELD_OUT)
    plan = Plan(tuple(depths), (), None, 1)
    found = {}
    for depth in plan.depths:
        place = Place(tool, depth, 0, out)
        for unit in measure(place, plan)["units"]:
            found[depth.layer, unit["channel"]] = np.asarray(iio.imread(place.folder / unit["picture"]))
    return [found[unit] for unit in units]


# ---- what is said of them


@dataclass(frozen=True)
class Asking:
    """Photos, and what the network and the judges say of them.

    values: [photos, units], objectives.
    judges: By name what looks, its features of the photos, and those of noise.
    """

    halves: Halves
    values: np.ndarray
    judges: Mapping[str, tuple[PooledFeatures, list[np.ndarray], list[np.ndarray]]]

    @classmethod
    def of(cls, images: Path, device: Device, network: str, units: Sequence[tuple[str, int]]) -> Asking:
        """Look at photos with a network, for channels of some layers, and with the other networks."""
        listed = list_pictures(images)
        numbers = readable_pictures(listed, PHOTOS).numbers
        layers = list(dict.fromkeys(layer for layer, _ in units))
        own = PooledFeatures(load(networks()[network]), layers, device)
        means = dict(zip(layers, own(photo_pixels(listed, numbers, own.size_px, 3)), strict=True))
        values = np.stack([means[layer][:, channel] for layer, channel in units], axis=1)
        judges = {}
        for name, choice in networks().items():
            if name == network:
                continue
            judge = load(choice)
            look = PooledFeatures(judge, judge_layers(judge.facts), device)
            photos = look(photo_pixels(listed, numbers, look.size_px, 3))
            judges[name] = look, photos, look(noise_pictures(look.size_px, 3))
        return cls(halves_of(len(numbers)), values, judges)

    def by_photos(self, count: int) -> list[float]:
        """Return the share of each unit by some of its own photos."""
        judged = [JudgedFeatures(name, photos, (), ()) for name, (_, photos, _) in self.judges.items()]
        return explained_by_photos(judged, self.values, self.halves, count)

    def explained(self, pictures: Sequence[np.ndarray]) -> list[Explained]:
        """Return how well a picture of each unit explains it.

        Raises:
            ValueError: Photos excite a unit all alike.
        """
        judged = [
            JudgedFeatures(name, photos, look(pictures), noise)
            for name, (look, photos, noise) in self.judges.items()
        ]
        found = explain(judged, np.arange(self.values.shape[1]), self.values, self.halves)
        if None in found:
            raise ValueError(f"unit {found.index(None)}: all photos excite it alike")
        return [one for one in found if one is not None]


# ---- tables


def row(
    title: str, units: Sequence[Unit], shares: Sequence[float], mis: Sequence[float] | None = None
) -> str:
    """Return a line of a Markdown table: mean and interval over all units, then the mean of each depth."""
    values = np.array(shares)
    low, high = interval_of_mean(values)
    depths = [
        f"{np.mean([share for share, unit in zip(shares, units, strict=True) if unit[0] == layer]):.2f}"
        for layer in HELD_OUT
    ]
    score = "" if mis is None else f"{np.mean(mis):.3f}"
    return f"| {title} | {values.mean():.3f} | {low:.3f}-{high:.3f} | {score} | {' | '.join(depths)} |"


def table(found: Mapping[str, Sequence[Explained]], nine: Sequence[float], units: Sequence[Unit]) -> str:
    """Return the table of all columns; nine: shares by nine photos of each unit."""
    any_ = next(iter(found.values()))
    names = [layer.removesuffix("_expand_bn").removesuffix("_bn") for layer in HELD_OUT]
    lines = [
        f"| explained by | 2AFC | 95 % interval | MIS | {' | '.join(names)} |",
        "|---" * (4 + len(names)) + "|",
        row("nine photos", units, nine),
        row("one photo", units, [one.photos for one in any_], [one.photos_mis for one in any_]),
    ]
    for name, each in found.items():
        lines.append(row(name, units, [one.share for one in each], [one.mis for one in each]))
    for name, each in found.items():
        lines.append(row(f"{name}, shuffled", units, [float(np.mean(one.others)) for one in each]))
    lines.append(row(NOISE, units, [one.noise for one in any_]))
    return "\n".join(lines) + "\n"


def trust(out: Path, images: Path, columns: Sequence[str], per_layer: int | None) -> str:
    """Render what is missing, and return the table."""
    units = first_units(per_layer)
    device = set_up_device()  # before a tool's network is written with TensorFlow
    pictures = {column: pictures_of(column, images, out, units) for column in columns}
    asking = Asking.of(images, device, "lite0", units)
    found = {column: asking.explained(of_column) for column, of_column in pictures.items()}
    text = table(found, asking.by_photos(NINE), units)
    name = "trust" if per_layer is None else f"trust-{per_layer}"
    (out / f"{name}.md").write_text(text)
    data = {
        column: {
            f"{layer} {channel}": [one.share, one.mis]
            for (layer, channel), one in zip(units, each, strict=True)
        }
        for column, each in found.items()
    }
    (out / f"{name}.json").write_text(json.dumps(data, indent=1))
    return text


def choose_columns(names: Sequence[str] | None) -> list[str]:
    """Return the columns of these names, all without names.

    Raises:
        click.UsageError: Unknown names.
    """
    known = [*RECIPES, *TOOLS, RANDOM]
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise click.UsageError(f"no column {', '.join(unknown)}; there are {', '.join(known)}")
    return [name for name in known if not names or name in names]
