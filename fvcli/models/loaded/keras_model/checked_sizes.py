"""Hold what fvcli derives of the sizes of maps against the sizes that Keras has for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from fvcli.models.graph import Node, Pair, layer_facts


def with_sizes_of_keras(nodes: Sequence[Node], sizes: Mapping[str, Pair], size_px: Pair) -> tuple[Node, ...]:
    """Return the nodes, those whose sizes were derived wrongly as layers of which nobody knows what they see.

    Args:
        nodes: Of a network.
        sizes: Height and width of maps as Keras has them, by layer.
        size_px: Height and width of the picture for which they are so.
    """
    described = list(nodes)
    while (wrong := next(wrong_sizes(described, sizes, size_px), None)) is not None:
        unknown = {"window": None, "size": sizes[wrong], "bound": True}
        described = [replace(node, **unknown) if node.name == wrong else node for node in described]
    return tuple(described)


def wrong_sizes(nodes: Sequence[Node], sizes: Mapping[str, Pair], size_px: Pair) -> Iterator[str]:
    """Yield the names of the layers whose maps have another size than fvcli derives, in order."""
    facts = layer_facts(nodes, size_px)
    for node in nodes:
        derived = facts[node.name].height, facts[node.name].width
        if node.channels and sizes.get(node.name, derived) != derived:
            yield node.name
