"""A network with one layer's weights a little changed, to see how small a change of a network is noticed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fvcli.optvis.calls import Call, CallGraph, Linear, ancestors


def linear_layers(graph: CallGraph, layers: Sequence[str]) -> list[str]:
    """Return the convolutions and dense layers that every one of some layers is made from, in order."""
    needed = [ancestors([graph.calls[layer]]) for layer in layers]
    return [
        name
        for name, call in graph.calls.items()
        if isinstance(call.role, Linear) and all(call in calls for calls in needed)
    ]


def perturbed(graph: CallGraph, layer: str, share: float, seed: int = 0) -> CallGraph:
    """Return a graph in which each weight w of a layer is w (1 + share n), with n normal.

    Args:
        graph: It is not changed.
        layer: The name of a convolution or a dense layer.
        share: How far weights are changed, such as 0.01.
        seed: Of the normal numbers.
    """
    target = graph.calls[layer]
    assert isinstance(target.role, Linear)  # or it has no weights to change
    noise = np.random.default_rng(seed).standard_normal(target.role.kernel.shape)
    kernel = (target.role.kernel * (1 + share * noise)).astype(target.role.kernel.dtype)
    made: dict[Call, Call] = {graph.image: graph.image}
    for call in _in_order(graph):
        if call in made:
            continue
        role = replace(call.role, kernel=kernel) if call is target else call.role
        made[call] = Call(call.name, tuple(made[part] for part in call.inputs), call.compute, role)
    return CallGraph(graph.image, {name: made[call] for name, call in graph.calls.items()})


def _in_order(graph: CallGraph) -> list[Call]:
    """Return all calls, each after those that it reads; deep networks are walked without recursion."""
    found: dict[Call, None] = {}
    for end in graph.calls.values():
        todo = [end]
        while todo:
            missing = [part for part in todo[-1].inputs if part not in found]
            if missing:
                todo += missing
            else:
                found[todo.pop()] = None
    return list(found)
