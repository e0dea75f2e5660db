"""Which units are rendered, and for how long: all that a bench is asked for, in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MODEL = "efficientnet-lite0"
CANVAS_PX = 224

# Arbitrary channels, chosen once and before anything was measured.
DEPTHS: Mapping[str, tuple[int, ...]] = {
    "block2_expand_bn": (3, 40, 80, 120),
    "block4_expand_bn": (5, 50, 111, 200),
    "block6_expand_bn": (60, 200, 311, 404),
    "block9_expand_bn": (3, 17, 30, 44),
    "block12_expand_bn": (7, 77, 401, 900),
    "head_bn": (10, 100, 500, 900),
}
# Steps at which fvcli's default recipe is run, for its curve of score against CPU time.
BUDGETS = (16, 24, 32, 48, 64, 96, 128, 192, 256)

QUICK_LAYER = "block6_expand_bn"
QUICK_STEPS = 8
QUICK_BUDGETS = (4, 16)


@dataclass(frozen=True)
class Depth:
    """Channels of one layer."""

    layer: str
    channels: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """What a bench is asked for.

    steps: For every tool, instead of its own number; None: its own.
    """

    depths: tuple[Depth, ...]
    budgets: tuple[int, ...]
    steps: int | None
    repeats: int


def make_plan(
    layers: Sequence[str] | None, per_layer: int | None, budgets: Sequence[int], repeats: int, quick: bool
) -> Plan:
    """Return the depths and steps that the command line asks for.

    Raises:
        ValueError: A layer without channels in DEPTHS.
    """
    layers = layers or ([QUICK_LAYER] if quick else list(DEPTHS))
    unknown = [layer for layer in layers if layer not in DEPTHS]
    if unknown:
        raise ValueError(f"no channels for {', '.join(unknown)}; the layers are {', '.join(DEPTHS)}")
    count = per_layer or (1 if quick else None)
    depths = tuple(Depth(layer, DEPTHS[layer][:count]) for layer in layers)
    steps = QUICK_STEPS if quick else None
    return Plan(depths, QUICK_BUDGETS if quick else tuple(sorted(set(budgets))), steps, repeats)


def unit_name(channel: int) -> str:
    """Name a unit as fvcli names its files."""
    return f"channel-{channel:04}"
