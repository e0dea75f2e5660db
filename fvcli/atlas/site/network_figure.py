"""The network as a picture: its layers with weights as bars, in order of depth, by the size of their maps."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fvcli.models import LayerFacts, ModelFacts

WITH_WEIGHTS = ("conv", "dense", "einsum", "attention", "matmul")  # parts of kinds that have weights
BAR_PX, GAP_PX, HEIGHT_PX, ARC_PX = 10, 4, 96, 16
MOST_COLUMNS = 400  # a deeper network is drawn without its bars


@dataclass(frozen=True)
class Bar:
    """A layer: a rectangle in pixels, and the chapter that shows it or a layer right behind it."""

    x: float
    y: float
    width: float
    height: float
    title: str
    chapter: str = ""


@dataclass(frozen=True)
class Stage:
    """Layers one after the other whose maps have one size.

    size: Such as ``56 x 56``, or ``vector``.
    arcs: Paths of connections that pass layers by.
    chapters: Names of those that are shown here, in order.
    """

    size: str
    width: float
    height: float
    bars: tuple[Bar, ...]
    arcs: tuple[str, ...]
    chapters: tuple[str, ...]


def stages_of(facts: ModelFacts, chapters: Sequence[str]) -> list[Stage]:
    """Return the stages of a network.

    Args:
        facts: Of the network.
        chapters: Names of the layers that the atlas shows.
    """
    at = facts.layers_at(*facts.native_size_px)
    depths, owner = _depths(facts)
    if max(depths.values(), default=0) > MOST_COLUMNS:
        return []
    shown: defaultdict[str, list[str]] = defaultdict(list)
    for chapter in chapters:
        if chapter in owner:
            shown[owner[chapter]].append(chapter)
    columns: defaultdict[int, list[str]] = defaultdict(list)
    for name in depths:
        if name in at and owner.get(name) == name:
            columns[depths[name]].append(name)
    arcs = _skips(facts, depths)
    return [_stage(members, columns, at, shown, arcs) for members in _stages(sorted(columns), columns, at)]


def _depths(facts: ModelFacts) -> tuple[dict[str, int], dict[str, str]]:
    """Return how many layers with weights lie up to each node, and the last of these before it."""
    depths: dict[str, int] = {}
    owner: dict[str, str] = {}
    for node in facts.nodes:
        before = [name for name in node.inputs if name in depths]
        deepest = max(before, key=lambda name: depths[name], default=None)
        depth = depths[deepest] if deepest is not None else 0
        if any(kind in node.kind for kind in WITH_WEIGHTS):
            depths[node.name], owner[node.name] = depth + 1, node.name
        else:
            depths[node.name] = depth
            if deepest is not None and deepest in owner:
                owner[node.name] = owner[deepest]
    return depths, owner


def _skips(facts: ModelFacts, depths: Mapping[str, int]) -> list[tuple[int, int]]:
    """Return from which depth to which connections pass layers by that are added to what these make."""
    found = []
    for node in facts.nodes:
        ends = sorted({depths[name] for name in node.inputs if name in depths})
        if "add" in node.kind and len(ends) > 1:
            found.append((ends[0], ends[-1]))
    return found


def _stages(
    order: Sequence[int], columns: Mapping[int, Sequence[str]], at: Mapping[str, LayerFacts]
) -> Iterator[list[int]]:
    members: list[int] = []
    for depth in order:
        if members and _size(columns[members[-1]][0], at) != _size(columns[depth][0], at):
            yield members
            members = []
        members.append(depth)
    if members:
        yield members


def _size(name: str, at: Mapping[str, LayerFacts]) -> tuple[int, int]:
    return at[name].height, at[name].width


def _stage(
    members: Sequence[int],
    columns: Mapping[int, Sequence[str]],
    at: Mapping[str, LayerFacts],
    shown: Mapping[str, Sequence[str]],
    arcs: Sequence[tuple[int, int]],
) -> Stage:
    step = BAR_PX + GAP_PX
    bars = [
        bar for place, depth in enumerate(members) for bar in _column(place * step, columns[depth], at, shown)
    ]
    first, last = members[0], members[-1]
    inside = [(a, b) for a, b in arcs if first <= a and b <= last]
    paths = tuple(
        f"M{(a - first) * step + BAR_PX / 2:.1f} {ARC_PX}"
        f"C{(a - first) * step + BAR_PX / 2:.1f} 2 {(b - first) * step + BAR_PX / 2:.1f} 2"
        f" {(b - first) * step + BAR_PX / 2:.1f} {ARC_PX}"
        for a, b in inside
    )
    height, width = _size(columns[first][0], at)
    names = [chapter for depth in members for name in columns[depth] for chapter in shown.get(name, ())]
    return Stage(
        "vector" if height == width == 1 else f"{height} \u00d7 {width}",
        len(members) * step - GAP_PX,
        ARC_PX + HEIGHT_PX,
        tuple(bars),
        paths,
        tuple(names),
    )


def _column(
    x: float, names: Sequence[str], at: Mapping[str, LayerFacts], shown: Mapping[str, Sequence[str]]
) -> Iterator[Bar]:
    """Yield the bars of layers side by side, one below the other; the more channels, the higher."""
    room = (HEIGHT_PX - 2 * (len(names) - 1)) / len(names)
    heights = [room * min(1, max(0.12, math.log2(max(2, _channels(name, at))) / 11)) for name in names]
    y = ARC_PX + (HEIGHT_PX - sum(heights) - 2 * (len(names) - 1)) / 2
    for name, height in zip(names, heights, strict=True):
        chapter = shown.get(name, ("",))[0]
        yield Bar(
            x, round(y, 1), BAR_PX, round(height, 1), f"{name}, {_channels(name, at)} channels", chapter
        )
        y += height + 2


def _channels(name: str, at: Mapping[str, LayerFacts]) -> int:
    return at[name].channels
