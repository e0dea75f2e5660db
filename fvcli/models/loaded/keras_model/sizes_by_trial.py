"""Find out what size the maps of layers have that fvcli does not know."""

from __future__ import annotations

from dataclasses import replace

import tensorflow as tf

from fvcli.models.graph import Node, Pair
from fvcli.models.loaded.network_graph import NetworkGraph
from fvcli.optvis.network import Network


def with_sizes_tried(network: NetworkGraph, size_px: Pair) -> NetworkGraph:
    """Return a network whose unknown layers have the sizes that they make of one picture.

    Keras leaves a size open where it cannot work it out, and then nothing could be rendered behind it.

    Args:
        network: Laid open.
        size_px: Height and width of the picture that it gets.

    Raises:
        FvcliError: Keras cannot compute a layer.
    """
    if not any(_is_doubtful(node) for node in network.nodes):
        return network
    tried = [node.name for node in network.nodes if node.channels and node.window is None]
    picture = tf.fill((1, *size_px, network.channels), 0.5)
    reading = Network(network.graph, (0.0, 1.0))(picture, redirect=False)
    made = {name: tuple(reading(name).shape) for name in tried}
    nodes = tuple(
        replace(node, size=made[node.name][1:3]) if node.name in made else node for node in network.nodes
    )
    return replace(network, nodes=nodes)


def _is_doubtful(node: Node) -> bool:
    unknown = 0 in node.size or node.kind.startswith("other")
    return node.channels > 0 and node.window is None and unknown
