"""Which kinds of layers are activations, and which layer comes before one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fvcli.models.graph import Node

RELUS: Mapping[str, str] = {"relu": "ReLU", "relu6": "ReLU6"}  # what is 0 where a unit is silent
# Kinds that let a unit fire or not; gates (sigmoid) and answers (softmax) are none.
ACTIVATIONS = frozenset(
    {"relu", "relu6", "leaky_relu", "prelu", "elu", "celu", "selu", "gelu", "silu", "hard_silu", "hard_swish"}
    | {"swish", "mish", "softplus", "softsign", "tanh", "hard_tanh", "glu", "threshold", "squareplus", "clip"}
)


def before_relus(nodes: Sequence[Node]) -> dict[str, str]:
    """Map each layer behind a ReLU to the layer that has the same channels before it, where there is one.

    That is what the ReLU reads. Of a concatenation of ReLUs it is the concatenation of what they read.
    """
    by_name = {node.name: node for node in nodes}
    before = {
        node.name: node.inputs[0]
        for node in nodes
        if node.kind in RELUS and node.inputs and node.inputs[0] in by_name
    }
    joined = {node.inputs: node.name for node in nodes if node.kind == "concat"}
    for node in nodes:
        parts = tuple(before.get(name, "") for name in node.inputs)
        if node.kind == "concat" and all(parts) and parts in joined:
            before[node.name] = joined[parts]
    return before
