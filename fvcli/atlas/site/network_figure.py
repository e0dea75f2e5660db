"""The network as a picture: its layers with weights as bars, in order of depth, by the size of their maps."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fvcli.models import LayerFacts, ModelFacts

WITH_WEIGHTS = ("conv", "dense", "einsum", "attention", "matmul")  # parts of kinds that have weights
BAR_PX, GAP_PX, HEIGHT_PX, ARC_PX, ARC_TOP_PX = 10, 4, 96, 16, 2
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
class Arc:
    """A connection above the bars, from one place to another, in pixels."""

    left: float
    right: float

    @property
    def points(self) -> tuple[tuple[float, float], ...]:
        """Where it begins, the two points that it bends to, and where it ends: a Bezier curve."""
        return (self.left, ARC_PX), (self.left, ARC_TOP_PX), (self.right, ARC_TOP_PX), (self.right, ARC_PX)

    def __str__(self) -> str:
        """Return it as a path of SVG."""
        start, *others = (f"{x:.1f} {y}" for x, y in self.points)
        return f"M{start}C{' '.join(others)}"


@dataclass(frozen=True)
class Stage:
    """Layers one after the other whose maps have one size.

    size: Such as ``56 x 56``, or ``vector``.
    arcs: Connections that pass layers by.
    chapters: Names of those that are shown here, in order.
    """

    size: str
    width: float
    height: float
    bars: tuple[Bar, ...]
    arcs: tuple[Arc, ...]
    chapters: tuple[str, ...]


def stages_of(facts: ModelFacts, chapters: Sequence[str]) -> list[Stage]:
    """Return the stages of a network.

    Args:
        facts: Of the network.
        chapters: Names of the layers that the atlas shows.
    """
    at = facts.layers_at(*facts.native_size_px)
    depths, owners = _depths(facts)
    if max(depths.values(), default=0) > MOST_COLUMNS:
        return []
    marked: defaultdict[str, list[str]] = defaultdict(list)
    named: defaultdict[str, list[str]] = defaultdict(list)
    for chapter in chapters:
        for owner in owners.get(chapter, ()):
            marked[owner].append(chapter)
        if owners.get(chapter):
            named[owners[chapter][0]].append(chapter)
    columns: defaultdict[int, list[str]] = defaultdict(list)
    for name in depths:
        if name in at and owners.get(name) == (name,):
            columns[depths[name]].append(name)
    layers = _Layers(columns, at, marked, named)
    arcs = _skips(facts, depths)
    return [_stage(members, layers, arcs) for members in _stages(sorted(columns), columns, at)]


@dataclass(frozen=True)
class _Layers:
    """The layers with weights.

    columns: By depth, those that stand side by side.
    at: Their sizes.
    marked: The chapters that show a layer, or what is made of it right behind it.
    named: The chapters that are named below a layer: each below one alone.
    """

    columns: Mapping[int, Sequence[str]]
    at: Mapping[str, LayerFacts]
    marked: Mapping[str, Sequence[str]]
    named: Mapping[str, Sequence[str]]


def _depths(facts: ModelFacts) -> tuple[dict[str, int], dict[str, tuple[str, ...]]]:
    """Return how many layers with weights lie up to each node, and those right before it, the deepest first.

    A node has several of these where branches are joined to one map, as in Inception.
    """
    inputs = {node.name: node.inputs for node in facts.nodes}
    depths: dict[str, int] = {}
    owners: dict[str, tuple[str, ...]] = {}
    for node in facts.nodes:
        before = sorted((name for name in node.inputs if name in depths), key=lambda name: -depths[name])
        depth = depths[before[0]] if before else 0
        if any(kind in node.kind for kind in WITH_WEIGHTS):
            depths[node.name], owners[node.name] = depth + 1, (node.name,)
            continue
        depths[node.name] = depth
        joined = _branches(before, inputs, depths) if "concat" in node.kind else before[:1]
        owners[node.name] = tuple(dict.fromkeys(owner for name in joined for owner in owners.get(name, ())))
    return depths, owners


def _branches(
    joined: Sequence[str], inputs: Mapping[str, Sequence[str]], depths: Mapping[str, int]
) -> list[str]:
    """Return those of the joined nodes that no other of them is made from: others pass layers by."""
    return [one for one in joined if not any(_is_behind(two, one, inputs, depths) for two in joined)]


def _is_behind(node: str, other: str, inputs: Mapping[str, Sequence[str]], depths: Mapping[str, int]) -> bool:
    """Tell whether a node is made from another one."""
    seen, waiting = {node}, [node]
    while waiting:
        for name in inputs[waiting.pop()]:
            if name == other:
                return True
            if name not in seen and depths.get(name, -1) >= depths[other]:
                seen.add(name)
                waiting.append(name)
    return False


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


def _stage(members: Sequence[int], layers: _Layers, arcs: Sequence[tuple[int, int]]) -> Stage:
    step, columns = BAR_PX + GAP_PX, layers.columns
    bars = [
        bar for place, depth in enumerate(members) for bar in _column(place * step, columns[depth], layers)
    ]
    first, last = members[0], members[-1]
    inside = [(a, b) for a, b in arcs if first <= a and b <= last]
    curves = tuple(Arc((a - first) * step + BAR_PX / 2, (b - first) * step + BAR_PX / 2) for a, b in inside)
    height, width = _size(columns[first][0], layers.at)
    names = [
        chapter for depth in members for name in columns[depth] for chapter in layers.named.get(name, ())
    ]
    return Stage(
        "vector" if height == width == 1 else f"{height} \u00d7 {width}",
        len(members) * step - GAP_PX,
        ARC_PX + HEIGHT_PX,
        tuple(bars),
        curves,
        tuple(names),
    )


def _column(x: float, names: Sequence[str], layers: _Layers) -> Iterator[Bar]:
    """Yield the bars of layers side by side, one below the other; the more channels, the higher."""
    counts = [layers.at[name].channels for name in names]
    room = (HEIGHT_PX - 2 * (len(names) - 1)) / len(names)
    heights = [room * min(1, max(0.12, math.log2(max(2, count)) / 11)) for count in counts]
    y = ARC_PX + (HEIGHT_PX - sum(heights) - 2 * (len(names) - 1)) / 2
    for name, count, height in zip(names, counts, heights, strict=True):
        chapter = layers.marked.get(name, ("",))[0]
        yield Bar(x, round(y, 1), BAR_PX, round(height, 1), f"{name}, {count} channels", chapter)
        y += height + 2
