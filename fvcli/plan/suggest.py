"""Which layers of a network are worth an atlas."""

from __future__ import annotations

from dataclasses import dataclass

from fvcli.models import LayerFacts, ModelFacts
from fvcli.models.graph import ancestors, multiplications
from fvcli.plan.cost import Work

# The better to look at first: joins and sums of branches, then what comes before an activation.
KINDS = ("concat", "add", "batch_norm", "conv", "separable_conv", "depthwise_conv", "dense")
FEWEST_UNITS = 8
MANY = 4  # layers of one kind at one size of map: the middle one is suggested, too
MOST = 12


@dataclass(frozen=True)
class Suggestion:
    """A layer, the multiplications of one step of one of its pictures, and their share of the network's."""

    layer: LayerFacts
    multiplications: int
    share: float

    def work(self, facts: ModelFacts) -> Work:
        """Return what the time of a step depends on."""
        height, width = facts.native_size_px
        needed = len(ancestors(facts.inputs_of, [self.layer.name]))
        return Work(self.multiplications, height * width, needed)


def suggest_layers(facts: ModelFacts) -> list[Suggestion]:
    """Return layers from shallow to deep: for each size of map the last of the best kind that it has."""
    at = facts.layers_at(*facts.native_size_px)
    by_size: dict[tuple[int, int], list[LayerFacts]] = {}
    for layer in at.values():
        if _is_worth_it(layer) and layer.name != facts.logits:
            by_size.setdefault((layer.height, layer.width), []).append(layer)
    chosen = {layer.name for layers in by_size.values() for layer in _best(layers)}
    kept = [name for name in at if name in chosen][-MOST:]
    whole = _cost(facts, list(at)) or 1
    return [Suggestion(at[name], _cost(facts, [name]), _cost(facts, [name]) / whole) for name in kept]


def _is_worth_it(layer: LayerFacts) -> bool:
    gate = layer.height == layer.width == 1 and layer.kind != "dense"  # of a squeeze-and-excitation block
    added = layer.kind == "add" and len(layer.inputs) < 2
    return layer.kind in KINDS and layer.channels >= FEWEST_UNITS and not gate and not added


def _best(layers: list[LayerFacts]) -> list[LayerFacts]:
    first = min(KINDS.index(layer.kind) for layer in layers)
    found = [layer for layer in layers if KINDS.index(layer.kind) == first]
    return [found[len(found) // 2 - 1], found[-1]] if len(found) >= MANY else found[-1:]


def _cost(facts: ModelFacts, layers: list[str]) -> int:
    needed = ancestors(facts.inputs_of, layers)
    at = facts.layers_at(*facts.native_size_px)
    return multiplications(facts.nodes, at, needed, facts.input_channels)
