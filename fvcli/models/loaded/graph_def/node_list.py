"""List the nodes of a TensorFlow graph, whether or not it can be rendered."""

from __future__ import annotations

from fvcli.models.choice import ModelChoice
from fvcli.models.files.graph_noise import Output
from fvcli.models.graph_node import GraphNode
from fvcli.models.loaded.graph_def.picture_candidates import Pictures
from fvcli.models.loaded.graph_def.read import read_nodes


def list_nodes(choice: ModelChoice) -> list[GraphNode]:
    """Return the nodes of a graph in the order of the file, with the shapes that can be known beforehand.

    Raises:
        FvcliError: The file is damaged, or another one.
    """
    _, nodes, _ = read_nodes(choice)
    pictures = Pictures(nodes)
    found = []
    for name, node in nodes.items():
        known = pictures.shapes.of(Output(name, 0))
        sizes = None if known is None or known[1].rank is None else tuple(known[1].as_list())
        reads = tuple(text for text in node.input if not text.startswith("^"))
        found.append(GraphNode(name, node.op, None if known is None else known[0].name, sizes, reads))
    return found
