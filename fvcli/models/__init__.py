"""The networks: which there are, what their layers are, and loading them."""

from fvcli.models.choice import ModelChoice, Preprocessing
from fvcli.models.graph import LayerFacts
from fvcli.models.graph_node import GraphNode
from fvcli.models.model_facts import ModelFacts
from fvcli.models.registry import (
    describe,
    graph_nodes,
    list_models,
    load,
    model_names,
    needs_tensorflow,
    weights_are_remote,
    weights_file,
    weights_in_use,
)

__all__ = [
    "GraphNode",
    "LayerFacts",
    "ModelChoice",
    "ModelFacts",
    "Preprocessing",
    "describe",
    "graph_nodes",
    "list_models",
    "load",
    "model_names",
    "needs_tensorflow",
    "weights_are_remote",
    "weights_file",
    "weights_in_use",
]
