"""Which layers are looked at: of a network that judges, and below a unit."""

from __future__ import annotations

from collections.abc import Sequence

from fvcli.models import ModelFacts
from fvcli.models.graph import Node, ancestors
from fvcli.plan.activations import ACTIVATIONS

JUDGE_LAYERS = 4
PATH_LAYERS = 6
JOINS = frozenset({"concat", "add"})


def judge_layers(facts: ModelFacts, count: int = JUDGE_LAYERS) -> tuple[str, ...]:
    """Return the widest layer of each part of a network's depth; of equally wide ones the last.

    Args:
        facts: Of the network.
        count: How many parts.
    """
    at = facts.layers_at(*facts.native_size_px)
    nodes = [node for node in _telling(facts.nodes) if at[node.name].height * at[node.name].width > 1]
    nodes = nodes or [node for node in facts.nodes if node.name in at]
    parts = [nodes[len(nodes) * i // count : len(nodes) * (i + 1) // count] for i in range(count)]
    widest = [max(reversed(part), key=lambda node: at[node.name].channels) for part in parts if part]
    return tuple(dict.fromkeys(node.name for node in widest))


def path_layers(facts: ModelFacts, layers: Sequence[str], count: int = PATH_LAYERS) -> tuple[str, ...]:
    """Return the last layers that other layers are made from, in order; none if these are the first.

    Args:
        facts: Of the network.
        layers: Their names.
        count: How many at most.
    """
    needed = ancestors(facts.inputs_of, layers) - {*layers}
    return tuple(node.name for node in _telling(facts.nodes) if node.name in needed)[-count:]


def _telling(nodes: Sequence[Node]) -> list[Node]:
    """Return activations, concatenations and sums, without those that are only a part of a concatenation."""
    readers: dict[str, list[Node]] = {}
    for node in nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    kinds = ACTIVATIONS | JOINS
    return [
        node
        for node in nodes
        if node.kind in kinds and [reader.kind for reader in readers.get(node.name, ())] != ["concat"]
    ]
