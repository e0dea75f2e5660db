"""Find the modules of a network that compute branches beside each other and join them, as GoogLeNet's do.

stem --+--> conv --> relu ---------------+
       +--> conv --> relu --> conv ... --+--> concat
       \\--> pool --> conv --> relu ------+
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fvcli.models.graph import Node, ancestors
from fvcli.plan.activations import ACTIVATIONS, before_relus

POOLS = frozenset({"max_pool", "avg_pool", "pool"})


def joins(nodes: Sequence[Node]) -> frozenset[str]:
    """Return the concatenations of branches: before the activations where a network has both."""
    inputs_of = {node.name: node.inputs for node in nodes}
    ends = {node.name for node in nodes if node.kind in ACTIVATIONS | POOLS}
    ends |= {name for node in nodes if node.kind in ACTIVATIONS for name in node.inputs}
    found: set[str] = set()
    for node in nodes:
        if node.kind == "concat" and set(node.inputs) <= ends | found and _are_beside(node.inputs, inputs_of):
            found.add(node.name)
    return frozenset(found - before_relus(nodes).keys())


def _are_beside(branches: Sequence[str], inputs_of: Mapping[str, Sequence[str]]) -> bool:
    """Tell whether there are several branches, none of which is made of another: a skip connection is."""
    below = [ancestors(inputs_of, [name]) - {name} for name in branches]
    return len(set(branches)) > 1 and not any(made_of.intersection(branches) for made_of in below)


def inside_of(join: str, inputs_of: Mapping[str, Sequence[str]]) -> set[str]:
    """Return the layers of the branches of a join: what not all of its branches are made of."""
    branches = [ancestors(inputs_of, [name]) for name in inputs_of[join]]
    return set[str]().union(*branches) - branches[0].intersection(*branches[1:])
